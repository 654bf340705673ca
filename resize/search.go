package resize

import (
	"fmt"
	"hash/maphash"
	"image"
	"sync"
)

const (
	leastQuality = 1
	mostAuto     = 95 // above it files grow and nobody sees why
)

// search encodes with the quality that MaxBytes and AutoQuality ask for: the
// lowest that is similar enough, else most; then the highest up to it that is
// short enough, else the lowest. once encodes with one quality. What it found
// is remembered for the next time that the same is asked of the same source.
func (j *job) search(p *Picture, file []byte, most int, once func(quality int) ([]byte, error)) ([]byte, error) {
	key := answerKey{maphash.Bytes(answerSeed, file), j.options.String()}
	if quality, ok := answers.get(key); ok {
		return once(quality)
	}
	tried := map[int][]byte{}
	try := func(quality int) ([]byte, error) {
		if body, ok := tried[quality]; ok {
			return body, nil
		}
		body, err := once(quality)
		if err == nil {
			tried[quality] = body
		}
		return body, err
	}
	if most == 0 {
		most = j.target.codec().usual
	}
	if want := j.options.AutoQuality; want != 0 {
		img, err := p.first()
		if err != nil {
			return nil, err
		}
		luma := lumaPlane(img)
		similar := func(quality int) (bool, error) {
			body, err := try(quality)
			if err != nil {
				return false, err
			}
			got, err := j.decoded(body)
			if err != nil {
				return false, err
			}
			return ssim(luma, lumaPlane(got)) >= want.Float(), nil
		}
		if most, err = lowest(leastQuality, max(mostAuto, most), similar); err != nil {
			return nil, err
		}
	}
	quality := most
	if n := j.options.MaxBytes; n != 0 {
		long := func(quality int) (bool, error) {
			body, err := try(quality)
			return len(body) > n, err
		}
		above, err := lowest(leastQuality, most+1, func(quality int) (bool, error) {
			if quality > most {
				return true, nil
			}
			return long(quality)
		})
		if err != nil {
			return nil, err
		}
		quality = max(leastQuality, above-1)
	}
	answers.put(key, quality)
	return try(quality)
}

// lowest returns the lowest number in [from, to] for which ok holds, which is
// taken to hold for all above it; to if it holds for none.
func lowest(from, to int, ok func(int) (bool, error)) (int, error) {
	for from < to {
		middle := (from + to) / 2
		yes, err := ok(middle)
		if err != nil {
			return 0, err
		}
		if yes {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return from, nil
}

// decoded returns the picture of a result.
func (j *job) decoded(body []byte) (image.Image, error) {
	p, err := j.target.codec().decode(body, Want{Limits: j.limits})
	if err != nil {
		return nil, fmt.Errorf("resize: own result: %w", err)
	}
	return p.first()
}

// lumaPlane returns the luma of an image as if on white.
func lumaPlane(img image.Image) *image.Gray {
	switch m := img.(type) {
	case *image.Gray:
		return m
	case *image.YCbCr:
		return &image.Gray{Pix: m.Y, Stride: m.YStride, Rect: m.Rect}
	}
	m, ok := onWhite(img).(*image.NRGBA)
	if !ok {
		m = toNRGBA(onWhite(img))
	}
	out := image.NewGray(m.Rect)
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:]
		for x := range m.Rect.Dx() {
			p := row[4*x:][:3]
			// ITU-R BT.601, in 65536ths.
			out.Pix[y*out.Stride+x] = byte((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
		}
	}
	return out
}

const (
	ssimWindow = 8
	ssimStep   = 4
)

// ssim returns the mean structural similarity of two pictures of one size (Wang
// et al., 2004, equation 13), over windows of 8 by 8 pixels, 4 apart: 1 if
// they are equal.
func ssim(a, b *image.Gray) float64 {
	const c1, c2 = (0.01 * 255) * (0.01 * 255), (0.03 * 255) * (0.03 * 255)
	w, h := a.Rect.Dx(), a.Rect.Dy()
	if w != b.Rect.Dx() || h != b.Rect.Dy() {
		return 0
	}
	ww, wh := min(ssimWindow, w), min(ssimWindow, h)
	n := float64(ww * wh)
	sum, windows := 0.0, 0
	for y := 0; y+wh <= h; y += ssimStep {
		for x := 0; x+ww <= w; x += ssimStep {
			var sa, sb, saa, sbb, sab uint32
			for dy := range wh {
				p := a.Pix[(y+dy)*a.Stride+x:][:ww]
				q := b.Pix[(y+dy)*b.Stride+x:][:ww]
				for i, v := range p {
					s, t := uint32(v), uint32(q[i])
					sa, sb = sa+s, sb+t
					saa, sbb, sab = saa+s*s, sbb+t*t, sab+s*t
				}
			}
			ma, mb := float64(sa)/n, float64(sb)/n
			va, vb, cov := float64(saa)/n-ma*ma, float64(sbb)/n-mb*mb, float64(sab)/n-ma*mb
			sum += (2*ma*mb + c1) * (2*cov + c2) / ((ma*ma + mb*mb + c1) * (va + vb + c2))
			windows++
		}
	}
	return sum / float64(windows)
}

// An answerKey is a source, by its hash, and what was asked of it.
type answerKey struct {
	source  uint64
	options string
}

var answerSeed = maphash.MakeSeed()

// maxAnswers bounds what is remembered; the oldest go first.
const maxAnswers = 4096

// A memory remembers qualities.
type memory struct {
	mu      sync.Mutex
	quality map[answerKey]int // guarded by mu
	order   []answerKey       // guarded by mu; a ring once it is full
	next    int               // guarded by mu
}

var answers memory

func (m *memory) get(k answerKey) (int, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q, ok := m.quality[k]
	return q, ok
}

func (m *memory) put(k answerKey, quality int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.quality == nil {
		m.quality = map[answerKey]int{}
	}
	if _, ok := m.quality[k]; !ok {
		if len(m.order) < maxAnswers {
			m.order = append(m.order, k)
		} else {
			delete(m.quality, m.order[m.next])
			m.order[m.next] = k
			m.next = (m.next + 1) % maxAnswers
		}
	}
	m.quality[k] = quality
}
