package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/bundle"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// maxNoRecords is after how many blocks that are no records a bundle is not read
// on.
const maxNoRecords = 1000

// BundleWriter writes what this node holds as a file (spec/bundle.md).
type BundleWriter struct {
	node     *Node
	contents bundle.Contents
	digests  [][sha256.Size]byte
}

// Bundle prepares a bundle of territories, or of all that is here. It takes 32
// bytes of memory for each record, and a microsecond for each of the store.
func (n *Node) Bundle(ids ...territory.ID) (*BundleWriter, error) {
	w := &BundleWriter{node: n, contents: bundle.Contents{Written: n.now()}}
	for _, id := range ids {
		if _, err := territory.Parse(string(id)); err != nil {
			return nil, err
		}
		w.contents.Territories = append(w.contents.Territories, string(id))
	}
	slices.Sort(w.contents.Territories)
	w.contents.Territories = slices.Compact(w.contents.Territories)
	names := map[uint32]bool{} // by number of the store: whether it is wanted
	var members []store.Digest
	for m, err := range n.store.Members() {
		if err != nil {
			return nil, err
		}
		if m.Stub {
			continue
		}
		in := len(ids) == 0
		for _, where := range m.Where {
			is, known := names[where]
			if !known {
				id, err := n.store.Territory(where)
				if err != nil {
					return nil, err
				}
				is = slices.Contains(w.contents.Territories, string(id))
				names[where] = is
			}
			in = in || is
		}
		if in {
			members = append(members, m.Digest)
		}
	}
	// What was revoked or erased is known before what it is about.
	slices.SortFunc(members, func(a, b store.Digest) int {
		if a, b := isControl(a.Kind), isControl(b.Kind); a != b {
			if a {
				return -1
			}
			return 1
		}
		return cmp.Or(a.Created.Compare(b.Created), bytes.Compare(a.Digest[:], b.Digest[:]))
	})
	for _, m := range members {
		w.digests = append(w.digests, m.Digest)
	}
	return w, nil
}

// Len is how many records will be written.
func (w *BundleWriter) Len() int { return len(w.digests) }

// Write writes the bundle. It fails when a record was erased since it was
// prepared: what has been written is then of no use.
func (w *BundleWriter) Write(ctx context.Context, to io.Writer) error {
	out, err := bundle.NewWriter(to, w.contents, w.digests)
	if err != nil {
		return err
	}
	for _, digest := range w.digests {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, err := w.node.store.Bytes(protocol.CID(digest))
		if err != nil {
			return fmt.Errorf("bundle: %w", err)
		}
		if err := out.Write(raw); err != nil {
			return err
		}
	}
	return out.Close()
}

// BundleReport is what came of reading a bundle.
type BundleReport struct {
	New    int // records that were not here
	Known  int // records that were
	Erased int // records that were erased, and stay so
	Held   int // records from the future, kept aside until their time
	// Refused are blocks that are no records, by reason.
	Refused map[protocol.Reason]int
	Others  int // blocks that say themselves that they are no records
}

// Empty reports whether nothing was read.
func (r BundleReport) Empty() bool {
	return r.New+r.Known+r.Erased+r.Held+r.Others+r.refused() == 0
}

func (r BundleReport) refused() (n int) {
	for _, of := range r.Refused {
		n += of
	}
	return n
}

// ReadBundle takes each record of a bundle through the door. What was read before
// an error has been accepted, and is in the report.
func (n *Node) ReadBundle(ctx context.Context, from io.Reader) (report BundleReport, err error) {
	report.Refused = map[protocol.Reason]int{}
	in, err := bundle.NewReader(from)
	if err != nil {
		return report, err
	}
	batch := make([][]byte, 0, maxBatch)
	size := 0
	for {
		raw, ended := in.Next()
		if ended == nil {
			batch, size = append(batch, raw), size+len(raw)
		}
		if ended != nil || len(batch) == maxBatch || size >= bundle.MaxBlock {
			if err := n.takeBundled(ctx, batch, &report); err != nil {
				return report, err
			}
			batch, size = batch[:0], 0
		}
		report.Others = in.Others
		switch {
		case errors.Is(ended, io.EOF):
			return report, nil
		case ended != nil:
			return report, ended
		case ctx.Err() != nil:
			return report, ctx.Err()
		case report.refused() > maxNoRecords:
			return report, fmt.Errorf("it holds more than %d blocks that are no records: it %w", maxNoRecords, bundle.ErrNotBundle)
		}
	}
}

// takeBundled accepts a batch of a bundle.
func (n *Node) takeBundled(ctx context.Context, batch [][]byte, report *BundleReport) error {
	var failed error
	for _, a := range n.AcceptBatch(ctx, batch, Source{Via: Uploaded}) {
		var refusal *protocol.Refusal
		switch {
		case a.Err == nil && a.New:
			report.New++
		case a.Err == nil:
			report.Known++
		case errors.Is(a.Err, ErrErased):
			report.Erased++
		case errors.As(a.Err, &refusal) && !refusal.Blame():
			report.Held++
		case errors.As(a.Err, &refusal):
			report.Refused[refusal.Reason]++
		case failed == nil:
			failed = a.Err
		}
	}
	return failed
}
