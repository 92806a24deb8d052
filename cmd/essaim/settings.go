package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/pelletier/go-toml/v2"

	"codeberg.org/essaim/essaim/node"
)

// settings are what an admin chooses: defaults, then essaim.toml, then
// ESSAIM_… variables, then flags (spec/cli.md §5).
type settings struct {
	Network networkSettings `toml:"network" comment:"How this node meets others."`
	HTTP    httpSettings    `toml:"http" comment:"The local API. Programs need a token: essaim token create."`
	Store   storeSettings   `toml:"store"`
	Keys    keySettings     `toml:"keys"`
	Log     logSettings     `toml:"log"`

	dir    string // data folder
	path   string // of essaim.toml, which may not exist
	create bool   // the command may make the folder
}

type networkSettings struct {
	Enabled bool `toml:"enabled" comment:"false: speak to nobody, ask no web site"`
	Port    int  `toml:"port" comment:"TCP and UDP; 0 takes any free port"`
	Local   bool `toml:"local" comment:"true: this machine only"`
	MDNS    bool `toml:"mdns" comment:"find nodes on the local network, and be found"`
	Seek    bool `toml:"seek" comment:"go back to nodes met before, ask nodes for others near, and tell them of others"`
	UPnP    bool `toml:"upnp" comment:"ask the router to let other nodes in (UPnP, NAT-PMP)"`

	Reachable string `toml:"reachable" comment:"auto finds out whether nodes elsewhere reach this one; yes and no say so"`
	Relay     string `toml:"relay" comment:"whom this node relays while it is reachable: territory (those who follow what it follows), friends (added peers), off"`
	DHT       bool   `toml:"dht" comment:"meet nodes of the same territories through the nodes of all"`
}

// reach is how nodes elsewhere reach this one: not at all when it is to speak to
// this machine only.
func (n networkSettings) reach() node.Reach {
	if n.offline() {
		return node.Reach{}
	}
	return node.Reach{
		Outside: true, Known: reachabilities[n.Reachable], PortMap: n.UPnP, Relay: node.RelayFor(n.Relay), Rendezvous: n.DHT,
	}
}

var reachabilities = map[string]node.Reachability{"auto": "", "yes": node.Public, "no": node.Hidden}

// offline says that nothing but this machine is asked for anything, and no web
// site either.
func (n networkSettings) offline() bool { return !n.Enabled || n.Local }

type httpSettings struct {
	Listen       string   `toml:"listen" comment:"address and port, or \"off\""`
	AllowedHosts []string `toml:"allowed_hosts" comment:"other names a request may call this node by"`
	PublicURL    string   `toml:"public_url" comment:"how others reach it; begins claim links, and with https wallets find badges there"`
}

// link is how claim links begin: what the admin says, or where the API listens.
func (h httpSettings) link() string {
	if h.PublicURL != "" || h.Listen == "off" || strings.HasSuffix(h.Listen, ":0") {
		return h.PublicURL
	}
	return "http://" + h.Listen
}

type storeSettings struct {
	MinFreeMB int `toml:"min_free_mb" comment:"below this much free disk nothing is written; 0 chooses"`
}

func (s storeSettings) minFree() uint64 { return uint64(max(s.MinFreeMB, 0)) << 20 }

type keySettings struct {
	PassphraseFile string `toml:"passphrase_file" comment:"holds the passphrase of the keys, for a service that starts alone"`
}

type logSettings struct {
	Level  string `toml:"level" comment:"debug, info, warn or error"`
	Format string `toml:"format" comment:"text or json"`
}

func defaults() *settings {
	return &settings{
		Network: networkSettings{
			Enabled: true, Port: node.Port, MDNS: true, Seek: true, UPnP: true, Reachable: "auto", Relay: string(node.RelayNeighbours), DHT: true,
		},
		HTTP: httpSettings{Listen: "127.0.0.1:8797", AllowedHosts: []string{}},
		Log:  logSettings{Level: "info", Format: "text"},
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
	for _, path := range []*string{&s.dir, &s.path} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return nil, err
		}
		*path = abs
	}
	if err := s.read(); err != nil {
		return nil, &failure{
			Code: "bad_config", Message: p.translated(err.Error()), exit: exitConfig,
			Hint: p.tr("corrigez, puis : essaim config check", "mend it, then: essaim config check"),
		}
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
	for name, value := range s.names() {
		variable := variableOf(name)
		text := os.Getenv(variable)
		if text == "" {
			continue
		}
		if err := setText(value, text); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
	}
	return s.check()
}

// variableOf is ESSAIM_NETWORK_PORT for network.port.
func variableOf(name string) string {
	return "ESSAIM_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
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
	_, reachable := reachabilities[s.Network.Reachable]
	switch relay := node.RelayFor(s.Network.Relay); {
	case s.Network.Port < 0 || s.Network.Port > 65535:
		return fmt.Errorf("%s: network.port is %d, not from 0 to 65535", s.path, s.Network.Port)
	case !reachable:
		return fmt.Errorf("%s: network.reachable is %q, not auto, yes or no", s.path, s.Network.Reachable)
	case relay != node.RelayNeighbours && relay != node.RelayFriends && relay != node.RelayNobody:
		return fmt.Errorf("%s: network.relay is %q, not territory, friends or off", s.path, s.Network.Relay)
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
