package trust_test

import (
	"cmp"
	"maps"
	"math/big"
	"slices"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// law is spec/trust.md read word by word, as slowly as it is written: nothing
// is kept, every question starts from the list of facts.
type law struct {
	view  trust.View
	facts []trust.Fact
	// What counts, where a test asks often: see settled.
	next              map[did.DID]trust.Succession
	endorsed, awarded map[pair]uint64
}

// settled returns the law with identities and edges made out once for all.
func (l law) settled() law {
	l.next = l.successions()
	l.endorsed, l.awarded = l.edges()
	return l
}

func (l law) compromisedSince(key did.DID) trust.Day {
	since := trust.Day(1 << 30)
	for _, f := range l.facts {
		if c, ok := f.(trust.Compromise); ok && c.Key == key && trust.DayOf(c.From) <= l.view.Day {
			since = min(since, trust.DayOf(c.Since))
		}
	}
	return since
}

// dated reports whether a record by a key counts by its dates and its key.
func (l law) dated(by did.DID, from, until trust.Day, lapses bool) bool {
	d := l.view.Day
	return from <= d && (until == 0 || d < until) && (!lapses || d < from+trust.Lapse) && from < l.compromisedSince(by)
}

func (l law) status(of trust.Digest, counts func(trust.Status) bool) (found []trust.Status) {
	for _, f := range l.facts {
		if s, ok := f.(trust.Status); ok && s.Target == of && l.dated(s.By, trust.DayOf(s.From), 0, false) && counts(s) {
			found = append(found, s)
		}
	}
	return found
}

func (l law) withdrawn(of trust.Digest, by did.DID) bool {
	return len(l.status(of, func(s trust.Status) bool {
		return s.State == trust.Withdrawn && l.identity(s.By) == l.identity(by)
	})) > 0
}

func endOf(f trust.Fact) trust.Day {
	switch f := f.(type) {
	case trust.Endorsement:
		if !f.Until.IsZero() {
			return trust.DayOf(f.Until)
		}
	case trust.Dispute:
		if !f.Until.IsZero() {
			return trust.DayOf(f.Until)
		}
	case trust.Award:
		if !f.Until.IsZero() {
			return trust.DayOf(f.Until)
		}
	}
	return 0
}

func (l law) live(f trust.Fact) bool {
	switch f := f.(type) {
	case trust.Endorsement:
		return l.dated(f.By, trust.DayOf(f.From), endOf(f), true) && !l.withdrawn(f.Record, f.By)
	case trust.Dispute:
		return l.dated(f.By, trust.DayOf(f.From), endOf(f), true) && !l.withdrawn(f.Record, f.By)
	case trust.Award:
		if !l.dated(f.Issuer, trust.DayOf(f.From), endOf(f), false) {
			return false
		}
		final := l.status(f.Record, func(s trust.Status) bool {
			return s.State == trust.Revoked && l.identity(s.By) == l.identity(f.Issuer) ||
				(s.State == trust.Renounced || s.State == trust.Erased) && l.identity(s.By) == l.identity(f.Holder)
		})
		held := l.status(f.Record, func(s trust.Status) bool {
			return (s.State == trust.Suspended || s.State == trust.Reinstated) && l.identity(s.By) == l.identity(f.Issuer)
		})
		slices.SortFunc(held, func(a, b trust.Status) int {
			return cmp.Or(a.From.Compare(b.From), a.Record.Compare(b.Record))
		})
		return len(final) == 0 && (len(held) == 0 || held[len(held)-1].State == trust.Reinstated)
	case trust.Class:
		return l.dated(f.Creator, trust.DayOf(f.From), 0, false)
	}
	return false
}

// successions returns the one that counts from each key.
func (l law) successions() map[did.DID]trust.Succession {
	if l.next != nil {
		return l.next
	}
	var all []trust.Succession
	for _, f := range l.facts {
		if s, ok := f.(trust.Succession); ok && l.dated(s.By, trust.DayOf(s.From), 0, false) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b trust.Succession) int { return a.Record.Compare(b.Record) })
	from := map[did.DID]trust.Succession{}
	var first []trust.Succession
	for _, s := range all {
		if _, ok := from[s.By]; !ok {
			from[s.By] = s
			first = append(first, s)
		}
	}
	next, followed := map[did.DID]trust.Succession{}, map[did.DID]bool{}
	for _, s := range first {
		if !followed[s.To] {
			next[s.By], followed[s.To] = s, true
		}
	}
	for _, start := range slices.Sorted(maps.Keys(next)) {
		largest, k := next[start], start
		for range len(next) {
			s, ok := next[k]
			if !ok {
				break
			}
			if s.Record.Compare(largest.Record) > 0 {
				largest = s
			}
			if k = s.To; k == start {
				delete(next, largest.By)
				break
			}
		}
	}
	return next
}

func (l law) identity(key did.DID) did.DID {
	next := l.successions()
	for {
		before := key
		for _, s := range next {
			if s.To == key {
				before = s.By
			}
		}
		if before == key {
			return key
		}
		key = before
	}
}

func (l law) anchors() map[did.DID]bool {
	set := map[did.DID]bool{}
	for _, a := range l.view.Anchors {
		set[l.identity(a)] = true
	}
	return set
}

type pair struct{ from, to did.DID }

// edges returns the weights of the profile purse and of the award purse.
func (l law) edges() (endorsed, awarded map[pair]uint64) {
	if l.endorsed != nil {
		return l.endorsed, l.awarded
	}
	best := map[pair]trust.Endorsement{}
	awarded = map[pair]uint64{}
	for _, f := range l.facts {
		if !l.live(f) {
			continue
		}
		switch f := f.(type) {
		case trust.Endorsement:
			p := pair{l.identity(f.By), l.identity(f.Of.Profile)}
			if f.Of.Profile == "" || p.from == p.to {
				continue
			}
			old, ok := best[p]
			if c := f.From.Compare(old.From); !ok || c > 0 || c == 0 && f.Record.Compare(old.Record) < 0 {
				best[p] = f
			}
		case trust.Award:
			if p := (pair{l.identity(f.Issuer), l.identity(f.Holder)}); p.from != p.to {
				awarded[p] = 100
			}
		}
	}
	endorsed = map[pair]uint64{}
	for p, f := range best {
		endorsed[p] = 100
		if f.Weight != 0 {
			endorsed[p] = uint64(f.Weight)
		}
	}
	return endorsed, awarded
}

// layers returns x0 to x5 of every actor, with the records of silent ignored.
func (l law) layers(silent ...did.DID) [trust.Hops + 1]map[did.DID]uint64 {
	anchors := l.anchors()
	endorsed, awarded := l.edges()
	var x [trust.Hops + 1]map[did.DID]uint64
	x[0] = map[did.DID]uint64{}
	for a := range anchors {
		x[0][a] = 10e9
	}
	pour := func(k int, edges map[pair]uint64, tenths, quota uint64) {
		sum := map[did.DID]uint64{}
		for p, w := range edges {
			sum[p.from] += w
		}
		for p, w := range edges {
			most := 100 * quota
			if !anchors[p.from] {
				most = max(most, sum[p.from])
			}
			n := new(big.Int).SetUint64(x[k][p.from])
			n.Mul(n, new(big.Int).SetUint64(tenths*w))
			n.Div(n, new(big.Int).SetUint64(10*most))
			if !anchors[p.to] && !slices.Contains(silent, p.from) && n.Sign() > 0 {
				x[k+1][p.to] += n.Uint64()
			}
		}
	}
	for k := range trust.Hops {
		x[k+1] = map[did.DID]uint64{}
		pour(k, endorsed, 7, 7)
		pour(k, awarded, 1, 20)
	}
	return x
}

func (l law) points(who did.DID, silent ...did.DID) trust.Points {
	if l.anchors()[who] {
		return trust.AnchorPoints
	}
	sum := uint64(0)
	x := l.layers(append(silent, who)...)
	for k := 1; k <= trust.Hops; k++ {
		sum += x[k][who]
	}
	return trust.Points(sum)
}

func (l law) fact(d trust.Digest) trust.Fact {
	for _, f := range l.facts {
		if name(f) == d {
			return f
		}
	}
	return nil
}

// verdict is what the law says of an award, a class or an actor.
type verdict struct {
	For, Against, Net trust.Points
	Independent       int
	Level             trust.Level
}

func (l law) verdict(t trust.Target) (verdict, bool) {
	var author, holder did.DID
	var class trust.Digest
	if t.Profile != "" {
		author = l.identity(t.Profile)
	} else {
		switch f := l.fact(t.Record).(type) {
		case trust.Award:
			author, holder, class = l.identity(f.Issuer), l.identity(f.Holder), f.Class
			if !l.live(f) {
				return verdict{}, false
			}
		case trust.Class:
			author = l.identity(f.Creator)
			if !l.live(f) {
				return verdict{}, false
			}
		default:
			return verdict{}, false
		}
	}
	creator := did.DID("")
	if c, ok := l.fact(class).(trust.Class); ok && l.live(c) {
		creator = l.identity(c.Creator)
	}
	endorsed, _ := l.edges()
	half := map[did.DID]bool{}
	if creator != "" && (creator == author || endorsed[pair{creator, author}] > 0) {
		for _, f := range l.facts {
			if e, ok := f.(trust.Endorsement); ok && e.Of.Record == class && l.live(e) && l.identity(e.By) != creator {
				half[l.identity(e.By)] = true
			}
		}
	}
	full := map[did.DID]bool{author: true}
	against := map[did.DID]bool{}
	for _, f := range l.facts {
		switch f := f.(type) {
		case trust.Endorsement:
			if by := l.identity(f.By); !t.Record.IsZero() && f.Of.Record == t.Record && l.live(f) && by != author && by != holder {
				full[by] = true
			}
		case trust.Dispute:
			by := l.identity(f.By)
			about := f.Of.Profile != "" && l.identity(f.Of.Profile) == author ||
				!f.Of.Record.IsZero() && (f.Of.Record == t.Record || f.Of.Record == class) && !l.own(by, f.Of.Record)
			ignored := slices.ContainsFunc(l.view.Ignored, func(d did.DID) bool { return l.identity(d) == by })
			if about && l.live(f) && by != author && by != holder && !ignored {
				against[by] = true
			}
		}
	}
	delete(full, holder)
	delete(half, holder)
	var silent []did.DID
	if holder != "" {
		silent = append(silent, holder)
	}
	var v verdict
	for who := range full {
		v.For += l.points(who, silent...)
		delete(half, who)
	}
	for who := range half {
		v.For += l.points(who, silent...) / 2
	}
	for who := range against {
		v.Against += l.points(who, append(silent, author)...)
	}
	if v.For > 0 {
		n := new(big.Int).SetUint64(uint64(v.For))
		n.Mul(n, n)
		v.Net = trust.Points(n.Div(n, new(big.Int).SetUint64(uint64(v.For+v.Against))).Uint64())
	}
	maps.Copy(full, half)
	v.Independent = l.independent(author, full, holder)
	p, n := float64(v.For), float64(v.Against)
	switch k := v.Independent; {
	case v.Net >= trust.Point && k >= 3:
		v.Level = 4
	case v.Net >= trust.Point/10 && k >= 2:
		v.Level = 3
	case v.Net >= trust.Point/100 && k >= 2, v.Net >= trust.Point:
		v.Level = 2
	case v.Net > 0:
		v.Level = 1
	}
	switch { // exact: points here are far below 2^50
	case p < 2*n:
		v.Level = 0
	case p < 9*n:
		v.Level = min(v.Level, 1)
	}
	return v, true
}

// own reports whether a record is one's own, or its award one's own.
func (l law) own(by did.DID, record trust.Digest) bool {
	switch f := l.fact(record).(type) {
	case trust.Class:
		return l.identity(f.Creator) == by
	case trust.Award:
		return l.identity(f.Issuer) == by || l.identity(f.Holder) == by
	}
	return false
}

// independent is the value of the maximum flow, by depth-first augmentation of
// a matrix of capacities: every actor is two nodes.
func (l law) independent(author did.DID, supporters map[did.DID]bool, barred did.DID) int {
	anchors := l.anchors()
	for s := range supporters {
		if anchors[s] {
			return trust.MaxIndependent
		}
	}
	type node struct {
		who did.DID
		out bool
	}
	const many = 1000
	capacity := map[node]map[node]int{}
	set := func(a, b node, n int) {
		for _, x := range []node{a, b} {
			if capacity[x] == nil {
				capacity[x] = map[node]int{}
			}
		}
		capacity[a][b] = n
	}
	source, sink := node{"source", true}, node{"sink", false}
	x := l.layers()
	reached := func(who did.DID) bool {
		return x[0][who]+x[1][who]+x[2][who]+x[3][who]+x[4][who] > 0 && who != barred
	}
	endorsed, _ := l.edges()
	for p := range endorsed {
		if reached(p.from) && reached(p.to) {
			set(node{p.from, true}, node{p.to, false}, 1)
			for _, who := range []did.DID{p.from, p.to} {
				n := 1
				if anchors[who] || who == author {
					n = many
				}
				set(node{who, false}, node{who, true}, n)
			}
		}
	}
	for a := range anchors {
		set(source, node{a, false}, many)
	}
	for s := range supporters {
		set(node{s, true}, sink, many)
	}
	for flow := 0; ; flow++ {
		seen := map[node]bool{}
		var push func(node) bool
		push = func(n node) bool {
			if n == sink {
				return true
			}
			seen[n] = true
			for m, c := range capacity[n] {
				if c > 0 && !seen[m] && push(m) {
					capacity[n][m]--
					capacity[m][n]++
					return true
				}
			}
			return false
		}
		if !push(source) {
			return min(flow, trust.MaxIndependent)
		}
	}
}

func name(f trust.Fact) trust.Digest {
	switch f := f.(type) {
	case trust.Endorsement:
		return f.Record
	case trust.Dispute:
		return f.Record
	case trust.Award:
		return f.Record
	case trust.Class:
		return f.Record
	case trust.Status:
		return f.Record
	case trust.Succession:
		return f.Record
	case trust.Compromise:
		return f.Record
	}
	panic("a fact of an eighth kind")
}
