package resize

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

// av1Pixels returns the pixels of the largest frame that the sequence header
// among some OBUs allows (AV1 specification, sections 5.3 and 5.5), 0 if there
// is none.
func av1Pixels(obus []byte) int64 {
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
					return 0
				}
				n |= uint64(rest[i]&0x7f) << (7 * i)
				if rest[i]&0x80 == 0 {
					rest = rest[i+1:]
					break
				}
			}
		}
		n = min(n, uint64(len(rest)))
		if kind == 1 {
			return av1SequencePixels(rest[:n])
		}
		obus = rest[n:]
	}
	return 0
}

func av1SequencePixels(data []byte) int64 {
	r := bitReader{data: data}
	r.bits(3)           // profile
	r.bits(1)           // still picture
	if r.bits(1) == 1 { // reduced header
		r.bits(5) // level
	} else {
		if r.bits(1) == 1 { // timing_info
			r.bits(64)
			if r.bits(1) == 1 { // equal_picture_interval
				r.golomb()
			}
			if r.bits(1) == 1 { // decoder_model_info
				return 0 // not in pictures; the boxes are all there is to go by
			}
		}
		display := r.bits(1) == 1
		for range r.bits(5) + 1 { // operating points
			r.bits(12)
			if r.bits(5) > 7 {
				r.bits(1) // tier
			}
			if display && r.bits(1) == 1 {
				r.bits(4)
			}
		}
	}
	w, h := int(r.bits(4))+1, int(r.bits(4))+1
	pixels := int64(r.bits(w)+1) * int64(r.bits(h)+1)
	if r.past() {
		return 0
	}
	return pixels
}

// hevcPixels returns the pixels of a picture by the sequence parameter set in
// an hvcC box (ISO/IEC 14496-15, section 8.3.3; ITU-T H.265, section 7.3.2.2).
func hevcPixels(config []byte) (pixels int64, ok bool) {
	const arrays = 22
	if len(config) <= arrays {
		return 0, false
	}
	b := config[arrays+1:]
	for range config[arrays] {
		if len(b) < 3 {
			break
		}
		kind, count := b[0]&63, int(b[1])<<8|int(b[2])
		b = b[3:]
		for range count {
			if len(b) < 2 {
				return pixels, ok
			}
			n := min(int(b[0])<<8|int(b[1]), len(b)-2)
			if kind == 33 {
				if p := hevcSetPixels(b[2 : 2+n]); p > 0 {
					pixels, ok = max(pixels, p), true
				}
			}
			b = b[2+n:]
		}
	}
	return pixels, ok
}

func hevcSetPixels(nal []byte) int64 {
	r := bitReader{data: unescape(nal)}
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
		return 0
	}
	return int64(w) * int64(h)
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
