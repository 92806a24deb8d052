package web

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// claimPage is what the holder of a claim code sees: what they are offered, by
// whom, who will see it, and the one button. Problem is set instead when there
// is nothing to accept, Claimed when it was accepted.
type claimPage struct {
	Problem *problem
	Claimed string // CID

	Name, Description string
	Criteria          string
	CriteriaURL       string
	Level             int
	Issuer            string
	AwardedOn         time.Time
	Elsewhere         string    // who issued it, when the issuer here only verified it
	VerifiedOn        time.Time // zero when that is not said
	Narrative         string
	Evidence          []badge.Evidence
	To                string
	Territories       []string // names
	Expires           time.Time
	Sorry             *problem // what went wrong with the form, which stays
}

// problem says what is wrong and what to do.
type problem struct{ French, English string }

// maxForm bounds the one form: a name and a tick.
const maxForm = 4 << 10

// showClaim shows an offer to who has its code.
func (s *Site) showClaim(w http.ResponseWriter, r *http.Request) {
	status, p := s.offered(r.PathValue("code"))
	s.show(w, r, status, "claim.html", p)
}

// claim accepts an offer, and leads to the page that says so.
func (s *Site) claim(w http.ResponseWriter, r *http.Request) {
	code := r.PathValue("code")
	status, p := s.offered(code)
	if p.Problem != nil || p.Claimed != "" {
		s.show(w, r, status, "claim.html", p)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("accept") != "yes" {
		p.Sorry = &problem{"Cochez la case pour accepter ce badge.", "Tick the box to accept this badge."}
		s.show(w, r, http.StatusUnprocessableEntity, "claim.html", p)
		return
	}
	if _, err := s.node.Claim(r.Context(), code, r.PostForm.Get("name")); err != nil {
		status, p.Sorry = s.sorry(err)
		s.show(w, r, status, "claim.html", p)
		return
	}
	http.Redirect(w, r, "/reclamer/"+code, http.StatusSeeOther)
}

// offered returns the page of a code.
func (s *Site) offered(code string) (int, claimPage) {
	if !s.claims.Allow() {
		return http.StatusTooManyRequests, claimPage{Problem: &problem{
			"Trop de codes ont été essayés. Attendez une minute, puis recommencez.",
			"Too many codes were tried. Wait a minute, then try again.",
		}}
	}
	offer, err := s.node.OfferOf(code)
	switch {
	case errors.Is(err, node.ErrAlreadyClaimed):
		return http.StatusOK, claimPage{Claimed: offer.Claimed, Name: offer.Name}
	case err != nil:
		status, p := s.sorry(err)
		return status, claimPage{Problem: p}
	}
	award, err := protocol.ParseOffer(offer.Document, time.Now())
	if err != nil {
		status, p := s.sorry(err)
		return status, claimPage{Problem: p}
	}
	a := award.Subject.Achievement
	p := claimPage{
		Name: a.Name, Description: a.Description, Criteria: a.Criteria.Narrative, CriteriaURL: a.Criteria.ID,
		Level: award.Level(), Issuer: s.node.NameOf(award.Issuer.ID), Narrative: award.Subject.Narrative,
		To: offer.To, Expires: offer.Expires,
	}
	for _, e := range award.Evidence {
		if !badge.IsOrigin(e) {
			p.Evidence = append(p.Evidence, e)
		}
	}
	if award.Attests() {
		o, _ := award.Origin()
		p.Elsewhere, p.VerifiedOn = cmp.Or(o.IssuerName, o.Issuer, "?"), o.VerifiedOn
	}
	if p.Issuer == "" {
		p.Issuer = award.Issuer.Name
	}
	if p.AwardedOn, err = badge.ParseTime(award.AwardedDate); err != nil {
		p.AwardedOn = time.Time{}
	}
	places, err := s.node.Gazetteer()
	for _, t := range award.Territory {
		name := t
		if err == nil {
			name = places.Name(territory.ID(t))
		}
		p.Territories = append(p.Territories, name)
	}
	return http.StatusOK, p
}

// sorry says an error to a person.
func (s *Site) sorry(err error) (int, *problem) {
	switch {
	case errors.Is(err, node.ErrUnknownCode):
		return http.StatusNotFound, &problem{
			"Aucun badge n’attend ce code. Vérifiez chaque caractère.",
			"No badge waits for this code. Check each character.",
		}
	case errors.Is(err, node.ErrExpiredCode):
		return http.StatusGone, &problem{
			"Ce code a expiré. Demandez-en un nouveau là où le badge a été remis.",
			"This code has expired. Ask for a new one where the badge was awarded.",
		}
	case errors.Is(err, keyring.ErrLocked):
		return http.StatusLocked, &problem{
			"Ce nœud ne peut pas signer en ce moment : ses clés sont verrouillées. Prévenez la personne qui s’en occupe ; le code reste bon.",
			"This node cannot sign now: its keys are locked. Tell whoever looks after it; the code stays good.",
		}
	case errors.Is(err, keyring.ErrNoKey):
		return http.StatusConflict, &problem{
			"Ce badge est pour une identité dont la clé n’est pas ici. Acceptez-le là où elle est.",
			"This badge is for an identity whose key is not here. Accept it where that is.",
		}
	case errors.Is(err, store.ErrReadOnly):
		return http.StatusInsufficientStorage, &problem{
			"Le disque de ce nœud est presque plein : rien ne peut être enregistré. Prévenez la personne qui s’en occupe ; le code reste bon.",
			"The disk of this node is nearly full: nothing can be saved. Tell whoever looks after it; the code stays good.",
		}
	}
	var invalid *badge.Invalid
	var refusal *protocol.Refusal
	if errors.As(err, &invalid) || errors.As(err, &refusal) {
		return http.StatusUnprocessableEntity, &problem{
			"Ce nom ne peut pas être publié : il est trop long ou contient un caractère interdit.",
			"This name cannot be published: it is too long or has a character that is not allowed.",
		}
	}
	s.log.Error("page failed", "err", err)
	return http.StatusInternalServerError, &problem{
		"Le nœud n’y est pas arrivé. Réessayez ; s’il échoue encore, prévenez la personne qui s’en occupe.",
		"The node failed. Try again; if it fails once more, tell whoever looks after it.",
	}
}
