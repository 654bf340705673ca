package jpeg

// marker writes a marker alone.
func (e *encoder) marker(m byte) {
	e.room(2)
	e.n += copy(e.buf[e.n:], []byte{0xff, m})
}

// segment writes the marker and length of a segment of n bytes, which the
// caller then writes.
func (e *encoder) segment(m byte, n int) {
	e.room(4)
	n += 2
	e.n += copy(e.buf[e.n:], []byte{0xff, m, byte(n >> 8), byte(n)})
}

func (e *encoder) bytes(b ...byte) {
	for len(b) > 0 {
		e.room(1)
		n := copy(e.buf[e.n:], b)
		e.n, b = e.n+n, b[n:]
	}
}

// writeHeader writes all that comes before the Huffman tables.
func (e *encoder) writeHeader(icc []byte, progressive bool) {
	e.marker(markerSOI)
	// JFIF 1.02, square pixels, no thumbnail.
	e.segment(markerAPP0, 14)
	e.bytes('J', 'F', 'I', 'F', 0, 1, 2, 0, 0, 1, 0, 1, 0, 0)

	parts := (len(icc) + maxProfilePart - 1) / maxProfilePart
	for i := range parts {
		part := icc[i*maxProfilePart : min((i+1)*maxProfilePart, len(icc))]
		e.segment(markerAPP2, 14+len(part))
		for j := range len(iccMark) {
			e.bytes(iccMark[j])
		}
		e.bytes(byte(i+1), byte(parts))
		e.bytes(part...)
	}

	tables := min(e.ncomps, 2)
	for t := range tables {
		e.segment(markerDQT, 65)
		e.bytes(byte(t))
		e.bytes(e.quant[t][:]...)
	}

	sof := byte(markerSOF0)
	if progressive {
		sof = markerSOF2
	}
	e.segment(sof, 6+3*e.ncomps)
	e.bytes(8, byte(e.height>>8), byte(e.height), byte(e.width>>8), byte(e.width), byte(e.ncomps))
	for i := range e.ncomps {
		c := &e.comps[i]
		e.bytes(byte(i+1), byte(c.hs<<4|c.vs), byte(c.table))
	}
}

// writeTable writes a Huffman table and takes it into use.
func (e *encoder) writeTable(table int, s *huffmanSpec) {
	e.setCodes(table, s)
	e.segment(markerDHT, 17+len(s.values))
	e.bytes(byte(table&1<<4 | table>>1)) // class, destination
	e.bytes(s.count[:]...)
	e.bytes(s.values...)
}

// writeScanHeader begins a scan of the components [first, end) (T.81
// section B.2.3).
func (e *encoder) writeScanHeader(first, end int, ss, se, ah, al int) {
	e.segment(markerSOS, 4+2*(end-first))
	e.bytes(byte(end - first))
	for i := first; i < end; i++ {
		t := e.comps[i].table
		e.bytes(byte(i+1), byte(t<<4|t))
	}
	e.bytes(byte(ss), byte(se), byte(ah<<4|al))
}
