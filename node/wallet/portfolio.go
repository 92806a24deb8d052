package wallet

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/store"
)

// MaxPortfolio is how many badges one portfolio holds, the newest: at 15 KB of
// page and 40 KB of pictures each, some 14 MB.
const MaxPortfolio = 250

// Portfolio returns all badges of a holder in one file: HTML is a page that
// holds every signed file; ZIP has beside that page each badge in every form,
// and records.jsonl with what speaks of them (classes, profiles, endorsements,
// statuses), so that any node can take them in. Badges out of force are there,
// and say so. It fails with store.ErrNotFound when the holder has none.
func (x *Exporter) Portfolio(ctx context.Context, holder did.DID, form, lang string) (File, error) {
	if form != HTML && form != ZIP {
		return File{}, &badge.Invalid{Member: "as", Why: "is not html or zip"}
	}
	s := x.sheet(lang)
	s.Holder = x.nameOf(badge.ProfileRef{ID: holder})
	var awards []protocol.Record
	for e, err := range x.node.Store().Find(store.Query{Kinds: []protocol.Kind{protocol.Award}, Holder: holder, Newest: true}) {
		if err != nil {
			return File{}, err
		}
		r, err := e.Record()
		var b pageBadge
		if err == nil {
			b, err = x.pageBadge(r, s)
		}
		if gone(err) {
			continue
		}
		if err != nil {
			return File{}, err
		}
		awards, s.Badges = append(awards, r), append(s.Badges, b)
		if len(awards) == MaxPortfolio {
			break
		}
	}
	if len(awards) == 0 {
		return File{}, fmt.Errorf("badges of %s: %w", holder.Short(), store.ErrNotFound)
	}
	page, err := s.render("portfolio.html")
	if err != nil {
		return File{}, err
	}
	name := "badges-" + slug(s.Holder)
	if form == HTML {
		return File{name + ".html", mediaHTML, page}, nil
	}
	var out bytes.Buffer
	if err := x.pack(ctx, &out, page, awards, lang); err != nil {
		return File{}, err
	}
	return File{name + ".zip", mediaZIP, out.Bytes()}, nil
}

// pack writes a portfolio as ZIP.
func (x *Exporter) pack(ctx context.Context, out io.Writer, page []byte, awards []protocol.Record, lang string) error {
	archive := zip.NewWriter(out)
	add := func(name string, method uint16, b []byte, at time.Time) error {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: at.UTC()})
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	now := x.node.Now()
	if err := add("index.html", zip.Deflate, page, now); err != nil {
		return err
	}
	for _, r := range awards {
		for _, form := range []string{JSON, PNG, SVG, HTML, OB2} {
			if err := ctx.Err(); err != nil {
				return err
			}
			f, err := x.Export(r.CID(), form, lang)
			if form == OB2 && notHosted(err) {
				continue
			}
			if err != nil {
				return err
			}
			method := zip.Deflate
			if form == PNG {
				method = zip.Store
			}
			if err := add("badges/"+f.Name, method, f.Bytes, r.Created()); err != nil {
				return err
			}
		}
	}
	records, err := x.around(awards)
	if err != nil {
		return err
	}
	if err := add("records.jsonl", zip.Deflate, records, now); err != nil {
		return err
	}
	return archive.Close()
}

// around returns, a line each as GET /export writes them, awards and what they
// need to be believed elsewhere.
func (x *Exporter) around(awards []protocol.Record) ([]byte, error) {
	var out bytes.Buffer
	done := map[cid.Cid]bool{}
	add := func(r protocol.Record, err error) error {
		if gone(err) || err == nil && (r.IsZero() || done[r.CID()]) {
			return nil
		}
		if err == nil {
			done[r.CID()] = true
			fmt.Fprintf(&out, "{\"cid\":%q,\"record\":%s}\n", r.CID().String(), r.Bytes())
		}
		return err
	}
	for _, r := range awards {
		for _, who := range []did.DID{r.Author(), r.Holder()} {
			if err := add(x.node.ProfileOf(who)); err != nil {
				return nil, err
			}
		}
		if err := add(x.node.Record(r.Class())); err != nil {
			return nil, err
		}
		if err := add(r, nil); err != nil {
			return nil, err
		}
		about := store.Query{Kinds: []protocol.Kind{protocol.Endorsement, protocol.Status}, Target: protocol.Target{CID: r.CID()}}
		for e, err := range x.node.Store().Find(about) {
			if err != nil {
				return nil, err
			}
			if err := add(e.Record()); err != nil {
				return nil, err
			}
		}
	}
	fmt.Fprintf(&out, "{\"end\":{\"schema\":\"essaim.export/1\",\"records\":%d}}\n", len(done))
	return out.Bytes(), nil
}
