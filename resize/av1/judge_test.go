package av1

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// judge compares the encoder's reconstruction with what decoders make of streams.
type judge struct {
	t   *testing.T
	dir string
}

func newJudge(t *testing.T) *judge {
	for _, name := range []string{"dav1d", "aomdec"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed (Debian packages dav1d, aom-tools)", name)
			}
			t.Skipf("decoding of AV1 is not tested without %s (Debian packages dav1d, aom-tools)", name)
		}
	}
	return &judge{t, t.TempDir()}
}

// reconstruction is the encoder's own picture as decoders write it: planes one after
// another, without padding.
func (f *frame) reconstruction() []byte {
	var out []byte
	for p := range f.planes() {
		sx, sy := f.sub(p)
		w, h := (f.width+sx)>>sx, (f.height+sy)>>sy
		for y := range h {
			out = append(out, f.rec[p].pix[y*f.rec[p].stride:][:w]...)
		}
	}
	return out
}

// picture is a coded picture with what it was made of.
type picture struct {
	*frame
	stream []byte
	what   string
	// Blocks with palettes of luma and of chroma; not counted of decisions by chance.
	palettes [2]int
}

// check decodes pictures, all in one stream, and reports whether each decodes to
// the encoder's own samples.
func (j *judge) check(pictures ...picture) bool {
	j.t.Helper()
	var stream []byte
	for _, p := range pictures {
		stream = append(stream, obuTemporalDelimiter<<3|2, 0)
		stream = append(stream, p.stream...)
	}
	obu, yuv := filepath.Join(j.dir, "x.obu"), filepath.Join(j.dir, "x.yuv")
	if err := os.WriteFile(obu, stream, 0o600); err != nil {
		j.t.Fatal(err)
	}
	ok := true
	for _, c := range [][]string{
		{"dav1d", "--quiet", "--threads", "1", "--inloopfilters", "none", "-i", obu, "--muxer", "yuv", "-o", yuv},
		{"aomdec", "--rawvideo", "-t", "1", "-o", yuv, obu},
	} {
		os.Remove(yuv)
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			j.t.Errorf("%s and %d more: %s: %v: %s", pictures[0].what, len(pictures)-1, c[0], err, out)
			ok = false
			continue
		}
		got, err := os.ReadFile(yuv)
		if err != nil {
			j.t.Fatal(err)
		}
		for _, p := range pictures {
			want := p.reconstruction()
			if n := len(want); len(got) < n {
				j.t.Errorf("%s: %s writes %d bytes; want %d", p.what, c[0], len(got), n)
				ok = false
				break
			}
			if !bytes.Equal(got[:len(want)], want) {
				j.t.Errorf("%s: %s decodes other samples: %s", p.what, c[0], p.difference(got, want))
				ok = false
				break
			}
			got = got[len(want):]
		}
		if ok && len(got) > 0 {
			j.t.Errorf("%s and %d more: %s writes %d bytes too many", pictures[0].what, len(pictures)-1, c[0], len(got))
			ok = false
		}
	}
	return ok
}

// difference tells where two pictures differ first.
func (f *frame) difference(got, want []byte) string {
	at := 0
	for p := range f.planes() {
		sx, sy := f.sub(p)
		w, h := (f.width+sx)>>sx, (f.height+sy)>>sy
		for i := range w * h {
			if got[at] != want[at] {
				return fmt.Sprintf("plane %d at %d,%d: %d; want %d", p, i%w, i/w, got[at], want[at])
			}
			at++
		}
	}
	return "nowhere"
}

// noise is a picture of the given size: gradients with noise, so that every mode
// has something to do.
func noise(r *rand.Rand, w, h, planes, subX, subY int) []component {
	var c []component
	for p := range planes {
		cw, ch := w, h
		if p > 0 {
			cw, ch = (w+subX)>>subX, (h+subY)>>subY
		}
		pix := make([]uint8, cw*ch)
		dx, dy, amp := r.IntN(5)-2, r.IntN(5)-2, 1+r.IntN(60)
		for i := range pix {
			pix[i] = clip8(128 + dx*(i%cw) + dy*(i/cw) + r.IntN(amp))
		}
		c = append(c, component{pix, cw, cw, ch})
	}
	return c
}

// randomPicture encodes a picture with decisions by chance.
func randomPicture(seed uint64, w, h int) picture {
	r := rand.New(rand.NewPCG(seed, uint64(w<<16|h)))
	planes, sub := 3, 1
	kind := r.IntN(3)
	switch kind {
	case 0:
		planes = 1
	case 1:
		sub = 0
	}
	f := newFrame(noise(r, w, h, planes, sub, sub), sub, sub, 1+r.IntN(255))
	f.txSelect = r.IntN(4) > 0
	f.reducedTxSet = r.IntN(4) == 0
	f.screen = r.IntN(2) == 0
	if r.IntN(3) == 0 {
		f.tiles = newTiling(f.miCols, f.miRows, r.IntN(3), r.IntN(3))
	}
	p := &randomPicker{r, r.IntN(17)}
	stream, err := f.stream(func() picker { return p })
	if err != nil {
		panic(err) // nobody ends it
	}
	return picture{f, stream, fmt.Sprintf("seed %d, %dx%d, %s, q_idx %d, %d tiles", seed, w, h, []string{"monochrome", "4:4:4", "4:2:0"}[kind], f.qIndex, f.tiles.count), [2]int{}}
}

// A long run: go test -run RandomDecisions -batches 400
var batches = flag.Int("batches", 40, "batches of 25 pictures that are encoded by chance")

// Decisions by chance must decode to the encoder's own samples.
func TestRandomDecisions(t *testing.T) {
	j := newJudge(t)
	n := *batches
	if testing.Short() {
		n = min(n, 4)
	}
	r := rand.New(rand.NewPCG(17, 1))
	for i := range n {
		var batch []picture
		for k := range 25 {
			batch = append(batch, randomPicture(uint64(25*i+k), 1+r.IntN(200), 1+r.IntN(200)))
		}
		j.check(batch...)
		if t.Failed() {
			break
		}
	}
}

// Every size from 1x1 to 65x65, with decisions by chance.
func TestSizes(t *testing.T) {
	j := newJudge(t)
	step := 1
	if testing.Short() {
		step = 9
	}
	for h := 1; h <= 65; h += step {
		var batch []picture
		for w := 1; w <= 65; w++ {
			batch = append(batch, randomPicture(1, w, h))
		}
		j.check(batch...)
	}
}
