package av1

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"sync"
)

// Encode writes m as an AVIF file (AVIF 1.1; ISO/IEC 23008-12). m is an *image.Gray,
// an *image.YCbCr or an *image.NYCbCrA of 4:2:0 or 4:4:4, full range with the matrix
// of JPEG; alpha becomes an auxiliary item. A nil o means the defaults.
//
// The error wraps ErrSize for a picture without samples or with a side above 65536
// samples, or is that of w or of o.Context. Equal pictures and options make equal bytes. Encode may
// be called by several goroutines at once.
func Encode(w io.Writer, m image.Image, o *Options) error {
	if o == nil {
		o = &Options{}
	}
	planes, subX, subY, alpha, err := components(m)
	if err != nil {
		return err
	}
	colour, err := o.item(planes, subX, subY)
	if err != nil {
		return err
	}
	items := []item{colour}
	if alpha != nil {
		a, err := o.item([]component{*alpha}, 1, 1)
		if err != nil {
			return err
		}
		a.alpha = true
		items = append(items, a)
	}
	_, err = w.Write(file(items, o.ICC))
	return err
}

// item is a coded picture of a file.
type item struct {
	header
	data  []byte
	alpha bool
}

// worker is the memory of an encoder.
type worker struct {
	frame
	chooser
}

// workers are those that have nothing to do.
var workers = sync.Pool{New: func() any { return &worker{} }}

// item encodes planes.
func (o *Options) item(planes []component, subX, subY int) (item, error) {
	w := workers.Get().(*worker)
	defer workers.Put(w)
	f := &w.frame
	f.init(planes, subX, subY, o.qIndex())
	f.ctx = o.Context
	f.look()
	if !o.Unfiltered {
		f.filters()
	}
	data, err := f.stream(func() picker {
		w.chooser.init(f, o.Effort)
		return &w.chooser
	})
	f.ctx = nil
	return item{header: f.header, data: data}, err
}

// qIndex is the quantizer index with its default.
func (o *Options) qIndex() int {
	if o.QIndex == 0 {
		return 110
	}
	return min(max(o.QIndex, 1), 255)
}

// boxWriter writes boxes of the ISO base media file format (ISO/IEC 14496-12).
type boxWriter struct{ bytes.Buffer }

// box writes a box with what body writes.
func (b *boxWriter) box(kind string, body func()) {
	at := b.Len()
	b.u32(0)
	b.WriteString(kind)
	body()
	binary.BigEndian.PutUint32(b.Bytes()[at:], uint32(b.Len()-at))
}

// full writes a box with version and flags.
func (b *boxWriter) full(kind string, version uint8, flags uint32, body func()) {
	b.box(kind, func() {
		b.u32(uint32(version)<<24 | flags)
		body()
	})
}

func (b *boxWriter) u8(v int)     { b.WriteByte(byte(v)) }
func (b *boxWriter) u16(v int)    { b.Write([]byte{byte(v >> 8), byte(v)}) }
func (b *boxWriter) u32(v uint32) { b.Write(binary.BigEndian.AppendUint32(nil, v)) }

// file writes an AVIF file of one picture, items[0], and perhaps its alpha. icc is
// its colour profile; nil means sRGB. Item i has the identifier i+1.
func file(items []item, icc []byte) []byte {
	var b boxWriter
	profile := "MA1B" // AVIF Baseline: profile 0, level up to 5.1
	if items[0].profile() == 1 {
		profile = "MA1A"
	}
	brands := "avifmif1miaf"
	if l := items[0].level(); profile == "MA1B" && l <= 13 || profile == "MA1A" && l <= 16 {
		brands += profile
	}
	b.box("ftyp", func() {
		b.WriteString("avif")
		b.u32(0)
		b.WriteString(brands)
	})
	var offsets []int // where the extent of each item is told
	b.full("meta", 0, 0, func() {
		// hdlr stands first: readers refuse the file otherwise.
		b.full("hdlr", 0, 0, func() {
			b.u32(0)
			b.WriteString("pict")
			b.Write(make([]byte, 12+1)) // reserved, and an empty name
		})
		b.full("pitm", 0, 0, func() { b.u16(1) })
		b.full("iloc", 0, 0, func() {
			b.u8(4<<4 | 4) // offset_size, length_size
			b.u8(0)        // base_offset_size
			b.u16(len(items))
			for i, it := range items {
				b.u16(i + 1)
				b.u16(0) // data_reference_index: this file
				b.u16(1) // extents
				offsets = append(offsets, b.Len())
				b.u32(0)
				b.u32(uint32(len(it.data)))
			}
		})
		b.full("iinf", 0, 0, func() {
			b.u16(len(items))
			for i := range items {
				b.full("infe", 2, 0, func() {
					b.u16(i + 1)
					b.u16(0) // not protected
					b.WriteString("av01")
					b.u8(0) // an empty name
				})
			}
		})
		if len(items) > 1 {
			b.full("iref", 0, 0, func() {
				b.box("auxl", func() { // item 2 is auxiliary to item 1
					b.u16(2)
					b.u16(1)
					b.u16(1)
				})
			})
		}
		b.box("iprp", func() { b.properties(items, icc) })
	})
	// Alpha lies before colour: a reader that shows what arrives has it in time.
	b.box("mdat", func() {
		for i := len(items) - 1; i >= 0; i-- {
			binary.BigEndian.PutUint32(b.Bytes()[offsets[i]:], uint32(b.Len()))
			b.Write(items[i].data)
		}
	})
	return b.Bytes()
}

// properties writes ipco and ipma: what the items are, and which is whose.
func (b *boxWriter) properties(items []item, icc []byte) {
	const essential = 0x80
	var of [2][]int
	b.box("ipco", func() {
		n := 0
		for i, it := range items {
			add := func(flag int) {
				n++
				of[i] = append(of[i], n|flag)
			}
			b.full("ispe", 0, 0, func() {
				b.u32(uint32(it.width))
				b.u32(uint32(it.height))
			})
			add(0)
			b.full("pixi", 0, 0, func() {
				b.u8(it.planes())
				for range it.planes() {
					b.u8(8)
				}
			})
			add(0)
			b.box("av1C", func() {
				b.u8(0x81)
				b.u8(it.profile()<<5 | it.level())
				b.u8(b2i(it.mono)<<4 | it.subX<<3 | it.subY<<2)
				b.u8(0)
			})
			add(essential)
			if it.alpha {
				b.full("auxC", 0, 0, func() { b.WriteString("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\x00") })
				add(0)
				continue
			}
			b.box("colr", func() {
				b.WriteString("nclx")
				b.u16(1)
				b.u16(13)
				b.u16(6)
				b.u8(0x80) // full range
			})
			add(0)
			if len(icc) > 0 {
				b.box("colr", func() {
					b.WriteString("prof")
					b.Write(icc)
				})
				add(0)
			}
		}
	})
	b.full("ipma", 0, 0, func() {
		b.u32(uint32(len(items)))
		for i := range items {
			b.u16(i + 1)
			b.u8(len(of[i]))
			for _, p := range of[i] {
				b.u8(p)
			}
		}
	})
}
