package vp8

import "math"

// Tokens are what coefficients are written as (RFC 6386, section 13). Each is
// written with the probabilities of a context: its plane, the band of its place,
// and how large its predecessor was, or how many of the blocks above and to the
// left have coefficients.
const (
	bands    = 8
	contexts = planes * bands * 3
	branches = 11 // of the tree of tokens
)

// Probabilities are those of the branches of each context.
type probabilities [contexts][branches]uint8

// bandOf is the band of a place in zigzag order; the one after the last is there
// so that it may be asked for.
var bandOf = [17]uint8{0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0}

// A place is where a block is written: in which plane, from which place in zigzag
// order on, and how many of its two neighbours have coefficients.
type place struct{ plane, first, size int }

// context is that of the first token.
func (p place) context() int { return contextOf(p.plane, p.first, p.size) }

// contextOf is the number of a context.
func contextOf(plane, place, size int) int {
	return (plane*bands+int(bandOf[place]))*3 + size
}

// A token is a level with all that is needed to write it: from the lowest bit,
// the magnitude (12), the sign, whether it is the end of a block, whether it
// follows a 0, after which there is no end, and the context.
type token uint32

const (
	tokenSign      = 1 << 12
	tokenEnd       = 1 << 13
	tokenAfterZero = 1 << 14
	tokenContext   = 15
)

// Classes of magnitudes, the tokens of RFC 6386, section 13.2.
const (
	classEnd = iota
	classZero
	classOne
	classTwo
	classThree
	classFour
	classCat1 // 5 and 6
	classCat2 // 7 to 10
	classCat3 // 11 to 18
	classCat4 // 19 to 34
	classCat5 // 35 to 66
	classCat6 // from 67
	classes
)

// A category of magnitudes, whose distance from the least of them is written in
// bits of these probabilities.
type category struct {
	least int
	extra []uint8
}

var categories = [classes]category{
	classOne:   {1, nil},
	classTwo:   {2, nil},
	classThree: {3, nil},
	classFour:  {4, nil},
	classCat1:  {5, []uint8{159}},
	classCat2:  {7, []uint8{165, 145}},
	classCat3:  {11, []uint8{173, 148, 140}},
	classCat4:  {19, []uint8{176, 155, 140, 135}},
	classCat5:  {35, []uint8{180, 157, 141, 134, 130}},
	classCat6:  {67, []uint8{254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129}},
}

// A step in a tree: which of its probabilities, and which way.
type step struct {
	branch uint8
	bit    bool
}

// path writes the steps of a path.
func (w *boolWriter) path(steps []step, probs []uint8) {
	for _, s := range steps {
		w.put(s.bit, probs[s.branch])
	}
}

// costOfPath returns what path costs, in 1/256 bits.
func costOfPath(steps []step, probs []uint8) (cost uint32) {
	for _, s := range steps {
		cost += costOf(s.bit, probs[s.branch])
	}
	return cost
}

// paths lead to the classes. After a 0 the first step is left out.
var paths = [classes][]step{
	classEnd:   {{0, false}},
	classZero:  {{0, true}, {1, false}},
	classOne:   {{0, true}, {1, true}, {2, false}},
	classTwo:   {{0, true}, {1, true}, {2, true}, {3, false}, {4, false}},
	classThree: {{0, true}, {1, true}, {2, true}, {3, false}, {4, true}, {5, false}},
	classFour:  {{0, true}, {1, true}, {2, true}, {3, false}, {4, true}, {5, true}},
	classCat1:  {{0, true}, {1, true}, {2, true}, {3, true}, {6, false}, {7, false}},
	classCat2:  {{0, true}, {1, true}, {2, true}, {3, true}, {6, false}, {7, true}},
	classCat3:  {{0, true}, {1, true}, {2, true}, {3, true}, {6, true}, {8, false}, {9, false}},
	classCat4:  {{0, true}, {1, true}, {2, true}, {3, true}, {6, true}, {8, false}, {9, true}},
	classCat5:  {{0, true}, {1, true}, {2, true}, {3, true}, {6, true}, {8, true}, {10, false}},
	classCat6:  {{0, true}, {1, true}, {2, true}, {3, true}, {6, true}, {8, true}, {10, true}},
}

// classOf is the class of a magnitude; those from plainLevels on are of the last.
var classOf = classTable()

const plainLevels = 67

func classTable() (t [plainLevels + 1]uint8) {
	class := uint8(classZero)
	for v := range t {
		if class < classCat6 && v == categories[class+1].least {
			class++
		}
		t[v] = class
	}
	return t
}

// A tokenCount counts the tokens of each context by class, those after a 0 apart.
type tokenCount [2][contexts][classes]uint32

// token writes t.
func (w *boolWriter) token(t token, p *probabilities) {
	probs := &p[t>>tokenContext]
	if t&tokenEnd != 0 {
		w.put(false, probs[0])
		return
	}
	if t&tokenAfterZero == 0 {
		w.put(true, probs[0])
	}
	v := int(t & (tokenSign - 1))
	if w.put(v > 0, probs[1]); v == 0 {
		return
	}
	class := classOf[min(plainLevels, v)]
	w.path(paths[class][2:], probs[:])
	c := &categories[class]
	for i, p := range c.extra {
		w.put((v-c.least)>>(len(c.extra)-1-i)&1 != 0, p)
	}
	w.flag(t&tokenSign != 0)
}

// appendBlock appends the tokens of a block, of which coded levels are written.
func appendBlock(tokens []token, levels *block, at place, coded int) []token {
	context := at.context()
	after := token(0)
	for n := at.first; n < coded; n++ {
		v := int(levels[zigzag[n]])
		t := after | token(context)<<tokenContext
		if v < 0 {
			v = -v
			t |= tokenSign
		}
		tokens = append(tokens, t|token(v))
		context = contextOf(at.plane, n+1, min(v, 2))
		after = 0
		if v == 0 {
			after = tokenAfterZero
		}
	}
	if coded < 16 {
		tokens = append(tokens, token(context)<<tokenContext|tokenEnd)
	}
	return tokens
}

func (c *tokenCount) add(t token) {
	class := classEnd
	if t&tokenEnd == 0 {
		class = int(classOf[min(plainLevels, t&(tokenSign-1))])
	}
	c[t/tokenAfterZero&1][t>>tokenContext][class]++
}

// branchesOf returns how often each branch of a context went either way.
func (c *tokenCount) branchesOf(context int) (n [branches][2]uint32) {
	for after := range 2 {
		for class, count := range c[after][context] {
			if count == 0 {
				continue
			}
			for _, s := range paths[class][after:] {
				n[s.branch][bit(s.bit)] += count
			}
		}
	}
	return n
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bitCost is what a bit costs of which the probability is p/256, in 1/256 bits.
var bitCost = bitCosts()

func bitCosts() (t [257]uint16) {
	t[0] = 8 * 256
	for p := 1; p <= 256; p++ {
		t[p] = uint16(math.Round(-256 * math.Log2(float64(p)/256)))
	}
	return t
}

// costOf returns what a bit costs that is 0 with probability p/256.
func costOf(bit bool, p uint8) uint32 {
	if bit {
		return uint32(bitCost[256-int(p)])
	}
	return uint32(bitCost[p])
}

// fitted returns the probabilities that suit the counts, where they save more
// than they cost to write, else those of defaultProbabilities. Everything in
// updated is written.
func (c *tokenCount) fitted() (p, updated probabilities) {
	p = defaultProbabilities
	for context := range contexts {
		for branch, n := range c.branchesOf(context) {
			old := p[context][branch]
			if n[0]+n[1] == 0 {
				continue
			}
			fit := probabilityOf(n)
			cost := func(p uint8) int64 {
				return int64(n[0])*int64(costOf(false, p)) + int64(n[1])*int64(costOf(true, p))
			}
			update := updateProbabilities[context][branch]
			price := 8*256 + int64(costOf(true, update)) - int64(costOf(false, update))
			if cost(old)-cost(fit) > price {
				p[context][branch] = fit
				updated[context][branch] = 1
			}
		}
	}
	return p, updated
}

// probabilityOf returns the probability of a 0, of 256, given how often there was
// a 0 and a 1.
func probabilityOf(n [2]uint32) uint8 {
	total := uint64(n[0]) + uint64(n[1])
	return uint8(max(1, min(255, (uint64(n[0])*256+total/2)/total)))
}

// levelCosts has for every context what tokens cost, in 1/256 bits.
type levelCosts struct {
	// levels are those of a magnitude, sign and all. Contexts of a predecessor
	// that is 0 are without the branch that says that the block goes on: only
	// the first token of a block has it there.
	levels [contexts][plainLevels + 1]uint16
	goesOn [contexts]uint16
	ends   [contexts]uint16
}

// fixedCosts are what is the same in all contexts: the sign and the extra bits.
var fixedCosts = fixedCostTable()

func fixedCostTable() (t [maxLevel + 1]uint16) {
	for v := 1; v <= maxLevel; v++ {
		cost := uint32(bitCost[128])
		c := categories[classOf[min(v, plainLevels)]]
		for i, p := range c.extra {
			cost += costOf((v-c.least)>>(len(c.extra)-1-i)&1 != 0, p)
		}
		t[v] = uint16(cost)
	}
	return t
}

func (l *levelCosts) set(p *probabilities) {
	for context := range contexts {
		probs := &p[context]
		l.goesOn[context], l.ends[context] = uint16(costOf(true, probs[0])), uint16(costOf(false, probs[0]))
		var tree [classes]uint16
		for class := classZero; class < classes; class++ {
			for _, s := range paths[class][1-min(1, context%3):] {
				tree[class] += uint16(costOf(s.bit, probs[s.branch]))
			}
		}
		for v := range plainLevels + 1 {
			l.levels[context][v] = tree[classOf[v]]
			if v < plainLevels {
				l.levels[context][v] += fixedCosts[v]
			}
		}
	}
}

// block returns what the levels of a block cost, of which coded are written.
func (l *levelCosts) block(levels *block, at place, coded int) uint32 {
	context := at.context()
	if coded <= at.first {
		return uint32(l.ends[context])
	}
	cost := uint32(0)
	if at.size == 0 {
		cost = uint32(l.goesOn[context])
	}
	for n := at.first; n < coded; n++ {
		v := int(levels[zigzag[n&15]])
		v = max(v, -v)
		if v >= plainLevels {
			cost += uint32(fixedCosts[v&maxLevel])
		}
		cost += uint32(l.levels[context][min(v, plainLevels)])
		context = contextOf(at.plane, n+1, min(v, 2))
	}
	if coded < 16 {
		cost += uint32(l.ends[context])
	}
	return cost
}
