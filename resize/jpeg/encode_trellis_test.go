package jpeg

import (
	"bytes"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// trellisCost is what the trellis makes the least: squared errors of all AC
// coefficients, and bits at a price.
func trellisCost(costs *symbolCosts, price int64, steps *[64]int32, from, levels *[64]int16) int64 {
	cost, last := int64(0), 0
	for k := 1; k < 64; k++ {
		z := encZigzag[k]
		d := int64(from[z]) - int64(levels[z])*int64(steps[k])
		cost += d * d
		if levels[z] == 0 {
			continue
		}
		n, _ := category(int32(levels[z]))
		run := k - last - 1
		for ; run > 15; run -= 16 {
			cost += price * int64(costs[0xf0]) >> 8
		}
		cost += price * int64(costs[run<<4|int(n)]) >> 8
		last = k
	}
	if last < 63 {
		cost += price * int64(costs[0]) >> 8
	}
	return cost
}

// Of all ways to round a block down, none costs less than the one chosen.
func TestTrellisIsBest(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	var q trellis
	quant := encQuant(0, 75)
	q.setSteps(&quant)
	for try := range 300 {
		var counts [256]uint32
		for i := range counts {
			counts[i] = uint32(r.IntN(1 << r.IntN(12)))
		}
		counts[0] += 500
		q.costs.set(&counts)
		var from [64]int16
		var ks []int
		for i := range 6 {
			k := 1 + r.IntN(63)
			if i == 0 && try%3 == 0 {
				k = 63
			}
			z := encZigzag[k]
			if from[z] == 0 {
				ks = append(ks, k)
			}
			from[z] = int16((r.IntN(5*int(q.steps[k])) + int(q.halves[z])) * (1 - 2*r.IntN(2)))
		}
		energy := uint64(0)
		for _, v := range from {
			energy += uint64(int64(v) * int64(v))
		}
		price := q.price * int64(min(mostDetail, squareRoot(energy/(64*fineScale*fineScale)+leastDetail))) / plainDetail
		got := from
		mask := q.quantize(&got, q.count(&counts, &from))
		for k := 1; k < 64; k++ {
			if z := encZigzag[k]; got[z] != 0 != (mask>>k&1 != 0) {
				t.Fatalf("place %d is %d, mask %x", k, got[z], mask)
			}
		}
		least := int64(math.MaxInt64)
		var levels [64]int16
		var search func(i int)
		search = func(i int) {
			if i == len(ks) {
				least = min(least, trellisCost(&q.costs, price, &q.steps, &from, &levels))
				return
			}
			z := encZigzag[ks[i]]
			sign := int16(1)
			if from[z] < 0 {
				sign = -1
			}
			for l := range int16(rounded(int32(sign*from[z]), q.steps[ks[i]])) + 1 {
				levels[z] = sign * l
				search(i + 1)
			}
		}
		search(0)
		// Prices of single symbols are rounded down, here and there.
		if cost := trellisCost(&q.costs, price, &q.steps, &from, &got); cost > least+16 {
			t.Errorf("block %d: costs %d; %d is possible", try, cost, least)
		}
	}
}

func TestLog2(t *testing.T) {
	for v := uint64(1); v < 1<<40; v += 1 + v/7 {
		if got, want := float64(log2(v)), 256*math.Log2(float64(v)); got > want || got < want-1.01 {
			t.Errorf("log2(%d) = %v; want %v", v, got, want)
		}
	}
}

// A photograph is at least a twentieth smaller than a baseline file whose
// squared error is as large.
func TestTrellisSaves(t *testing.T) {
	data, err := os.ReadFile("../../testdata/photos/landscape.jpg")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(bytes.NewReader(data), &Options{Scale: 4})
	if err != nil {
		t.Fatal(err)
	}
	planes := encPlanes(m.Image)
	measure := func(o EncodeOptions) (bytes, psnr float64) {
		data := encode(t, m.Image, o)
		return float64(len(data)), encPSNR(encPlanes(stdDecode(t, data))[0], planes[0])
	}
	for _, q := range []int{40, 60, 75, 90} {
		got, want := measure(EncodeOptions{Quality: q, Progressive: true})
		smaller, below := measure(EncodeOptions{Quality: q - 5})
		larger, above := measure(EncodeOptions{Quality: q})
		if want < below || want > above {
			t.Errorf("q%d: %.2f dB; baseline %.2f at q%d and %.2f", q, want, below, q-5, above)
			continue
		}
		equal := smaller * math.Pow(larger/smaller, (want-below)/(above-below))
		if r := got / equal; r > 0.96 {
			t.Errorf("q%d: %.0f bytes are %.3f of a baseline file's of %.2f dB; want at most 0.96", q, got, r, want)
		}
	}
}

// No script of those of other encoders is shorter than the one that is chosen.
func TestScriptIsShort(t *testing.T) {
	libjpeg := []encScan{
		{0, 3, 0, 0, 0, 1}, {0, 1, 1, 5, 0, 2}, {2, 3, 1, 63, 0, 1}, {1, 2, 1, 63, 0, 1}, {0, 1, 6, 63, 0, 2},
		{0, 1, 1, 63, 2, 1}, {0, 3, 0, 0, 1, 0}, {2, 3, 1, 63, 1, 0}, {1, 2, 1, 63, 1, 0}, {0, 1, 1, 63, 1, 0},
	}
	plain := []encScan{{0, 3, 0, 0, 0, 0}, {0, 1, 1, 63, 0, 0}, {1, 2, 1, 63, 0, 0}, {2, 3, 1, 63, 0, 0}}
	for _, q := range []int{20, 50, 75, 90, 97} {
		var e encoder
		m := encYCbCr(image.Rect(0, 0, 400, 300), image.YCbCrSubsampleRatio420)
		e.width, e.height = 400, 300
		e.w = &bytes.Buffer{}
		e.setSource(m, false)
		e.setQuality(q)
		e.setFine()
		e.transformAll()
		e.quantizeAll()
		bits := func(script []encScan) (n int) {
			for _, s := range script {
				n += e.scanBits(s)
			}
			return n
		}
		script := e.chooseScript()
		got := bits(script)
		for name, other := range map[string][]encScan{"libjpeg's": libjpeg, "without splits": plain} {
			if n := bits(other); got > n {
				t.Errorf("q%d: %v takes %d bits, that %s %d", q, script, got, name, n)
			}
		}
		if script[0] != (encScan{0, 3, 0, 0, 0, 0}) || script[1].first != 0 {
			t.Errorf("q%d: %v does not begin with DC and luma", q, script)
		}
	}
}
