package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node"
)

// loaded is what load makes of a settings file, in a folder of its own.
func loaded(t *testing.T, text string) (*settings, error) {
	t.Helper()
	dir := t.TempDir()
	if text != "" {
		if err := os.WriteFile(filepath.Join(dir, configName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := newProgram(strings.NewReader(""), nil, nil)
	p.dataDir = dir
	return p.load()
}

func TestSettingsPrecedence(t *testing.T) {
	s, err := loaded(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Network.Port != 4797 || !s.Network.Enabled || s.HTTP.Listen != "127.0.0.1:8797" {
		t.Errorf("defaults: %+v", s)
	}
	const file = "[network]\nport = 5000\nlocal = true\n[http]\nallowed_hosts = ['rade.local']\n"
	t.Setenv("ESSAIM_NETWORK_PORT", "6000")
	t.Setenv("ESSAIM_HTTP_ALLOWED_HOSTS", "a.example, b.example")
	t.Setenv("ESSAIM_LOG_FORMAT", "")
	s, err = loaded(t, file)
	if err != nil {
		t.Fatal(err)
	}
	if s.Network.Port != 6000 {
		t.Errorf("port %d, want 6000: a variable counts before the file", s.Network.Port)
	}
	if !s.Network.Local || !s.Network.MDNS {
		t.Errorf("local %t, mdns %t, want true from the file and true by default", s.Network.Local, s.Network.MDNS)
	}
	if want := []string{"a.example", "b.example"}; !slices.Equal(s.HTTP.AllowedHosts, want) {
		t.Errorf("allowed hosts %q, want %q", s.HTTP.AllowedHosts, want)
	}
	if s.Log.Format != "text" {
		t.Errorf("log format %q: an empty variable counts as none", s.Log.Format)
	}
}

// Each wrong setting is told with its place, and the status is 78.
func TestSettingsRefused(t *testing.T) {
	for _, x := range []struct{ name, text, want string }{
		{"unknown setting", "[network]\nprot = 1\n", ":2:1: no setting is called network.prot"},
		{"unknown section", "[nework]\nport = 1\n", ": no setting is called nework"},
		{"syntax", "[network]\nport == 1\n", ":2:7: "},
		{"kind", "[network]\nport = 'many'\n", ":2:8: "},
		{"range", "[network]\nport = 70000\n", "network.port is 70000, not from 0 to 65535"},
		{"reachable", "[network]\nreachable = 'often'\n", "network.reachable is \"often\", not auto, yes or no"},
		{"relay", "[network]\nrelay = 'all'\n", "network.relay is \"all\", not territory, friends or off"},
		{"level", "[log]\nlevel = 'loud'\n", "log.level is \"loud\""},
		{"format", "[log]\nformat = 'xml'\n", "log.format is \"xml\""},
	} {
		_, err := loaded(t, x.text)
		var f *failure
		if !errors.As(err, &f) || f.exit != exitConfig || !strings.Contains(f.Message, x.want) {
			t.Errorf("%s: %v, want status %d and %q", x.name, err, exitConfig, x.want)
		}
	}
}

// A setting has a name, a variable, and can be set by text and read back.
func TestSettingsByName(t *testing.T) {
	values := map[string]string{
		"network.enabled": "false", "network.port": "5000", "network.local": "true", "network.mdns": "false", "network.seek": "false",
		"network.upnp": "false", "network.reachable": "yes", "network.relay": "friends", "network.dht": "false",
		"http.listen": "off", "http.allowed_hosts": "a.example,b.example", "http.public_url": "http://rade.local",
		"store.min_free_mb": "100", "keys.passphrase_file": "/etc/essaim/passphrase", "log.level": "debug", "log.format": "json",
	}
	s := defaults()
	for name, v := range s.names() {
		text, ok := values[name]
		if !ok {
			t.Errorf("%s is not in this test", name)
			continue
		}
		if err := setText(v, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := settingText(v); got != text {
			t.Errorf("%s is %q, want %q", name, got, text)
		}
	}
	if len(s.names()) != len(values) {
		t.Errorf("%d settings, want %d", len(s.names()), len(values))
	}
	if got := variableOf("http.public_url"); got != "ESSAIM_HTTP_PUBLIC_URL" {
		t.Errorf("variable %s", got)
	}
}

// Paths are whole, whatever the folder the program was started in.
func TestSettingsPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	p := newProgram(strings.NewReader(""), nil, nil)
	p.dataDir, p.configPath = "brest", "mine.toml"
	s, err := p.load()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{s.dir, s.path, s.socket()} {
		if !filepath.IsAbs(path) {
			t.Errorf("%s is not absolute", path)
		}
	}
}

// A node that speaks to this machine only, or to nobody, looks for no way in from
// elsewhere.
func TestLocalReachesNobody(t *testing.T) {
	n := defaults().Network
	if r := n.reach(); r != (node.Reach{Outside: true, PortMap: true, Relay: node.RelayNeighbours, Rendezvous: true}) {
		t.Errorf("by default: got %+v", r)
	}
	for _, change := range []func(*networkSettings){
		func(n *networkSettings) { n.Local = true },
		func(n *networkSettings) { n.Enabled = false },
	} {
		closed := n
		change(&closed)
		if r := closed.reach(); r != (node.Reach{}) {
			t.Errorf("of %+v: got %+v, want nothing", closed, r)
		}
	}
}
