package vp8

import (
	"errors"
	"fmt"
	"image"
)

// ErrMalformed is wrapped by the errors for frames that do not decode.
var ErrMalformed = errors.New("vp8: malformed frame")

// DecodeOptions are the choices of a decoding. A nil *DecodeOptions means the zero
// value.
type DecodeOptions struct {
	// FullRange stretches samples to the full range, as JFIF has it: what is 16 and
	// 235, of chroma 16 and 240, becomes 0 and 255, and 1 and 255.
	FullRange bool

	// Damaged takes a frame whose first partition is not whole, and then what of it
	// can be decoded.
	Damaged bool

	// Check is called before each row of macroblocks, and its error ends the
	// decoding; nil: nothing ends it.
	Check func() error

	generic bool // leaves the kernels in assembly out
}

// Decode decodes a key frame, which is what a "VP8 " chunk of WebP holds. The result
// is that of libwebp, in planes of 4:2:0 that may be longer than the picture is wide.
//
// The error wraps [ErrMalformed], or is that of Check. If the frame ends early there are
// an error and a picture, in which the rows that are missing are grey.
// It may be called concurrently.
func Decode(frame []byte, o *DecodeOptions) (*image.YCbCr, error) {
	d, err := newDecoder(frame, o)
	if err != nil {
		return nil, err
	}
	m := image.NewYCbCr(image.Rect(0, 0, 16*d.width, 16*d.height), image.YCbCrSubsampleRatio420)
	d.y, d.cb, d.cr, d.yStride, d.cStride = m.Y, m.Cb, m.Cr, m.YStride, m.CStride
	m.Rect.Max = d.size
	done, err := d.decode(0, 0, nil)
	if err == nil {
		return m, nil
	}
	if !errors.Is(err, ErrMalformed) || done == 0 {
		return nil, err
	}
	for _, p := range [][]byte{m.Y[min(len(m.Y), done*m.YStride):], m.Cb[min(len(m.Cb), done/2*m.CStride):], m.Cr[min(len(m.Cr), done/2*m.CStride):]} {
		for i := range p {
			p[i] = 128
		}
	}
	return m, err
}

// DecodeRows decodes a key frame and hands it on from top to bottom, some rows at a
// time, so that no more than a row of macroblocks and a half is in memory. Bounds of
// the rows are those that they have in the picture, and begin at an even one; they
// are valid during the call of emit only. An error of emit ends the decoding and is
// returned. Rows may have been handed on before there is an error. All else is as
// with [Decode].
func DecodeRows(frame []byte, o *DecodeOptions, emit func(rows *image.YCbCr) error) error {
	d, err := newDecoder(frame, o)
	if err != nil {
		return err
	}
	d.yStride, d.cStride = 16*d.width, 8*d.width
	luma, chroma := (lateLuma+16)*d.yStride, (lateLuma/2+8)*d.cStride
	all := make([]byte, luma+2*chroma)
	d.y, d.cb, d.cr = all[:luma], all[luma:luma+chroma], all[luma+chroma:]
	_, err = d.decode(lateLuma, lateLuma/2, emit)
	return err
}

// lateLuma is how many rows of luma of a row of macroblocks the filter of the next
// one may need: the upper half of the blocks at their edge, rounded up to whole ones.
const lateLuma = 8

// RowsBytes returns about how much memory [DecodeRows] takes for a picture of that
// width.
func RowsBytes(width int) uint64 {
	w := uint64(width+15) / 16
	const rows, row = (lateLuma + 16) * 16 * 3 / 2, 16 + 8 + 8 + 4 + 9 + 4
	return w*(rows+row) + 16<<10
}

// A decoder decodes one frame.
type decoder struct {
	opts          DecodeOptions
	k             kernels
	size          image.Point
	width, height int // in macroblocks
	header        frameHeader

	modes      boolReader
	tokens     [8]boolReader
	partitions int

	mb         macroblock
	aboveModes []uint8
	leftModes  [4]uint8
	above      []neighbours
	left       neighbours
	thresholds []edgeThresholds // of the row

	coefficients [blockY2]block // zero, but for those of the macroblock
	coded        [blockY2]uint8 // how many there are, in zigzag order; with that of Y2

	// The macroblock, with the samples around it, before the filter. Those of the
	// row above are kept of the whole row.
	result                   samples
	aboveY, aboveCb, aboveCr []byte

	// Planes of the picture, or of a part of it.
	y, cb, cr        []byte
	yStride, cStride int
}

// newDecoder returns a decoder that has read the header. The caller gives it planes.
func newDecoder(frame []byte, o *DecodeOptions) (*decoder, error) {
	size, err := Size(frame)
	if err != nil {
		return nil, err
	}
	w, h := (size.X+15)/16, (size.Y+15)/16
	d := &decoder{size: size, width: w, height: h}
	if o != nil {
		d.opts = *o
		d.k.generic = o.generic
	}
	if err := d.readHeader(frame); err != nil {
		return nil, err
	}
	d.aboveModes = make([]uint8, 4*w)
	d.above = make([]neighbours, w)
	d.thresholds = make([]edgeThresholds, w)
	d.aboveY, d.aboveCb, d.aboveCr = make([]byte, 16*w), make([]byte, 8*w), make([]byte, 8*w)
	return d, nil
}

// decode decodes the rows of macroblocks. Where emit is nil the planes are those of
// the whole picture, else they are of one row, above which luma and chroma rows are
// of the row before. It returns how many rows of luma are as they are to be.
func (d *decoder) decode(luma, chroma int, emit func(rows *image.YCbCr) error) (done int, err error) {
	for y := range d.height {
		if d.opts.Check != nil {
			if err := d.opts.Check(); err != nil {
				return done, err
			}
		}
		at, c := luma, chroma
		if emit == nil {
			at, c = 16*y, 8*y
		}
		if err := d.decodeRow(y, at*d.yStride, c*d.cStride); err != nil {
			return done, err
		}
		d.filterRow(y, at*d.yStride, c*d.cStride)
		// The last rows are not ready before the next one is filtered.
		end := 16*(y+1) - lateLuma
		if y == d.height-1 {
			end = 16 * (y + 1)
		}
		from := at + done - 16*y // of the planes
		if d.opts.FullRange {
			d.stretch(from, from+end-done)
		}
		if emit != nil {
			rows := &image.YCbCr{
				Y: d.y[from*d.yStride:], Cb: d.cb[from/2*d.cStride:], Cr: d.cr[from/2*d.cStride:],
				YStride: d.yStride, CStride: d.cStride, SubsampleRatio: image.YCbCrSubsampleRatio420,
				Rect: image.Rect(0, done, d.size.X, min(end, d.size.Y)),
			}
			if !rows.Rect.Empty() {
				if err := emit(rows); err != nil {
					return done, err
				}
			}
			copy(d.y, d.y[16*d.yStride:])
			copy(d.cb, d.cb[8*d.cStride:])
			copy(d.cr, d.cr[8*d.cStride:])
		}
		done = end
	}
	return done, nil
}

// stretch makes samples of the full range of those rows of the planes.
func (d *decoder) stretch(from, end int) {
	d.k.stretch(d.y[from*d.yStride:end*d.yStride], &lumaStretch)
	d.k.stretch(d.cb[from/2*d.cStride:end/2*d.cStride], &chromaStretch)
	d.k.stretch(d.cr[from/2*d.cStride:end/2*d.cStride], &chromaStretch)
}

// decodeRow decodes a row of macroblocks to where the planes of luma and chroma have
// it.
func (d *decoder) decodeRow(y, luma, chroma int) error {
	tokens := &d.tokens[y%d.partitions]
	d.left, d.leftModes = neighbours{}, [4]uint8{}
	for x := range d.width {
		d.readModes(x)
		t := &d.header.filters[d.mb.segment][bit(d.mb.in4x4)]
		d.thresholds[x] = *t
		if d.readCoefficients(x, tokens) {
			d.thresholds[x].inner = true
		}
		d.rebuild(x, y)
		d.store(x, luma+16*x, chroma+8*x)
		if tokens.ended || d.modes.ended {
			return fmt.Errorf("%w: it ends in row %d of %d of its macroblocks", ErrMalformed, y, d.height)
		}
	}
	return nil
}

// readModes reads what the first partition says of a macroblock (section 19.3).
func (d *decoder) readModes(x int) {
	r, h, mb := &d.modes, &d.header, &d.mb
	if h.mapped {
		mb.segment = 0
		if r.bit(h.segmentProbs[0]) {
			mb.segment = uint8(2 + r.number(h.segmentProbs[2]))
		} else {
			mb.segment = uint8(r.number(h.segmentProbs[1]))
		}
	}
	mb.skip = h.skips && r.bit(h.skipProb)
	above := d.aboveModes[4*x:][:4]
	if mb.in4x4 = !r.bit(lumaProbs[0]); mb.in4x4 {
		r.blockModes(&mb.modes, (*[4]uint8)(above), &d.leftModes)
	} else {
		mb.luma = modeDC
		if r.bit(lumaProbs[1]) {
			mb.luma = modeH
			if r.bit(lumaProbs[3]) {
				mb.luma = modeTM
			}
		} else if r.bit(lumaProbs[2]) {
			mb.luma = modeV
		}
		for i := range 4 {
			above[i], d.leftModes[i] = mb.luma, mb.luma
		}
	}
	mb.chroma = modeDC
	if r.bit(chromaProbs[0]) {
		mb.chroma = modeV
		if r.bit(chromaProbs[1]) {
			mb.chroma = modeH
			if r.bit(chromaProbs[2]) {
				mb.chroma = modeTM
			}
		}
	}
}

// readCoefficients reads those of a macroblock and reports whether there are any
// (section 13).
func (d *decoder) readCoefficients(x int, r *boolReader) bool {
	above, left := &d.above[x], &d.left
	in4x4 := d.mb.in4x4
	if d.mb.skip {
		y2a, y2l := above[neighbourY2], left[neighbourY2]
		*above, *left = neighbours{}, neighbours{}
		if in4x4 {
			above[neighbourY2], left[neighbourY2] = y2a, y2l
		}
		return false
	}
	h := &d.header
	steps := &h.steps[d.mb.segment]
	of, first := &h.tokens[planeY], 0
	some := 0
	if !in4x4 {
		var b, dc block
		n := r.levels(&b, &h.tokens[planeY2], 0, int(above[neighbourY2]+left[neighbourY2]), &steps.y2)
		above[neighbourY2] = nonzero(uint8(n), 0)
		left[neighbourY2] = above[neighbourY2]
		if n > 1 {
			inverseY2(&dc, &b)
			for i := range 16 {
				d.coefficients[i][0] = dc[i]
			}
		} else if n == 1 {
			v := int16((int32(b[0]) + 3) >> 3)
			for i := range 16 {
				d.coefficients[i][0] = v
			}
		}
		of, first = &h.tokens[planeYAfterY2], 1
	}
	for i := range 16 {
		a, l := &above[i%4], &left[i/4]
		b := &d.coefficients[i]
		n := r.levels(b, of, first, int(*a+*l), &steps.y)
		*a = nonzero(uint8(n), first)
		*l = *a
		if n <= 1 { // nothing, or the DC coefficient
			n = 0
			if b[0] != 0 {
				n = 1
			}
		}
		d.coded[i] = uint8(n)
		some |= n
	}
	of = &h.tokens[planeChroma]
	for i := blockCb; i < blockY2; i++ {
		at := neighbourCb + (i-blockCb)/4*2
		a, l := &above[at+i%2], &left[at+i/2%2]
		b := &d.coefficients[i]
		n := r.levels(b, of, 0, int(*a+*l), &steps.color)
		*a = nonzero(uint8(n), 0)
		*l = *a
		if n == 1 && b[0] == 0 {
			n = 0
		}
		d.coded[i] = uint8(n)
		some |= n
	}
	d.mb.skip = some == 0
	return some != 0
}
