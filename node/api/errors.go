package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/node/wallet"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/art"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/bundle"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// Problem is every error the API answers with (RFC 9457, application/problem+json).
type Problem struct {
	Status int    `json:"status" doc:"HTTP status"`
	Code   string `json:"code" doc:"what went wrong, one of a closed list; a refusal's reason is its code"`
	Title  string `json:"title" doc:"the status in words"`
	Detail string `json:"detail,omitempty" doc:"what was found"`
	Hint   string `json:"hint,omitempty" doc:"what to do"`
	// Candidates are what an ambiguous name may mean, or an unknown one might.
	Candidates []string `json:"candidates,omitempty"`
	// Question and Sentence say why a badge made elsewhere is not taken.
	Question string    `json:"question,omitempty" doc:"of spec/import.md §2"`
	Reason   string    `json:"reason,omitempty" doc:"one of a closed list (spec/import.md)"`
	Sentence *Sentence `json:"sentence,omitempty"`

	headers http.Header
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// with adds a header to the answer.
func (p *Problem) with(name, value string) *Problem {
	p.headers = http.Header{name: {value}}
	return p
}

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// answers maps errors to what the API says. The first that matches counts.
var answers = []struct {
	err    error
	status int
	code   string
	hint   string
}{
	{store.ErrNotFound, http.StatusNotFound, "not_found", "check the code; this node knows only the territories it follows"},
	{store.ErrErased, http.StatusGone, "erased", ""},
	{node.ErrErased, http.StatusGone, "erased", ""},
	{store.ErrReadOnly, http.StatusInsufficientStorage, "read_only", "free disk space; the node goes on by itself"},
	{node.ErrNoCommunity, http.StatusConflict, "not_set_up", "run: essaim setup"},
	{keyring.ErrWrongPassphrase, http.StatusForbidden, "wrong_passphrase", "nothing was changed; try again"},
	{keyring.ErrLocked, http.StatusLocked, "locked", "give the passphrase"},
	{keyring.ErrExists, http.StatusConflict, "already_set_up", ""},
	{keyring.ErrPassphrase, http.StatusUnprocessableEntity, "bad_passphrase", "take four or five words"},
	{keyring.ErrKeyFile, http.StatusUnprocessableEntity, "bad_key_file", ""},
	{keyring.ErrName, http.StatusUnprocessableEntity, "bad_name", ""},
	{keyring.ErrNoKey, http.StatusForbidden, "no_key", "this is done on the node that keeps the key"},
	{art.ErrNotPicture, http.StatusUnprocessableEntity, "bad_image", "give a PNG, JPEG or WebP file"},
	{art.ErrDrawing, http.StatusUnprocessableEntity, "bad_image", "give a PNG, JPEG or WebP file"},
	{art.ErrTooLarge, http.StatusUnprocessableEntity, "bad_image", "make it smaller: 2 MB and 3 million pixels at most"},
	{node.ErrNoPicture, http.StatusNotFound, "not_found", ""},
	{wallet.ErrNotPublic, http.StatusConflict, "not_public", "set http.public_url to the https address of this node"},
	{wallet.ErrNoContact, http.StatusConflict, "no_contact", "essaim place edit --email ADDRESS"},
	{node.ErrUnknownClass, http.StatusNotFound, "unknown_class", "see: essaim class list"},
	{node.ErrUnknownMember, http.StatusNotFound, "unknown_person", "see: essaim key show"},
	{node.ErrNotFollowed, http.StatusNotFound, "not_followed", "see: essaim territory list"},
	{node.ErrMirrored, http.StatusConflict, "mirrored", "remove the mirror first: essaim mirror remove"},
	{node.ErrNotMirror, http.StatusNotFound, "not_mirrored", "see: essaim mirror list"},
	{node.ErrUnknownCode, http.StatusNotFound, "unknown_code", "check each character of the code"},
	{node.ErrExpiredCode, http.StatusGone, "expired_code", "ask for a new code where the badge was awarded"},
	{node.ErrAlreadyClaimed, http.StatusConflict, "already_claimed", ""},
	{node.ErrUnknownToken, http.StatusNotFound, "not_found", ""},
	{node.ErrUnknownPeer, http.StatusNotFound, "not_found", "see: essaim peer list"},
	{node.ErrUnknownAnchor, http.StatusNotFound, "not_found", "see: essaim anchor list"},
	{node.ErrUnknownImport, http.StatusNotFound, "not_found", "see: essaim badge list"},
	{node.ErrUnknownRule, http.StatusNotFound, "not_found", ""},
	{node.ErrUnknownInvitation, http.StatusNotFound, "not_found", "see: essaim peer invite --list"},
	{node.ErrNoInviter, http.StatusNotFound, "no_inviter", "a short code is known on the local network and among connected nodes only: ask for the link, or for a code with an address (essaim peer invite --at)"},
	{node.ErrExpiredInvitation, http.StatusGone, "expired_invitation", "ask for a new one where it comes from"},
	{node.ErrUsedInvitation, http.StatusConflict, "used_invitation", "ask for a new one where it comes from"},
	{node.ErrNotReached, http.StatusGatewayTimeout, "inviter_unreachable", "see whether that node is on, and whether its router lets connections in"},
	{node.ErrBlockedPeer, http.StatusConflict, "blocked_peer", "essaim peer unblock"},
	{node.ErrNoNetwork, http.StatusConflict, "no_network", "start the node: essaim serve"},
	{bundle.ErrNotBundle, http.StatusUnprocessableEntity, "no_bundle", "essaim bundle write makes one"},
	{bundle.ErrDamaged, http.StatusUnprocessableEntity, "damaged_bundle", "copy the file again; what came before the damage is kept"},
	{bundle.ErrCut, http.StatusUnprocessableEntity, "cut_bundle", "copy the file again; what came before the end is kept"},
	{territory.ErrSyntax, http.StatusUnprocessableEntity, "bad_territory", "see: essaim territory search NAME"},
	{territory.ErrUnknown, http.StatusNotFound, "unknown_place", "give a commune, a postal code or a city"},
	{context.Canceled, http.StatusServiceUnavailable, "cancelled", "try again"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout", "try again"},
}

// problem says err to whoever asked. What it does not know is the node's own
// fault: it is not told in detail, and known is false.
func problem(err error) (p *Problem, known bool) {
	var refusal *protocol.Refusal
	var bad *node.BadBadge
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.As(err, &bad):
		return badgeProblem(bad), true
	case errors.As(err, &refusal):
		p = newProblem(http.StatusUnprocessableEntity, string(refusal.Reason), refusal.Detail, "")
		if !refusal.Blame() {
			p.Status, p.Title = http.StatusConflict, http.StatusText(http.StatusConflict)
			p.Hint = "check the clock of this computer; if it is right, try again when that time has come"
		}
		return p, true
	}
	if p := nameProblem(err); p != nil {
		return p, true
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return newProblem(a.status, a.code, err.Error(), a.hint), true
		}
	}
	var invalid *badge.Invalid
	if errors.As(err, &invalid) {
		return newProblem(http.StatusUnprocessableEntity, "bad_value", invalid.Error(), ""), true
	}
	return newProblem(http.StatusInternalServerError, "internal", "the node failed; its log says more", ""), false
}

// nameProblem says what is wrong with a name somebody gave, or with doing
// something in somebody's name.
func nameProblem(err error) *Problem {
	var (
		entitled *node.NotEntitled
		place    *territory.AmbiguousError
		noPlace  *territory.UnknownError
		class    *node.AmbiguousClass
		member   *node.AmbiguousMember
	)
	switch {
	case errors.As(err, &entitled):
		return newProblem(http.StatusForbidden, "not_entitled", entitled.Error(), "only the issuer revokes, the holder renounces, the endorser withdraws, the creator retires")
	case errors.As(err, &place):
		p := newProblem(http.StatusConflict, "ambiguous_place", place.Error(), place.Hint)
		p.Candidates = place.Labels
		return p
	case errors.As(err, &noPlace):
		p := newProblem(http.StatusNotFound, "unknown_place", noPlace.Error(), "give a commune, a postal code or a city")
		p.Candidates = noPlace.Suggestions
		return p
	case errors.As(err, &class):
		p := newProblem(http.StatusConflict, "ambiguous_class", class.Error(), "give the code of one of them")
		for _, r := range class.Candidates {
			a := r.Document().(*badge.Achievement)
			p.Candidates = append(p.Candidates, r.CID().String()+" "+a.Name+", "+a.Creator.Name)
		}
		return p
	case errors.As(err, &member):
		p := newProblem(http.StatusConflict, "ambiguous_member", member.Error(), "give the did:key of one of them")
		for _, m := range member.Candidates {
			p.Candidates = append(p.Candidates, string(m.DID))
		}
		return p
	}
	return nil
}

// badgeProblem says why a badge made elsewhere is not kept or not published.
func badgeProblem(bad *node.BadBadge) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, "bad_badge", bad.Error(), "")
	if bad.Unverified {
		p = newProblem(http.StatusConflict, "unverified_badge", bad.Error(), "ask its sites with online, and give the e-mail address or the identity it is for")
	}
	c := finding(bad.Question.String(), bad.Finding)
	p.Question, p.Reason, p.Sentence = c.Name, c.Reason, c.Sentence
	return p
}

func newProblem(status int, code, detail, hint string) *Problem {
	return &Problem{Status: status, Code: code, Title: http.StatusText(status), Detail: detail, Hint: hint}
}

// writeProblem answers before huma has a say.
func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	_ = json.MarshalWrite(w, p) // whoever asked has gone
}

// humaProblem says what huma itself finds wrong with a request. It never
// repeats the value that is wrong: it may be a passphrase.
func humaProblem(status int, message string, errs ...error) huma.StatusError {
	var details []string
	for _, err := range errs {
		if err == nil {
			continue
		}
		var p *Problem
		if errors.As(err, &p) {
			return p
		}
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			details = append(details, detail.Location+" "+detail.Message)
			continue
		}
		details = append(details, err.Error())
	}
	if len(details) > 0 {
		message += ": " + strings.Join(details, "; ")
	}
	code := "bad_request"
	switch {
	case status == http.StatusUnprocessableEntity:
		code = "bad_value"
	case status == http.StatusRequestEntityTooLarge:
		code = "too_large"
	case status >= 500:
		code = "internal"
	}
	return newProblem(status, code, message, "see /api/openapi.json")
}
