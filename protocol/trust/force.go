package trust

// Reason says why a record does or does not count on the day of the view.
type Reason uint8

// The reasons. All after Counted are why not.
const (
	Counted     Reason = iota
	Unknown            // no such record, or of a kind that says nothing here
	NotBegun           // it counts from a later day
	Expired            // by its own word
	Lapsed             // two years old, and not renewed
	Ended              // revoked, suspended, withdrawn, renounced or erased
	Compromised        // signed by a key from the day it was compromised
	Own                // about its author, or about what they made or hold
	Superseded         // a newer one by the same identity stands in its place
	Conflicting        // another succession was preferred
)

var reasonNames = [...]string{
	Counted: "counted", Unknown: "unknown", NotBegun: "not begun", Expired: "expired", Lapsed: "lapsed (2 years)",
	Ended: "ended", Compromised: "key compromised", Own: "self-endorsement", Superseded: "superseded", Conflicting: "conflicting succession",
}

// String returns the reason in a few words.
func (r Reason) String() string { return reasonNames[r] }

// window says whether e counts on day by its own dates (spec/trust.md §3).
func (e *entry) window(day uint16) Reason {
	from := dayOf(e.from)
	switch {
	case e.kind == unknown:
		return Unknown
	case from > day:
		return NotBegun
	case e.kind == compromise:
		return Counted // its second day says since when
	case e.until <= day:
		return Expired
	case (e.kind == endorsement || e.kind == dispute) && int(day) >= int(from)+Lapse:
		return Lapsed
	}
	return Counted
}

// force says whether the record counts today, but for what competes with it.
func (g *Graph) force(r ref) Reason {
	e := g.at(r)
	if why := e.window(g.day); why != Counted {
		return why
	}
	if g.tainted(e) {
		return Compromised
	}
	if e.mark&noted != 0 && g.ended(r) {
		return Ended
	}
	return Counted
}

// tainted reports whether e was signed by a key that had been compromised.
// The compromise itself is believed.
func (g *Graph) tainted(e *entry) bool {
	return e.kind != compromise && dayOf(e.from) >= g.people[e.by].since
}

// ended weighs the statuses that name r: any final one by who is entitled ends
// it, else the newest of suspended and reinstated decides, the larger digest
// between equal times.
func (g *Graph) ended(r ref) bool {
	e := g.at(r)
	var last *entry
	for s := e.first; s != 0; s = g.at(s).nextOf {
		n := g.at(s)
		if n.kind != status || n.window(g.day) != Counted || g.tainted(n) {
			continue
		}
		author := g.root(n.by) == g.root(e.by)
		holder := e.kind == award && g.root(n.by) == g.root(e.of)
		switch n.state() {
		case Withdrawn:
			if author && (e.kind == endorsement || e.kind == dispute) {
				return true
			}
		case Revoked:
			if author && e.kind == award {
				return true
			}
		case Renounced, Erased:
			if holder {
				return true
			}
		case Suspended, Reinstated:
			if author && e.kind == award && (last == nil || n.from > last.from || n.from == last.from && n.digest.Compare(last.digest) > 0) {
				last = n
			}
		}
	}
	return last != nil && last.state() == Suspended
}

// own reports whether a record that is about another is about its author or
// what they made or hold, and so says nothing (spec/trust.md §3).
func (g *Graph) own(e *entry) bool {
	if e.kind != endorsement && e.kind != dispute && e.kind != award {
		return false
	}
	by := g.root(e.by)
	if e.of != nobody {
		return by == g.root(e.of)
	}
	target := g.at(e.on)
	switch target.kind {
	case class:
		return by == g.root(target.by)
	case award:
		return by == g.root(target.by) || by == g.root(target.of)
	}
	return false
}

// Why says whether the record counts, and if not why not. Cost: for an
// endorsement of a profile, what its author issued.
func (g *Graph) Why(d Digest) Reason {
	g.settle()
	r := g.find(d)
	if r == 0 {
		return Unknown
	}
	e := g.at(r)
	why := g.force(r)
	switch {
	case why != Counted:
		return why
	case g.own(e):
		return Own
	case e.kind == succession && g.people[e.by].next != e.of:
		return Conflicting
	case e.kind == endorsement && e.of != nobody:
		if g.best(g.root(e.by), g.root(e.of), profiles) != r {
			return Superseded
		}
	}
	return Counted
}
