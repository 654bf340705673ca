package jpeg

import (
	"fmt"
	"image"
	"io"
)

// A ColorModel says what the components of a JPEG file are.
type ColorModel uint8

const (
	Gray  ColorModel = iota
	YCbCr            // JFIF's, full range
	RGB              // Adobe's transform 0, or the identifiers R, G, B
	CMYK             // Adobe's transform 0 with 4 components
	YCCK             // YCbCr that makes CMY, and K
)

func (m ColorModel) String() string {
	switch m {
	case Gray:
		return "Gray"
	case YCbCr:
		return "YCbCr"
	case RGB:
		return "RGB"
	case CMYK:
		return "CMYK"
	case YCCK:
		return "YCCK"
	}
	return fmt.Sprintf("ColorModel(%d)", uint8(m))
}

// A Sampling is the relative sampling of a component, 1 to 4 in both
// directions (H and V of T.81 section A.1.1).
type Sampling struct{ H, V int }

// A Header is what a JPEG file says about itself.
type Header struct {
	Width, Height int // of the whole picture; Height 0 means that a DNL segment tells it later
	Progressive   bool
	Components    int         // 1, 3 or 4
	Sampling      [4]Sampling // by component; 1x1 for a single one
	Model         ColorModel

	// Exif is the payload of the first Exif segment, after "Exif\0\0", nil if
	// there is none. It is as it was found, not checked.
	Exif []byte

	// ICC is the colour profile, put together from its segments; nil if there
	// is none, or segments are missing, doubled or contradict each other, or
	// make more than 4 MB.
	ICC []byte
}

// ScaledSize returns the size of the picture decoded at n/8.
func (h *Header) ScaledSize(n int) image.Point {
	return image.Pt(ceilDiv(h.Width*n, 8), ceilDiv(h.Height*n, 8))
}

// PlaneSize returns the size of the plane of component i at n/8, in samples
// (T.81 section A.1.1).
func (h *Header) PlaneSize(i, n int) image.Point {
	m := h.maxSampling()
	return image.Pt(
		ceilDiv(h.Width*h.Sampling[i].H*n, m.H*8),
		ceilDiv(h.Height*h.Sampling[i].V*n, m.V*8),
	)
}

// planeScale returns N of the scale N/8 of component i, where that of the picture
// and that of chroma are given as in [Options].
func (h *Header) planeScale(i, n, chroma int) int {
	if i > 0 && h.doubles(n, chroma) {
		return chroma
	}
	return n
}

// doubles reports whether chroma is decoded at twice the scale of luma.
func (h *Header) doubles(n, chroma int) bool {
	ratio, ok := h.ratio()
	return chroma == 2*n && ok && ratio == image.YCbCrSubsampleRatio420
}

// MCUSize returns the size in pixels of the MCUs of an interleaved scan. A
// [Strip] is as high as one, times n/8.
func (h *Header) MCUSize() image.Point {
	m := h.maxSampling()
	return image.Pt(8*m.H, 8*m.V)
}

// DecodeBytes estimates the memory that decoding with the given options takes
// at most, besides the decoder itself of about 520 KB: that of the samples and
// of the coefficients of progressive files. strips says whether it is for
// [DecodeStrips]. A baseline file whose components are not interleaved, which
// the header does not tell, takes as much in strips as otherwise.
func (h *Header) DecodeBytes(o *Options, strips bool) int64 {
	n, chroma := 8, 0
	approximate := false
	if o != nil {
		chroma = o.ChromaScale
		if o.Scale > 0 {
			n = o.Scale
		}
		approximate = o.Approximate && n < 8
	}
	m := h.maxSampling()
	across, down := int64(ceilDiv(h.Width, 8*m.H)), int64(ceilDiv(h.Height, 8*m.V))
	rows := down
	if strips {
		rows = 1
	}
	total := int64(0)
	for i, s := range h.Sampling[:h.Components] {
		side := int64(h.planeScale(i, n, chroma))
		square := side * side
		units := int64(s.H * s.V)
		total += across * rows * units * square
		if h.Progressive {
			total += across * down * units * square * 2
			if n > 1 && !approximate {
				total += across * down * units * 8
			}
		}
	}
	if size := h.ScaledSize(n); !strips && h.Components > 1 {
		if _, ok := h.ratio(); h.Model != YCbCr {
			total += int64(size.X) * int64(size.Y) * 4
		} else if !ok {
			total += int64(size.X) * int64(size.Y) * 3
		}
	}
	return total
}

func (h *Header) maxSampling() Sampling {
	m := Sampling{1, 1}
	for _, s := range h.Sampling[:h.Components] {
		m.H, m.V = max(m.H, s.H), max(m.V, s.V)
	}
	return m
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// ReadHeader reads the segments up to the first frame header (SOF). It may
// read up to 4 KB more from r than it needs. A profile or Exif data that
// comes after the frame header is not found.
func ReadHeader(r io.Reader) (Header, error) {
	d := newDecoder(r, nil)
	defer d.release()
	d.source.step = headerReadSize
	if err := d.readSOI(); err != nil {
		return Header{}, err
	}
	for d.header.Components == 0 {
		m, err := d.source.marker()
		if err != nil {
			return Header{}, err
		}
		if m == 0 || m == markerEOI || m == markerSOS {
			return Header{}, d.early("no frame header")
		}
		if m == markerDHT || m == markerDQT || m == markerDRI {
			_, err = d.source.segment()
		} else {
			err = d.readSegment(m)
		}
		if err != nil {
			return Header{}, err
		}
	}
	return d.finishHeader(), nil
}

// early returns the error for input that ends, or goes on to something else,
// before there is a picture.
func (d *decoder) early(msg string) error {
	if err := d.source.readError(); err != nil {
		return err
	}
	return FormatError(msg)
}

func (d *decoder) readSOI() error {
	s := &d.source
	if !s.need(2) {
		return d.early("no SOI marker")
	}
	if s.buf[s.rp] != 0xff || s.buf[s.rp+1] != markerSOI {
		return FormatError("no SOI marker")
	}
	s.rp += 2
	return nil
}

// maxTables bounds the Huffman tables of a file: no scan uses more than 8, and
// defining one takes longer than passing over its bytes.
const maxTables = 2000

// readSegment reads any segment but SOS.
func (d *decoder) readSegment(m byte) error {
	if m == markerSOI || m == markerEOI {
		return FormatError("misplaced marker")
	}
	p, err := d.source.segment()
	if err != nil || p == nil {
		return err
	}
	switch m {
	case markerSOF0, markerSOF1, markerSOF2:
		return d.readSOF(m, p)
	case markerDHT:
		return d.readDHT(p)
	case markerDQT:
		return d.readDQT(p)
	case markerDRI:
		return d.readDRI(p)
	case markerAPP0:
		d.jfif = d.jfif || len(p) >= 5 && string(p[:5]) == "JFIF\x00"
	case markerAPP1:
		if len(p) >= 6 && string(p[:5]) == "Exif\x00" && d.header.Exif == nil {
			d.header.Exif = append([]byte{}, p[6:]...)
		}
	case markerAPP2:
		d.icc.add(p)
	case markerAPP14:
		if len(p) >= 12 && string(p[:5]) == "Adobe" {
			d.adobe, d.adobeTransform = true, p[11]
		}
	case markerDAC, markerDHP, markerEXP, markerJPG:
		return fmt.Errorf("%w process", ErrUnsupported)
	}
	if m > markerSOF2 && m <= markerSOF15 && m != markerDHT && m != markerJPG && m != markerDAC {
		return fmt.Errorf("%w process (SOF%d)", ErrUnsupported, m-markerSOF0)
	}
	return nil
}

// readSOF reads a frame header (T.81 section B.2.2).
func (d *decoder) readSOF(m byte, p []byte) error {
	if d.header.Components != 0 {
		return FormatError("second frame header")
	}
	if len(p) < 6 {
		return FormatError("SOF has wrong length")
	}
	if p[0] != 8 {
		return fmt.Errorf("%w precision of %d bits", ErrUnsupported, p[0])
	}
	h := &d.header
	height, width, n := int(p[1])<<8|int(p[2]), int(p[3])<<8|int(p[4]), int(p[5])
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("%w number of components: %d", ErrUnsupported, n)
	}
	if len(p) != 6+3*n {
		return FormatError("SOF has wrong length")
	}
	if width == 0 {
		return FormatError("width is 0")
	}
	for i := range n {
		c := &d.comps[i]
		c.id, c.tq = int(p[6+3*i]), p[8+3*i]
		s := Sampling{int(p[7+3*i] >> 4), int(p[7+3*i] & 15)}
		for j := range i {
			if d.comps[j].id == c.id {
				c.id = d.otherID(i)
			}
		}
		if c.tq > maxTable {
			return FormatError("bad Tq value")
		}
		if s.H < 1 || s.H > 4 || s.V < 1 || s.V > 4 {
			return FormatError("bad sampling factor")
		}
		if n == 1 {
			// Only the relation to the maximum matters, and a scan of
			// one component is not interleaved (T.81 section A.2.2).
			s = Sampling{1, 1}
		}
		h.Sampling[i] = s
	}
	h.Width, h.Height, h.Components = width, height, n
	h.Progressive = m == markerSOF2
	return nil
}

// otherID returns the number that the i-th component gets if another one has its
// own already, as the reference library has it: one that none of those before
// has. In the header of a scan they are counted alike.
func (d *decoder) otherID(i int) int {
	d.odd = true
	id := 0
	for _, c := range d.comps[:i] {
		id = max(id, c.id)
	}
	return id + 1
}

// readDQT reads quantization tables (T.81 section B.2.4.1).
func (d *decoder) readDQT(p []byte) error {
	for len(p) > 0 {
		precision, t := p[0]>>4, p[0]&15
		if precision > 1 || t > maxTable {
			return FormatError("bad Pq or Tq value")
		}
		p = p[1:]
		q := &d.quants[t]
		size := 64 << precision
		if len(p) < size {
			return FormatError("DQT has wrong length")
		}
		for k := range q.steps {
			if precision == 0 {
				q.steps[k] = uint16(p[k])
			} else {
				q.steps[k] = uint16(p[2*k])<<8 | uint16(p[2*k+1])
			}
		}
		q.defined = true
		p = p[size:]
	}
	return nil
}

// readDHT reads Huffman tables (T.81 section B.2.4.2).
func (d *decoder) readDHT(p []byte) error {
	for len(p) > 0 {
		if len(p) < 17 {
			return FormatError("DHT has wrong length")
		}
		if d.tables++; d.tables > maxTables {
			return fmt.Errorf("%w: more than %d Huffman tables", ErrLimit, maxTables)
		}
		class, t := p[0]>>4, p[0]&15
		if class > maxClass || t > maxTable {
			return FormatError("bad Tc or Th value")
		}
		n := 0
		for _, c := range p[1:17] {
			n += int(c)
		}
		if n == 0 || n > 256 || len(p) < 17+n {
			return FormatError("DHT has wrong length")
		}
		var err error
		if class == 0 {
			err = d.dcTables[t].define(p[1:17], p[17:17+n])
			d.dcDefined[t] = true
		} else {
			err = d.acTables[t].define(p[1:17], p[17:17+n])
			d.acDefined[t] = true
		}
		if err != nil {
			return err
		}
		p = p[17+n:]
	}
	return nil
}

// readDRI reads the restart interval (T.81 section B.2.4.4).
func (d *decoder) readDRI(p []byte) error {
	if len(p) != 2 {
		return FormatError("DRI has wrong length")
	}
	d.interval = int(p[0])<<8 | int(p[1])
	return nil
}

// finishHeader returns what is known of the file.
func (d *decoder) finishHeader() Header {
	h := d.header
	h.ICC = d.icc.profile()
	h.Model = d.model()
	return h
}

func (d *decoder) model() ColorModel {
	switch {
	case d.header.Components == 1:
		return Gray
	case d.header.Components == 3 && d.isRGB():
		return RGB
	case d.header.Components == 3:
		return YCbCr
	case d.adobe && d.adobeTransform != 0:
		return YCCK
	}
	return CMYK
}

// isRGB reports whether the three components are not YCbCr.
func (d *decoder) isRGB() bool {
	if d.jfif {
		return false
	}
	if d.adobe && d.adobeTransform == 0 {
		return true
	}
	return d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B'
}
