package vp8l

// A transform is one that an encoder has done to a picture (section 3.5), on its way back.
type transform struct {
	kind   int
	width  int      // of the rows that inverse returns
	bits   uint     // of the size of blocks; of indexingTransform, log2 of the pixels in one
	data   []uint32 // one for each block; the palette
	before []uint32 // of predictorTransform: the row before, and one pixel more
}

// setPalette makes a palette of the differences that are written, and says how many pixels
// one holds (section 3.5.4).
func (t *transform) setPalette(differences []uint32) {
	const all = 256 // an index may lead beyond the palette: to transparent black
	t.data = make([]uint32, all)
	last := uint32(0)
	for i, d := range differences {
		last = addPixels(last, d)
		t.data[i] = last
	}
	t.bits = bundleBits(len(differences))
}

// inverse undoes the transform of a row, in place or, of indices, into wide.
func (t *transform) inverse(y int, row, wide []uint32) []uint32 {
	switch t.kind {
	case predictorTransform:
		t.unpredict(y, row)
	case colorTransform:
		t.uncolor(y, row)
	case subtractGreenTransform:
		for i, p := range row {
			green := p >> 8 & 0xff
			row[i] = p&0xff00ff00 | (p&0x00ff00ff+green<<16+green)&0x00ff00ff
		}
	case indexingTransform:
		return t.unindex(row, wide[:t.width])
	}
	return row
}

// unindex replaces indices by their colours.
func (t *transform) unindex(row, wide []uint32) []uint32 {
	perPixel, mask := uint(8)>>t.bits, uint32(1)<<(8>>t.bits)-1
	palette := t.data[:256]
	if t.bits == 0 {
		for x, p := range row {
			wide[x] = palette[p>>8&0xff]
		}
		return wide
	}
	packed := uint32(0)
	for x := range wide {
		if x&(1<<t.bits-1) == 0 {
			packed = row[x>>t.bits] >> 8 & 0xff
		}
		wide[x] = palette[packed&mask]
		packed >>= perPixel
	}
	return wide
}

// uncolor adds to red and blue what green, and red, said of them (section 3.5.2).
func (t *transform) uncolor(y int, row []uint32) {
	factors := t.data[y>>t.bits*blocks(t.width, t.bits):]
	for begin := 0; begin < len(row); begin += 1 << t.bits {
		f := factors[begin>>t.bits]
		greenToRed, greenToBlue, redToBlue := int32(int8(f)), int32(int8(f>>8)), int32(int8(f>>16))
		part := row[begin:min(begin+1<<t.bits, len(row))]
		for i, p := range part {
			green := int32(int8(p >> 8))
			red := (int32(p>>16) + greenToRed*green>>5) & 0xff
			blue := int32(p) + greenToBlue*green>>5 + redToBlue*int32(int8(red))>>5
			part[i] = p&0xff00ff00 | uint32(red)<<16 | uint32(blue)&0xff
		}
	}
}

// unpredict adds to a row what its neighbours said of it (section 3.5.1).
func (t *transform) unpredict(y int, row []uint32) {
	above := t.before
	if y == 0 {
		row[0] = addPixels(row[0], 0xff000000)
		for x := 1; x < len(row); x++ {
			row[x] = addPixels(row[x], row[x-1])
		}
	} else {
		row[0] = addPixels(row[0], above[0])
		// What is to the right above of the last pixel is the first one of its row.
		above[len(row)] = row[0]
		modes := t.data[y>>t.bits*blocks(t.width, t.bits):]
		for begin := 0; begin < len(row); begin += 1 << t.bits {
			end := min(begin+1<<t.bits, len(row))
			unpredictPart(row, above, max(begin, 1), end, modes[begin>>t.bits]>>8&0xf)
		}
	}
	copy(t.before, row)
}

// unpredictPart is unpredict of the pixels from begin to end, by one predictor.
func unpredictPart(row, above []uint32, begin, end int, mode uint32) {
	if begin >= end {
		return
	}
	left := row[begin-1]
	part := row[begin:end]
	// top[i+1] is above part[i].
	top := above[begin-1:][:len(part)+2]
	switch mode {
	case 1:
		for i, p := range part {
			left = addPixels(p, left)
			part[i] = left
		}
	case 2:
		for i, p := range part {
			part[i] = addPixels(p, top[i+1])
		}
	case 3:
		for i, p := range part {
			part[i] = addPixels(p, top[i+2])
		}
	case 4:
		for i, p := range part {
			part[i] = addPixels(p, top[i])
		}
	case 5:
		for i, p := range part {
			left = addPixels(p, average(average(left, top[i+2]), top[i+1]))
			part[i] = left
		}
	case 6:
		for i, p := range part {
			left = addPixels(p, average(left, top[i]))
			part[i] = left
		}
	case 7:
		for i, p := range part {
			left = addPixels(p, average(left, top[i+1]))
			part[i] = left
		}
	case 8:
		for i, p := range part {
			part[i] = addPixels(p, average(top[i], top[i+1]))
		}
	case 9:
		for i, p := range part {
			part[i] = addPixels(p, average(top[i+1], top[i+2]))
		}
	case 10:
		for i, p := range part {
			left = addPixels(p, average(average(left, top[i]), average(top[i+1], top[i+2])))
			part[i] = left
		}
	case 11:
		for i, p := range part {
			left = addPixels(p, nearer(left, top[i+1], top[i]))
			part[i] = left
		}
	case 12:
		for i, p := range part {
			left = addPixels(p, gradient(left, top[i+1], top[i]))
			part[i] = left
		}
	case 13:
		for i, p := range part {
			left = addPixels(p, halfGradient(average(left, top[i+1]), top[i]))
			part[i] = left
		}
	default: // 0, and two that there are not
		for i, p := range part {
			part[i] = addPixels(p, 0xff000000)
		}
	}
}

// addPixels adds channel by channel, without a carry.
func addPixels(a, b uint32) uint32 {
	return (a&0xff00ff00+b&0xff00ff00)&0xff00ff00 | (a&0x00ff00ff+b&0x00ff00ff)&0x00ff00ff
}

// average returns the means of channels, rounded down.
func average(a, b uint32) uint32 { return (a^b)&0xfefefefe>>1 + a&b }

// nearer returns left or top, whichever is nearer to left + top - corner.
func nearer(left, top, corner uint32) uint32 {
	d := 0
	for shift := 0; shift < 32; shift += 8 {
		l, t, c := int(left>>shift&0xff), int(top>>shift&0xff), int(corner>>shift&0xff)
		d += abs(t-c) - abs(l-c)
	}
	if d < 0 {
		return left
	}
	return top
}

// gradient returns left + top - corner, taken to what a channel can be.
func gradient(left, top, corner uint32) uint32 {
	var v uint32
	for shift := 0; shift < 32; shift += 8 {
		l, t, c := int(left>>shift&0xff), int(top>>shift&0xff), int(corner>>shift&0xff)
		v |= uint32(clamp(l+t-c)) << shift
	}
	return v
}

// halfGradient returns mean + (mean - corner) / 2, taken to what a channel can be.
func halfGradient(mean, corner uint32) uint32 {
	var v uint32
	for shift := 0; shift < 32; shift += 8 {
		m, c := int(mean>>shift&0xff), int(corner>>shift&0xff)
		v |= uint32(clamp(m+(m-c)/2)) << shift
	}
	return v
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}

func clamp(v int) int { return max(0, min(255, v)) }
