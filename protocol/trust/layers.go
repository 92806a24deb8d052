package trust

// divisor returns what shares out of a purse of u are divided by, given the sum
// of the weights it issued. An anchor is not diluted: the reader trusts its
// list.
func (g *Graph) divisor(u actor, p purse, sum uint64) uint64 {
	least := 1000 * purseTable[p].quota
	if g.anchor[u] {
		return least
	}
	return max(least, 10*sum)
}

// flow makes all layers anew: for each hop, one sweep over the links out of the
// actors that hold points. Points that reach an anchor stop there.
func (g *Graph) flow() {
	g.passes++
	clear(g.x[0])
	for _, a := range g.seats {
		g.x[0][a] = uint64(AnchorPoints)
	}
	for k := range Hops {
		next := g.x[k+1]
		clear(next)
		if k == 0 {
			for _, a := range g.seats {
				g.pour(a, g.x[0][a], next)
			}
		} else {
			for u, x := range g.x[k] {
				if x != 0 {
					g.pour(actor(u), x, next)
				}
			}
		}
		for _, a := range g.seats {
			next[a] = 0
		}
	}
}

// pour passes x of u on to the next layer.
func (g *Graph) pour(u actor, x uint64, next []uint64) {
	for p := range purses {
		list := g.out[p][u]
		if len(list) == 0 {
			continue
		}
		sum := g.weight[p][u]
		divisor := g.divisor(u, p, sum)
		full := share(x, p, fullWeight, divisor)
		if full == 0 {
			continue // lighter links pass on no more
		}
		if sum == 100*uint64(len(list)) {
			for _, l := range list {
				next[l.other()] += full
			}
			continue
		}
		shares := [...]uint64{share(x, p, 0, divisor), share(x, p, 1, divisor), share(x, p, 2, divisor), full}
		for _, l := range list {
			next[l.other()] += shares[l.weight()]
		}
	}
}

// cascade brings the layers up to date after shifts, following differences
// only. It gives up and returns false once it has followed an eighth of the links
// there are; flow then has to follow. A link costs two to three times here what
// it costs in flow: at a half the worst of 20,000 records took 2 to 3 full passes
// of CPU, at an eighth 1.6, and a million links saw 23 such records instead of
// none; the p99 is the same.
//
// Layers stay equal to those of a full pass bit for bit: each link passes on
// the floor of its own share, so the difference of two layers is the wrapping
// sum of differences of floors.
func (g *Graph) cascade(shifts []shift) bool {
	byPurse := map[slot]*shift{}
	for i := range shifts {
		byPurse[slot{from: shifts[i].from, purse: shifts[i].purse}] = &shifts[i]
	}
	budget := g.links/8 + 1000
	now, next := &g.now, &g.next
	now.reset()
	// At each hop, now holds for the actors whose layer changed what it was.
	for k := range Hops {
		layer := g.x[k]
		next.reset()
		for _, u := range now.touched {
			for p := range purses {
				list := g.out[p][u]
				sum := g.weight[p][u]
				is := g.divisor(u, p, sum)
				was := is
				if len(byPurse) > 0 {
					if s := byPurse[slot{from: u, purse: p}]; s != nil {
						was = g.divisor(u, p, s.before)
					}
				}
				if budget -= len(list); budget < 0 {
					return false
				}
				g.spread(list, p, now.value[u], was, layer[u], is, next)
			}
		}
		for i := range shifts {
			s := &shifts[i]
			list := g.out[s.purse][s.from]
			was, is := g.divisor(s.from, s.purse, s.before), g.divisor(s.from, s.purse, g.weight[s.purse][s.from])
			before := layer[s.from]
			if now.has(s.from) {
				before = now.value[s.from]
			} else if was != is && before != 0 {
				if budget -= len(list); budget < 0 {
					return false
				}
				g.spread(list, s.purse, before, was, before, is, next)
			}
			// The list was spread as it is now: links that came as if they had
			// been there before, links that went as if they had not.
			for _, l := range s.added {
				next.add(l.other(), share(before, s.purse, l.weight(), was))
			}
			for _, l := range s.removed {
				next.add(l.other(), -share(before, s.purse, l.weight(), was))
			}
		}
		// Turn differences into what the layer was, and apply them.
		after := g.x[k+1]
		kept := next.touched[:0]
		for _, t := range next.touched {
			if next.value[t] == 0 || g.anchor[t] {
				next.forget(t)
				continue
			}
			old := after[t]
			after[t] = old + next.value[t]
			next.value[t] = old
			kept = append(kept, t)
		}
		next.touched = kept
		now, next = next, now
	}
	return true
}

// spread adds to next how what list passes on changes when the layer goes from
// before to after and the divisor from was to is.
func (g *Graph) spread(list []link, p purse, before, was, after, is uint64, next *pad) {
	var known [fullWeight + 1]bool
	var changes [fullWeight + 1]uint64
	for _, l := range list {
		w := l.weight()
		if !known[w] {
			known[w], changes[w] = true, share(after, p, w, is)-share(before, p, w, was)
		}
		if changes[w] != 0 {
			next.add(l.other(), changes[w])
		}
	}
}

// pad holds a number for some actors.
type pad struct {
	value   []uint64
	stamp   []uint32
	round   uint32
	touched []actor
}

func (p *pad) fit(n int) {
	grow(&p.value, n)
	grow(&p.stamp, n)
}

// reset forgets all numbers, in constant time.
func (p *pad) reset() {
	p.touched = p.touched[:0]
	if p.round++; p.round == 0 {
		clear(p.stamp)
		p.round = 1
	}
}

func (p *pad) has(a actor) bool { return p.stamp[a] == p.round }

// of returns the number of a, 0 for those that have none.
func (p *pad) of(a actor) uint64 {
	if p.has(a) {
		return p.value[a]
	}
	return 0
}

func (p *pad) add(a actor, n uint64) {
	if !p.has(a) {
		p.stamp[a], p.value[a] = p.round, 0
		p.touched = append(p.touched, a)
	}
	p.value[a] += n
}

// set replaces the number of a.
func (p *pad) set(a actor, n uint64) {
	p.add(a, 0)
	p.value[a] = n
}

// forget takes the number of a away; the caller takes it off touched.
func (p *pad) forget(a actor) { p.stamp[a] = p.round - 1 }

// scratch is room for one question or one settling at a time.
type scratch struct {
	now, next pad
	near      pad  // how many hops actors are from the one asked about
	sparse    bool // near was not measured beyond one hop
	search         // independent.go
}

func (s *scratch) fit(n int) {
	s.now.fit(n)
	s.next.fit(n)
	s.near.fit(n)
	s.search.fit(n)
}
