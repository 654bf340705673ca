package av1

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
)

// Options say how a picture is encoded. The zero value is valid.
type Options struct {
	// QIndex is the quantizer index of AV1, 1 to 255: 1 is nearly lossless.
	// 0 means 110.
	QIndex int
	// Effort is from 0, the fastest, to 9, the fewest bytes.
	Effort int
	// Context, if not nil, ends the work when it is done.
	Context context.Context
	// Unfiltered switches the in-loop filters of the decoder off.
	Unfiltered bool
	// ICC is a colour profile to embed; nil means sRGB. It is not checked.
	ICC []byte
}

// maxSide is the longest side that the frame header can say.
const maxSide = 65536

// ErrSize is returned for a picture without samples or with a side above 65536.
var ErrSize = errors.New("av1: size of picture out of range")

// component is one plane of a source, without padding.
type component struct {
	pix           []uint8
	stride        int
	width, height int
}

// components takes the planes of a picture; alpha is nil unless it has one.
func components(m image.Image) (planes []component, subX, subY int, alpha *component, err error) {
	r := m.Bounds()
	if r.Dx() < 1 || r.Dy() < 1 || r.Dx() > maxSide || r.Dy() > maxSide {
		return nil, 0, 0, nil, fmt.Errorf("%w: %dx%d", ErrSize, r.Dx(), r.Dy())
	}
	yuv := func(m *image.YCbCr) error {
		switch m.SubsampleRatio {
		case image.YCbCrSubsampleRatio420:
			subX, subY = 1, 1
		case image.YCbCrSubsampleRatio444:
		default:
			return fmt.Errorf("av1: chroma sampled %v; only 4:2:0 and 4:4:4 are encoded", m.SubsampleRatio)
		}
		if subX == 1 && (r.Min.X&1 == 1 || r.Min.Y&1 == 1) {
			return errors.New("av1: a 4:2:0 picture begins at an odd sample")
		}
		c := m.COffset(r.Min.X, r.Min.Y)
		cw, ch := (r.Dx()+subX)>>subX, (r.Dy()+subY)>>subY
		planes = []component{
			{m.Y[m.YOffset(r.Min.X, r.Min.Y):], m.YStride, r.Dx(), r.Dy()},
			{m.Cb[c:], m.CStride, cw, ch},
			{m.Cr[c:], m.CStride, cw, ch},
		}
		return nil
	}
	switch m := m.(type) {
	case *image.Gray:
		planes, subX, subY = []component{{m.Pix[m.PixOffset(r.Min.X, r.Min.Y):], m.Stride, r.Dx(), r.Dy()}}, 1, 1
	case *image.YCbCr:
		err = yuv(m)
	case *image.NYCbCrA:
		err = yuv(&m.YCbCr)
		alpha = &component{m.A[m.AOffset(r.Min.X, r.Min.Y):], m.AStride, r.Dx(), r.Dy()}
	default:
		err = fmt.Errorf("av1: pictures of type %T are not encoded", m)
	}
	return planes, subX, subY, alpha, err
}

// padded copies a component to whole superblocks by its last row and column, into
// p, whose memory it uses.
func (c component) padded(p plane, width, height int) plane {
	p = plane{grown(p.pix, width*height), width}
	for y := range height {
		row := p.pix[y*width : y*width+width]
		if y >= c.height {
			copy(row, p.pix[(y-1)*width:])
			continue
		}
		copy(row, c.pix[y*c.stride:y*c.stride+c.width])
		fill(row[c.width:], row[c.width-1])
	}
	return p
}

// newFrame prepares a picture of one or three planes.
func newFrame(planes []component, subX, subY int, qIndex int) *frame {
	f := &frame{}
	f.init(planes, subX, subY, qIndex)
	return f
}

// init prepares a picture in the memory of another one.
func (f *frame) init(planes []component, subX, subY int, qIndex int) {
	f.header = header{
		width: planes[0].width, height: planes[0].height,
		mono: len(planes) == 1, subX: subX, subY: subY, qIndex: qIndex, txSelect: true,
	}
	f.cells = f.cells[:0]
	f.ctx = nil
	f.miCols, f.miRows = (f.width+7)>>3<<1, (f.height+7)>>3<<1
	f.tiles = newTiling(f.miCols, f.miRows, 0, 0)
	w, h := f.tiles.sbCols*64, f.tiles.sbRows*64
	for i, c := range planes {
		sx, sy := f.sub(i)
		f.src[i] = c.padded(f.src[i], w>>sx, h>>sy)
		f.rec[i] = plane{grown(f.rec[i].pix, w*h>>sx>>sy), w >> sx}
	}
	f.dcQ, f.acQ = dcQ[qIndex], acQ[qIndex]
	f.dcInverse, f.acInverse = (1<<32-1)/uint64(f.dcQ)+1, (1<<32-1)/uint64(f.acQ)+1
}

// look finds out what the picture is like: a drawing may have palettes.
func (f *frame) look() {
	f.analyse(&f.analysis)
	drawn, flat := 0, 0
	for i := range f.cells {
		drawn += b2i(f.cells[i].drawn)
		flat += b2i(f.cells[i].energy == 0)
	}
	f.screen = drawn > 0 && 16*drawn >= len(f.cells)-flat
}

// filters sets the levels of the in-loop filters from the quantizer: the lines that
// libaom fits to its searches.
func (h *header) filters() {
	q := int64(acQ[h.qIndex])
	// In units of 1e-10: floating point may round otherwise on other machines.
	level := func(square, linear, constant int64, most int) int {
		v := square*q*q + linear*q + constant + 5e9
		return int(min(max(v, 0)/1e10, int64(most)))
	}
	h.deblock = level(0, 669900000, -16081700000, 63)
	h.cdef = cdefStrength{
		damping: 3 + h.qIndex>>6,
		yPri:    level(33730, 80706000, 188000000, 15),
		ySec:    level(29170, 27800000, 79000000, 3),
		uvPri:   level(-130790, 128920000, -75000000, 15),
		uvSec:   level(32650, 3552000, 23000000, 3),
	}
}

// encode writes the picture and returns the frame OBU's payload; pick makes a picker
// for each tile.
func (f *frame) encode(pick func() picker) ([]byte, error) {
	if f.tile == nil {
		f.tile = &tile{frame: f}
	}
	t := f.tile
	t.above, t.left = newContexts(f.tiles.sbCols*16, f.screen), newContexts(16, f.screen)
	out := f.frameHeader()
	if f.tiles.count > 1 {
		// tile_start_and_end_present_flag 0 and byte alignment (section
		// 5.11.1).
		out = append(out, 0)
	}
	for i := range f.tiles.count {
		row, col := i/f.tiles.columns, i%f.tiles.columns
		t.row0, t.row1 = row*f.tiles.heightSB*16, min((row+1)*f.tiles.heightSB*16, f.miRows)
		t.col0, t.col1 = col*f.tiles.widthSB*16, min((col+1)*f.tiles.widthSB*16, f.miCols)
		t.pick = pick()
		data, err := t.encode()
		if err != nil {
			return nil, err
		}
		if i < f.tiles.count-1 {
			out = binary.LittleEndian.AppendUint32(out, uint32(len(data)-1))
		}
		out = append(out, data...)
	}
	return out, nil
}

// stream returns the OBUs of an AVIF item: sequence header and frame.
func (f *frame) stream(pick func() picker) ([]byte, error) {
	data, err := f.encode(pick)
	if err != nil {
		return nil, err
	}
	out := appendOBU(nil, obuSequenceHeader, f.sequenceHeader())
	return appendOBU(out, obuFrame, data), nil
}
