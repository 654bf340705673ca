package jpeg

import (
	"errors"
	"fmt"
	"image"
	"io"
	"sync"
)

// Options are the choices of a decode. A nil *Options means the zero value.
type Options struct {
	// Scale is N in N/8, the size of the result relative to the picture in
	// the file: 1, 2, 4 or 8. 0 means 8.
	Scale int

	// ChromaScale is N in N/8 for the chroma of pictures in 4:2:0: 8 if Scale is 4.
	// Their chroma then has the size of their luma, and the result is 4:4:4. 0 means
	// Scale, as all pictures of other samplings have it.
	ChromaScale int

	// Short leaves out, of sequential files at 2/8 and 4/8, the highest
	// frequencies that the scale has: of 2x2 coefficients the last, of 4x4 the last
	// six in zigzag order. That saves 7% to 10% of the time. What is missing is
	// beyond what a reduction by 3 or more leaves.
	// It has no effect on other files and scales, and with a ChromaScale.
	Short bool

	// Approximate lets progressive files be decoded at 2/8 and 4/8 without
	// the scans that only refine AC coefficients, or begin with ones that the
	// scale does not need. That saves 65% to 90% of the time. The result is as
	// of a coarser quantization, and what differs is mostly detail that a
	// reduction to follow removes. Of the luma of photographs in the usual
	// ten scans, this much remains in the worst case measured, against the
	// exact result (TestApproximate):
	//
	//	scale   as it is   then reduced by 2
	//	2/8     45.7 dB    58.2 dB, at most 1 level
	//	4/8     40.2 dB    46.6 dB, at most 6 levels
	//
	// So it does not show at 2/8 with the usual margin of 2, nor at 4/8 if
	// the reduction is 3 or more. It has no effect on other files and scales.
	Approximate bool

	// Pass is asked behind begin of [DecodeStrips], where strips are decoded one
	// by one, and returns how many of them are not needed at the beginning: they are
	// passed over, restart intervals without a look at them, and not emitted. rows
	// is how many rows a strip has in each plane. What is damaged in them may not
	// be seen. nil means that all are needed.
	Pass func(rows [4]int) int

	// MaxPixels bounds width times height of the file, whatever the scale.
	// 0 means 100 million.
	MaxPixels int

	// MaxScans bounds the scans of a file. 0 means 100. Besides, no more than
	// 64 million blocks are decoded, summed up over the scans.
	MaxScans int

	// Damaged decodes what can be of a damaged picture: from a bad code on it is
	// gray, or coarse, up to the next restart interval. What would be a
	// [FormatError] behind the beginning of the first scan is Incomplete.
	Damaged bool

	// Alloc returns a slice of n bytes, whose contents do not matter, for the
	// pixels of the result. It is called once. nil means make.
	Alloc func(n int) []byte

	kernels kernels // for tests
}

const (
	defaultMaxPixels = 100e6
	defaultMaxScans  = 100
	maxScanBlocks    = 64 << 20
)

// An Image is a decoded picture.
type Image struct {
	Header

	// Image has the pixels: *image.Gray, *image.YCbCr, *image.RGBA (of RGB
	// files) or *image.CMYK, from the origin on. Rows of planes may be longer
	// than the bounds. For sampling ratios that image.YCbCr lacks, the
	// components are resampled to 4:4:4 by repeating samples.
	Image image.Image

	// Buffer is the slice that Options.Alloc returned, or make.
	Buffer []byte

	// Incomplete reports that the file ended, or a scan did, before
	// everything was decoded. What is missing is gray, or coarse. If the scans
	// that the scale does not need are passed over, and the input has no EOI, that
	// is not known, and it is true as well.
	Incomplete bool

	// Nonconforming reports that the file is not as T.81 has it, though nothing is missing:
	// it has no Huffman tables, or components of the same number.
	Nonconforming bool
}

// A Plane is a rectangle of samples of a component.
type Plane struct {
	Pix           []byte // row y begins at y*Stride
	Stride        int
	Width, Height int
}

// A Strip is a full-width part of a picture, one row of MCUs high.
type Strip struct {
	Y0     int     // first row, in rows of the scaled picture
	Planes []Plane // by component; each as high as its sampling has it, but cut at the lower edge
}

// A component is a component of the frame and what was decoded of it.
type component struct {
	id            int
	tq            uint8
	dcSel, acSel  uint8 // Td and Ta of the current scan
	h, v          int
	across, down  int     // blocks, padded to whole MCUs
	width, height int     // blocks that hold samples of the picture
	n             int     // of the scale n/8
	layout        *layout // of blocks in memory, for it
	size          image.Point
	seen          bool // in a scan
	pred          int32

	dequant dequant

	pix    []byte
	stride int

	// Progressive files: kept coefficients of each block, nonzero history of
	// each block by zigzag position, and by position the Al of the last scan,
	// -1 before the first.
	coefs   []int16
	history []uint64
	exact   [64]int8
}

// A quantTable has the steps in zigzag order.
type quantTable struct {
	defined bool
	steps   [64]uint16
}

// A decoder decodes one stream after another.
type decoder struct {
	source
	bitReader

	opts   Options
	scale  int
	header Header
	icc    iccParts
	jfif   bool

	adobe          bool
	adobeTransform byte

	comps    [4]component
	quants   [4]quantTable
	dcTables [4]dcTable
	acTables [4]acTable
	// Tables are kept from stream to stream, since most files have the same.
	dcDefined, acDefined [4]bool
	interval             int // restart interval in MCUs, 0 for none

	mcusAcross, mcusDown int
	scans, scanBlocks    int
	tables               int // Huffman tables defined so far
	block                [64 + 16]int16
	mcu                  [10]mcuBlock

	// Where pixels go. If whole, the planes of the components are of the
	// whole picture; else of a row of MCUs, and handed to emit when full.
	whole      bool
	allocated  bool
	emit       func(*Strip) error
	strip      Strip
	planes     [4]Plane
	buffer     []byte    // of the whole planes
	stripPix   [4][]byte // kept from stream to stream
	coefPool   [4][]int16
	maskPool   [4][]uint64
	incomplete bool
	odd        bool
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// newDecoder returns a decoder that reads from r. The caller releases it.
func newDecoder(r io.Reader, o *Options) *decoder {
	d := decoders.Get().(*decoder)
	d.source.reset(r, readSize)
	d.bitReader.reset()
	d.opts = Options{}
	if o != nil {
		d.opts = *o
	}
	return d
}

// release forgets everything that belongs to the stream.
func (d *decoder) release() {
	const keep = 2 << 20 // bytes of a buffer; more is for the garbage collector
	d.source.r = nil
	d.opts = Options{}
	d.header, d.icc, d.jfif, d.adobe = Header{}, iccParts{}, false, false
	for i := range d.comps {
		c := &d.comps[i]
		if c.coefs != nil && 2*cap(c.coefs) <= keep {
			d.coefPool[i] = c.coefs
		}
		if c.history != nil && 8*cap(c.history) <= keep {
			d.maskPool[i] = c.history
		}
		d.comps[i] = component{}
		d.quants[i].defined = false
	}
	clear(d.mcu[:])
	d.dcDefined, d.acDefined = [4]bool{}, [4]bool{}
	d.interval, d.scans, d.scanBlocks, d.tables = 0, 0, 0, 0
	d.whole, d.allocated, d.incomplete, d.odd = false, false, false, false
	d.emit, d.strip, d.planes, d.buffer = nil, Strip{}, [4]Plane{}, nil
	decoders.Put(d)
}

// Decode decodes the picture that r begins with. It does not read to the end
// of the file if the picture is complete before.
//
// If the input ends early, Decode returns what there is, marked Incomplete,
// provided that it got as far as the first scan. Damage is a [FormatError].
// An error of r other than io.EOF is returned.
func Decode(r io.Reader, o *Options) (*Image, error) {
	d := newDecoder(r, o)
	defer d.release()
	d.whole = true
	if err := d.decode(nil); err != nil {
		return nil, err
	}
	m := &Image{Header: d.finishHeader(), Incomplete: d.incomplete, Nonconforming: d.odd}
	d.compose(m)
	return m, nil
}

// DecodeStrips decodes the picture that r begins with and hands it on in
// strips, from top to bottom, as they are decoded. Baseline pictures whose
// components are interleaved, as nearly all are, thus need memory for a strip
// only; of others, all coefficients or all samples are held.
//
// begin is called once, before the first strip, with the header as known by
// then. A strip is valid during the call of emit only. An error of either
// function ends the decoding and is returned. The planes are the components
// as in the file, at the size PlaneSize says for their scale: DecodeStrips converts no
// colours, and Adobe's CMYK and YCCK are inverted.
//
// Incomplete and the errors are as those of [Decode]; strips may have been
// handed on before there is an error. Alloc is not used for the strips, only
// for planes that have to be held.
func DecodeStrips(r io.Reader, o *Options, begin func(*Header) error, emit func(*Strip) error) (incomplete bool, err error) {
	d := newDecoder(r, o)
	defer d.release()
	d.emit = emit
	if err := d.decode(begin); err != nil {
		return false, err
	}
	return d.incomplete, nil
}

// Complete reports whether all data of all scans is there, whether or not an EOI
// follows: it is for progressive pictures that are Incomplete where scans were
// passed over. It takes the memory of strips at 2/8. The errors are as those of
// [Decode].
func Complete(r io.Reader, o *Options) (bool, error) {
	exact := *o
	exact.Scale, exact.ChromaScale, exact.Approximate, exact.Damaged = 2, 0, false, false
	incomplete, err := DecodeStrips(r, &exact, nil, func(*Strip) error { return nil })
	return !incomplete, err
}

// decode reads the stream (T.81 section E.2). In the end, the planes are
// filled, or were handed on.
func (d *decoder) decode(begin func(*Header) error) error {
	if d.scale = d.opts.Scale; d.scale == 0 {
		d.scale = 8
	}
	if d.scale < 0 || d.scale >= len(layouts) || layouts[d.scale] == nil {
		return fmt.Errorf("%w scale %d/8", ErrUnsupported, d.scale)
	}
	if n := d.opts.ChromaScale; n != 0 && n != d.scale && (n != 8 || d.scale != 4) {
		return fmt.Errorf("%w scales %d/8 and %d/8", ErrUnsupported, d.scale, n)
	}
	if err := d.readSOI(); err != nil {
		return err
	}
	ended := false // by EOI
	for !ended && !d.complete() {
		m, err := d.source.marker()
		if d.passes(err) {
			return d.finish(false)
		}
		if err != nil {
			return err
		}
		switch m {
		case 0:
			return d.finish(false)
		case markerEOI:
			ended = true
		case markerSOS:
			if d.scans == 0 && begin != nil {
				if d.header.Components == 0 {
					return FormatError("scan without a frame header")
				}
				h := d.finishHeader()
				if err := begin(&h); err != nil {
					return err
				}
			}
			if err := d.readScan(); d.passes(err) {
				return d.finish(false)
			} else if err != nil {
				return err
			}
		default:
			if err := d.readSegment(m); d.passes(err) {
				return d.finish(false)
			} else if err != nil {
				return err
			}
			if m >= markerSOF0 && m <= markerSOF2 && d.header.Components != 0 {
				if err := d.startFrame(); err != nil {
					return err
				}
			}
		}
	}
	return d.finish(ended)
}

// passes reports whether err is damage that only ends the picture.
func (d *decoder) passes(err error) bool {
	if err == nil || !d.opts.Damaged || !d.allocated {
		return false
	}
	var bad FormatError
	if !errors.As(err, &bad) {
		return false
	}
	d.incomplete = true
	return true
}

// complete reports whether nothing that can follow adds to the picture.
func (d *decoder) complete() bool {
	if d.header.Progressive || d.header.Components == 0 {
		return false
	}
	for _, c := range d.comps[:d.header.Components] {
		if !c.seen {
			return false
		}
	}
	return true
}

// startFrame checks the size of the picture against the limits and lays out
// the components.
func (d *decoder) startFrame() error {
	h := &d.header
	if h.Height == 0 {
		if err := d.findHeight(); err != nil {
			return err
		}
	}
	limit := d.opts.MaxPixels
	if limit == 0 {
		limit = defaultMaxPixels
	}
	if int64(h.Width)*int64(h.Height) > int64(limit) {
		return fmt.Errorf("%w: %dx%d pixels", ErrLimit, h.Width, h.Height)
	}
	m := h.maxSampling()
	d.mcusAcross, d.mcusDown = ceilDiv(h.Width, 8*m.H), ceilDiv(h.Height, 8*m.V)
	for i := range h.Components {
		c := &d.comps[i]
		c.h, c.v = h.Sampling[i].H, h.Sampling[i].V
		c.across, c.down = d.mcusAcross*c.h, d.mcusDown*c.v
		full := h.PlaneSize(i, 8)
		c.width, c.height = ceilDiv(full.X, 8), ceilDiv(full.Y, 8)
		c.n = h.planeScale(i, d.scale, d.opts.ChromaScale)
		c.layout = layouts[c.n]
		c.size = h.PlaneSize(i, c.n)
		c.stride = c.across * c.n
		for k := range c.exact {
			c.exact[k] = -1
		}
	}
	return nil
}

// allocate provides the planes, and the coefficients of progressive files.
// It is called before the first scan; interleaved says that it has all
// components.
func (d *decoder) allocate(interleaved bool) {
	if d.allocated {
		return
	}
	d.allocated = true
	comps := d.comps[:d.header.Components]
	if d.header.Progressive {
		for i := range comps {
			c := &comps[i]
			n := c.across * c.down
			c.coefs = zeroed(d.coefPool[i], n*c.layout.kept)
			if d.needHistory() {
				c.history = zeroed(d.maskPool[i], n)
			}
			d.coefPool[i], d.maskPool[i] = nil, nil
		}
	}
	if !interleaved && !d.header.Progressive {
		d.whole = true
	}
	if !d.whole {
		for i := range comps {
			c := &comps[i]
			n := c.stride * c.v * c.n
			if cap(d.stripPix[i]) < n {
				d.stripPix[i] = make([]byte, n)
			}
			c.pix = d.stripPix[i][:n]
		}
		return
	}
	total := 0
	for i := range comps {
		total += comps[i].stride * comps[i].down * comps[i].n
	}
	alloc := d.opts.Alloc
	if alloc == nil || d.converts() {
		alloc = func(n int) []byte { return make([]byte, n) }
	}
	d.buffer = alloc(total)
	rest := d.buffer[:total]
	for i := range comps {
		n := comps[i].stride * comps[i].down * comps[i].n
		comps[i].pix, rest = rest[:n:n], rest[n:]
	}
}

// zeroed returns n zeros, in s if it is large enough.
func zeroed[T int16 | uint64](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// rowOffset returns where the samples of MCU row y begin in the plane of c.
func (d *decoder) rowOffset(c *component, y int) int {
	if !d.whole {
		return 0
	}
	return y * c.v * c.n * c.stride
}

// emitRow hands on MCU row y.
func (d *decoder) emitRow(y int) error {
	h := &d.header
	d.strip.Y0 = y * h.maxSampling().V * d.scale
	d.strip.Planes = d.planes[:h.Components]
	for i := range h.Components {
		c := &d.comps[i]
		rows := c.v * c.n
		height := min(rows, c.size.Y-y*rows) // 1 or more, since every MCU has a pixel
		at := d.rowOffset(c, y)
		d.planes[i] = Plane{Pix: c.pix[at : at+height*c.stride], Stride: c.stride, Width: c.size.X, Height: height}
	}
	return d.emit(&d.strip)
}

// finish makes pixels of what was decoded. ended says that there was an EOI.
func (d *decoder) finish(ended bool) error {
	if err := d.source.readError(); err != nil {
		return err
	}
	if d.scans == 0 {
		return d.early("no scan")
	}
	comps := d.comps[:d.header.Components]
	if d.header.Progressive {
		if !ended {
			for i := range comps {
				for _, al := range comps[i].exact {
					d.incomplete = d.incomplete || al != 0
				}
			}
		}
		return d.reconstruct()
	}
	for i := range comps {
		if c := &comps[i]; !c.seen {
			d.incomplete = true
			fillGray(c.pix)
		}
	}
	if d.whole && d.emit != nil {
		for y := range d.mcusDown {
			if err := d.emitRow(y); err != nil {
				return err
			}
		}
	}
	return nil
}

func fillGray(p []byte) {
	for i := range p {
		p[i] = 128
	}
}
