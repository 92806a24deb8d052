package trust

// Links returns how many links there are.
func (g *Graph) Links() int { g.settle(); return g.links }

// Flow makes all layers anew.
func (g *Graph) Flow() { g.flow() }

// Relink makes all links anew.
func (g *Graph) Relink() { g.relink() }

// Share is what a link passes on of x.
func Share(x uint64, award bool, weight int, divisor uint64) uint64 {
	p := profiles
	if award {
		p = awards
	}
	return share(x, p, uint8(weight/25-1), divisor)
}
