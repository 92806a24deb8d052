package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

// system is one way to bring records from who has them to who has none. Each side
// is a process of its own.
type system interface {
	// hold has all records of the corpus and gives them to whoever asks, until
	// ctx ends. It returns where, once it is ready.
	hold(ctx context.Context, c corpus, dir string) (address string, err error)
	// take returns when all records are here, in whatever way this system keeps
	// them. It calls first when the first is. note is what there is to say.
	take(ctx context.Context, c corpus, dir, address string, first func()) (note string, err error)
}

// childVariable in the environment makes this program, or its test, one side.
const childVariable = "ESSAIM_COMPARE_CHILD"

// patience ends a run that goes nowhere.
const patience = 30 * time.Minute

// child is one side: hold NAME CORPUS COUNT DIR, or take NAME CORPUS COUNT DIR
// ADDRESS. It says on standard output, line by line, its address and its usage.
func child(args []string, in io.Reader, out io.Writer) error {
	if len(args) < 5 {
		return errors.New("a side of a comparison needs five arguments")
	}
	count, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	s, ok := systems[args[1]]
	if !ok {
		return fmt.Errorf("no system is called %s", args[1])
	}
	c, dir := corpus{path: args[2], count: count}, args[4]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var u usage
	var before time.Duration
	if args[0] == "hold" {
		address, err := s.hold(ctx, c, dir)
		if err != nil {
			return err
		}
		// What it took to get ready is not counted.
		debug.FreeOSMemory()
		if err := forgetPeak(); err != nil {
			return err
		}
		if before, err = spent(); err != nil {
			return err
		}
		fmt.Fprintln(out, address)
		_, _ = io.Copy(io.Discard, in) // until the other side is done
	} else {
		if before, err = spent(); err != nil {
			return err
		}
		began := time.Now()
		var once sync.Once
		var mu sync.Mutex
		note, err := s.take(ctx, c, dir, args[5], func() {
			once.Do(func() { mu.Lock(); u.First = time.Since(began); mu.Unlock() })
		})
		if err != nil {
			return err
		}
		mu.Lock()
		u.Whole, u.Note = time.Since(began), note
		mu.Unlock()
	}
	after, err := spent()
	if err != nil {
		return err
	}
	u.CPU = after - before
	if u.Received, u.Sent, err = wire(); err != nil {
		return err
	}
	if u.Peak, err = peak(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(u)
}

// replicate runs both sides and returns what each took.
func replicate(ctx context.Context, name string, c corpus, scratch string) (took, held usage, err error) {
	dir, err := os.MkdirTemp(scratch, name+"-")
	if err != nil {
		return took, held, err
	}
	defer os.RemoveAll(dir)
	holder, toHolder, fromHolder, err := side(ctx, "hold", name, c, dir+"/hold")
	if err != nil {
		return took, held, err
	}
	defer func() {
		toHolder.Close()
		err = errors.Join(err, holder.Wait())
	}()
	address, err := fromHolder.ReadString('\n')
	if err != nil {
		return took, held, fmt.Errorf("%s: who holds the records said nothing: %w", name, err)
	}
	taker, toTaker, fromTaker, err := side(ctx, "take", name, c, dir+"/take", address[:len(address)-1])
	if err != nil {
		return took, held, err
	}
	defer toTaker.Close()
	failed := json.NewDecoder(fromTaker).Decode(&took)
	if err := taker.Wait(); err != nil {
		return took, held, fmt.Errorf("%s: who takes the records: %w", name, err)
	}
	if failed != nil {
		return took, held, fmt.Errorf("%s: who takes the records: %w", name, failed)
	}
	toHolder.Close()
	return took, held, json.NewDecoder(fromHolder).Decode(&held)
}

// side starts one process.
func side(ctx context.Context, role, name string, c corpus, dir string, more ...string) (*exec.Cmd, io.WriteCloser, *bufio.Reader, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{role, name, c.path, strconv.Itoa(c.count), dir}, more...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), childVariable+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	return cmd, in, bufio.NewReader(out), cmd.Start()
}
