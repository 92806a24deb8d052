package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/badge"
)

// Peer is another node, as this one sees it.
type Peer struct {
	ID        string    `json:"id" example:"12D3KooW…"`
	Addrs     []string  `json:"addrs"`
	Connected bool      `json:"connected"`
	Relayed   bool      `json:"relayed" doc:"connected through another node only"`
	Static    bool      `json:"static" doc:"added by hand: redialled for ever"`
	Blocked   bool      `json:"blocked"`
	Since     time.Time `json:"since,omitzero" doc:"of the connection"`
	LatencyMs float64   `json:"latencyMs,omitzero"`
	Follows   []string  `json:"follows" doc:"territories we share"`
	Score     float64   `json:"score" doc:"what gossip gives it; below zero is bad"`
	How       string    `json:"how,omitempty" enum:"added,invitation,lan,exchange,dht,itself" doc:"how this node knows it: added by hand, one invited the other, found on the local network, told of by another peer, found in the DHT of our nodes, or it dialled this node"`
	ToldBy    string    `json:"toldBy,omitempty" doc:"id of the peer that told of it"`
	Name      string    `json:"name,omitempty" doc:"what an invited peer calls itself"`
}

// PeerList is every peer that is connected, was added or is blocked.
type PeerList struct {
	Schema string `json:"schema"`
	Peers  []Peer `json:"peers"`
}

// PeerDetail is one peer.
type PeerDetail struct {
	Schema string `json:"schema"`
	Peer
}

// PeerRequest adds a peer.
type PeerRequest struct {
	Address string `json:"address" maxLength:"1024" example:"/ip4/192.168.1.20/tcp/4797/p2p/12D3KooW…"`
}

// Pong is the answer of a peer.
type Pong struct {
	Schema string  `json:"schema"`
	Peer   string  `json:"peer"`
	Ms     float64 `json:"ms" doc:"round trip"`
}

type peerParam struct {
	ID string `path:"id" doc:"id of a peer"`
}

func (s *Server) registerPeers() {
	register(s, read, get("list-peers", "/peers", "Peers that are connected, were added or are blocked"), s.listPeers)
	register(s, write, post("add-peer", "/peers", "Add a peer and keep a connection to it"), s.addPeer)
	register(s, write, remove("remove-peer", "/peers/{id}", "Forget an added peer and hang up"), s.removePeer)
	register(s, write, put("block-peer", "/peers/{id}/block", "Hang up and never hear it again"), s.blockPeer)
	register(s, write, remove("unblock-peer", "/peers/{id}/block", "Take a block back"), s.unblockPeer)
	ping := post("ping-peer", "/peers/{id}/ping", "Time the way to a peer and back")
	ping.Errors = []int{http.StatusGatewayTimeout}
	register(s, write, ping, s.ping)
}

func (s *Server) peers() ([]Peer, error) {
	peers, err := s.config.Node.Peers()
	out := []Peer{}
	for _, p := range peers {
		out = append(out, Peer{
			ID: p.ID.String(), Addrs: append([]string{}, p.Addrs...), Connected: p.Connected, Relayed: p.Relayed, Static: p.Static, Blocked: p.Blocked,
			Since: p.Since.UTC().Truncate(time.Second), LatencyMs: milliseconds(p.Latency), Follows: texts(p.Follows), Score: p.Score,
			How: string(p.How), Name: p.Name,
		})
		if p.By != "" {
			out[len(out)-1].ToldBy = p.By.String()
		}
	}
	return out, err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// peer answers with one peer after something was done about it.
func (s *Server) peer(id string) (*Body[PeerDetail], error) {
	peers, err := s.peers()
	if err != nil {
		return nil, err
	}
	for _, p := range peers {
		if p.ID == id {
			return body(PeerDetail{"essaim.peer/1", p}), nil
		}
	}
	return body(PeerDetail{"essaim.peer/1", Peer{ID: id, Addrs: []string{}, Follows: []string{}}}), nil
}

func (s *Server) listPeers(context.Context, *struct{}) (*Body[PeerList], error) {
	peers, err := s.peers()
	return body(PeerList{"essaim.peers/1", peers}), err
}

type peerInput struct{ Body PeerRequest }

func (s *Server) addPeer(_ context.Context, in *peerInput) (*Body[PeerDetail], error) {
	id, err := s.config.Node.AddPeer(in.Body.Address)
	if err != nil {
		return nil, err
	}
	return s.peer(id.String())
}

func (s *Server) removePeer(_ context.Context, in *peerParam) (*Body[PeerDetail], error) {
	id, err := node.ParsePeerID(in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.config.Node.RemovePeer(id); err != nil {
		return nil, err
	}
	return s.peer(in.ID)
}

func (s *Server) blockPeer(_ context.Context, in *peerParam) (*Body[PeerDetail], error) {
	id, err := node.ParsePeerID(in.ID)
	if err != nil {
		return nil, err
	}
	if id == s.config.Node.PeerID() {
		return nil, &badge.Invalid{Member: "peer", Why: "is this node itself"}
	}
	if err := s.config.Node.BlockPeer(id); err != nil {
		return nil, err
	}
	return s.peer(in.ID)
}

func (s *Server) unblockPeer(_ context.Context, in *peerParam) (*Body[PeerDetail], error) {
	id, err := node.ParsePeerID(in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.config.Node.UnblockPeer(id); err != nil {
		return nil, err
	}
	return s.peer(in.ID)
}

func (s *Server) ping(ctx context.Context, in *peerParam) (*Body[Pong], error) {
	id, err := node.ParsePeerID(in.ID)
	if err != nil {
		return nil, err
	}
	took, err := s.config.Node.Ping(ctx, id)
	if errors.Is(err, node.ErrNoNetwork) {
		return nil, err
	}
	if err != nil {
		return nil, newProblem(http.StatusGatewayTimeout, "unreachable", err.Error(), "see whether it is up, and its address: essaim peer list")
	}
	return body(Pong{"essaim.ping/1", in.ID, milliseconds(took)}), nil
}
