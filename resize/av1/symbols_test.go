package av1

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

// symbolReader is the decoder of section 8.2, word for word.
type symbolReader struct {
	data       []byte
	at         int // in bits
	value, rng uint32
	maxBits    int
}

func (r *symbolReader) f(n int) (v uint32) {
	for range n {
		v = v<<1 | uint32(r.data[r.at>>3]>>(7-r.at&7)&1)
		r.at++
	}
	return v
}

func newSymbolReader(data []byte) *symbolReader {
	r := &symbolReader{data: data, rng: 1 << 15, maxBits: 8*len(data) - 15}
	n := min(8*len(data), 15)
	r.value = (1<<15 - 1) ^ r.f(n)<<(15-n)
	return r
}

func (r *symbolReader) read(cdf []uint16, n int) int {
	cur, prev, symbol := r.rng, uint32(0), -1
	for {
		symbol++
		prev = cur
		f := 1<<15 - uint32(cdf[symbol])
		cur = (r.rng>>8)*(f>>6)>>1 + 4*uint32(n-symbol-1)
		if r.value >= cur {
			break
		}
	}
	r.rng, r.value = prev-cur, r.value-cur
	b := 16 - bits.Len32(r.rng)
	r.rng <<= b
	k := min(b, max(0, r.maxBits))
	r.value = r.f(k)<<(b-k) ^ ((r.value+1)<<b - 1)
	r.maxBits -= b
	return symbol
}

// end reports whether the stream ends as section 8.2.4 wants it.
func (r *symbolReader) end() bool {
	trailing := r.at - min(15, r.maxBits+15)
	r.at += max(0, r.maxBits)
	end := r.at
	if r.maxBits < -14 || end != 8*len(r.data) {
		return false
	}
	r.at = trailing
	v := r.f(end - trailing)
	return v == 1<<(end-trailing-1)
}

// Symbols come back, with adaptation, and the stream has its end.
func TestSymbols(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 8))
		count := r.IntN(400)
		if seed < 4 {
			count = int(seed)
		}
		cdf := defaultCDFs()[r.IntN(4)]
		other := cdf
		half := []uint16{1 << 14, 1 << 15, 0}
		skew := r.IntN(2) == 0 // improbable symbols make carries and long codes
		var w symbolWriter
		w.reset()
		type coded struct{ at, n, s int }
		var list []coded
		for range count {
			c := []coded{{cdfYMode + 14*r.IntN(25), 13, 0}, {cdfSkip + 3*r.IntN(3), 2, 0}, {cdfEobPt1024, 11, 0}, {cdfBr + 5*r.IntN(21), 4, 0}, {-1, 2, 0}}[r.IntN(5)]
			c.s = r.IntN(c.n)
			if skew {
				c.s = c.n - 1
			}
			list = append(list, c)
			if c.at < 0 {
				w.bit(uint(c.s))
				continue
			}
			w.code(cdf[c.at:c.at+c.n+1], c.n, c.s)
			adapt(cdf[c.at:c.at+c.n+1], c.n, c.s)
		}
		d := newSymbolReader(w.finish())
		for i, c := range list {
			p := half
			if c.at >= 0 {
				p = other[c.at : c.at+c.n+1]
			}
			if s := d.read(p, c.n); s != c.s {
				t.Fatalf("seed %d: symbol %d of %d is %d; want %d", seed, i, count, s, c.s)
			}
			if c.at >= 0 {
				adapt(p, c.n, c.s)
			}
		}
		if !d.end() {
			t.Fatalf("seed %d: %d symbols have no trailing bit at their end", seed, count)
		}
	}
}

// adapt is compared with the words of section 8.2.6.
func TestAdapt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{2, 3, 4, 5, 13} {
		cdf := make([]uint16, n+1)
		for i := range n {
			cdf[i] = uint16(32768 * (i + 1) / n)
		}
		want := append([]uint16(nil), cdf...)
		for range 100 {
			s := r.IntN(n)
			adapt(cdf, n, s)
			rate := 3 + b2i(want[n] > 15) + b2i(want[n] > 31) + min(log2(n), 2)
			tmp := 0
			for i := range n - 1 {
				if i == s {
					tmp = 1 << 15
				}
				if tmp < int(want[i]) {
					want[i] -= uint16((int(want[i]) - tmp) >> rate)
				} else {
					want[i] += uint16((tmp - int(want[i])) >> rate)
				}
			}
			want[n] += uint16(b2i(want[n] < 32))
			for i := range want {
				if cdf[i] != want[i] {
					t.Fatalf("CDF of %d symbols after symbol %d: %v; want %v", n, s, cdf, want)
				}
			}
		}
	}
}
