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
// divided into boxes of three sizes, each in one of the next size, and of a box that a
// point lies in it keeps which colours are nearest to any point of it: few of those of
// the larger box. Boxes are looked at when they are needed.
type nearest struct {
	points []point
	opaque uint32 // number of the first box of the smallest size if all is opaque
	boxes  [3][]span
	lists  []uint8
}

// boxBits are the bits of a point within a box, of each size; alpha has one more.
var boxBits = [3]uint{7, 8, 9}

// A span is a part of the lists: where it begins and how long it is; 0: not yet known.
type span struct {
	at    uint32
	count uint16
}

// newNearest takes 1 to 256 points, which must not be changed while it is in use. If
// opaque is true, it is asked for opaque points only.
func newNearest(points []point, opaque bool) *nearest {
	n := &nearest{points: points}
	smallest := uint32(17 << 15)
	if opaque {
		n.opaque = 16 << 15
		smallest -= n.opaque
	}
	n.boxes = [3][]span{make([]span, smallest), make([]span, 9<<12), make([]span, 5<<9)}
	return n
}

// moved forgets what it knew of the points, which have changed.
func (n *nearest) moved() {
	for _, boxes := range n.boxes {
		clear(boxes)
	}
	n.lists = n.lists[:0]
}

// boxOf returns the number of the smallest box that c lies in. Alpha has 16 steps, and one
// more for what is opaque.
func boxOf(c *point) uint32 {
	return uint32(c[3]+one)>>8<<15 | uint32(c[0])>>7<<10 | uint32(c[1])>>7<<5 | uint32(c[2])>>7
}

// span returns what is known of the box of a size that c lies in.
func (n *nearest) span(c *point, size int) *span {
	switch size {
	case 0:
		return &n.boxes[0][boxOf(c)-n.opaque]
	case 1:
		return &n.boxes[1][uint32(c[3]+one)>>9<<12|uint32(c[0])>>8<<8|uint32(c[1])>>8<<4|uint32(c[2])>>8]
	}
	return &n.boxes[2][uint32(c[3]+one)>>10<<9|uint32(c[0])>>9<<6|uint32(c[1])>>9<<3|uint32(c[2])>>9]
}

// index returns the place of the point that is nearest to c, whose samples are 0 to
// full; of several the first one.
func (n *nearest) index(c point) int {
	s := n.boxes[0][boxOf(&c)-n.opaque]
	if s.count == 0 {
		s = n.look(&c, 0)
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

// look finds the colours of the box of a size that c lies in.
func (n *nearest) look(c *point, size int) span {
	if size == len(n.boxes) {
		s := span{uint32(len(n.lists)), uint16(len(n.points))}
		for i := range n.points {
			n.lists = append(n.lists, uint8(i))
		}
		return s
	}
	s := n.span(c, size)
	if s.count == 0 {
		all := n.look(c, size+1)
		*s = n.list(all, c, boxBits[size])
	}
	return *s
}

// list keeps those of the candidates that are nearest to any point of the box around
// c, whose sides have so many bits, and one more of alpha.
func (n *nearest) list(candidates span, c *point, bits uint) span {
	var lo, hi point
	for j := range 3 {
		lo[j] = c[j] >> bits << bits
		hi[j] = min(full, lo[j]|(1<<bits-1))
	}
	a := (c[3] + one) >> (bits + 1) << (bits + 1)
	lo[3], hi[3] = max(0, a-one), min(full, a-one+1<<(bits+1)-1)
	var inner [256]int32
	bound := int32(1<<31 - 1)
	list := n.lists[candidates.at:][:candidates.count]
	for k, i := range list {
		p := &n.points[i]
		near, far := int32(0), int32(0)
		for j, v := range p {
			before, behind := lo[j]-v, v-hi[j] // at most one of them is positive
			d := max(before, behind, 0)
			near += weights[j] * d * d
			d = max(-before, -behind)
			far += weights[j] * d * d
		}
		inner[k] = near
		bound = min(bound, far)
	}
	s := span{at: uint32(len(n.lists))}
	for k, i := range list {
		if inner[k] <= bound {
			n.lists = append(n.lists, i)
			s.count++
		}
	}
	return s
}
