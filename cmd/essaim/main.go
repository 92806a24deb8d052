// Command essaim is a node of a peer-to-peer network of Open Badges, and all
// that a community does with it. spec/cli.md is its law: words, flags, output.
//
// Each subcommand is one file, named by noun and verb. It parses its arguments,
// makes one request of the local API (node/api), over the unix socket of the
// running node or, when none runs, in this process on the folder, and prints
// the answer: sentences for people, with --json the answer as it came.
package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(command(newProgram(os.Stdin, os.Stdout, os.Stderr))) }

// command is the whole program for one command line, but for its end.
func command(p *program) int {
	// Without this a reader that has seen enough, as head, would end the program
	// before the folder is closed.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends at once
	defer stop()
	return run(ctx, p, os.Args[1:])
}

// run does what args ask and returns the exit status.
func run(ctx context.Context, p *program, args []string) int {
	p.chooseLanguage(args)
	root := newRoot(p)
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	p.command = c.CommandPath()
	var output *fs.PathError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &output) && errors.Is(output, syscall.EPIPE):
		return exitError // nobody reads any more
	}
	// What was typed after the mistake was not read.
	p.json = p.json || !p.began && slices.Contains(args, "--json")
	return p.fail(err)
}
