package heif

import (
	"fmt"
	"image"
	"io"
	"iter"
)

// The first fields of coded pictures inside of AVIF and HEIC: their sizes, since
// the boxes around them may say less than the decoder will allocate.

// A bitReader reads bits, the most significant one first. Behind the end it
// reads zeros, and says so.
type bitReader struct {
	data []byte
	at   int // in bits
}

func (r *bitReader) past() bool { return r.at > 8*len(r.data) }

func (r *bitReader) bits(n int) (v uint64) {
	for range n {
		v <<= 1
		if i := r.at >> 3; i < len(r.data) {
			v |= uint64(r.data[i] >> (7 - r.at&7) & 1)
		}
		r.at++
	}
	return v
}

// golomb reads an unsigned Exp-Golomb number of up to 32 bits (ITU-T H.265,
// section 9.2).
func (r *bitReader) golomb() uint64 {
	zeros := 0
	for r.bits(1) == 0 {
		if zeros++; zeros > 32 || r.past() {
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// av1Size returns the largest frame that the sequence header among the first
// OBUs allows (AV1 specification, sections 5.3 and 5.5).
func av1Size(obus []byte) (size image.Point, ok bool) {
	for len(obus) >= 2 {
		kind, extension, sized := obus[0]>>3&15, obus[0]&4 != 0, obus[0]&2 != 0
		rest := obus[1:]
		if extension {
			rest = rest[1:]
		}
		n := uint64(len(rest))
		if sized {
			n = 0
			for i := 0; ; i++ {
				if i == 8 || i >= len(rest) {
					return image.Point{}, false
				}
				n |= uint64(rest[i]&0x7f) << (7 * i)
				if rest[i]&0x80 == 0 {
					rest = rest[i+1:]
					break
				}
			}
		}
		n = min(n, uint64(len(rest)))
		const sequenceHeader = 1
		if kind == sequenceHeader {
			return av1SequenceSize(rest[:n])
		}
		obus = rest[n:]
	}
	return image.Point{}, false
}

func av1SequenceSize(data []byte) (size image.Point, ok bool) {
	r := bitReader{data: data}
	r.bits(3)           // profile
	r.bits(1)           // still picture
	if r.bits(1) == 1 { // reduced header
		r.bits(5) // level
	} else {
		model, delay := false, 0
		if r.bits(1) == 1 { // timing_info
			r.bits(64)
			if r.bits(1) == 1 { // equal_picture_interval
				r.golomb()
			}
			if model = r.bits(1) == 1; model { // decoder_model_info
				delay = int(r.bits(5)) + 1
				r.bits(32 + 5 + 5)
			}
		}
		display := r.bits(1) == 1
		for range r.bits(5) + 1 { // operating points
			r.bits(12)
			if r.bits(5) > 7 {
				r.bits(1) // tier
			}
			if model && r.bits(1) == 1 {
				r.bits(delay) // of the decoder's buffer
				r.bits(delay) // and the encoder's
				r.bits(1)
			}
			if display && r.bits(1) == 1 {
				r.bits(4)
			}
		}
	}
	w, h := int(r.bits(4))+1, int(r.bits(4))+1
	size = image.Pt(int(r.bits(w))+1, int(r.bits(h))+1)
	return size, !r.past()
}

// hevcSets yields the sequence parameter sets in an hvcC box (ISO/IEC 14496-15,
// section 8.3.3).
func hevcSets(config []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		const arrays = 22
		if len(config) <= arrays {
			return
		}
		b := config[arrays+1:]
		for range config[arrays] {
			if len(b) < 3 {
				return
			}
			kind, count := b[0]&63, int(b[1])<<8|int(b[2])
			b = b[3:]
			for range count {
				if len(b) < 2 {
					return
				}
				n := min(int(b[0])<<8|int(b[1]), len(b)-2)
				if kind == hevcSequenceSet && !yield(b[2:2+n]) {
					return
				}
				b = b[2+n:]
			}
		}
	}
}

// hevcSequenceSet is the type of a NAL unit.
const hevcSequenceSet = 33

// hevcSetsWithin yields the sequence parameter sets among the NAL units of a
// picture, each behind its length of so many bytes.
func hevcSetsWithin(data []byte, lengthBytes int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(data) > lengthBytes {
			n := 0
			for _, b := range data[:lengthBytes] {
				n = n<<8 | int(b)
			}
			data = data[lengthBytes:]
			nal := data[:min(n, len(data))]
			data = data[len(nal):]
			if len(nal) > 0 && nal[0]>>1&63 == hevcSequenceSet && !yield(nal) {
				return
			}
		}
	}
}

// hevcSize returns the size of pictures by a sequence parameter set (ITU-T
// H.265, section 7.3.2.2).
func hevcSize(nal []byte) (size image.Point, ok bool) {
	const enough = 512 // bytes up to the size
	r := bitReader{data: unescape(nal[:min(len(nal), enough)])}
	r.bits(16) // NAL header
	r.bits(4)  // parameter set of the video
	layers := int(r.bits(3))
	r.bits(1)
	r.bits(88) // general profile
	r.bits(8)  // and level
	var profile, level [8]bool
	for i := range layers {
		profile[i], level[i] = r.bits(1) == 1, r.bits(1) == 1
	}
	if layers > 0 {
		r.bits(2 * (8 - layers))
	}
	for i := range layers {
		if profile[i] {
			r.bits(88)
		}
		if level[i] {
			r.bits(8)
		}
	}
	r.golomb() // id
	if r.golomb() == 3 {
		r.bits(1) // separate planes
	}
	w, h := r.golomb(), r.golomb()
	if r.past() || w > 1<<20 || h > 1<<20 {
		return image.Point{}, false
	}
	return image.Pt(int(w), int(h)), true
}

// unescape leaves out the bytes that keep a NAL unit free of start codes (ITU-T
// H.265, section 7.3.1.1).
func unescape(nal []byte) []byte {
	out := make([]byte, 0, len(nal))
	zeros := 0
	for _, b := range nal {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

// Complete checks that what the decoder will read lies in the file, and is as
// large as the boxes say: a decoder goes by the coded picture, and answers with
// a blank one where there is none.
func (h Header) Complete(file []byte) error {
	todo := []uint32{h.Meta.Primary}
	if h.Mask.Item != 0 {
		todo = append(todo, h.Mask.Item)
	}
	seen := map[uint32]bool{}
	read := 0
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[id] {
			continue
		}
		seen[id] = true
		item := h.Meta.Items[id]
		todo = append(todo, item.Parts...)
		data, err := h.Meta.Data(file, id)
		if err != nil {
			return err
		}
		if read += len(data); read > 16*len(file) {
			return fmt.Errorf("%w: the items are far longer than the file", ErrMalformed)
		}
		if err := h.Meta.checkCoded(id, data); err != nil {
			return err
		}
	}
	return nil
}

// checkCoded checks the data of an item, if that is a coded picture: a size that
// differs from the boxes' is a lie about what decoding takes.
func (m Meta) checkCoded(id uint32, data []byte) error {
	kind := m.Items[id].kind
	if kind != "av01" && kind != "hvc1" {
		return nil
	}
	if len(data) == 0 {
		return io.ErrUnexpectedEOF
	}
	var said image.Point
	var config []byte
	for _, p := range m.Of(id) {
		switch {
		case p.Kind == "ispe":
			var h Header
			h.apply(p)
			said = h.Size
		case (p.Kind == "av1C" || p.Kind == "hvcC") && config == nil:
			config = p.Data
		}
	}
	if kind == "av01" {
		size, ok := av1Size(data)
		if !ok && len(config) > 4 {
			size, ok = av1Size(config[4:])
		}
		if !ok {
			return fmt.Errorf("%w: AV1 without a sequence header", ErrMalformed)
		}
		if said != (image.Point{}) && size != said {
			return fmt.Errorf("%w: AV1 of %v pixels in an item of %v", ErrMalformed, size, said)
		}
		return nil
	}
	if len(config) < 22 {
		return fmt.Errorf("%w: HEVC without a configuration", ErrMalformed)
	}
	for nal := range hevcSetsWithin(data, int(config[21]&3)+1) {
		const block = 64 // pictures are coded in whole ones
		size, ok := hevcSize(nal)
		if !ok || size.X >= said.X+block || size.Y >= said.Y+block {
			return fmt.Errorf("%w: HEVC of %v pixels in an item of %v", ErrMalformed, size, said)
		}
	}
	return nil
}
