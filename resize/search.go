package resize

import (
	"fmt"
	"hash/maphash"
	"image"
	"math"
	"slices"
	"sync"

	"s3imageserver/resize/look"
	"s3imageserver/resize/options"
	"s3imageserver/resize/palette"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

const (
	leastQuality = 1
	mostAuto     = 95 // above it files grow and nobody sees why
	// mostEncodings is how often a picture is encoded for MaxBytes and AutoQuality
	// together.
	mostEncodings = 4
)

// search encodes with the quality that MaxBytes and AutoQuality ask for: about
// the lowest that is similar enough, else the highest; then about the highest up
// to it that is short enough, else the lowest. once encodes with one quality; it
// is called mostEncodings times at the most, and once if what it gives at first
// is short enough.
//
// Sizes and similarities of the qualities that were not tried follow from those
// that were: along a [usualCurve] a picture's own curve is nearly straight. What was
// found is remembered for the next time that the same is asked of the same
// pixels; the answer is the same without.
func (j *job) search(p *Picture, q Quality, once func(quality int) ([]byte, error)) ([]byte, error) {
	img, err := p.first()
	if err != nil {
		return nil, err
	}
	key := answerKey{pixelHash(img, p.ICC), j.format, q.Quality, q.WebPMethod, q.AVIFEffort, q.Chroma444, q.Progressive, j.options.MaxBytes, j.options.AutoQuality}
	if quality, ok := answers.get(key); ok {
		return once(quality)
	}
	s := &searcher{format: j.format, curve: curveOf(j.format), once: once, most: q.Quality}
	if s.most == 0 {
		s.most = codecOf(j.format).usual
	}
	if want := j.options.AutoQuality; want != 0 {
		luma := look.Luma(img)
		similarity := func(body []byte) (float64, error) {
			got, err := j.decoded(body)
			if err != nil {
				return 0, err
			}
			return look.Similarity(luma, look.Luma(got)), nil
		}
		tries := mostEncodings
		if j.options.MaxBytes != 0 {
			tries /= 2
		}
		if err := s.similar(want.Float(), max(mostAuto, s.most), tries, similarity); err != nil {
			return nil, err
		}
	}
	if n := j.options.MaxBytes; n != 0 {
		if err := s.short(n); err != nil {
			return nil, err
		}
	}
	answers.put(key, s.best.quality)
	return s.best.body, nil
}

// A trial is a quality and what encoding with it gave.
type trial struct {
	quality int
	bits    float64 // binary logarithm of the length
	clear   float64 // that of the similarity's distance to 1, negated; if it was asked for
	body    []byte  // of the best one only
}

// A searcher looks for a quality.
type searcher struct {
	format options.Format
	curve  func(quality int) float64
	once   func(quality int) ([]byte, error)
	most   int     // the highest quality that MaxBytes may have
	trials []trial // by quality
	best   trial
}

// try encodes with a quality that was not tried yet.
func (s *searcher) try(quality int, similarity func(body []byte) (float64, error)) (trial, error) {
	body, err := s.once(quality)
	if err != nil {
		return trial{}, err
	}
	t := trial{quality: quality, bits: math.Log2(float64(len(body)))}
	if similarity != nil {
		v, err := similarity(body)
		if err != nil {
			return trial{}, err
		}
		t.clear = clearness(v)
	}
	at, _ := slices.BinarySearchFunc(s.trials, quality, func(t trial, quality int) int { return t.quality - quality })
	s.trials = slices.Insert(s.trials, at, t)
	t.body = body
	return t, nil
}

// clearness makes of a similarity up to 1 what grows evenly with the length of a
// file.
func clearness(similarity float64) float64 { return -math.Log2(max(1e-9, 1-similarity)) }

// similar looks for the lowest quality up to top that is at least so similar.
func (s *searcher) similar(want float64, top, tries int, similarity func(body []byte) (float64, error)) error {
	usual := usualCurves[s.format]
	goal := clearness(want)
	value := func(t trial) float64 { return t.clear }
	low, high := 0, top+1 // of which low is not similar enough, and high is or was not tried
	for range tries {
		quality := top
		for q := low + 1; q < min(high, top); q++ {
			about := usual.clear + float64(usual.slope*s.curve(q))
			if len(s.trials) > 0 {
				about = s.expect(q, usual.slope, value)
			}
			if about >= goal {
				quality = q
				break
			}
		}
		quality = min(quality, high-1)
		t, err := s.try(quality, similarity)
		if err != nil {
			return err
		}
		if t.clear >= goal {
			high = quality
		} else {
			low = quality
		}
		if high == quality || high > top && quality >= s.best.quality {
			s.best = t
		}
		const near = 0.04
		if s.straight(low, high) || high == quality && t.clear-goal < near {
			break
		}
	}
	s.most = s.best.quality
	return nil
}

// short looks for the highest quality up to most of which a file has no more
// than n bytes.
func (s *searcher) short(n int) error {
	goal := math.Log2(float64(n))
	value := func(t trial) float64 { return t.bits }
	low, high := 0, s.most+1 // of which low is short enough, and high is not
	for _, t := range s.trials {
		if t.quality <= s.most && t.bits > goal {
			high = min(high, t.quality)
		}
	}
	if s.best.body != nil && s.best.bits <= goal {
		return nil
	}
	wrong := 0.0 // by how much the last length was above what was expected
	for len(s.trials) < mostEncodings && !s.straight(low, high) {
		quality, about := s.most, 0.0
		if len(s.trials) > 0 {
			margin := 0.01
			switch left := mostEncodings - len(s.trials); {
			case low > 0:
			case left == 1: // has to be short enough
				margin = 0.1 + 2*wrong
			case left == 2: // better is, so that the last one may come near
				margin = 0.03 + wrong
			}
			quality = low + 1
			for q := high - 1; q > low; q-- {
				if about = s.expect(q, 1, value); about+margin <= goal {
					quality = q
					break
				}
			}
		}
		t, err := s.try(quality, nil)
		if err != nil {
			return err
		}
		if about != 0 {
			wrong = max(0, t.bits-about)
		}
		if t.bits <= goal {
			low, s.best = quality, t
		} else {
			high = quality
			if low == 0 && (s.best.body == nil || t.bits < s.best.bits) {
				s.best = t
			}
		}
		const near = 0.03
		if low == quality && goal-t.bits < near {
			break
		}
	}
	return nil
}

// straight reports whether there is no quality between low and high that would
// give another file than they do.
func (s *searcher) straight(low, high int) bool {
	return high-low <= 1 || low > 0 && s.curve(low) == s.curve(high-1)
}

// expect returns the value that a quality will have, by those that were tried and
// lie around it or, on one side of it, next to it. Of a single one it knows that
// values rise by slope along the usual curve. All colours of a PNG tell little of
// palettes.
func (s *searcher) expect(quality int, slope float64, value func(trial) float64) float64 {
	trials := s.trials
	if n := len(trials); s.format == options.PNG && n > 1 && trials[n-1].quality == 100 {
		trials = trials[:n-1]
	}
	i := 0
	for i < len(trials)-1 && trials[i].quality < quality {
		i++
	}
	a, b := trials[max(0, i-1)], trials[i]
	if i == 0 && len(trials) > 1 {
		b = trials[1]
	}
	xa, xb := s.curve(a.quality), s.curve(b.quality)
	if xb-xa > 0.05 {
		slope = max(slope/3, min(3*slope, (value(b)-value(a))/(xb-xa)))
	}
	return value(a) + float64(slope*(s.curve(quality)-xa))
}

// A usual curve says how files of a format grow with the quality: means of
// photographs and drawings.
type usualCurve struct {
	at    []float64 // qualities; of palettes binary logarithms of numbers of colours
	bits  []float64 // there, the binary logarithm of the length, beside that of quality 75
	clear float64   // clearness at quality 75
	slope float64   // by how much clearness rises with bits
}

var (
	usualQualities = []float64{1, 3, 5, 10, 15, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 93, 95, 97, 99, 100}
	usualPalettes  = usualCurve{
		at:    []float64{1, 2, 3.17, 4, 5.17, 6, 6.64, 7.17, 7.61, 7.81, 8},
		bits:  []float64{-2.82, -2.22, -1.70, -1.35, -0.93, -0.62, -0.38, -0.19, -0.06, 0.00, 0.06},
		clear: 7.8, slope: 2.9,
	}
	usualCurves = map[options.Format]usualCurve{
		options.JPEG: {usualQualities, []float64{-3.06, -2.97, -2.62, -1.99, -1.60, -1.35, -0.98, -0.73, -0.54, -0.36, -0.12, 0.00, 0.18, 0.39, 0.69, 0.91, 1.15, 1.44, 1.87, 2.04}, 5.9, 1.3},
		options.WebP: {usualQualities, []float64{-2.00, -1.80, -1.64, -1.40, -1.22, -1.03, -0.74, -0.56, -0.41, -0.22, -0.07, 0.00, 0.24, 0.53, 0.83, 1.07, 1.29, 1.42, 1.81, 1.98}, 6, 1.35},
		options.AVIF: {usualQualities, []float64{-2.40, -2.27, -2.15, -1.80, -1.59, -1.39, -1.04, -0.80, -0.58, -0.39, -0.19, 0.00, 0.20, 0.48, 0.83, 1.10, 1.33, 1.61, 1.99, 2.29}, 5.4, 1.5},
		options.PNG:  usualPalettes,
		options.GIF:  usualPalettes,
	}
)

// allColours is what a PNG of quality 100 takes beside one of 256 colours.
const allColours = 1.45

// curveOf returns the usual bits of a format by quality, with lines between those
// that are known.
func curveOf(f options.Format) func(quality int) float64 {
	c := usualCurves[f]
	return func(quality int) float64 {
		x := float64(quality)
		if f == options.PNG || f == options.GIF {
			x = math.Log2(float64(palette.ColorsAt(quality)))
		}
		i := 1
		for i < len(c.at)-1 && c.at[i] < x {
			i++
		}
		bits := c.bits[i-1] + (c.bits[i]-c.bits[i-1])*(x-c.at[i-1])/(c.at[i]-c.at[i-1])
		if f == options.PNG && quality >= 100 {
			bits += allColours
		}
		return bits
	}
}

// decoded returns the picture of a result.
func (j *job) decoded(body []byte) (image.Image, error) {
	p, err := codecOf(j.format).decode(body, Want{Limits: j.limits})
	if err != nil {
		return nil, fmt.Errorf("resize: own result: %w", err)
	}
	return p.first()
}

// An answerKey is all that a quality was found for: the pixels and the profile,
// by their hash, and how they are to be encoded.
type answerKey struct {
	pixels                 uint64
	format                 options.Format
	quality                int
	webpMethod, avifEffort int
	chroma444, progressive bool
	maxBytes               int
	autoQuality            options.Similarity
}

// pixelHash returns the hash of a picture that an encoder is given.
func pixelHash(img image.Image, profile []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(answerSeed)
	plane := func(pix []byte, stride, width, height int) {
		for y := range height {
			h.Write(pix[y*stride:][:width])
		}
	}
	size := img.Bounds().Size()
	fmt.Fprintf(&h, "%T %v", img, size)
	ycc := func(m *image.YCbCr) {
		fmt.Fprint(&h, m.SubsampleRatio)
		c := scale.ChromaSize(size, m.SubsampleRatio)
		plane(m.Y, m.YStride, size.X, size.Y)
		plane(m.Cb, m.CStride, c.X, c.Y)
		plane(m.Cr, m.CStride, c.X, c.Y)
	}
	switch m := img.(type) {
	case *image.YCbCr:
		ycc(m)
	case *image.NYCbCrA:
		ycc(&m.YCbCr)
		plane(m.A, m.AStride, size.X, size.Y)
	case *image.Gray:
		plane(m.Pix, m.Stride, size.X, size.Y)
	case *image.CMYK:
		plane(m.Pix, m.Stride, 4*size.X, size.Y)
	default:
		n := pixel.Of(img)
		plane(n.Pix, n.Stride, 4*size.X, size.Y)
	}
	h.Write(profile)
	return h.Sum64()
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
