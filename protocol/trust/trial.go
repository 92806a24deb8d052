package trust

import "slices"

// Try runs do, which may file facts and move the view, and takes all of it
// back: the view is what it was, the facts that came are gone, and so are the
// keys and records nobody had named before. However often strangers ask what if,
// the graph does not grow. What do removes stays removed. Cost: settling twice.
func (g *Graph) Try(do func()) {
	g.settle()
	view, people, count := g.View(), len(g.people), g.count
	g.trying = true
	do()
	g.trying = false
	for _, d := range g.tried {
		g.Remove(d)
	}
	g.tried = g.tried[:0]
	g.SetView(view)
	g.settle()
	g.forget(people, count)
	g.handed = slices.DeleteFunc(g.handed, func(a actor) bool { return int(a) >= people })
}

// forget takes out the keys and entries that came since there were so many. No
// other may name them.
func (l *ledger) forget(people int, count ref) {
	// The newest first: nothing that came later stands behind it in the index.
	for l.count > max(count, 1) {
		l.count--
		r := l.count
		l.index[l.probe(l.at(r).digest)] = 0
		*l.at(r) = entry{}
	}
	l.pages = l.pages[:(int(l.count)+pageSize-1)/pageSize]
	for _, p := range l.people[people:] {
		delete(l.numbers, p.did)
	}
	clear(l.people[people:])
	l.people = l.people[:people]
}
