package palette

// space is the colours of a palette: opaque ones first, and others. An opaque pixel gets
// an opaque colour, and another one another, so that nothing shines through where
// nothing did.
type space struct {
	points []point
	opaque int // how many of points are
	solid  *nearest
	others *nearest
}

// newSpace takes 1 to 256 points, of which so many are opaque and come first.
func newSpace(points []point, opaque int) *space {
	s := &space{points: points, opaque: opaque}
	if opaque > 0 {
		s.solid = newNearest(points[:opaque], true)
	}
	if opaque < len(points) {
		s.others = newNearest(points[opaque:], false)
	}
	return s
}

// moved forgets what it knew of the points, which have changed.
func (s *space) moved() {
	if s.solid != nil {
		s.solid.moved()
	}
	if s.others != nil {
		s.others.moved()
	}
}

// index returns the place of the point for c, whose samples are 0 to full: of the
// nearest ones the first.
func (s *space) index(c point) int {
	if s.solid != nil && (c[3] == full || s.others == nil) {
		c[3] = full
		return s.solid.index(c)
	}
	return s.opaque + s.others.index(c)
}

// takes reports whether c may get the point at i.
func (s *space) takes(i int, c *point) bool {
	return c[3] != full || i < s.opaque || s.solid == nil
}

// nearest finds the colour of a list that is nearest to a point, exactly. Space is
// divided into cells, and of a cell that a point lies in it keeps which colours are
// nearest to any point of it: few. Cells are looked at when they are needed.
type nearest struct {
	points []point
	opaque uint32 // number of the first cell if all is opaque
	cells  []span
	blocks []span
	lists  []uint8
}

// A span is a part of the lists: where it begins and how long it is; 0: not yet known.
type span struct {
	at    uint32
	count uint16
}

// newNearest takes 1 to 256 points, which must not be changed while it is in use. If
// opaque is true, it is asked for opaque points only.
func newNearest(points []point, opaque bool) *nearest {
	n := &nearest{points: points}
	cells := uint32(17 << 15)
	if opaque {
		n.opaque = 16 << 15
		cells -= n.opaque
	}
	n.cells, n.blocks = make([]span, cells), make([]span, 5<<9)
	return n
}

// moved forgets what it knew of the points, which have changed.
func (n *nearest) moved() {
	clear(n.cells)
	clear(n.blocks)
	n.lists = n.lists[:0]
}

// cellOf and blockOf return the numbers of the cell and of the block of cells that c
// lies in. Alpha has 16 steps, and one more for what is opaque.
func cellOf(c *point) uint32 {
	return uint32(c[3]+one)>>8<<15 | uint32(c[0])>>7<<10 | uint32(c[1])>>7<<5 | uint32(c[2])>>7
}

func blockOf(c *point) uint32 {
	return uint32(c[3]+one)>>10<<9 | uint32(c[0])>>9<<6 | uint32(c[1])>>9<<3 | uint32(c[2])>>9
}

// index returns the place of the point that is nearest to c, whose samples are 0 to
// full; of several the first one.
func (n *nearest) index(c point) int {
	s := n.cells[cellOf(&c)-n.opaque]
	if s.count == 0 {
		s = n.look(c)
	}
	list := n.lists[s.at:][:s.count]
	best := int(list[0])
	if len(list) == 1 {
		return best
	}
	least := c.distance(n.points[best])
	for _, i := range list[1:] {
		if d := c.distance(n.points[i]); d < least {
			best, least = int(i), d
		}
	}
	return best
}

// look finds the colours of the cell that c lies in.
func (n *nearest) look(c point) span {
	block := &n.blocks[blockOf(&c)]
	if block.count == 0 {
		all := make([]uint8, len(n.points))
		for i := range all {
			all[i] = uint8(i)
		}
		*block = n.list(all, c, 9)
	}
	cell := &n.cells[cellOf(&c)-n.opaque]
	*cell = n.list(n.lists[block.at:][:block.count], c, 7)
	return *cell
}

// list keeps those of the candidates that are nearest to any point of the box around
// c, whose sides have so many bits, and one more of alpha.
func (n *nearest) list(candidates []uint8, c point, bits uint) span {
	var lo, hi point
	for j := range 3 {
		lo[j] = c[j] >> bits << bits
		hi[j] = min(full, lo[j]|(1<<bits-1))
	}
	a := (c[3] + one) >> (bits + 1) << (bits + 1)
	lo[3], hi[3] = max(0, a-one), min(full, a-one+1<<(bits+1)-1)
	var distances [256]int32
	bound := int32(1<<31 - 1)
	for k, i := range candidates {
		p := &n.points[i]
		var inner, outer point
		for j, v := range p {
			inner[j] = max(lo[j]-v, v-hi[j], 0)
			outer[j] = max(v-lo[j], hi[j]-v)
		}
		distances[k] = inner.distance(point{})
		bound = min(bound, outer.distance(point{}))
	}
	s := span{at: uint32(len(n.lists))}
	for k, i := range candidates {
		if distances[k] <= bound {
			n.lists = append(n.lists, i)
			s.count++
		}
	}
	return s
}
