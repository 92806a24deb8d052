// Command gen trains the dictionary with which nodes compress small frames of
// synchronisation (spec/sync-node.md §2): it plays the demo twice, with other
// people each time, trains on the records of one story and says what that saves
// on the other's.
//
// A dictionary never changes: nodes agree on its bytes. A better one is another
// file with another number, and a new version of the protocol.
//
//	go run ./cmd/essaim/internal/gen -number 2 -to node/sync-2.dict
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"

	"codeberg.org/essaim/essaim/cmd/essaim/demo"
	"codeberg.org/essaim/essaim/store"
)

const (
	// awards is how many the demo makes; with them come some 340 other records.
	awards = 600
	// size is the bytes of history. Studied: 32 KiB save no more than 8 do.
	size = 8 << 10
	// base is added to the number: zstd leaves ids of 32,768 and more to all.
	base = 0x455300
)

func main() {
	log.SetFlags(0)
	number := flag.Uint("number", 0, "of the dictionary, 1 or more")
	to := flag.String("to", "", "file to write")
	flag.Parse()
	if *number == 0 || *to == "" {
		log.Fatal("say -number and -to")
	}
	if err := train(uint32(*number), *to); err != nil {
		log.Fatal(err)
	}
}

func train(number uint32, to string) error {
	samples, err := story(1)
	if err != nil {
		return err
	}
	trained, err := dict.BuildZstdDict(samples, dict.Options{
		MaxDictSize: size, HashBytes: 6, ZstdDictID: base + number, ZstdLevel: zstd.SpeedFastest,
	})
	if err != nil {
		return err
	}
	others, err := story(2)
	if err != nil {
		return err
	}
	if err := compare(trained, others); err != nil {
		return err
	}
	return os.WriteFile(to, trained, 0o644)
}

// story returns all records of a demo.
func story(seed uint64) (records [][]byte, err error) {
	dir, err := os.MkdirTemp("", "essaim")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	report, err := demo.Run(context.Background(), demo.Config{Dir: filepath.Join(dir, "demo"), Once: true, Seed: seed, Awards: awards})
	if err != nil {
		return nil, err
	}
	s, err := store.Open(store.Config{Dir: filepath.Join(report.Nodes[0].Dir, "store")})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for e, err := range s.Each(1) {
		if err != nil {
			return nil, err
		}
		r, err := e.Record()
		if err != nil {
			return nil, err
		}
		records = append(records, r.Bytes())
	}
	return records, nil
}

// compare prints what frames of so many records take with a dictionary and
// without.
func compare(trained []byte, records [][]byte) error {
	plain, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		return err
	}
	with, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithEncoderDict(trained))
	if err != nil {
		return err
	}
	for _, many := range []int{1, 4, 16, 64} {
		before, after, n := 0, 0, 0
		for i := 0; i+many <= len(records); i += many {
			var raw []byte
			for _, r := range records[i : i+many] {
				raw = append(raw, r...)
			}
			before += len(plain.EncodeAll(raw, nil))
			after += len(with.EncodeAll(raw, nil))
			n += many
		}
		fmt.Printf("frames of %2d: %4d bytes a record, %4d with the dictionary\n", many, before/n, after/n)
	}
	return nil
}
