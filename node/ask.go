package node

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol"
)

// RecordProtocol asks a peer for records by digest (spec/gossip.md §6).
//
// The asker sends a byte n from 1 to 64 and n sha2-256 digests, and closes its
// side. The answer is, for each digest in order, the length of the record as an
// unsigned varint and its bytes; length 0 says "I have it not".
const RecordProtocol = "/essaim/record/1"

const (
	recordService = "essaim.record"
	maxAsked      = 64
	// askTimeout covers the whole exchange: 4 MiB at 1 Mbit/s. Within it,
	// pace.stall is how long either side may be silent.
	askTimeout = 40 * time.Second
	// serveMemory is what answering takes: one record and a buffer.
	serveMemory = protocol.MaxBytes + 16<<10
)

// serveRecords answers RecordProtocol until ctx ends.
func (n *Node) serveRecords(ctx context.Context, s network.Stream) {
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	defer func() {
		if p := recover(); p != nil {
			n.log.Error("answering panicked", "peer", s.Conn().RemotePeer(), "err", p)
			_ = s.Reset()
		}
	}()
	if err := n.answer(s); err != nil {
		n.log.Debug("asked for records", "peer", s.Conn().RemotePeer(), "err", err)
		_ = s.Reset()
		return
	}
	_ = s.Close()
}

func (n *Node) answer(s network.Stream) error {
	if err := s.Scope().SetService(recordService); err != nil {
		return err
	}
	if err := s.Scope().ReserveMemory(serveMemory, network.ReservationPriorityMedium); err != nil {
		return err
	}
	defer s.Scope().ReleaseMemory(serveMemory)
	if err := s.SetReadDeadline(time.Now().Add(n.pace.stall)); err != nil {
		return err
	}
	digests, err := readAsk(s)
	if err != nil {
		return err
	}
	if err := s.SetWriteDeadline(time.Now().Add(askTimeout)); err != nil {
		return err
	}
	w := bufio.NewWriterSize(s, 16<<10)
	for _, d := range digests {
		raw, err := n.store.Bytes(protocol.CID(d))
		if err != nil {
			raw = nil // not here, or erased
		}
		if _, err := w.Write(binary.AppendUvarint(nil, uint64(len(raw)))); err != nil {
			return err
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	return w.Flush()
}

// readAsk decodes a request.
func readAsk(r io.Reader) ([][sha256.Size]byte, error) {
	var count [1]byte
	if _, err := io.ReadFull(r, count[:]); err != nil {
		return nil, err
	}
	if count[0] == 0 || count[0] > maxAsked {
		return nil, fmt.Errorf("asks for %d records, 1 to %d are allowed", count[0], maxAsked)
	}
	digests := make([][sha256.Size]byte, count[0])
	for i := range digests {
		if _, err := io.ReadFull(r, digests[i][:]); err != nil {
			return nil, err
		}
	}
	return digests, nil
}

// writeAsk encodes a request for 1 to 64 records.
func writeAsk(digests [][sha256.Size]byte) []byte {
	request := make([]byte, 1, 1+len(digests)*sha256.Size)
	request[0] = byte(len(digests))
	for i := range digests {
		request = append(request, digests[i][:]...)
	}
	return request
}

var (
	// errNotHad is an answer of length 0.
	errNotHad = errors.New("peer has it not")
	// errOversize is an answer longer than any record, errOther one of other
	// bytes than were asked for: no honest peer gives either.
	errOversize = errors.New("a record longer than any may be")
	errOther    = errors.New("gave other bytes")
)

// readAnswer decodes one record of an answer. It allocates one record's size at
// most, whatever the length says.
func readAnswer(r *bufio.Reader) ([]byte, error) {
	size, err := binary.ReadUvarint(r)
	switch {
	case err != nil:
		return nil, err
	case size == 0:
		return nil, errNotHad
	case size > protocol.MaxBytes:
		return nil, fmt.Errorf("%w: %d bytes", errOversize, size)
	}
	raw := make([]byte, size)
	_, err = io.ReadFull(r, raw)
	return raw, err
}

// ask asks one peer for up to 64 records and takes what it gives through the
// door, whatever comes after. A peer that sends something else than what was
// asked is to blame; one that is silent, slow or ignorant is not.
func (n *Node) ask(ctx context.Context, from peer.ID, wanted [][sha256.Size]byte) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	raws, err := n.receive(ctx, from, wanted)
	for _, a := range n.AcceptBatch(ctx, raws, Source{Via: Fetched, Peer: from}) {
		var refusal *protocol.Refusal
		if a.Err != nil && !errors.As(a.Err, &refusal) && !errors.Is(a.Err, ErrErased) {
			err = errors.Join(err, a.Err)
		}
	}
	if errors.Is(err, errOther) || errors.Is(err, errOversize) {
		n.misdeed(from)
	}
	if err != nil {
		return fmt.Errorf("ask %s: %w", from, err)
	}
	return nil
}

// receive exchanges one request for its answer. It returns what came before an
// error.
func (n *Node) receive(ctx context.Context, from peer.ID, wanted [][sha256.Size]byte) ([][]byte, error) {
	opening, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "essaim-record"), n.pace.stall)
	defer cancel()
	s, err := n.host.NewStream(network.WithNoDial(opening, "essaim-record"), from, RecordProtocol)
	if err != nil {
		return nil, err
	}
	// Reset after Close does nothing.
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	raws, err := n.exchange(s, wanted)
	if err != nil {
		_ = s.Reset()
		return raws, err
	}
	return raws, s.Close()
}

func (n *Node) exchange(s network.Stream, wanted [][sha256.Size]byte) ([][]byte, error) {
	if err := s.Scope().SetService(recordService); err != nil {
		return nil, err
	}
	if err := s.SetWriteDeadline(time.Now().Add(n.pace.stall)); err != nil {
		return nil, err
	}
	if _, err := s.Write(writeAsk(wanted)); err != nil {
		return nil, err
	}
	if err := s.CloseWrite(); err != nil {
		return nil, err
	}
	var raws [][]byte
	r := bufio.NewReaderSize(s, 4<<10)
	for _, digest := range wanted {
		if err := s.SetReadDeadline(time.Now().Add(n.pace.stall)); err != nil {
			return raws, err
		}
		raw, err := readAnswer(r)
		switch {
		case errors.Is(err, errNotHad):
			continue
		case err != nil:
			return raws, err
		case sha256.Sum256(raw) != digest:
			return raws, fmt.Errorf("%w for %s", errOther, protocol.CID(digest))
		}
		raws = append(raws, raw)
	}
	return raws, nil
}
