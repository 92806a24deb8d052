package api_test

import (
	"net/http"
	"testing"

	"codeberg.org/essaim/essaim/node/api"
)

// Brest invites Rennes: a link, one look, one join, and each has the other.
func TestInvitation(t *testing.T) {
	brest, rennes := running(t), running(t)
	v := answered[api.NewInvitation](brest.admin.post("/invitations", api.InvitationRequest{Minutes: 60}))
	if v.Placed || len(v.Code) != 19 || v.Uses != 1 || v.Expires.Sub(v.Made).Minutes() != 60 {
		t.Errorf("invitation: got %+v, want a short code for an hour", v)
	}
	open := brest.admin.get("/invitations")
	if list := answered[api.InvitationList](open).Invitations; len(list) != 1 || list[0].ID != v.ID {
		t.Errorf("open: got %+v, want one", list)
	}

	request := api.JoinRequest{Invitation: v.Link}
	who := answered[api.Inviter](rennes.admin.post("/invitations/look", request))
	if who.Linked || who.Name == "" || who.TerritoryName == "" {
		t.Errorf("who invites: got %+v, want a name and a place, not linked", who)
	}
	request.Peer = who.Peer
	same(t, "linked", answered[api.Inviter](rennes.admin.post("/invitations/join", request)).Linked, true)
	for _, f := range []*fablab{brest, rennes} {
		list := answered[api.PeerList](f.admin.get("/peers")).Peers
		if len(list) != 1 || !list[0].Static || list[0].How != "invitation" || list[0].Name != who.Name {
			t.Errorf("peers: got %+v, want one, by invitation", list)
		}
	}
	same(t, "open after", len(answered[api.InvitationList](brest.admin.get("/invitations")).Invitations), 0)

	third := running(t)
	third.admin.post("/invitations/join", api.JoinRequest{Invitation: v.Link}).refused(http.StatusConflict, "used_invitation")
	third.admin.post("/invitations/look", api.JoinRequest{Invitation: v.Code}).refused(http.StatusConflict, "used_invitation")
	placed := answered[api.NewInvitation](third.admin.post("/invitations", api.InvitationRequest{At: "203.0.113.7:4797", Uses: 2}))
	same(t, "placed", placed.Placed, true)
	same(t, "ended", len(answered[api.InvitationList](third.admin.remove("/invitations/"+placed.ID)).Invitations), 0)
	third.admin.remove("/invitations/"+placed.ID).refused(http.StatusNotFound, "not_found")
	brest.admin.post("/invitations/join", api.JoinRequest{Invitation: "K7Q2"}).refused(http.StatusUnprocessableEntity, "bad_value")
	brest.admin.post("/invitations", api.InvitationRequest{At: "example.org"}).refused(http.StatusUnprocessableEntity, "bad_value")
	brest.admin.post("/invitations/join", api.JoinRequest{Invitation: placed.Link, Peer: "x"}).refused(http.StatusUnprocessableEntity, "bad_value")

	ended := answered[api.NewInvitation](brest.admin.post("/invitations", api.InvitationRequest{}))
	brest.admin.remove("/invitations/" + ended.ID)
	third.admin.post("/invitations/join", api.JoinRequest{Invitation: ended.Link}).refused(http.StatusGone, "expired_invitation")
	nobody := running(t)
	nobody.admin.post("/invitations/look", api.JoinRequest{Invitation: v.Code}).refused(http.StatusNotFound, "no_inviter")
	nowhere := answered[api.NewInvitation](brest.admin.post("/invitations", api.InvitationRequest{At: "127.0.0.1:1"}))
	nobody.admin.post("/invitations/look", api.JoinRequest{Invitation: nowhere.Code}).refused(http.StatusGatewayTimeout, "inviter_unreachable")

	offline := tyfab(t)
	offline.admin.post("/invitations", api.InvitationRequest{}).refused(http.StatusConflict, "no_network")
	offline.admin.post("/invitations/join", api.JoinRequest{Invitation: v.Link}).refused(http.StatusConflict, "no_network")
}
