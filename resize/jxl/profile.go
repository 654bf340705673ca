package jxl

import (
	"encoding/binary"

	"s3imageserver/resize/icc"
)

// The profile in a JPEG XL file (ISO/IEC 18181-1, annex E.4): the decoder hands
// out none. It is written as commands that tell how it differs from what most
// profiles are like.

const maxProfile = 1 << 20 // bytes of it as it is written

// embeddedICC returns the profile that begins at the reader's place; nil if
// anything is wrong with it, or it is longer than icc.MaxBytes.
func (r *reader) embeddedICC() []byte {
	n := r.u64()
	if n == 0 || n > maxProfile {
		return nil
	}
	const contexts = 41
	e, err := r.entropy(contexts, false)
	if err != nil {
		return nil
	}
	written := make([]byte, 0, min(n, 4096))
	var last, before byte
	for i := range int(n) {
		v, err := e.number(iccContext(i, last, before))
		if err != nil || v > 255 {
			return nil
		}
		written = append(written, byte(v))
		last, before = byte(v), last
	}
	if e.end() != nil {
		return nil
	}
	profile, ok := unwrittenICC(written)
	if !ok {
		return nil
	}
	return profile
}

// iccContext returns the context of a byte by the two before it.
func iccContext(i int, last, before byte) int {
	if i <= 128 {
		return 0
	}
	kind := func(b byte) int {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z':
			return 0
		case b >= '0' && b <= '9', b == '.', b == ',':
			return 1
		}
		return 2
	}
	p, q := kind(last), kind(before)
	if p == 2 {
		switch {
		case last <= 1:
			p = 2 + int(last)
		case last < 16:
			p = 4
		case last == 255:
			p = 6
		case last > 240:
			p = 5
		default:
			p = 7
		}
	}
	if q == 2 {
		switch {
		case before < 16:
			q = 2
		case before > 240:
			q = 3
		default:
			q = 4
		}
	}
	return 1 + p + 8*q
}

// u64 reads a number (section B.2.3).
func (r *reader) u64() uint64 {
	switch r.bits(2) {
	case 0:
		return 0
	case 1:
		return 1 + uint64(r.bits(4))
	case 2:
		return 17 + uint64(r.bits(8))
	}
	v := uint64(r.bits(12))
	for shift := 12; r.bits(1) == 1; shift += 8 {
		if shift == 60 {
			return v | uint64(r.bits(4))<<60
		}
		v |= uint64(r.bits(8)) << shift
	}
	return v
}

// An iccBuilder makes a profile of commands and data.
type iccBuilder struct {
	commands, data []byte
	out            []byte
	size           int // that it must get
	failed         bool
}

func (b *iccBuilder) fail() { b.failed = true }

func (b *iccBuilder) command() byte {
	if len(b.commands) == 0 {
		b.fail()
		return 0
	}
	c := b.commands[0]
	b.commands = b.commands[1:]
	return c
}

// number reads a number of seven bits a byte, up to icc.MaxBytes.
func (b *iccBuilder) number() int {
	v, n := binary.Uvarint(b.commands)
	if n <= 0 || v > icc.MaxBytes {
		b.fail()
		return 0
	}
	b.commands = b.commands[n:]
	return int(v)
}

func (b *iccBuilder) bytes(n int) []byte {
	if n > len(b.data) || len(b.out)+n > b.size {
		b.fail()
		return nil
	}
	d := b.data[:n]
	b.data = b.data[n:]
	return d
}

func (b *iccBuilder) add(kind string, numbers ...int) {
	b.out = append(b.out, kind...)
	for _, n := range numbers {
		b.out = binary.BigEndian.AppendUint32(b.out, uint32(n))
	}
}

const iccHeaderBytes = 128

// unwrittenICC returns the profile that was written as those bytes.
func unwrittenICC(written []byte) (profile []byte, ok bool) {
	b := iccBuilder{commands: written}
	b.size = b.number()
	n := b.number()
	if b.failed || n > len(b.commands) || b.size < iccHeaderBytes || b.size > icc.MaxBytes {
		return nil, false
	}
	b.commands, b.data = b.commands[:n], b.commands[n:]
	b.header()
	b.tags()
	for len(b.commands) > 0 && !b.failed && len(b.out) <= b.size {
		b.content()
	}
	if b.failed || len(b.out) != b.size {
		return nil, false
	}
	return b.out, true
}

// header adds the first 128 bytes: differences to what is expected.
func (b *iccBuilder) header() {
	like := make([]byte, iccHeaderBytes)
	binary.BigEndian.PutUint32(like, uint32(b.size))
	like[8] = 4
	copy(like[12:], "mntrRGB XYZ ")
	copy(like[36:], "acsp")
	copy(like[70:], []byte{246, 214, 0, 1, 0, 0, 0, 0, 211, 45})
	data := b.bytes(iccHeaderBytes)
	for i, d := range data {
		switch i {
		case 8:
			copy(like[80:84], b.out[4:8])
		case 41:
			switch b.out[40] {
			case 'A':
				copy(like[41:], "PPL")
			case 'M':
				copy(like[41:], "SFT")
			}
		case 42:
			switch string(b.out[40:42]) {
			case "SG":
				copy(like[42:], "I ")
			case "SU":
				copy(like[42:], "NW")
			}
		}
		b.out = append(b.out, d+like[i])
	}
}

var iccTags = [...]string{"cprt", "wtpt", "bkpt", "rXYZ", "gXYZ", "bXYZ", "kXYZ", "rTRC", "gTRC", "bTRC", "kTRC", "chad", "desc", "chrm", "dmnd", "dmdd", "lumi"}

// tags adds the table of tags.
func (b *iccBuilder) tags() {
	if len(b.commands) == 0 || b.failed {
		return
	}
	count := b.number() - 1
	if count < 0 {
		return
	}
	b.add("", count)
	const entryBytes = 12
	start, size := iccHeaderBytes+entryBytes*count, 0
	for len(b.commands) > 0 && !b.failed && len(b.out) <= b.size {
		c := b.command()
		kind := ""
		const curves, colours, names = 2, 3, 4
		switch code := int(c & 63); {
		case code == 0:
			return
		case code == 1:
			kind = string(b.bytes(4))
		case code == curves:
			kind = "rTRC"
		case code == colours:
			kind = "rXYZ"
		case code-names < len(iccTags):
			kind = iccTags[code-names]
		default:
			b.fail()
		}
		start += size
		switch kind {
		case "rXYZ", "gXYZ", "bXYZ", "kXYZ", "wtpt", "bkpt", "lumi":
			size = 20
		}
		if c&64 != 0 {
			start = b.number()
		}
		if c&128 != 0 {
			size = b.number()
		}
		b.add(kind, start, size)
		switch c & 63 {
		case curves:
			b.add("gTRC", start, size)
			b.add("bTRC", start, size)
		case colours:
			b.add("gXYZ", start+size, size)
			b.add("bXYZ", start+2*size, size)
		}
	}
}

var iccTypes = [...]string{"XYZ ", "desc", "text", "mluc", "para", "curv", "sf32", "gbd "}

// content adds what one command says.
func (b *iccBuilder) content() {
	const insert, shuffle2, shuffle4, predict, xyz, types = 1, 2, 3, 4, 10, 16
	switch c := int(b.command()); {
	case c == insert:
		b.out = append(b.out, b.bytes(b.number())...)
	case c == shuffle2:
		b.out = append(b.out, shuffled(b.bytes(b.number()), 2)...)
	case c == shuffle4:
		b.out = append(b.out, shuffled(b.bytes(b.number()), 4)...)
	case c == predict:
		b.predicted()
	case c == xyz:
		b.add("XYZ ", 0)
		b.out = append(b.out, b.bytes(12)...)
	case c >= types && c-types < len(iccTypes):
		b.add(iccTypes[c-types], 0)
	default:
		b.fail()
	}
}

// shuffled returns bytes that were written first by first of numbers so wide.
func shuffled(data []byte, width int) []byte {
	out := make([]byte, len(data))
	rows := (len(data) + width - 1) / width
	from, next := 0, 0
	for i := range out {
		out[i] = data[from]
		if from += rows; from >= len(data) {
			next++
			from = next
		}
	}
	return out
}

// predicted adds numbers as differences to what those before them lead to.
func (b *iccBuilder) predicted() {
	flags := int(b.command())
	width, order := flags&3+1, flags>>2&3
	stride := width
	if flags&16 != 0 {
		stride = b.number()
	}
	data := b.bytes(b.number())
	if b.failed || width == 3 || order == 3 || stride < width || 4*stride >= len(b.out) {
		b.fail()
		return
	}
	if width > 1 {
		data = shuffled(data, width)
	}
	for i := 0; i < len(data); i += width {
		var past [3]uint32
		for j := range past {
			at := len(b.out) - stride*(j+1)
			for k := range width {
				past[j] = past[j]<<8 | uint32(b.out[at+k])
			}
		}
		like := past[0]
		switch order {
		case 1:
			like = 2*past[0] - past[1]
		case 2:
			like = 3*past[0] - 3*past[1] + past[2]
		}
		for j := range min(width, len(data)-i) {
			b.out = append(b.out, data[i+j]+byte(like>>(8*(width-1-j))))
		}
	}
}
