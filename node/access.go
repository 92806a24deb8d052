package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/skill"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/protocol/trust"
	"codeberg.org/essaim/essaim/store"
)

// AccessRule is by which awards a place lets people use a machine. What is zero
// asks nothing.
type AccessRule struct {
	Name       string      `json:"name"`
	Classes    []string    `json:"classes,omitempty"`    // CIDs; any class without
	Level      int         `json:"level,omitempty"`      // of the award, at least
	Trust      trust.Level `json:"trust,omitempty"`      // at least
	EndorsedBy []did.DID   `json:"endorsedBy,omitempty"` // one of them issued or endorsed the award
	Within     int         `json:"within,omitempty"`     // days since it was awarded, at most
	// Fresh is how many hours ago this node last compared the territories of
	// the award with a neighbour, at most: it may not know of a revocation since.
	Fresh int `json:"fresh,omitempty"`
}

// AccessQuery asks whether somebody may.
type AccessQuery struct {
	Rule   string // "" is DefaultRule
	Class  cid.Cid
	Skill  string // where no class is given; neither: any the rule names
	Holder did.DID
}

// DefaultRule is the rule of a question that names none.
const DefaultRule = "default"

// Bounds of rules.
const (
	maxRules       = 64
	maxRuleEntries = 64
	// maxAccessAwards is how many awards of one class and key are looked at.
	maxAccessAwards = 100
	// maxAccessEndorsers is how many endorsers of an award are looked at.
	maxAccessEndorsers = 200
)

// AccessReason is why somebody may or may not; a closed list.
type AccessReason string

// The reasons. Of several awards the answer is the reason furthest down.
const (
	AccessNoRule      AccessReason = "no_rule"       // nobody set the rule
	AccessCompromised AccessReason = "compromised"   // the holder declared the key compromised
	AccessOtherClass  AccessReason = "other_class"   // the rule does not name the class
	AccessNotHeld     AccessReason = "not_held"      // no award of it, as known here
	AccessNotInForce  AccessReason = "not_in_force"  // suspended, revoked, renounced, or issued with a stolen key
	AccessExpired     AccessReason = "expired"       // or it has not begun
	AccessOutsideRule AccessReason = "outside_rule"  // awarded by somebody the class does not let
	AccessLevelTooLow AccessReason = "level_too_low" // of the award
	AccessTooOld      AccessReason = "too_old"       // awarded too long ago
	AccessNotEndorsed AccessReason = "not_endorsed"  // by none of those the rule names
	AccessNotTrusted  AccessReason = "not_trusted"   // below the level of trust asked for
	AccessStale       AccessReason = "stale"         // what is known here is too old to say yes
	AccessAllowed     AccessReason = "allowed"       // yes
)

// accessOrder is how far an award came.
var accessOrder = []AccessReason{
	AccessNotHeld, AccessNotInForce, AccessExpired, AccessOutsideRule, AccessLevelTooLow, AccessTooOld,
	AccessNotEndorsed, AccessNotTrusted, AccessStale, AccessAllowed,
}

// AccessAnswer is yes or no, and why.
type AccessAnswer struct {
	Allowed  bool
	Reason   AccessReason
	Rule     string
	Award    cid.Cid // that decided; undefined where none did
	Standing         // of the award
	// Heard is when this node last compared what it holds with a neighbour, in
	// the territories of the award or, where none decided, in any: what it knows
	// is as old. Zero for never.
	Heard time.Time
	At    time.Time
}

// ErrUnknownRule is wrapped when no access rule has a name.
var ErrUnknownRule = errors.New("no access rule is called so")

// SetAccessRule keeps a rule under its name, in place of the one there was.
func (n *Node) SetAccessRule(r AccessRule) error {
	if err := r.check(); err != nil {
		return err
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	rules, err := n.AccessRules()
	if err != nil {
		return err
	}
	if len(rules) >= maxRules && !slices.ContainsFunc(rules, func(x AccessRule) bool { return x.Name == r.Name }) {
		return &badge.Invalid{Member: "name", Why: fmt.Sprintf("is one too many: %d rules are kept at most", maxRules)}
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("access rule %s: %w", r.Name, err)
	}
	return n.trust.rows.Put([]byte("rule/"+r.Name), raw)
}

func (r AccessRule) check() error {
	if r.Name == "" || len(r.Name) > 64 || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return &badge.Invalid{Member: "name", Why: "has not 1 to 64 characters a-z, 0-9 and -"}
	}
	if len(r.Classes) > maxRuleEntries || len(r.EndorsedBy) > maxRuleEntries {
		return &badge.Invalid{Member: "classes or endorsedBy", Why: fmt.Sprintf("has more than %d entries", maxRuleEntries)}
	}
	for _, c := range r.Classes {
		if _, err := badge.ParseCID(c); err != nil {
			return err
		}
	}
	for _, d := range r.EndorsedBy {
		if _, err := did.Parse(string(d)); err != nil {
			return &badge.Invalid{Member: "endorsedBy", Why: "is not a did:key of an Ed25519 key"}
		}
	}
	switch {
	case r.Level < 0 || r.Level > 5:
		return &badge.Invalid{Member: "level", Why: "is not from 0 to 5"}
	case r.Trust > trust.LevelVerySolid:
		return &badge.Invalid{Member: "trust", Why: "is no level of trust"}
	case r.Within < 0 || r.Fresh < 0:
		return &badge.Invalid{Member: "within or fresh", Why: "is less than 0"}
	}
	return nil
}

// AccessRules returns every rule, by name.
func (n *Node) AccessRules() ([]AccessRule, error) {
	var all []AccessRule
	for key, value := range n.trust.rows.Each() {
		if !strings.HasPrefix(string(key), "rule/") {
			continue
		}
		var r AccessRule
		if err := json.Unmarshal(value, &r); err != nil {
			return nil, fmt.Errorf("access %s: %w", key, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// RemoveAccessRule forgets a rule. Who asks by it is told no.
func (n *Node) RemoveAccessRule(name string) error {
	key := []byte("rule/" + name)
	if _, err := n.trust.rows.Get(key); errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%q: %w", name, ErrUnknownRule)
	} else if err != nil {
		return fmt.Errorf("access rule %s: %w", name, err)
	}
	return n.trust.rows.Delete(key)
}

// Access says whether a holder may, by the rule of this place. It says no
// wherever it does not know: no rule, no fresh knowledge, no award. That the
// person who asks is the holder is for the machine to check.
func (n *Node) Access(ctx context.Context, q AccessQuery) (AccessAnswer, error) {
	a := AccessAnswer{Rule: or(q.Rule, DefaultRule), At: n.now().UTC().Truncate(time.Second)}
	no := func(why AccessReason) (AccessAnswer, error) {
		a.Reason = why
		return a, nil
	}
	var err error
	if a.Heard, err = n.heard(); err != nil {
		return a, err
	}
	rules, err := n.AccessRules()
	if err != nil {
		return a, err
	}
	i := slices.IndexFunc(rules, func(r AccessRule) bool { return r.Name == a.Rule })
	if i < 0 {
		return no(AccessNoRule)
	}
	rule := rules[i]
	if rule.stale(a.Heard, a.At) { // then "not held" would say too much
		return no(AccessStale)
	}
	stolen, err := n.declaredStolen(q.Holder)
	if err != nil {
		return a, err
	}
	if stolen {
		return no(AccessCompromised)
	}
	classes, err := n.accessClasses(q, rule)
	if err != nil {
		return a, err
	}
	if len(classes) == 0 {
		return no(AccessOtherClass)
	}
	return n.accessBy(ctx, a, rule, q.Holder, classes)
}

// named returns the classes the rule names.
func (r AccessRule) named() ([]cid.Cid, error) {
	var all []cid.Cid
	for _, text := range r.Classes {
		c, err := badge.ParseCID(text)
		if err != nil {
			return nil, fmt.Errorf("access rule %s: %w", r.Name, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// stale reports whether the last comparison is too old, or from a clock that went
// wrong.
func (r AccessRule) stale(heard, now time.Time) bool {
	if r.Fresh == 0 {
		return false
	}
	age := now.Sub(heard)
	return heard.IsZero() || age > time.Duration(r.Fresh)*time.Hour || age < -protocol.Ahead
}

// declaredStolen reports whether a key was declared compromised by now.
func (n *Node) declaredStolen(key did.DID) (bool, error) {
	for e, err := range n.store.Find(store.Query{Kinds: []protocol.Kind{protocol.Status}, Author: key, Target: protocol.Target{DID: key}}) {
		if err != nil {
			return false, err
		}
		r, err := e.Record()
		if err != nil {
			return false, err
		}
		if d := r.Document().(*badge.Status); d.State == badge.Compromised && !begins(d.Since).After(n.now()) {
			return true, nil
		}
	}
	return false, nil
}

// accessClasses returns the classes asked about that the rule lets count.
func (n *Node) accessClasses(q AccessQuery, rule AccessRule) ([]cid.Cid, error) {
	asked := []cid.Cid{q.Class}
	if !q.Class.Defined() {
		words := skill.Words(q.Skill)
		switch {
		case len(words) > 0:
		case q.Skill == "" && len(rule.Classes) > 0:
			return rule.named()
		default:
			return nil, &badge.Invalid{Member: "class", Why: "is missing, and so is skill: one of them is asked about, unless the rule names classes"}
		}
		found, err := n.classes.match(n, words)
		if err != nil {
			return nil, err
		}
		asked = nil
		for _, m := range found {
			asked = append(asked, m.class.cid)
		}
	}
	if len(rule.Classes) == 0 {
		return asked, nil
	}
	return slices.DeleteFunc(asked, func(c cid.Cid) bool { return !slices.Contains(rule.Classes, c.String()) }), nil
}

// accessBy looks for an award of one of the classes, under any key of the holder,
// that the rule takes.
func (n *Node) accessBy(ctx context.Context, a AccessAnswer, rule AccessRule, holder did.DID, classes []cid.Cid) (AccessAnswer, error) {
	var keys []did.DID
	named := map[did.DID]bool{} // identities the rule names
	if err := n.trust.ask(ctx, func(g *trust.Graph) {
		keys = g.Identity(holder).Keys
		for _, d := range rule.EndorsedBy {
			named[g.Identity(d).First] = true
		}
	}); err != nil {
		return a, err
	}
	a.Reason = AccessNotHeld
	for _, class := range classes {
		for _, key := range keys {
			query := store.Query{Kinds: []protocol.Kind{protocol.Award}, Holder: key, Class: class, Newest: true, Limit: maxAccessAwards}
			for r, err := range n.store.Records(query) {
				if err != nil {
					return a, err
				}
				why, weight, err := n.accessOf(ctx, rule, named, r.Record, r.State)
				if err != nil {
					return a, err
				}
				heard, err := n.heard(r.Territories()...)
				if err != nil {
					return a, err
				}
				if why == AccessAllowed && rule.stale(heard, a.At) {
					why = AccessStale
				}
				if slices.Index(accessOrder, why) > slices.Index(accessOrder, a.Reason) {
					a.Reason, a.Award, a.Standing, a.Heard = why, r.CID(), weight, heard
				}
				if why == AccessAllowed {
					a.Allowed = true
					return a, nil
				}
			}
		}
	}
	return a, nil
}

// accessOf says how far one award comes.
func (n *Node) accessOf(ctx context.Context, rule AccessRule, named map[did.DID]bool, r protocol.Record, state protocol.State) (AccessReason, Standing, error) {
	doc := r.Document().(*badge.AchievementCredential)
	class, err := n.store.Get(r.Class())
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !protocol.Matches(r, class):
		return AccessNotHeld, Standing{}, nil
	case err != nil:
		return "", Standing{}, err
	case state != protocol.Live:
		return AccessNotInForce, Standing{}, nil
	case !r.Valid(n.now()):
		return AccessExpired, Standing{}, nil
	}
	outside, err := n.OutsideRule(r)
	if err != nil {
		return "", Standing{}, err
	}
	awarded, err := badge.ParseTime(or(doc.AwardedDate, doc.ValidFrom))
	if err != nil {
		return "", Standing{}, fmt.Errorf("award %s: %w", r.CID(), err)
	}
	switch {
	case outside:
		return AccessOutsideRule, Standing{}, nil
	case doc.Level() < rule.Level:
		return AccessLevelTooLow, Standing{}, nil
	case rule.Within > 0 && n.now().Sub(awarded) > time.Duration(rule.Within)*24*time.Hour:
		return AccessTooOld, Standing{}, nil
	}
	words, err := n.endorsementsOf(r, named)
	if err != nil {
		return "", Standing{}, err
	}
	var b trust.Backing
	counts, spoke := false, false
	err = n.trust.ask(ctx, func(g *trust.Graph) {
		b, counts = g.Backing(trust.Target{Record: r.Digest()})
		spoke = named[b.Author]
		for _, e := range words {
			spoke = spoke || named[g.Identity(e.By).First] && g.Why(e.Record) == trust.Counted
		}
	})
	weight := standing(b)
	switch {
	case err != nil:
		return "", Standing{}, err
	case !counts: // it ended by the word of another key, or was signed with a stolen one
		return AccessNotInForce, weight, nil
	case len(named) > 0 && !spoke:
		return AccessNotEndorsed, weight, nil
	case b.Level < rule.Trust:
		return AccessNotTrusted, weight, nil
	}
	return AccessAllowed, weight, nil
}

// endorsementsOf returns the newest endorsements of an award, where a rule asks
// for somebody's. Those count whatever they weigh in trust, but not when they
// were withdrawn, have lapsed or were signed with a stolen key.
func (n *Node) endorsementsOf(r protocol.Record, named map[did.DID]bool) ([]trust.Endorsement, error) {
	if len(named) == 0 {
		return nil, nil
	}
	var all []trust.Endorsement
	q := store.Query{
		Kinds: []protocol.Kind{protocol.Endorsement}, Target: protocol.Target{CID: r.CID()}, Newest: true, Limit: maxAccessEndorsers,
	}
	for word, err := range n.store.Records(q) {
		if err != nil {
			return nil, err
		}
		if f, ok := factOf(word.Record).(trust.Endorsement); ok {
			all = append(all, f)
		}
	}
	return all, nil
}

// heardEvery is how often it is kept what was compared. What a crash loses makes
// the next start say no for longer, never yes.
const heardEvery = time.Minute

// keepHeard keeps when territories were last compared, each minute and at the end.
func (n *Node) keepHeard(ctx context.Context) error {
	tick := time.NewTicker(heardEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			n.noteHeard()
			return nil
		case <-tick.C:
			n.noteHeard()
		}
	}
}

// noteHeard keeps what was compared since it last did.
func (n *Node) noteHeard() {
	for id, at := range n.sync.takeWhole() {
		err := n.trust.rows.Put([]byte("heard/"+string(id)), []byte(badge.FormatTime(at)))
		if err != nil && !errors.Is(err, store.ErrClosed) {
			n.log.Warn("comparison not noted; access may be refused until the next", "err", err)
		}
	}
}

// heard returns when one of these territories, or of those followed, was last
// compared with a neighbour to the end, or the zero time. Gossip before and after
// may have missed something; a comparison misses nothing the neighbour had.
func (n *Node) heard(of ...territory.ID) (time.Time, error) {
	if len(of) == 0 {
		of = n.Followed()
	}
	last := time.Time{}
	for _, id := range of {
		at, err := n.heardOf(id)
		if err != nil {
			return last, err
		}
		if at.After(last) {
			last = at
		}
	}
	return last, nil
}

func (n *Node) heardOf(id territory.ID) (time.Time, error) {
	if at, ok := n.sync.wholeAt(id); ok {
		return at, nil
	}
	raw, err := n.trust.rows.Get([]byte("heard/" + string(id)))
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("last comparison of %s: %w", id, err)
	}
	return badge.ParseTime(string(raw))
}
