package node_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
)

var (
	mirrored = flag.Int("mirror", 3000, "how many records are mirrored under kill -9")
	killings = flag.Int("killings", 5, "how often the mirror is killed")
)

func init() { children["mirrors"] = childMirrors }

// childMirrors synchronises with ESSAIM_NODE_PEER, says what it has as it comes,
// and ends when it is told nothing more.
func childMirrors(dir string) {
	t := fatal{}
	node.Synchronise()
	config := configure(dir, &clock{})
	config.InMemory = false
	n := must(node.New(config))(t)
	n.Quicken()
	if err := n.Follow(brest); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.Run(ctx) }()
	must(n.AddPeer(os.Getenv("ESSAIM_NODE_PEER")))(t)
	told := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(told)
	}()
	tick := time.NewTicker(time.Millisecond)
	for last := ""; ; {
		b := &box{Node: n, t: t}
		if now := fmt.Sprintln(territoryOf(b, brest).Count, territoryOf(b, brest).Root); now != last {
			fmt.Print(now)
			last = now
		}
		select {
		case <-tick.C:
		case <-told:
			cancel()
			<-ended
			if err := n.Close(); err != nil {
				panic(err)
			}
			os.Exit(0)
		}
	}
}

// mirror is a child that mirrors a home.
type mirror struct {
	*exec.Cmd
	says *bufio.Scanner
	in   io.Closer
}

func startMirror(t *testing.T, home *box, dir string) *mirror {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "ESSAIM_NODE_CHILD=mirrors", "ESSAIM_NODE_DIR="+dir, "ESSAIM_NODE_PEER="+home.Addrs()[0])
	cmd.Stderr = os.Stderr
	out := must(cmd.StdoutPipe())(t)
	in := must(cmd.StdinPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &mirror{cmd, bufio.NewScanner(out), in}
}

// has reads until the mirror holds so many records, and returns how many and
// their root.
func (m *mirror) has(t *testing.T, count int) (got int, root string) {
	t.Helper()
	for m.says.Scan() {
		if _, err := fmt.Sscan(m.says.Text(), &got, &root); err != nil {
			t.Fatalf("the mirror says %q", m.says.Text())
		}
		if got >= count {
			return got, root
		}
	}
	t.Fatalf("the mirror ended with %d records of %d", got, count)
	return
}

// A mirror that is killed again and again goes on where it was, and ends with
// the set of its home. What is sent twice is what was on its way.
func TestMirrorIsKilled(t *testing.T) {
	synchronising(t)
	home := start(t, brest)
	people := make([]ed25519.PrivateKey, 50)
	for i := range people {
		people[i] = key(fmt.Sprint("person ", i))
	}
	raws := make([][]byte, *mirrored)
	parallel(len(raws), func(i int) {
		raws[i] = notice(fatal{}, i, people[i%len(people)], noon.Add(-time.Duration(i)*time.Minute)).Bytes()
	})
	home.brings(raws...)
	want := territoryOf(home, brest)

	sent := func(dir string, kills []int) int {
		before := must(home.Report())(t).Sync
		for _, at := range kills {
			m := startMirror(t, home, dir)
			m.has(t, at)
			if err := m.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			m.Wait()
		}
		m := startMirror(t, home, dir)
		if got, root := m.has(t, want.Count); got != want.Count || root != want.Root {
			t.Errorf("after %v: got %d %s, want %d %s", kills, got, root, want.Count, want.Root)
		}
		m.in.Close()
		if err := m.Wait(); err != nil {
			t.Error(err)
		}
		eventually(t, "no conversation goes on", func() bool { return must(home.Report())(t).Sync.Active == 0 })
		return must(home.Report())(t).Sync.BytesSent - before.BytesSent
	}

	rnd := rand.New(rand.NewPCG(1, 2))
	var kills []int
	for i := range *killings { // at moments of a mirror that goes on
		kills = append(kills, (*mirrored*i+rnd.IntN(*mirrored))/(*killings+1))
	}
	dir := t.TempDir()
	interrupted := sent(dir, kills)
	atOnce := sent(t.TempDir(), nil)
	ratio := float64(interrupted) / float64(atOnce)
	t.Logf("%d records, killed %d times: %d bytes sent, %.3f times those of one that is not", *mirrored, *killings, interrupted, ratio)
	again := sent(dir, nil)
	if again != 0 {
		t.Errorf("%d bytes were sent to a mirror that has all", again)
	}
}
