package api

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Invitation links another node with this one, and this one with it.
type Invitation struct {
	ID      string    `json:"id" example:"9f86d081"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses" doc:"how many nodes it links"`
	Used    []string  `json:"used" doc:"ids of those it has linked"`
}

// NewInvitation is one just made, with its secret.
type NewInvitation struct {
	Schema string `json:"schema"`
	Invitation
	Code   string `json:"code" example:"K7Q2-MD4X-P9TR-6HWA" doc:"to read out; shown once"`
	Link   string `json:"link" example:"ESSAIM:AE…" doc:"the code, and who invites and where: for a QR code or a message; shown once"`
	Placed bool   `json:"placed" doc:"the code says where this node is on the internet; else it works on the local network and among connected nodes"`
}

// InvitationList is every open invitation, the last to expire first.
type InvitationList struct {
	Schema      string       `json:"schema"`
	Invitations []Invitation `json:"invitations"`
}

// InvitationRequest makes an invitation.
type InvitationRequest struct {
	Minutes int    `json:"minutes,omitzero" minimum:"1" maximum:"43200" doc:"how long it works; a day by default"`
	Uses    int    `json:"uses,omitzero" minimum:"1" maximum:"32" doc:"how many nodes it links; one by default"`
	At      string `json:"at,omitzero" maxLength:"64" example:"203.0.113.7:4797" doc:"where others reach this node, for the code to say so, when it does not know"`
}

// JoinRequest is an invitation somebody was given.
type JoinRequest struct {
	Invitation string `json:"invitation" minLength:"1" maxLength:"1024" doc:"a code or a link"`
	Peer       string `json:"peer,omitzero" maxLength:"128" doc:"id of the node that was looked at, to be linked with no other"`
}

// Inviter is the node that invites, as it says itself.
type Inviter struct {
	Schema        string `json:"schema"`
	Peer          string `json:"peer" example:"12D3KooW…"`
	Name          string `json:"name,omitempty" example:"Fablab de la rade"`
	Territory     string `json:"territory,omitempty" example:"fr:epci:242900314"`
	TerritoryName string `json:"territoryName,omitempty" example:"Brest Métropole"`
	Linked        bool   `json:"linked"`
}

type invitationParam struct {
	ID string `path:"id" doc:"id of an invitation"`
}

func (s *Server) registerInvitations() {
	register(s, read, get("list-invitations", "/invitations", "Invitations that are open"), s.listInvitations)
	register(s, write, post("invite", "/invitations", "Invite another node; the code is shown once"), s.invite)
	register(s, write, remove("end-invitation", "/invitations/{id}", "End an invitation before its time"), s.endInvitation)
	for id, summary := range map[string]string{
		"look": "Who invites by a code or a link; nothing changes on either side",
		"join": "Link with the node that invites: each keeps the other",
	} {
		op := post(id+"-invitation", "/invitations/"+id, summary)
		op.Errors = []int{http.StatusGatewayTimeout}
		act := s.look
		if id == "join" {
			act = s.join
		}
		register(s, write, op, act)
	}
}

func told(v node.Invitation) Invitation {
	out := Invitation{ID: v.ID, Made: v.Made, Expires: v.Expires, Uses: v.Uses, Used: []string{}}
	for _, p := range v.Used {
		out.Used = append(out.Used, p.String())
	}
	return out
}

func (s *Server) listInvitations(context.Context, *struct{}) (*Body[InvitationList], error) {
	open, err := s.config.Node.Invitations()
	out := InvitationList{"essaim.invitations/1", []Invitation{}}
	for _, v := range open {
		out.Invitations = append(out.Invitations, told(v))
	}
	return body(out), err
}

type invitationInput struct{ Body InvitationRequest }

func (s *Server) invite(_ context.Context, in *invitationInput) (*Body[NewInvitation], error) {
	d := node.InvitationDraft{Life: time.Duration(in.Body.Minutes) * time.Minute, Uses: in.Body.Uses}
	if in.Body.At != "" {
		var err error
		if d.At, err = netip.ParseAddrPort(in.Body.At); err != nil {
			return nil, &badge.Invalid{Member: "at", Why: "is not an IPv4 address and port such as 203.0.113.7:4797"}
		}
	}
	v, err := s.config.Node.Invite(d)
	if err != nil {
		return nil, err
	}
	return body(NewInvitation{"essaim.invitation/1", told(v), v.Code, v.Link, v.Placed}), nil
}

func (s *Server) endInvitation(ctx context.Context, in *invitationParam) (*Body[InvitationList], error) {
	if err := s.config.Node.EndInvitation(in.ID); err != nil {
		return nil, err
	}
	return s.listInvitations(ctx, nil)
}

type joinInput struct{ Body JoinRequest }

func (s *Server) look(ctx context.Context, in *joinInput) (*Body[Inviter], error) {
	who, err := s.config.Node.LookInvitation(ctx, in.Body.Invitation)
	if err != nil {
		return nil, err
	}
	return s.inviter(who, false)
}

func (s *Server) join(ctx context.Context, in *joinInput) (*Body[Inviter], error) {
	var who node.Host
	id, err := node.ParsePeerID(in.Body.Peer)
	if in.Body.Peer == "" {
		id, err = "", nil
	}
	if err == nil {
		who, err = s.config.Node.JoinInvitation(ctx, in.Body.Invitation, id)
	}
	if err != nil {
		return nil, err
	}
	return s.inviter(who, true)
}

func (s *Server) inviter(who node.Host, linked bool) (*Body[Inviter], error) {
	out := Inviter{"essaim.inviter/1", who.Peer.String(), who.Name, string(who.Territory), "", linked}
	if who.Territory != "" {
		named, err := s.named([]territory.ID{who.Territory})
		if err != nil {
			return nil, err
		}
		out.TerritoryName = named[0].Name
	}
	return body(out), nil
}
