package api_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
)

const stranger = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

// running returns a node on the network of this machine, at work until the test ends.
func running(t *testing.T) *fablab {
	t.Helper()
	f := tyfab(t, func(n *node.Config, _ *api.Config) { n.Network, n.Listen = true, node.ListenAddrs(0, true) })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.node.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return f
}

func TestPeers(t *testing.T) {
	brest, rennes := running(t), running(t)
	status := answered[api.Status](rennes.admin.get("/status"))
	if !status.Network || status.Peer == "" || len(status.Addrs) == 0 {
		t.Fatalf("status: got %+v, want it on the network", status)
	}
	added := answered[api.PeerDetail](brest.admin.post("/peers", api.PeerRequest{Address: status.Addrs[0]}))
	if added.ID != status.Peer || !added.Static {
		t.Errorf("added: got %+v, want %s, static", added, status.Peer)
	}
	pong := answered[api.Pong](brest.admin.post("/peers/"+status.Peer+"/ping", nil))
	if pong.Peer != status.Peer || pong.Ms <= 0 {
		t.Errorf("ping: got %+v, want some time", pong)
	}
	list := answered[api.PeerList](brest.admin.get("/peers")).Peers
	if len(list) != 1 || !list[0].Connected || list[0].Since.IsZero() {
		t.Errorf("peers: got %+v, want one, connected", list)
	}
	same(t, "connected", answered[api.Status](brest.admin.get("/status")).Connected, 1)
	for _, c := range answered[api.Doctor](brest.admin.get("/doctor")).Checks {
		same(t, c.Name+": "+c.Detail, c.Result, "ok")
	}
	same(t, "blocked", answered[api.PeerDetail](brest.admin.put("/peers/"+status.Peer+"/block", nil)).Blocked, true)
	brest.admin.post("/peers", api.PeerRequest{Address: status.Addrs[0]}).refused(http.StatusConflict, "blocked_peer")
	brest.admin.post("/peers/"+status.Peer+"/ping", nil).refused(http.StatusGatewayTimeout, "unreachable")
	same(t, "unblocked", answered[api.PeerDetail](brest.admin.remove("/peers/"+status.Peer+"/block")).Blocked, false)

	own := answered[api.Status](brest.admin.get("/status"))
	brest.admin.post("/peers", api.PeerRequest{Address: own.Addrs[0]}).refused(http.StatusUnprocessableEntity, "bad_value")
	brest.admin.put("/peers/"+own.Peer+"/block", nil).refused(http.StatusUnprocessableEntity, "bad_value")
}

// Without a network peers are remembered, and nobody is reached.
func TestPeersOffline(t *testing.T) {
	f := tyfab(t)
	answered[api.PeerDetail](f.admin.post("/peers", api.PeerRequest{Address: "/ip4/192.168.1.20/tcp/4797/p2p/" + stranger}))
	p := f.admin.post("/peers/"+stranger+"/ping", nil).refused(http.StatusConflict, "no_network")
	same(t, "hint", p.Hint, "start the node: essaim serve")
	same(t, "removed", answered[api.PeerDetail](f.admin.remove("/peers/"+stranger)).Static, false)
	f.admin.remove("/peers/"+stranger).refused(http.StatusNotFound, "not_found")
	for _, address := range []string{"", "192.168.1.20", "/ip4/192.168.1.20/tcp/4797", "/p2p/" + stranger, strings.Repeat("x", 1000)} {
		f.admin.post("/peers", api.PeerRequest{Address: address}).refused(http.StatusUnprocessableEntity, "bad_value")
	}
	for _, id := range []string{"x", url.PathEscape("../tokens")} {
		f.admin.remove("/peers/"+id).refused(http.StatusUnprocessableEntity, "bad_value")
		f.admin.put("/peers/"+id+"/block", nil).refused(http.StatusUnprocessableEntity, "bad_value")
		f.admin.remove("/peers/"+id+"/block").refused(http.StatusUnprocessableEntity, "bad_value")
		f.admin.post("/peers/"+id+"/ping", nil).refused(http.StatusUnprocessableEntity, "bad_value")
	}
}
