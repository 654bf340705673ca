package scale

// The two inner loops. Sums are of int32 and wrap alike everywhere, so the
// order of the terms is free and every implementation gives the same bytes.

// hrow writes k.n samples of an intermediate row, with 6 fractional bits,
// to dst. len(dst) must be at least k.n rounded up to a multiple of hgroup,
// and the samples behind k.n may be overwritten with anything.
// len(src) must be at least k.reach.
func hrow(dst []int16, src []byte, k *kernels) {
	_ = dst[len(k.start)-1]
	_ = src[k.reach-1]
	if useAsm {
		hrowAsm(&dst[0], &src[0], &k.start[0], &k.weights[0], k.taps, len(k.start)/hgroup)
		return
	}
	hrowGeneric(dst, src, k)
}

func hrowGeneric(dst []int16, src []byte, k *kernels) {
	taps := k.taps
	for i := range k.n {
		w := k.weights[i*taps:][:taps]
		s := src[k.start[i]:]
		s = s[:len(w)]
		acc0, acc1 := int32(1<<7), int32(0)
		for j := 0; j+3 < len(w); j += 4 { // hpad is a multiple of 4
			acc0 += int32(w[j])*int32(s[j]) + int32(w[j+1])*int32(s[j+1])
			acc1 += int32(w[j+2])*int32(s[j+2]) + int32(w[j+3])*int32(s[j+3])
		}
		dst[i] = clamp16((acc0 + acc1) >> 8)
	}
}

// vrow writes len(dst) result samples. ring holds len(w) intermediate rows
// of stride samples each, row j having the weight w[j]. len(w) must be
// even, stride at least len(dst) rounded up to a multiple of 16.
func vrow(dst []byte, ring []int16, stride int, w []int16) {
	n := len(dst)
	_ = ring[(len(w)-1)*stride+(n+15)&^15-1]
	if !useAsm {
		vrowGeneric(dst, ring, stride, w)
		return
	}
	m := n &^ 15
	if m > 0 {
		vrowAsm(&dst[0], &ring[0], 2*stride, &w[0], len(w)/2, m)
	}
	if m < n {
		var tail [16]byte
		vrowAsm(&tail[0], &ring[m], 2*stride, &w[0], len(w)/2, 16)
		copy(dst[m:], tail[:])
	}
}

func vrowGeneric(dst []byte, ring []int16, stride int, w []int16) {
	const wide = 128
	var sum [wide]int32
	for x := 0; x < len(dst); x += wide {
		d := dst[x:min(x+wide, len(dst))]
		acc := sum[:len(d)]
		for i := range acc {
			acc[i] = 1 << 19
		}
		for j := 0; j+1 < len(w); j += 2 {
			w0, w1 := int32(w[j]), int32(w[j+1])
			if w0 == 0 && w1 == 0 {
				continue
			}
			r0 := ring[j*stride+x:][:len(acc)]
			r1 := ring[(j+1)*stride+x:][:len(acc)]
			for i := range acc {
				acc[i] += w0*int32(r0[i]) + w1*int32(r1[i])
			}
		}
		for i := range d {
			d[i] = clamp8(acc[i] >> 20)
		}
	}
}

func clamp8(v int32) byte {
	return byte(min(max(v, 0), 255))
}

func clamp16(v int32) int16 {
	return int16(min(max(v, -32768), 32767))
}
