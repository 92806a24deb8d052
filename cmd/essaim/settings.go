package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/caarlos0/env/v11"
	"github.com/pelletier/go-toml/v2"

	"codeberg.org/essaim/essaim/node"
)

// settings are what an admin chooses: defaults, then essaim.toml, then
// ESSAIM_… variables, then flags (spec/cli.md §5).
type settings struct {
	Network networkSettings `toml:"network" envPrefix:"NETWORK_" comment:"How this node meets others."`
	HTTP    httpSettings    `toml:"http" envPrefix:"HTTP_" comment:"The local API. Programs need a token: essaim token create."`
	Store   storeSettings   `toml:"store" envPrefix:"STORE_"`
	Keys    keySettings     `toml:"keys" envPrefix:"KEYS_"`
	Log     logSettings     `toml:"log" envPrefix:"LOG_"`

	dir    string // data folder
	path   string // of essaim.toml, which may not exist
	create bool   // the command may make the folder
}

type networkSettings struct {
	Enabled bool `toml:"enabled" env:"ENABLED" comment:"false: speak to nobody"`
	Port    int  `toml:"port" env:"PORT" comment:"TCP and UDP; 0 takes any free port"`
	Local   bool `toml:"local" env:"LOCAL" comment:"true: this machine only"`
	MDNS    bool `toml:"mdns" env:"MDNS" comment:"find nodes on the local network, and be found"`
}

type httpSettings struct {
	Listen       string   `toml:"listen" env:"LISTEN" comment:"address and port, or \"off\""`
	AllowedHosts []string `toml:"allowed_hosts" env:"ALLOWED_HOSTS" comment:"other names a request may call this node by"`
	PublicURL    string   `toml:"public_url" env:"PUBLIC_URL" comment:"how others reach it; begins claim links"`
}

type storeSettings struct {
	MinFreeMB int `toml:"min_free_mb" env:"MIN_FREE_MB" comment:"below this much free disk nothing is written; 0 chooses"`
}

func (s storeSettings) minFree() uint64 { return uint64(max(s.MinFreeMB, 0)) << 20 }

type keySettings struct {
	PassphraseFile string `toml:"passphrase_file" env:"PASSPHRASE_FILE" comment:"holds the passphrase of the keys, for a service that starts alone"`
}

type logSettings struct {
	Level  string `toml:"level" env:"LEVEL" comment:"debug, info, warn or error"`
	Format string `toml:"format" env:"FORMAT" comment:"text or json"`
}

func defaults() *settings {
	return &settings{
		Network: networkSettings{Enabled: true, Port: node.Port, MDNS: true},
		HTTP:    httpSettings{Listen: "127.0.0.1:8797", AllowedHosts: []string{}},
		Log:     logSettings{Level: "info", Format: "text"},
	}
}

// load reads the settings, once.
func (p *program) load() (*settings, error) {
	if p.settings != nil {
		return p.settings, nil
	}
	s := defaults()
	chosen := firstSet(p.dataDir, os.Getenv("ESSAIM_DATA_DIR"))
	s.dir, s.path = chosen, firstSet(p.configPath, os.Getenv("ESSAIM_CONFIG"))
	if s.dir == "" {
		s.dir = filepath.Join(xdg.DataHome, "essaim")
	}
	if s.path == "" && chosen != "" {
		s.path = filepath.Join(chosen, configName)
	}
	if s.path == "" {
		s.path = filepath.Join(xdg.ConfigHome, "essaim", configName)
	}
	var err error
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return nil, err
	}
	if err := s.read(); err != nil {
		return nil, &failure{Code: "bad_config", Message: err.Error(), exit: exitConfig,
			Hint: p.tr("corrigez le fichier, puis : essaim config check", "mend the file, then: essaim config check")}
	}
	p.settings = s
	return s, nil
}

const configName = "essaim.toml"

// read lays the file and the environment over the defaults. An unknown name is
// an error with its line and column.
func (s *settings) read() error {
	f, err := os.Open(s.path)
	if err == nil {
		err = toml.NewDecoder(f).DisallowUnknownFields().Decode(s)
		f.Close()
		var strict *toml.StrictMissingError
		var syntax *toml.DecodeError
		switch {
		case errors.As(err, &strict) && len(strict.Errors) > 0:
			row, column := strict.Errors[0].Position()
			return fmt.Errorf("%s:%d:%d: no setting is called %s", s.path, row, column, dotted(strict.Errors[0].Key()))
		case errors.As(err, &syntax):
			row, column := syntax.Position()
			return fmt.Errorf("%s:%d:%d: %w", s.path, row, column, err)
		case err != nil:
			return fmt.Errorf("%s: %w", s.path, err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := env.ParseWithOptions(s, env.Options{Prefix: "ESSAIM_"}); err != nil {
		return err
	}
	return s.check()
}

func dotted(key toml.Key) string {
	out := ""
	for i, k := range key {
		if i > 0 {
			out += "."
		}
		out += k
	}
	return out
}

// check refuses values no node can work with.
func (s *settings) check() error {
	var level slog.Level
	switch {
	case s.Network.Port < 0 || s.Network.Port > 65535:
		return fmt.Errorf("%s: network.port is %d, not from 0 to 65535", s.path, s.Network.Port)
	case level.UnmarshalText([]byte(s.Log.Level)) != nil:
		return fmt.Errorf("%s: log.level is %q, not debug, info, warn or error", s.path, s.Log.Level)
	case s.Log.Format != "text" && s.Log.Format != "json":
		return fmt.Errorf("%s: log.format is %q, not text or json", s.path, s.Log.Format)
	}
	return nil
}

// absolute returns path as the node sees it, whose folder is another.
func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return abs, nil
}

// socket is where the running node is spoken to.
func (s *settings) socket() string { return filepath.Join(s.dir, "essaim.sock") }

// logger writes what happens to standard error: in this process warnings only,
// unless --verbose.
func (p *program) logger(s *settings) *slog.Logger {
	level := slog.LevelWarn
	if p.verbose {
		level = slog.LevelDebug
	}
	if p.quiet {
		level = slog.LevelError
	}
	return newLogger(p, s, level)
}

func newLogger(p *program, s *settings, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if s.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(p.err, options))
	}
	return slog.New(slog.NewTextHandler(p.err, options))
}
