// Package neon writes Go assembly for arm64. An instruction that Go's assembler
// lacks is written as a WORD, with its text in the syntax of GNU as behind it.
//
// Encodings are those of the Arm Architecture Reference Manual for A-profile,
// section C4.1 ("Data Processing -- Scalar Floating-Point and Advanced SIMD"). There is
// an encoder for each form of instruction, not for each instruction; the tables
// have what tells the instructions of a form apart. Nothing here is newer than
// ARMv8.0, and nothing fuses a product with a sum of floats.
package neon

import (
	"fmt"
	"strings"
)

// A V is a vector register, 0 to 31.
type V uint8

// An Arrangement says how many lanes of which width an instruction takes of its
// registers: bit 2 is set for all 128 bits, the lower two are log2 of the bytes
// of a lane.
type Arrangement uint8

const (
	B8  Arrangement = 0
	H4  Arrangement = 1
	S2  Arrangement = 2
	B16 Arrangement = 4
	H8  Arrangement = 5
	S4  Arrangement = 6
	D2  Arrangement = 7
)

func (a Arrangement) String() string {
	return [...]string{"8b", "4h", "2s", "1d", "16b", "8h", "4s", "2d"}[a]
}

func (a Arrangement) q() uint32         { return uint32(a >> 2) }
func (a Arrangement) size() uint32      { return uint32(a & 3) }
func (a Arrangement) wide() Arrangement { return 4 | (a&3 + 1) } // lanes of twice the width, 128 bits

func (v V) as(a Arrangement) string { return fmt.Sprintf("v%d.%v", v, a) }

// Go returns v as Go's assembler writes it.
func (v V) Go(a Arrangement) string {
	s := a.String()
	return fmt.Sprintf("V%d.%s", v, strings.ToUpper(s[len(s)-1:]+s[:len(s)-1]))
}

// A Word is an encoded instruction and its text for GNU as.
type Word struct {
	Code uint32
	GNU  string
}

// An instruction is what tells one of a form from the others: its U bit, its
// opcode and the widths of its narrower lanes, of the letters b, h and s.
type instruction struct {
	u, code uint32
	lanes   string
	// float, if not 0, is 1 more than the upper bit of the size field, whose
	// lower bit is 0: lanes are floats of 32 bits.
	float uint32
}

// The tables are of all instructions of a form, by their names.
var (
	// same has three registers of one arrangement.
	same = map[string]instruction{
		"SHADD": {0, 0b00000, "bhs", 0}, "UHADD": {1, 0b00000, "bhs", 0},
		"URHADD": {1, 0b00010, "bhs", 0},
		"SQADD":  {0, 0b00001, "bhs", 0}, "UQADD": {1, 0b00001, "bhs", 0},
		"SQSUB": {0, 0b00101, "bhs", 0}, "UQSUB": {1, 0b00101, "bhs", 0},
		"CMGT": {0, 0b00110, "bhs", 0}, "CMHI": {1, 0b00110, "bhs", 0},
		"CMGE": {0, 0b00111, "bhs", 0}, "CMHS": {1, 0b00111, "bhs", 0},
		"SMAX": {0, 0b01100, "bhs", 0}, "SMIN": {0, 0b01101, "bhs", 0},
		"UABD": {1, 0b01110, "bhs", 0}, "SABD": {0, 0b01110, "bhs", 0},
		"MUL": {0, 0b10011, "bhs", 0}, "MLA": {0, 0b10010, "bhs", 0}, "MLS": {1, 0b10010, "bhs", 0},
		"SQRDMULH": {1, 0b10110, "hs", 0},
		"FADD":     {0, 0b11010, "s", 1}, "FSUB": {0, 0b11010, "s", 2}, "FMUL": {1, 0b11011, "s", 1},
	}
	// long has two registers of narrow lanes that make wide ones.
	long = map[string]instruction{
		"SADDL": {0, 0b0000, "bhs", 0}, "UADDL": {1, 0b0000, "bhs", 0},
		"SSUBL": {0, 0b0010, "bhs", 0}, "USUBL": {1, 0b0010, "bhs", 0},
		"SMLAL": {0, 0b1000, "bhs", 0}, "UMLAL": {1, 0b1000, "bhs", 0},
		"SMLSL": {0, 0b1010, "bhs", 0}, "UMLSL": {1, 0b1010, "bhs", 0},
		"SMULL": {0, 0b1100, "bhs", 0}, "UMULL": {1, 0b1100, "bhs", 0},
	}
	// narrowing makes narrow lanes of wide ones.
	narrowing = map[string]instruction{
		"XTN": {0, 0b10010, "bhs", 0}, "SQXTUN": {1, 0b10010, "bhs", 0},
		"SQXTN": {0, 0b10100, "bhs", 0}, "UQXTN": {1, 0b10100, "bhs", 0},
	}
	// unary has two registers of one arrangement.
	unary = map[string]instruction{
		"ABS": {0, 0b01011, "bhs", 0}, "NEG": {1, 0b01011, "bhs", 0},
		"SCVTF": {0, 0b11101, "s", 1}, "UCVTF": {1, 0b11101, "s", 1}, "FCVTNS": {0, 0b11010, "s", 1},
	}
	// pairwise adds neighbours into lanes of twice the width.
	pairwise = map[string]instruction{
		"SADDLP": {0, 0b00010, "bhs", 0}, "UADDLP": {1, 0b00010, "bhs", 0},
		"SADALP": {0, 0b00110, "bhs", 0}, "UADALP": {1, 0b00110, "bhs", 0},
	}
	// shift is to the right, in lanes that keep their width.
	shift = map[string]instruction{
		"SSHR": {0, 0b00000, "bhs", 0}, "SRSHR": {0, 0b00100, "bhs", 0},
		"SSRA": {0, 0b00010, "bhs", 0}, "URSHR": {1, 0b00100, "bhs", 0},
	}
	// shiftNarrow is to the right, of wide lanes into narrow ones.
	shiftNarrow = map[string]instruction{
		"SHRN": {0, 0b10000, "bhs", 0}, "RSHRN": {0, 0b10001, "bhs", 0},
		"SQSHRUN": {1, 0b10000, "bhs", 0}, "SQRSHRUN": {1, 0b10001, "bhs", 0},
		"SQSHRN": {0, 0b10010, "bhs", 0}, "SQRSHRN": {0, 0b10011, "bhs", 0},
	}
)

// find panics if there is no such instruction, or not for that width.
func find(form map[string]instruction, name string, a Arrangement) instruction {
	i, ok := form[name]
	if !ok || a.size() > 2 || !strings.Contains(i.lanes, "bhs"[a.size():a.size()+1]) {
		panic(fmt.Sprintf("neon: no %s of %v", name, a))
	}
	return i
}

func (i instruction) size(a Arrangement) uint32 {
	if i.float > 0 {
		return (i.float - 1) << 1
	}
	return a.size()
}

// text returns the text of an instruction. In the long and the narrow forms the one
// that takes or makes the upper halves of registers has a 2 behind its name.
func text(name string, upper bool, operands ...string) string {
	name = strings.ToLower(name)
	if upper {
		name += "2"
	}
	return name + " " + strings.Join(operands, ", ")
}

// In all functions the destination comes first, as for GNU as.

// Same encodes d = n op m, lane by lane.
func Same(name string, d, n, m V, a Arrangement) Word {
	i := find(same, name, a)
	return Word{
		0x0e200400 | a.q()<<30 | i.u<<29 | i.size(a)<<22 | uint32(m)<<16 | i.code<<11 | uint32(n)<<5 | uint32(d),
		text(name, false, d.as(a), n.as(a), m.as(a)),
	}
}

// Long encodes d = n op m with lanes of d twice as wide; a is that of n and m: of
// their lower halves, or of their upper ones if it has 128 bits.
func Long(name string, d, n, m V, a Arrangement) Word {
	i := find(long, name, a)
	return Word{
		0x0e200000 | a.q()<<30 | i.u<<29 | a.size()<<22 | uint32(m)<<16 | i.code<<12 | uint32(n)<<5 | uint32(d),
		text(name, a.q() == 1, d.as(a.wide()), n.as(a), m.as(a)),
	}
}

// LongLane is [Long] of halfwords with the one lane of m, which is one of the lower
// 16 registers. It knows the products.
func LongLane(name string, d, n, m V, lane int, a Arrangement) Word {
	i := find(long, name, a)
	code, ok := map[uint32]uint32{0b1000: 0b0010, 0b1010: 0b0110, 0b1100: 0b1010}[i.code]
	if !ok || a.size() != 1 || m > 15 || lane < 0 || lane > 7 {
		panic(fmt.Sprintf("neon: no %s of %v by lane %d of %d", name, a, lane, m))
	}
	l := uint32(lane)
	return Word{
		0x0f400000 | a.q()<<30 | i.u<<29 | (l>>1&1)<<21 | (l&1)<<20 | uint32(m)<<16 | code<<12 | (l>>2&1)<<11 | uint32(n)<<5 | uint32(d),
		text(name, a.q() == 1, d.as(a.wide()), n.as(a), fmt.Sprintf("v%d.h[%d]", m, lane)),
	}
}

// Narrow encodes the narrowing of n to a: the lower half of d, and the rest 0, or
// the upper half, and the lower one kept, if a has 128 bits.
func Narrow(name string, d, n V, a Arrangement) Word {
	i := find(narrowing, name, a)
	return Word{
		0x0e210800 | a.q()<<30 | i.u<<29 | a.size()<<22 | i.code&15<<12 | uint32(n)<<5 | uint32(d),
		text(name, a.q() == 1, d.as(a), n.as(a.wide())),
	}
}

// Unary encodes d = op n.
func Unary(name string, d, n V, a Arrangement) Word {
	i := find(unary, name, a)
	return Word{
		0x0e200800 | a.q()<<30 | i.u<<29 | i.size(a)<<22 | i.code<<12&0x1f000 | uint32(n)<<5 | uint32(d),
		text(name, false, d.as(a), n.as(a)),
	}
}

// Pairs encodes the sums of neighbours in n, of arrangement a; those whose names
// have DAL in them add to d.
func Pairs(name string, d, n V, a Arrangement) Word {
	i := find(pairwise, name, a)
	return Word{
		0x0e200800 | a.q()<<30 | i.u<<29 | a.size()<<22 | i.code<<12 | uint32(n)<<5 | uint32(d),
		text(name, false, d.as(a&4|(a&3+1)), n.as(a)),
	}
}

func immediate(by int, a Arrangement) uint32 {
	if by < 1 || by > 8<<a.size() {
		panic(fmt.Sprintf("neon: lanes of %v shifted by %d", a, by))
	}
	return uint32(16<<a.size() - by)
}

// Shift encodes d = n >> by.
func Shift(name string, d, n V, by int, a Arrangement) Word {
	i := find(shift, name, a)
	return Word{
		0x0f000400 | a.q()<<30 | i.u<<29 | immediate(by, a)<<16 | i.code<<11 | uint32(n)<<5 | uint32(d),
		text(name, false, d.as(a), n.as(a), fmt.Sprintf("#%d", by)),
	}
}

// ShiftNarrow encodes d = n >> by, narrowed to a as [Narrow] does.
func ShiftNarrow(name string, d, n V, by int, a Arrangement) Word {
	i := find(shiftNarrow, name, a)
	return Word{
		0x0f000400 | a.q()<<30 | i.u<<29 | immediate(by, a)<<16 | i.code<<11 | uint32(n)<<5 | uint32(d),
		text(name, a.q() == 1, d.as(a), n.as(a.wide()), fmt.Sprintf("#%d", by)),
	}
}

// Extend encodes the widening of lanes of n, of arrangement a, with or without
// their sign.
func Extend(signed bool, d, n V, a Arrangement) Word {
	name, u := "UXTL", uint32(1)
	if signed {
		name, u = "SXTL", 0
	}
	if a.size() > 2 {
		panic(fmt.Sprintf("neon: %v extended", a))
	}
	return Word{
		0x0f00a400 | a.q()<<30 | u<<29 | 8<<a.size()<<16 | uint32(n)<<5 | uint32(d),
		text(name, a.q() == 1, d.as(a.wide()), n.as(a)),
	}
}
