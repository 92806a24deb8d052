package node_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"

	"codeberg.org/essaim/essaim/node"
)

// onLAN runs the test that calls it again, alone on a network of its own: one
// interface with multicast at 10.77.0.1, no route to anywhere. It reports whether
// this is that run. Where the system gives no such network, the test is skipped.
func onLAN(t *testing.T) bool {
	t.Helper()
	if os.Getenv("ESSAIM_TEST_LAN") != "" {
		for _, command := range []string{
			"link set lo up", "link add lan type veth peer name wall", "link set wall up", "link set lan multicast on up", "addr add 10.77.0.1/24 dev lan",
		} {
			ip(t, command)
		}
		return true
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("a network for this test is made with ip, which is not there")
	}
	own := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	try := exec.CommandContext(t.Context(), "ip", "link", "add", "lan", "type", "veth", "peer", "name", "wall")
	try.SysProcAttr = own
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("the system gives no network for this test: %v %s", err, out)
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	again.Env = append(os.Environ(), "ESSAIM_TEST_LAN=1")
	again.SysProcAttr = own
	out, err := again.CombinedOutput()
	var failed *exec.ExitError
	if errors.As(err, &failed) || err == nil && !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("on a network of its own: %v\n%s", err, out)
	} else if err != nil {
		t.Fatal(err)
	}
	return false
}

func ip(t *testing.T, command string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(command)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v %s", command, err, out)
	}
}

// onNetwork runs a node that listens everywhere and is found on local networks.
func onNetwork(t *testing.T) *box {
	t.Helper()
	return seeker(t, func(c *node.Config) {
		c.MDNS, c.Seek, c.Listen = true, false, []string{"/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1"}
	}, brest)
}

// A workshop without the internet: two nodes on one network find each other,
// what one publishes the other has, and they are linked by a code alone.
func TestWorkshopWithoutInternet(t *testing.T) {
	if !onLAN(t) {
		return
	}
	b, r := onNetwork(t), onNetwork(t)
	if b.howFound(r) != node.Local && r.howFound(b) != node.Local {
		t.Errorf("found as %q and %q, want one of them on the local network", b.howFound(r), r.howFound(b))
	}
	b.settle("Fablab de la rade", "Brest")
	laser := must(b.NewClass(context.Background(), node.ClassDraft{Name: "Découpe laser", Description: "Sait couper.", Criteria: "Trois pièces."}))(t)
	r.gets(laser)

	code := must(b.Invite(node.InvitationDraft{}))(t).Code
	if strings.Count(code, "-") != 3 {
		t.Errorf("the code of a node without an address on the internet: got %s, want 16 letters", code)
	}
	who := must(r.JoinInvitation(context.Background(), code, ""))(t)
	if who.Name != "Fablab de la rade" {
		t.Errorf("linked with %+v, want Fablab de la rade", who)
	}
	r.knows(b, node.Invited)
	b.knows(r, node.Invited)
}

// howFound waits until b is connected with o and says how it knows it.
func (b *box) howFound(o *box) (how node.Origin) {
	b.t.Helper()
	eventually(b.t, "they find each other", func() bool {
		p, _ := b.peer(o.PeerID())
		how = p.How
		return p.Connected
	})
	return how
}

// A laptop moves to another network: what it announces there are its addresses of
// there, within seconds.
func TestAnnouncedWhereItIs(t *testing.T) {
	if !onLAN(t) {
		return
	}
	b := onNetwork(t)
	listener := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0")))(t)
	defer listener.Close()
	// hears waits until a listener hears an address of b.
	hears := func(address string) {
		t.Helper()
		heard := make(chan peer.AddrInfo, 64)
		service := mdns.NewMdnsService(listener, "_essaim._udp", announcements(heard))
		if err := service.Start(); err != nil {
			t.Fatal(err)
		}
		defer service.Close()
		ended := time.After(60 * time.Second)
		for {
			select {
			case a := <-heard:
				if a.ID == b.PeerID() && strings.Contains(a.String(), address) {
					return
				}
			case <-ended:
				t.Fatalf("%s was not announced", address)
			}
		}
	}
	hears("/ip4/10.77.0.1/")
	ip(t, "addr add 10.88.0.1/24 dev lan")
	ip(t, "addr del 10.77.0.1/24 dev lan")
	hears("/ip4/10.88.0.1/")
	for _, a := range node.LanAddrs(b.Libp2p()) {
		if strings.Contains(a.String(), "10.77") {
			t.Errorf("still there: %s", a)
		}
	}
}

type announcements chan<- peer.AddrInfo

// HandlePeerFound implements mdns.Notifee.
func (a announcements) HandlePeerFound(info peer.AddrInfo) {
	select {
	case a <- info:
	default: // nobody listens any more
	}
}
