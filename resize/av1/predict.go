package av1

// mode is an intra prediction mode (section 6.10.8).
type mode uint8

const (
	dcPred mode = iota
	vPred
	hPred
	d45Pred
	d135Pred
	d113Pred
	d157Pred
	d203Pred
	d67Pred
	smoothPred
	smoothVPred
	smoothHPred
	paethPred
	cflPred // of chroma alone
	yModes  = cflPred
)

func (m mode) directional() bool { return m >= vPred && m <= d67Pred }
func (m mode) smooth() bool      { return m >= smoothPred && m <= smoothHPred }

// angle is Mode_To_Angle, in degrees.
func (m mode) angle() int {
	return [...]int{vPred: 90, hPred: 180, d45Pred: 45, d135Pred: 135, d113Pred: 113, d157Pred: 157, d203Pred: 203, d67Pred: 67}[m]
}

// txType is Mode_To_Txfm (section 9.3).
func (m mode) txType() txType {
	switch m {
	case vPred, d113Pred, d67Pred, smoothVPred:
		return adstDCT
	case hPred, d157Pred, d203Pred, smoothHPred:
		return dctADST
	case d135Pred, smoothPred, paethPred:
		return adstADST
	}
	return dctDCT
}

// context is Intra_Mode_Context (section 8.3.2).
func (m mode) context() int { return int("\x00\x01\x02\x03\x04\x04\x04\x04\x03\x00\x01\x02\x00"[m]) }

const (
	edgeZero = 16 // where sample 0 of an edge lies
	edgeLen  = edgeZero + 2*64 + 48
)

// edges are the samples around a transform block (section 7.11.2.1): sample i of
// AboveRow is above[edgeZero+i]. Both begin at -1.
type edges struct {
	above, left         [edgeLen]uint8
	haveAbove, haveLeft bool
	w, h                int // of the transform block
	// How many samples to the right of x and below y the frame has, in whole 8x8.
	roomX, roomY int
	smooth       bool // a neighbour is smooth: the filter type (section 7.11.2.8)
	kept         [2][8]filteredEdge
	kernels
}

// plane is one component of a picture.
type plane struct {
	pix    []uint8
	stride int
}

// load takes the edges of the w by h block at x, y. maxX and maxY are the last
// samples of the frame in whole 8x8.
func (e *edges) load(p *plane, x, y, w, h int, haveLeft, haveAbove, aboveRight, belowLeft bool, maxX, maxY int) {
	e.haveLeft, e.haveAbove = haveLeft, haveAbove
	e.w, e.h = w, h
	for i := range e.kept {
		for j := range e.kept[i] {
			e.kept[i][j].valid = false
		}
	}
	e.roomX, e.roomY = maxX-x+1, maxY-y+1
	above, left := e.above[edgeZero:edgeZero+w+h], e.left[edgeZero:edgeZero+w+h]
	at := y*p.stride + x
	switch {
	case haveAbove:
		n := w
		if aboveRight {
			n = 2 * w
		}
		n = min(n, e.roomX, w+h)
		copy(above, p.pix[at-p.stride:at-p.stride+n])
		fill(above[n:], above[n-1])
	case haveLeft:
		fill(above, p.pix[at-1])
	default:
		fill(above, 127)
	}
	switch {
	case haveLeft:
		n := h
		if belowLeft {
			n = 2 * h
		}
		n = min(n, e.roomY, w+h)
		for i := range n {
			left[i] = p.pix[at+i*p.stride-1]
		}
		fill(left[n:], left[n-1])
	case haveAbove:
		fill(left, p.pix[at-p.stride])
	default:
		fill(left, 129)
	}
	corner := uint8(128)
	switch {
	case haveAbove && haveLeft:
		corner = p.pix[at-p.stride-1]
	case haveAbove:
		corner = p.pix[at-p.stride]
	case haveLeft:
		corner = p.pix[at-1]
	}
	e.above[edgeZero-1], e.left[edgeZero-1] = corner, corner
}

func fill(b []uint8, v uint8) {
	for i := range b {
		b[i] = v
	}
}

// predict writes the prediction into dst, rows of e.w samples (section 7.11.2).
// delta is the angle delta, -3 to 3. cflPred predicts as dcPred.
func (e *edges) predict(dst []uint8, m mode, delta int) {
	w, h := e.w, e.h
	above, left := e.above[edgeZero:edgeZero+w], e.left[edgeZero:edgeZero+h]
	switch {
	case m.directional():
		e.directional(dst, m.angle()+3*delta)
	case m == paethPred:
		e.kernels.paeth(dst, above, left, e.above[edgeZero-1])
	case m == smoothPred, m == smoothVPred, m == smoothHPred:
		e.smoothly(dst, m)
	default:
		fill(dst[:w*h], e.dc())
	}
}

// A slope is what smooth prediction adds up: of a column or a row the difference of its
// edge sample to the last one of the other edge, and its weight.
type slope struct{ difference, weight int32 }

// smoothly predicts by one of the smooth modes (sections 7.11.2.6).
func (e *edges) smoothly(dst []uint8, m mode) {
	w, h := e.w, e.h
	above, left := e.above[edgeZero:edgeZero+w], e.left[edgeZero:edgeZero+h]
	var columns, rows [64]slope
	base, shift := int32(0), 7
	if m != smoothHPred { // from above down to the last sample to the left
		last := int32(left[h-1])
		for x, v := range above {
			columns[x].difference = int32(v) - last
		}
		for y, k := range weights(h) {
			rows[y].weight = int32(k)
		}
		base += last << 8
		shift++
	}
	if m != smoothVPred {
		last := int32(above[w-1])
		for y, v := range left {
			rows[y].difference = int32(v) - last
		}
		for x, k := range weights(w) {
			columns[x].weight = int32(k)
		}
		base += last << 8
		shift++
	}
	shift = min(shift, 9)
	e.kernels.smooth(dst, columns[:w], rows[:h], base+1<<shift>>1, shift)
}

// dc is the DC prediction (section 7.11.2.5).
func (e *edges) dc() uint8 {
	sum, n := 0, 0
	if e.haveAbove {
		for _, v := range e.above[edgeZero : edgeZero+e.w] {
			sum += int(v)
		}
		n += e.w
	}
	if e.haveLeft {
		for _, v := range e.left[edgeZero : edgeZero+e.h] {
			sum += int(v)
		}
		n += e.h
	}
	if n == 0 {
		return 128
	}
	return uint8((sum + n>>1) / n)
}

// weights are those of smooth prediction for n samples.
func weights(n int) []uint8 {
	switch n {
	case 4:
		return smooth4[:]
	case 8:
		return smooth8[:]
	case 16:
		return smooth16[:]
	case 32:
		return smooth32[:]
	}
	return smooth64[:]
}

// directional predicts along an angle in degrees (section 7.11.2.4).
func (e *edges) directional(dst []uint8, angle int) {
	w, h := e.w, e.h
	const z = edgeZero
	switch angle {
	case 90:
		for y := range h {
			copy(dst[y*w:y*w+w], e.above[z:z+w])
		}
		return
	case 180:
		for y := range h {
			fill(dst[y*w:y*w+w], e.left[z+y])
		}
		return
	}
	above, left := &e.above, &e.left
	more := [2]int{} // samples beyond the block that are read
	if angle < 90 {
		more[0] = h
	} else if angle > 180 {
		more[1] = w
	}
	corner := angle > 90 && angle < 180 && w+h >= 24
	upAbove, upLeft := e.upsample(angle-90), e.upsample(angle-180)
	if angle < 180 {
		above = e.filtered(0, min(w, e.roomX)+more[0]+1, w+more[0], e.strength(angle-90), upAbove, corner)
	}
	if angle > 90 {
		left = e.filtered(1, min(h, e.roomY)+more[1]+1, h+more[1], e.strength(angle-180), upLeft, corner)
	}
	switch {
	case angle < 90:
		dx := int(derivative[angle])
		last := (w + h - 1) << upAbove
		for y := range h {
			row := dst[y*w : y*w+w]
			idx := (y + 1) * dx
			base, shift := idx>>(6-upAbove), idx<<upAbove>>1&31
			n := min(max((last-base+upAbove)>>upAbove, 0), w)
			if n > 0 {
				blend(row[:n], above[z+base:], shift, upAbove)
			}
			fill(row[n:], above[z+last])
		}
	case angle < 180:
		dx, dy := int(derivative[180-angle]), int(derivative[angle-90])
		for y := range h {
			row := dst[y*w : y*w+w]
			idx := -(y + 1) * dx
			// From x on the base is -1 or above, in whole samples.
			base, shift := idx>>(6-upAbove), idx<<upAbove>>1&31
			x := min(max((-base-1)>>upAbove, 0), w)
			if x < w {
				blend(row[x:], above[z+base+x<<upAbove:], shift, upAbove)
			}
			for j := range row[:x] {
				idx := y<<6 - (j+1)*dy
				base, shift := z+idx>>(6-upLeft), idx<<upLeft>>1&31
				row[j] = uint8((int(left[base])*(32-shift) + int(left[base+1])*shift + 16) >> 5)
			}
		}
	default:
		dy := int(derivative[270-angle])
		var column [64]uint8
		for x := range w {
			idx := (x + 1) * dy
			base, shift := idx>>(6-upLeft), idx<<upLeft>>1&31
			// The edge ends after w+h samples; beyond them lies what a shift of 0
			// does not take.
			blend(column[:h], left[z+base:], shift, upLeft)
			for y, v := range column[:h] {
				dst[y*w+x] = v
			}
		}
	}
}

// blend writes what lies between samples of an edge, shift 32nds behind each one,
// of an edge that is doubled behind each second one.
func blend(dst, edge []uint8, shift, doubled int) {
	if doubled == 1 {
		edge = edge[:2*len(dst)]
		for i := range dst {
			dst[i] = uint8((int(edge[2*i])*(32-shift) + int(edge[2*i+1])*shift + 16) >> 5)
		}
		return
	}
	edge = edge[:len(dst)+1]
	a := int(edge[0])
	for i, b := range edge[1:] {
		b := int(b)
		dst[i] = uint8((a<<5 + (b-a)*shift + 16) >> 5)
		a = b
	}
}

// A filteredEdge is an edge as directional modes read it.
type filteredEdge struct {
	edgeKey
	edge [edgeLen]uint8
}

// edgeKey says what was done to an edge.
type edgeKey struct {
	size, n, double int
	corner, valid   bool
}

// filtered returns the edge above (0) or to the left (1) with the filter of that
// strength on size samples from -1 on, and n samples doubled where double is 1.
// Angles share edges.
func (e *edges) filtered(side, size, n, strength, double int, corner bool) *[edgeLen]uint8 {
	edge, have := &e.above, e.haveAbove
	if side == 1 {
		edge, have = &e.left, e.haveLeft
	}
	if !have {
		strength = 0
	}
	if strength == 0 && double == 0 && !corner {
		return edge
	}
	// The samples that differ by how far they are filtered lie beyond the block, so
	// both lengths of each strength are kept.
	f := &e.kept[side][2*strength+b2i(n > max(e.w, e.h))]
	key := edgeKey{size, n, double, corner, true}
	if f.edgeKey == key {
		return &f.edge
	}
	f.edgeKey = key
	f.edge = *edge
	if corner {
		f.edge[edgeZero-1] = uint8((int(e.left[edgeZero])*5 + int(e.above[edgeZero-1])*6 + int(e.above[edgeZero])*5 + 8) >> 4)
	}
	if strength > 0 {
		filterEdge(&f.edge, size, strength)
	}
	if double == 1 {
		upsampleEdge(&f.edge, n)
	}
	return &f.edge
}

// strength is that of the edge filter for an angle difference (section 7.11.2.9).
func (e *edges) strength(delta int) int {
	d, n := abs(delta), e.w+e.h
	if !e.smooth {
		switch {
		case n <= 8:
			return b2i(d >= 56)
		case n <= 16:
			return b2i(d >= 40)
		case n <= 24:
			return b2i(d >= 8) + b2i(d >= 16) + b2i(d >= 32)
		case n <= 32:
			return 1 + b2i(d >= 4) + b2i(d >= 32)
		}
		return 3
	}
	switch {
	case n <= 8:
		return b2i(d >= 40) + b2i(d >= 64)
	case n <= 16:
		return b2i(d >= 20) + b2i(d >= 48)
	case n <= 24:
		return 3 * b2i(d >= 4)
	}
	return 3
}

// upsample is 1 if an edge is doubled (section 7.11.2.10).
func (e *edges) upsample(delta int) int {
	d, n := abs(delta), e.w+e.h
	if d <= 0 || d >= 40 {
		return 0
	}
	if e.smooth {
		return b2i(n <= 8)
	}
	return b2i(n <= 16)
}

// filterEdge smooths the size samples that begin at -1 (section 7.11.2.12).
func filterEdge(edge *[edgeLen]uint8, size, strength int) {
	if strength == 0 {
		return
	}
	k := [3][3]int{{0, 4, 8}, {0, 5, 6}, {2, 4, 4}}[strength-1]
	// The first and the last sample stand for those beyond them.
	var in [2*64 + 1 + 4]uint8
	copy(in[2:2+size], edge[edgeZero-1:])
	in[0], in[1] = in[2], in[2]
	in[size+2], in[size+3] = in[size+1], in[size+1]
	out := edge[edgeZero : edgeZero-1+size]
	for i := range out {
		p := in[i+1:][:5]
		s := k[0]*(int(p[0])+int(p[4])) + k[1]*(int(p[1])+int(p[3])) + k[2]*int(p[2])
		out[i] = uint8((s + 8) >> 4)
	}
}

// upsampleEdge doubles the samples -1 to n-1; the new ones begin at -2 (section
// 7.11.2.11).
func upsampleEdge(edge *[edgeLen]uint8, n int) {
	var dup [3 + 16]int
	dup[0] = int(edge[edgeZero-1])
	for i := -1; i < n; i++ {
		dup[i+2] = int(edge[edgeZero+i])
	}
	dup[n+2] = int(edge[edgeZero+n-1])
	edge[edgeZero-2] = uint8(dup[0])
	for i := range n {
		s := (-dup[i] + 9*dup[i+1] + 9*dup[i+2] - dup[i+3] + 8) >> 4
		edge[edgeZero+2*i-1] = clip8(s)
		edge[edgeZero+2*i] = uint8(dup[i+2])
	}
}

func clip8(x int) uint8 { return uint8(min(max(x, 0), 255)) }

func abs(x int) int { return max(x, -x) }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lumaAC writes the luma of a chroma block w by h at x, y, with 3 fraction bits and
// without its mean (section 7.11.5). lumaW and lumaH are the ends of the decoded
// luma of the block (MaxLumaW, MaxLumaH).
func lumaAC(ac *block64, luma *plane, x, y, w, h, subX, subY, lumaW, lumaH int) {
	sum := int32(0)
	// Samples beyond the decoded ones are the last of them.
	cw, ch := min(w, (lumaW>>subX)-x), min(h, (lumaH>>subY)-y)
	for i := range ch {
		at := (y+i)<<subY*luma.stride + x<<subX
		out := ac[i*w:][:w]
		if subX == 1 && subY == 1 {
			a, b := luma.pix[at:][:2*cw], luma.pix[at+luma.stride:][:2*cw]
			for j := range out[:cw] {
				v := (int32(a[2*j]) + int32(a[2*j+1]) + int32(b[2*j]) + int32(b[2*j+1])) << 1
				out[j] = v
				sum += v
			}
		} else {
			for j, v := range luma.pix[at:][:cw] {
				out[j] = int32(v) << 3
				sum += int32(v) << 3
			}
		}
		for j := cw; j < w; j++ {
			out[j] = out[cw-1]
			sum += out[j]
		}
	}
	for i := ch; i < h; i++ {
		copy(ac[i*w:][:w], ac[(i-1)*w:])
		for _, v := range ac[i*w:][:w] {
			sum += v
		}
	}
	n := log2(w) + log2(h)
	mean := (sum + 1<<n>>1) >> n
	for i := range ac[:w*h] {
		ac[i] -= mean
	}
}

// cfl adds the luma times alpha/8, -16 to 16, to a DC prediction.
func cfl(pred []uint8, ac *block64, alpha int) {
	for i, p := range pred {
		v := alpha * int(ac[i])
		if v >= 0 {
			v = (v + 32) >> 6
		} else {
			v = -((-v + 32) >> 6)
		}
		pred[i] = clip8(int(p) + v)
	}
}
