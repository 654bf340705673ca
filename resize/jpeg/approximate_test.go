package jpeg

import (
	"bytes"
	"math"
	"testing"
)

// TestApproximate states how near the approximate mode comes: peak signal to
// noise ratio against the exact result at the same scale, in dB, as it is and
// when the result is then halved, as it is if the scale was chosen with the
// usual margin of 2.
func TestApproximate(t *testing.T) {
	need(t, "jpegtran")
	minimum := map[[2]int][2]float64{ // scale, reduction: luma, chroma
		{2, 1}: {45.5, 49}, {2, 2}: {57, 56},
		{4, 1}: {40, 43}, {4, 2}: {46, 49},
	}
	limit := 17e6
	if testing.Short() {
		limit = 1.1e6
	}
	for _, f := range small(files(t, "photos"), int(limit)) {
		twin := progressiveTwin(t, f.data)
		for _, n := range []int{2, 4} {
			exact := planesOf(t, twin, &Options{Scale: n})
			approx := planesOf(t, twin, &Options{Scale: n, Approximate: true})
			for i := range exact {
				for _, reduction := range []int{1, 2} {
					psnr, worst := compareReduced(exact[i], approx[i], reduction)
					t.Logf("%s at %d/8, component %d, reduced by %d: %.1f dB, worst %.1f", f.name, n, i, reduction, psnr, worst)
					if want := minimum[[2]int{n, reduction}][min(i, 1)]; psnr < want {
						t.Errorf("%s at %d/8, component %d, reduced by %d: %.1f dB; want %v", f.name, n, i, reduction, psnr, want)
					}
				}
			}
		}
	}
}

// compareReduced compares the averages of n by n samples.
func compareReduced(a, b Plane, n int) (psnr, worst float64) {
	square, count := 0.0, 0
	for y := 0; y+n <= a.Height; y += n {
		for x := 0; x+n <= a.Width; x += n {
			e := 0.0
			for j := range n * n {
				at := (y+j/n)*a.Stride + x + j%n
				e += float64(a.Pix[at]) - float64(b.Pix[at])
			}
			e = math.Abs(e) / float64(n*n)
			square += e * e
			worst = max(worst, e)
			count++
		}
	}
	return 10 * math.Log10(255*255*float64(count)/square), worst
}

func TestApproximateChangesNothingElse(t *testing.T) {
	data := picture(t, "jpeg/go__video-001.q50.420.progressive.jpeg")
	base := picture(t, "jpeg/go__video-001.q50.420.jpeg")
	for _, n := range scales {
		for _, d := range [][]byte{data, base} {
			a, err := Decode(bytes.NewReader(d), &Options{Scale: n})
			if err != nil {
				t.Fatal(err)
			}
			b, err := Decode(bytes.NewReader(d), &Options{Scale: n, Approximate: true})
			if err != nil {
				t.Fatal(err)
			}
			same := sum(a.Image) == sum(b.Image)
			if want := !a.Progressive || n == 1 || n == 8; same != want {
				t.Errorf("progressive %v at %d/8: approximate result is the same: %v; want %v", a.Progressive, n, same, want)
			}
		}
	}
}
