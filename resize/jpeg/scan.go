package jpeg

import (
	"bytes"
	"errors"
	"fmt"
)

// errShort ends the decoding of a scan that has fewer bits than it should.
var errShort = errors.New("jpeg: scan is too short")

const (
	errBadCode = FormatError("bad Huffman code")
	errNoQuant = FormatError("missing quantization table")
)

// A scanHeader is the header of a scan (T.81 section B.2.3).
type scanHeader struct {
	comps  [4]*component
	n      int
	ss, se int // first and last position in zigzag order
	ah, al uint
}

// readScan reads a scan header and decodes the scan.
func (d *decoder) readScan() error {
	if d.header.Components == 0 {
		return FormatError("scan without a frame header")
	}
	limit := d.opts.MaxScans
	if limit == 0 {
		limit = defaultMaxScans
	}
	if d.scans == limit {
		return fmt.Errorf("%w: more than %d scans", ErrLimit, limit)
	}
	p, err := d.source.segment()
	if err != nil {
		return err
	}
	if p == nil { // the input ended; complete will find out
		d.incomplete = true
		return nil
	}
	s, err := d.scanHeader(p)
	if err != nil {
		return err
	}
	d.scans++
	skipped := d.header.Progressive && d.skips(&s)
	if !skipped {
		for _, c := range s.comps[:s.n] {
			blocks := c.across * c.down
			if d.scanBlocks += blocks; d.scanBlocks > maxScanBlocks {
				return fmt.Errorf("%w: too many blocks in all scans", ErrLimit)
			}
			if err := d.latch(c); err != nil {
				return err
			}
		}
	}
	d.allocate(s.n == d.header.Components)
	for _, c := range s.comps[:s.n] {
		c.seen = true
		c.pred = 0
	}
	if d.header.Progressive {
		s.notePrecision()
	}
	d.bitReader.reset()
	switch {
	case skipped:
		if !d.source.skipScan(s.restarts(d)) {
			d.incomplete = true // perhaps: see Complete
			return d.source.readError()
		}
		return nil
	case !d.header.Progressive:
		err = d.sequential(&s)
	case s.ss == 0:
		err = d.progressiveDC(&s)
	case s.ah == 0:
		err = d.progressiveAC(&s)
	default:
		err = d.refineAC(&s)
	}
	d.source.junk += d.bitReader.unused()
	if err == errShort || d.opts.Damaged && err == errBadCode {
		d.incomplete = true
		if d.opts.Damaged {
			d.source.skipScan(0) // up to the next one
		}
		err = d.source.readError()
	}
	return err
}

// tolerates reports whether err, of a restart interval, is damage that ends with
// it.
func (d *decoder) tolerates(err error) bool {
	if !d.opts.Damaged || d.interval == 0 || err != errShort && err != errBadCode || d.source.readError() != nil {
		return false
	}
	d.incomplete = true
	return true
}

// standardTable defines a Huffman table that a sequential scan needs and the file
// does not have as that of T.81 section K.3: frames of Motion JPEG leave them out.
// It reports whether there is one, which is so for numbers 0 (luma) and 1 (chroma).
func (d *decoder) standardTable(class, t uint8) bool {
	if d.header.Progressive || t > 1 {
		return false
	}
	spec := &stdHuffman[2*t+class]
	var err error
	if class == 0 {
		err = d.dcTables[t].define(spec.count[:], spec.values)
		d.dcDefined[t] = err == nil
	} else {
		err = d.acTables[t].define(spec.count[:], spec.values)
		d.acDefined[t] = err == nil
	}
	d.odd = true
	return err == nil
}

func (d *decoder) scanHeader(p []byte) (s scanHeader, err error) {
	h := &d.header
	if len(p) < 1 {
		return s, FormatError("SOS has wrong length")
	}
	s.n = int(p[0])
	if s.n < 1 || s.n > h.Components {
		return s, FormatError("bad number of components in a scan")
	}
	if len(p) != 4+2*s.n {
		return s, FormatError("SOS has wrong length")
	}
	units := 0
	for i := range s.n {
		id, tables := int(p[1+2*i]), p[2+2*i]
		for _, other := range s.comps[:i] {
			if other.id == id {
				id = 0
				for _, c := range s.comps[:i] {
					id = max(id, c.id+1)
				}
				break
			}
		}
		var c *component
		for j := range h.Components {
			if d.comps[j].id == id {
				c = &d.comps[j]
			}
		}
		if c == nil {
			return s, FormatError("unknown component in a scan")
		}
		c.dcSel, c.acSel = tables>>4, tables&15
		if c.dcSel > maxTable || c.acSel > maxTable {
			return s, FormatError("bad Td or Ta value")
		}
		s.comps[i] = c
		units += c.h * c.v
	}
	if s.n > 1 && units > 10 {
		return s, FormatError("more than 10 blocks in an MCU")
	}
	s.se = 63
	if h.Progressive {
		p = p[1+2*s.n:]
		s.ss, s.se, s.ah, s.al = int(p[0]), int(p[1]), uint(p[2]>>4), uint(p[2]&15)
		if s.se > 63 || s.ss > s.se || s.ss == 0 && s.se != 0 {
			return s, FormatError("bad spectral selection")
		}
		if s.ss > 0 && s.n > 1 {
			return s, FormatError("AC scan of more than one component")
		}
		if s.al > 13 || s.ah > 0 && s.ah != s.al+1 {
			return s, FormatError("bad successive approximation")
		}
	}
	for _, c := range s.comps[:s.n] {
		if s.ss == 0 && s.ah == 0 && !d.dcDefined[c.dcSel] && !d.standardTable(0, c.dcSel) ||
			s.se > 0 && !d.acDefined[c.acSel] && !d.standardTable(1, c.acSel) {
			return s, FormatError("missing Huffman table")
		}
	}
	return s, nil
}

// latch takes the quantization table of c as it is at the first scan of c,
// since files may define another under the same number later (T.81 section
// B.2.4.1 has them in effect until then).
func (d *decoder) latch(c *component) error {
	if c.dequant.set {
		return nil
	}
	q := &d.quants[c.tq]
	if !q.defined {
		return errNoQuant
	}
	c.dequant.init(&q.steps)
	return nil
}

// size returns how many MCUs the scan has in both directions. An MCU of a
// single component is a block (T.81 section A.2.2).
func (s *scanHeader) size(d *decoder) (across, down int) {
	if s.n == 1 {
		return s.comps[0].width, s.comps[0].height
	}
	return d.mcusAcross, d.mcusDown
}

// restarts returns how many restart markers the scan has. Without intervals there
// may be none.
func (s *scanHeader) restarts(d *decoder) int {
	if d.interval == 0 {
		return 0
	}
	across, down := s.size(d)
	return (across*down - 1) / d.interval
}

// restart moves on to the next restart interval, whose marker is RSTn with
// the given n (T.81 section F.2.1.3.1). It returns errShort if there is
// something else. In a damaged file the interval may be missing: if the marker
// is one of the next two it stays where it is, and the error is errShort; if it is
// one of the last two, the one behind it counts.
func (d *decoder) restart(s *scanHeader, n int) error {
	for _, c := range s.comps[:s.n] {
		c.pred = 0
	}
	d.bitReader.reset()
	src := &d.source
	for src.need(2) {
		w := src.buf[src.rp:src.wp]
		i := 0
		for i+1 < len(w) && (w[i] != 0xff || w[i+1] == 0 || w[i+1] == 0xff) {
			i++
			if next := bytes.IndexByte(w[i:], 0xff); next >= 0 {
				i += next
			} else {
				i = len(w) - 1
			}
		}
		src.rp += i
		if i+1 == len(w) {
			continue
		}
		m := w[i+1]
		if !isRestart(m) {
			return errShort
		}
		if off := (int(m) - n) & 7; off != 0 {
			if !d.opts.Damaged {
				return FormatError("bad RST marker")
			}
			d.incomplete = true
			switch off {
			case 1, 2:
				return errShort
			case 6, 7:
				src.rp += 2
				continue
			}
		}
		src.rp += 2
		return nil
	}
	return errShort
}
