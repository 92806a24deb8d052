package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
)

func serveCommand(p *program) *cobra.Command {
	var offline, local, noMDNS bool
	var port int
	var listen string
	c := &cobra.Command{
		Use: "serve", Args: cobra.NoArgs,
		Short:   p.tr("faire tourner le nœud jusqu’à ce qu’on l’arrête", "run the node until it is stopped"),
		Example: "  essaim serve\n  essaim serve --local --port 0 --http off",
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.load()
			if err != nil {
				return err
			}
			flags := c.Flags()
			if flags.Changed("offline") {
				s.Network.Enabled = !offline
			}
			if flags.Changed("local") {
				s.Network.Local = local
			}
			if flags.Changed("no-mdns") {
				s.Network.MDNS = !noMDNS
			}
			if flags.Changed("port") {
				s.Network.Port = port
			}
			if flags.Changed("http") {
				s.HTTP.Listen = listen
			}
			if err := s.check(); err != nil {
				return usage(err.Error())
			}
			return p.serve(c.Context(), s)
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, p.tr("ne parler à personne", "speak to nobody"))
	c.Flags().BoolVar(&local, "local", false, p.tr("cette machine seulement", "this machine only"))
	c.Flags().BoolVar(&noMDNS, "no-mdns", false, p.tr("ne pas chercher de nœuds sur le réseau local", "do not look for nodes on the local network"))
	c.Flags().IntVar(&port, "port", node.Port, p.tr("port TCP et UDP, 0 pour n’importe lequel", "TCP and UDP port, 0 for any"))
	c.Flags().StringVar(&listen, "http", "127.0.0.1:8797", p.tr("adresse de l’API, ou off", "address of the API, or off"))
	return c
}

// memoryLimit is where the collector begins to work harder: a full node with a
// million records idles below it, and a box with 512 MB survives it.
const memoryLimit = 128 << 20

// serve runs the node and its API until ctx ends. It stops from the outside in:
// no new requests, then the network, then the store.
func (p *program) serve(ctx context.Context, s *settings) (err error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.Log.Level)); err != nil {
		return err
	}
	if p.verbose {
		level = slog.LevelDebug
	}
	log := newLogger(p, s, level)
	n, err := node.New(node.Config{
		Dir: s.dir, Network: s.Network.Enabled, Listen: node.ListenAddrs(s.Network.Port, s.Network.Local),
		MDNS: s.Network.MDNS && !s.Network.Local, Logger: log, MinFree: s.Store.minFree(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if err := p.unlock(n, s, log); err != nil {
		return err
	}
	server := api.New(api.Config{Node: n, Version: version, Logger: log, AllowedHosts: s.HTTP.AllowedHosts, PublicURL: s.HTTP.PublicURL})
	socket, err := listenSocket(s.socket())
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.Run(ctx) })
	serveHTTP(ctx, group, socket, server.Local())
	address := ""
	if s.HTTP.Listen != "off" {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.HTTP.Listen)
		if err != nil {
			socket.Close()
			return &failure{Code: "address_in_use", exit: exitError, Message: err.Error(),
				Hint: p.tr("un autre programme écoute là : essaim serve --http 127.0.0.1:8798, ou --http off", "another program listens there: essaim serve --http 127.0.0.1:8798, or --http off")}
		}
		address = listener.Addr().String()
		serveHTTP(ctx, group, listener, server.Remote())
	}
	p.note("Le nœud est en marche. Pour l’arrêter : Ctrl-C.", "The node is running. To stop it: Ctrl-C.")
	for _, a := range n.Addrs() {
		p.note("  pairs  %s", "  peers  %s", a)
	}
	if address != "" {
		p.note("  API    http://%s/api/v1", "  API    http://%s/api/v1", address)
	}
	err = group.Wait()
	p.note("Le nœud est arrêté ; tout est enregistré.", "The node has stopped; all is saved.")
	return err
}

// unlock opens the keys when the passphrase is at hand. Without it the node
// runs, relays and answers, and signs nothing until a command unlocks it.
func (p *program) unlock(n *node.Node, s *settings, log *slog.Logger) error {
	keys, err := n.Keys()
	if errors.Is(err, node.ErrNoCommunity) || err == nil && !keys.Locked() {
		return nil
	}
	if err != nil {
		return err
	}
	if firstSet(p.passphraseFile, s.Keys.PassphraseFile) == "" && !p.asks() {
		log.Warn("the keys are locked: nothing is signed until a command gives the passphrase")
		return nil
	}
	passphrase, err := p.passphrase(false)
	if err != nil {
		return err
	}
	return n.Unlock(passphrase)
}

// listenSocket listens on the unix socket of the folder, which a node that was
// killed may have left behind: the lock of the store says there is no other.
func listenSocket(path string) (net.Listener, error) {
	if len(path) > 100 {
		return nil, fmt.Errorf("socket %s: the path is longer than the 100 bytes a socket can have: choose a shorter --data-dir", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, 0o600)
}

// serveHTTP answers on l until ctx ends, and lets requests under way finish.
func serveHTTP(ctx context.Context, group *errgroup.Group, l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return server.Shutdown(patience)
	})
}
