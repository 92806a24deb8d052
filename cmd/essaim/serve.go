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
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/node/web"
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
				return usage(p.translated(err.Error()))
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
func (p *program) serve(ctx context.Context, s *settings) error {
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
	if err := p.checkSocket(s.socket()); err != nil {
		return err
	}
	log := newLogger(p, s, level)
	n, err := node.New(node.Config{
		Dir: s.dir, Network: s.Network.Enabled, Listen: node.ListenAddrs(s.Network.Port, s.Network.Local),
		MDNS: s.Network.MDNS && !s.Network.Local, Seek: s.Network.Seek, Reach: s.Network.reach(),
		Logger: log, MinFree: s.Store.minFree(),
		Offline: s.Network.offline(), Web: p.web,
	})
	if err != nil {
		return err
	}
	err = errors.Join(p.serveNode(ctx, n, s, log), n.Close())
	if err == nil {
		p.note("Le nœud est arrêté ; tout est enregistré.", "The node has stopped; all is saved.")
	}
	return err
}

// serveNode listens everywhere before it starts anything, so that what cannot
// be had is told at once and leaves nothing behind.
func (p *program) serveNode(ctx context.Context, n *node.Node, s *settings, log *slog.Logger) error {
	if err := p.unlock(ctx, n, s, log); err != nil {
		return err
	}
	var listener net.Listener
	if s.HTTP.Listen != "off" {
		var err error
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", s.HTTP.Listen); err != nil {
			return p.cannotListen(s.HTTP.Listen, err)
		}
		defer listener.Close() // of no effect once the server has closed it
		if s.HTTP.PublicURL == "" {
			s.HTTP.PublicURL = "http://" + reachable(listener.Addr())
		}
	}
	socket, err := listenSocket(s.socket())
	if err != nil {
		return err
	}
	server := api.New(api.Config{Node: n, Version: version, Logger: log, AllowedHosts: s.HTTP.AllowedHosts, PublicURL: s.HTTP.PublicURL})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.Run(ctx) })
	serveHTTP(ctx, group, socket, server.Local())
	if listener != nil {
		mux := http.NewServeMux()
		mux.Handle("/api/", server.Remote())
		mux.Handle("/ob/", server.Wallets())
		mux.Handle("/", server.Guard(web.New(web.Config{Node: n, Logger: log})))
		serveHTTP(ctx, group, listener, mux)
	}
	p.note("Le nœud est en marche. Pour l’arrêter : Ctrl-C.", "The node is running. To stop it: Ctrl-C.")
	for _, a := range n.Addrs() {
		p.note("  réseau   %s", "  network  %s", a)
	}
	if listener != nil {
		p.note("  API      http://%s/api/v1", "  API      http://%s/api/v1", listener.Addr())
	}
	return group.Wait()
}

func (p *program) cannotListen(address string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return usage(fmt.Sprintf(p.tr("--http %s : ce n’est pas une adresse où écouter (%v)", "--http %s: this is no address to listen on (%v)"), address, err))
	}
	return &failure{
		Code: "address_in_use", exit: exitError,
		Message: fmt.Sprintf(p.tr("un autre programme écoute déjà sur %s", "another program listens on %s already"), address),
		Hint:    p.tr("essaim serve --http 127.0.0.1:8798, ou --http off", "essaim serve --http 127.0.0.1:8798, or --http off"),
	}
}

// unlock opens the keys when the passphrase is at hand. Without it the node
// runs, relays and answers, and signs nothing until a command unlocks it.
func (p *program) unlock(ctx context.Context, n *node.Node, s *settings, log *slog.Logger) error {
	keys, err := n.Keys()
	if errors.Is(err, node.ErrNoCommunity) || err == nil && !keys.Locked() {
		return nil
	}
	if err != nil {
		return err
	}
	if !p.hasPassphrase(s) {
		log.Warn("the keys are locked: nothing is signed until a command gives the passphrase")
		return nil
	}
	passphrase, err := p.passphrase(ctx, false)
	if err != nil {
		return err
	}
	return n.Unlock(passphrase)
}

// maxSocketPath is what every system leaves: Linux takes 107 bytes, others 103.
const maxSocketPath = 100

func (p *program) checkSocket(path string) error {
	if len(path) <= maxSocketPath {
		return nil
	}
	return usage(fmt.Sprintf(p.tr("%s : ce chemin dépasse les %d octets que peut avoir celui d’une prise locale ; choisissez un --data-dir plus court",
		"%s: this path is longer than the %d bytes a socket can have: choose a shorter --data-dir"), path, maxSocketPath))
}

// reachable returns the address others can use for one that is listened on:
// where that is every address of this machine, the first one on a network.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	port := strconv.Itoa(tcp.Port)
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return net.JoinHostPort("127.0.0.1", port)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return net.JoinHostPort(n.IP.String(), port)
		}
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// listenSocket listens on the unix socket of the folder, which a node that was
// killed may have left behind: the lock of the store says there is no other.
func listenSocket(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	// Only its owner may connect, from the first moment on.
	defer syscall.Umask(syscall.Umask(0o177))
	return new(net.ListenConfig).Listen(context.Background(), "unix", path)
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
		if server.Shutdown(patience) != nil {
			return server.Close() // whoever still reads has had the time
		}
		return nil
	})
}
