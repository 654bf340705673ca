package jpeg

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math/bits"
	"sync"
)

// EncodeOptions say how to write a file. The zero value, like nil, means
// quality 75, baseline, with tables made for the picture.
type EncodeOptions struct {
	// Quality is from 1 to 100, on libjpeg's scale, with the quantization
	// tables of T.81 section K.1. 0 means 75; values beyond are clamped.
	Quality int

	// Tables says where the Huffman tables come from.
	Tables TableChoice

	// Progressive writes several scans, the low frequencies before the rest,
	// each with tables of its own, whatever Tables says. Which scans there are
	// is chosen by their size, and coefficients are quantized by what their
	// bits are worth: photographs get 6 % smaller than baseline ones of the
	// same similarity, for a dozen times the work here and more in any
	// decoder. It needs 3 to 6 bytes a pixel meanwhile.
	Progressive bool

	// Chroma444 keeps the full resolution of chroma where colours are
	// converted. It doesn't matter to *image.YCbCr, which is written as it is.
	Chroma444 bool

	// ICC is the colour profile to embed, if any: at most 255 times 65519 bytes.
	ICC []byte

	generic bool // no assembly
	nearest bool // coefficients of a progressive file are rounded to the nearest level
}

// TableChoice is a choice of Huffman tables.
type TableChoice uint8

const (
	// TablesAuto means TablesOptimal up to 4 megapixels, TablesStandard
	// beyond. Tables of its own make a picture 1 to 4 % smaller, the more
	// the smaller it is, and take no more time (BenchmarkEncode): they
	// always pay. But the symbols have to be kept until the tables are
	// known, 0.5 to 2 bytes a pixel, at worst 6.
	TablesAuto TableChoice = iota
	// TablesStandard means those of T.81 section K.3, the same for all.
	TablesStandard
	// TablesOptimal means tables made for this very picture.
	TablesOptimal
)

const autoTablesPixels = 4 << 20

// maxProfilePart is what a marker segment holds besides iccMark, the number
// of the part and the number of parts (ICC.1:2010 section B.4).
const maxProfilePart = 65533 - 14

// Encode writes m to w as a JPEG file with a JFIF header, the profile of
// the options, and nothing else.
//
// *image.YCbCr of any ratio (also in *image.NYCbCrA) and *image.Gray are
// taken as they are. Other types are converted to YCbCr 4:2:0, or 4:4:4 if
// the options say so; their alpha is dropped, so put a picture that has any
// on a background before: colours of an *image.NRGBA are taken as they are
// stored, those of other types as if on black.
//
// The picture must be 1 to 65535 pixels wide and high. Encode returns the
// first error of w. It is safe for concurrent use, and allocates nothing
// besides buffers that later calls use again.
func Encode(w io.Writer, m image.Image, o *EncodeOptions) error {
	if o == nil {
		o = &EncodeOptions{}
	}
	size := m.Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > 65535 || size.Y > 65535 {
		return fmt.Errorf("jpeg: can't encode a picture of %dx%d pixels", size.X, size.Y)
	}
	if len(o.ICC) > 255*maxProfilePart {
		return errors.New("jpeg: colour profile is too long")
	}
	e := encoders.Get().(*encoder)
	defer e.release()
	e.w, e.err, e.generic = w, nil, o.generic
	e.n, e.acc, e.nbits = 0, 0, 0
	e.width, e.height = size.X, size.Y
	e.setSource(m, o.Chroma444)
	e.setQuality(o.Quality)

	e.writeHeader(o.ICC, o.Progressive)
	switch optimal := o.Tables == TablesOptimal || o.Tables == TablesAuto && size.X*size.Y <= autoTablesPixels; {
	case o.Progressive:
		e.encodeProgressive(o.nearest)
	case optimal:
		e.encodeOptimal()
	default:
		e.encodeStandard()
	}
	e.marker(markerEOI)
	e.flush()
	return e.err
}

// encoder is the state of one Encode.
type encoder struct {
	w       io.Writer
	err     error // first of w
	generic bool

	width, height int
	hmax, vmax    int // sampling factors of luma: those of chroma are 1
	mcusX, mcusY  int
	comps         [3]encComponent
	ncomps        int

	quant [2][64]uint8   // in zigzag order
	recip [2][64]float32 // 1/(quant*factors of the DCT), transposed as fdct has it

	// Entropy-coded bits go to the low end of acc, nbits of them not yet in
	// buf.
	acc   uint64
	nbits uint
	n     int // bytes in buf
	buf   [64 << 10]byte

	codes       [2048]uint32 // by token.index: code<<8 | length
	tokens      []token
	corrections []token // waiting in an eobRun
	counts      [2048]uint32
	spec        huffmanSpec // last one made
	keys        [257]uint64

	block [64]int16 // coefficients of the block at hand
	edge  [64]byte  // samples of a block that the picture ends in
	coef  []int16   // of the whole picture, if progressive
	masks []uint64  // nonzero coefficients of each block of coef, in zigzag order

	script  [mostScans]encScan // of a progressive file
	trellis trellis

	src   pixelRows
	strip []byte // planes of an MCU row that was converted, or shifted chroma
	rows  []byte
}

// encComponent is a plane of samples.
type encComponent struct {
	pix    []byte
	stride int
	y0     int // the row that pix begins with
	w, h   int // samples in the picture

	hs, vs   int // sampling factors
	table    int // 0 luma, 1 chroma
	pred     int32
	blocksX  int // a row, including those that only fill the MCU
	firstBlk int // index of the first block in coef
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// release gives e back for use by another call, unless it has grown large.
func (e *encoder) release() {
	e.w, e.src = nil, pixelRows{}
	for i := range e.comps {
		e.comps[i].pix = nil
	}
	const keep = 16 << 20
	if 2*cap(e.coef) > keep || 4*cap(e.tokens) > keep || cap(e.strip)+cap(e.rows) > keep {
		e.coef, e.masks, e.tokens, e.strip, e.rows = nil, nil, nil, nil, nil
	}
	e.spec.values = e.spec.values[:0]
	encoders.Put(e)
}

func (e *encoder) setQuality(quality int) {
	if quality == 0 {
		quality = 75
	}
	quality = min(max(quality, 1), 100)
	for t := range e.quant {
		e.quant[t] = encQuant(t, quality)
		for k, q := range e.quant[t] {
			z := encZigzag[k]
			e.recip[t][z] = float32(1 / (8 * float64(q) * aanFactors[z>>3] * aanFactors[z&7]))
		}
	}
}

// encZigzag is zigzag for transposed blocks.
var encZigzag = func() (t [64]uint8) {
	for k, z := range zigzag {
		t[k] = z&7<<3 | z>>3
	}
	return t
}()

// maskZigzag[i][b] has the bits in zigzag order of byte i of a mask in the
// order of a transposed block.
var maskZigzag = func() (t [8][256]uint64) {
	for k, z := range encZigzag {
		for b := range 256 {
			if b>>(z&7)&1 != 0 {
				t[z>>3][b] |= 1 << k
			}
		}
	}
	return t
}()

// maskToZigzag permutes a mask from the order of a transposed block.
func maskToZigzag(m uint64) uint64 {
	return maskZigzag[0][m&255] | maskZigzag[1][m>>8&255] | maskZigzag[2][m>>16&255] | maskZigzag[3][m>>24&255] |
		maskZigzag[4][m>>32&255] | maskZigzag[5][m>>40&255] | maskZigzag[6][m>>48&255] | maskZigzag[7][m>>56]
}

// transform computes block (bx, by) of c into dst and returns which of its
// coefficients are not 0, in zigzag order. Beyond the edges the last samples
// are repeated. A block that lies outside altogether reports out, and
// leaves dst alone.
func (e *encoder) transform(dst *[64]int16, c *encComponent, bx, by int) (mask uint64, out bool) {
	x, y := 8*bx, 8*by
	if x >= c.w || y >= c.h {
		return 0, true
	}
	y -= c.y0
	src, stride := c.pix[y*c.stride+x:], c.stride
	if x+8 > c.w || y+c.y0+8 > c.h {
		w, h := min(8, c.w-x), min(8, c.h-y-c.y0)
		for i := range 8 {
			row := src[min(i, h-1)*stride:][:w]
			d := e.edge[8*i:][:8]
			copy(d, row)
			for j := w; j < 8; j++ {
				d[j] = row[w-1]
			}
		}
		src, stride = e.edge[:], 8
	}
	return maskToZigzag(fdct(dst, src, stride, &e.recip[c.table], e.generic)), false
}

// category returns the number of value bits of v, T.81's SSSS, and the bits.
func category(v int32) (s uint, b uint32) {
	neg := v >> 31
	s = uint(bits.Len32(uint32((v ^ neg) - neg)))
	return s, uint32(v+neg) & (1<<s - 1)
}
