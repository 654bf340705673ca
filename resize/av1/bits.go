package av1

// bitWriter writes the fixed-length fields of headers, most significant bit first
// (section 4.10).
type bitWriter struct {
	buf []byte
	n   uint // bits used in the last byte; 0 if it is full
}

// put appends the n low bits of v.
func (w *bitWriter) put(v uint, n uint) {
	for n > 0 {
		n--
		if w.n == 0 {
			w.buf = append(w.buf, 0)
		}
		w.buf[len(w.buf)-1] |= byte(v>>n&1) << (7 - w.n)
		w.n = (w.n + 1) & 7
	}
}

func (w *bitWriter) flag(b bool) {
	if b {
		w.put(1, 1)
	} else {
		w.put(0, 1)
	}
}

// align appends zero bits up to the next byte (section 5.3.5).
func (w *bitWriter) align() { w.n = 0 }

// trailing ends an OBU that holds only a header (section 5.3.4).
func (w *bitWriter) trailing() {
	w.put(1, 1)
	w.align()
}

// appendLEB128 appends v in groups of 7 bits, low ones first (section 4.10.5).
func appendLEB128(b []byte, v uint) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// OBU types (section 6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuFrame             = 6
)

// appendOBU appends an open bitstream unit with its size field (section 5.3.2).
func appendOBU(b []byte, kind byte, payload []byte) []byte {
	b = append(b, kind<<3|1<<1)
	b = appendLEB128(b, uint(len(payload)))
	return append(b, payload...)
}
