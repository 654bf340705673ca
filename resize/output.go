package resize

import (
	"bytes"
	"cmp"
	"context"
	"image"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/heif"
	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/png"
	"s3imageserver/resize/webp"
)

// Quality says how to encode.
type Quality struct {
	// Quality is 1 to 100; 0 means the codec's default, 75, and all colours for PNG
	// and GIF.
	Quality int
	// Formats are the qualities of formats where Quality is 0.
	Formats map[options.Format]int
	// WebPMethod is the effort of the WebP encoder: 0 (fast) to 6 (small).
	WebPMethod int
	// AVIFEffort is the effort of the AVIF encoder: 0 (fast) to 9 (small).
	AVIFEffort int
	// Chroma444 keeps colours at full resolution in JPEG and AVIF.
	Chroma444 bool
	// Lossless keeps every pixel, in WebP and AVIF.
	Lossless bool
	// Progressive writes JPEG in ten scans.
	Progressive bool

	// ctx ends encoders that can be ended; nil: they go on to their end.
	ctx context.Context
}

const defaultQuality = 75

// of returns the quality for a format, 0 for the codec's default.
func (q Quality) of(f options.Format) int {
	if q.Quality != 0 {
		return q.Quality
	}
	return q.Formats[f]
}

func (q Quality) quality() int {
	if q.Quality <= 0 || q.Quality > 100 {
		return defaultQuality
	}
	return q.Quality
}

// expect resolves the format of the result from the header alone.
func (a *admission) expect(p plan) options.Format {
	return a.resolve(subject{a.codec.format, a.info.Alpha, a.info.Animated && a.animates(), p.canvas})
}

// resolve returns the format of a result. AVIF without loss is bounded as WebP
// without loss is.
func (a *admission) resolve(s subject) options.Format {
	l := a.limits
	if a.options.Lossless {
		l.AVIFPixels = min(l.AVIFPixels, l.LosslessPixels)
	}
	return resolve(a.options.Format, s, l)
}

// planned returns the options with the format that is expected.
func (a *admission) planned() options.Options {
	o := a.options
	o.Format = a.expected
	return o
}

// animates reports whether an animation may stay one.
func (a *admission) animates() bool {
	return a.options.Page == 0 && a.options.Animation == options.AnimationKeep
}

// only returns the number of the only frame that the options want, 0 if that is
// all of them.
func (a *admission) only() int {
	if a.animates() && (a.options.Format.IsAuto() || a.options.Format == options.GIF || a.options.Format == options.WebP) {
		return 0
	}
	return max(1, a.options.Page)
}

// frames returns the frames of p that the options want.
func (j *job) frames(p *Picture) *Picture {
	page := j.only()
	if p.Count == 1 || page == 0 {
		return p
	}
	page = min(page, p.Count)
	q := *p
	q.Count, q.Loops = 1, 0
	q.Frames = func(yield func(Frame, error) bool) {
		n := 0
		for frame, err := range p.Frames {
			if n++; n < page && err == nil {
				continue
			}
			frame.Delay = 0
			yield(frame, err)
			return
		}
	}
	return &q
}

// colours returns the profile that is embedded in the result, nil for none, and
// the step that gives a picture of that profile the colours that the result is to
// have, nil if they are right already.
func (j *job) colours(profile []byte, plan *plan) (kept []byte, step func(image.Image) image.Image) {
	if profile == nil {
		return nil, nil
	}
	if j.options.Profile == options.ProfileKeep && j.keepsColours(profile, plan) {
		return profile, nil // the encoder drops one that does not fit
	}
	return nil, conversion(profile)
}

// keepsColours reports whether the result can have the colours of the profile:
// inks never, grey while it stays grey.
func (j *job) keepsColours(profile []byte, plan *plan) bool {
	switch {
	case !codecOf(j.expected).embedsICC, j.info.cmyk:
		return false
	case spaceOf(profile) == "GRAY":
		return j.expected != options.WebP && !plan.detail
	}
	return true
}

// output encodes a transformed picture, or takes the file of the source if that
// is all that is wanted and shorter.
func (j *job) output(ctx context.Context, p *Picture) (*Result, error) {
	if p.Count == 1 {
		img, err := p.first()
		if err != nil {
			return nil, err
		}
		p = p.with(img)
		alpha := !pixel.Opaque(img)
		j.format = j.resolve(subject{j.codec.format, alpha, false, p.Source})
	} else {
		j.format = j.resolve(subject{source: j.codec.format, animated: true, size: p.Source})
	}
	body, err := j.encode(ctx, p)
	if err != nil {
		return nil, err
	}
	if j.options.Strip != options.StripAll {
		body = withEXIF(j.format, body, metadataOf(j.codec.format, j.file).Keep(j.options.Strip == options.StripNone))
	}
	result := &Result{Body: body, Format: j.format, Size: p.Source}
	if j.stream == nil && len(j.file) < len(body) {
		if source, ok := j.source(); ok && len(source) < len(body) {
			result.Body, result.Format = source, j.codec.format
		}
	}
	return result, nil
}

// with returns the picture p with its only frame decoded: it may be ranged over
// often.
func (p *Picture) with(img image.Image) *Picture {
	q := *p
	q.Frames = func(yield func(Frame, error) bool) { yield(Frame{Image: img}, nil) }
	return &q
}

// quality returns what to encode with: the options', else the Resizer's for the
// format.
func (j *job) quality() Quality {
	q := j.resizer.Quality
	q.Quality = j.options.Quality
	if q.Quality == 0 {
		q.Quality = j.resizer.Quality.of(j.format)
	}
	q.Chroma444 = j.options.Chroma == options.ChromaFull
	q.Lossless = j.options.Lossless
	q.Progressive = j.options.Progressive
	return q
}

// encode writes the picture with the quality that the options ask for.
func (j *job) encode(ctx context.Context, p *Picture) ([]byte, error) {
	q := j.quality()
	q.ctx = ctx
	if j.format == options.WebP && q.Lossless {
		if err := j.limits.checkLossless(p.Count, p.Source); err != nil {
			return nil, err
		}
	}
	codec := codecOf(j.format)
	once := func(quality int) ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		q.Quality = quality
		var out bytes.Buffer
		err := codec.encode(&out, p, q)
		return out.Bytes(), err
	}
	searched := p.Count == 1 && codec.usual > 0 && !(q.Lossless && codec.format != options.JPEG)
	if !searched || (j.options.MaxBytes == 0 && j.options.AutoQuality == 0) {
		return once(q.Quality)
	}
	return j.search(p, q, once)
}

// source returns the file without its metadata where it is as good an answer as
// the picture that was made of it: nothing visible was asked, it is upright and
// in sRGB, and the client reads its format. It has been decoded, all of it.
func (j *job) source() (out []byte, ok bool) {
	asked := j.options
	format := asked.Format
	asked.Format, asked.Quality, asked.AutoQuality, asked.MaxBytes = 0, 0, 0, 0
	asked.Lossless, asked.Progressive, asked.Chroma, asked.Strip, asked.Profile = false, false, 0, 0, 0
	switch {
	case j.info.cmyk, j.nonconforming, j.damaged, !accepts(format, j.codec.format), !j.asStored, j.options.Strip != options.StripAll, j.options.Progressive && j.codec.format == options.JPEG:
		return nil, false
	}
	if asked.Width != 0 || asked.Height != 0 {
		// A box that leaves the picture as it is is not visible either.
		asked.Width, asked.Height, asked.Fit = 0, 0, 0
	}
	if asked != (options.Options{}) {
		return nil, false
	}
	return withoutMetadata(j.codec.format, j.file, j.options.Profile == options.ProfileKeep)
}

// shown returns the quality of JPEG that shows as much of a picture as the result
// will. Other formats hide less than JPEG, and sharpening hides nothing.
func (a *admission) shown() int {
	switch {
	case a.options.Effects != options.Effects{} || a.options.AutoQuality != 0:
		return 100
	case a.expected != options.JPEG:
		return 90
	}
	return Quality{Quality: cmp.Or(a.options.Quality, a.resizer.Quality.of(options.JPEG))}.quality()
}

// Files are taken apart without decoding: to find metadata, to add some to a
// result, and to leave it out of a source that is sent as it is.

// metadataOf finds the metadata of a file.
func metadataOf(format options.Format, file []byte) (m exif.Metadata) {
	switch format {
	case options.JPEG:
		m.EXIF, m.XMP, m.IPTC = jpeg.Metadata(file)
	case options.PNG:
		m.EXIF, m.XMP = png.Metadata(file)
	case options.WebP:
		m.EXIF, m.XMP = webp.Metadata(file)
	case options.TIFF:
		m.EXIF = file
	case options.AVIF, options.HEIC:
		if h, err := heif.Parse(file); err == nil {
			m.EXIF = h.EXIF
		}
	}
	return m
}

// withEXIF returns a result of ours with an EXIF block, or as it is if the block is
// nil or the format has no place for it.
func withEXIF(format options.Format, file, block []byte) []byte {
	if block == nil {
		return file
	}
	switch format {
	case options.JPEG:
		return jpeg.WithEXIF(file, block)
	case options.PNG:
		return png.WithEXIF(file, block)
	case options.WebP:
		return webp.WithEXIF(file, block)
	}
	return file
}

// withoutMetadata returns a source that decoded well without its metadata,
// bytes behind its end, and comments; profile says whether its colour profile
// stays. ok is false if the container is not one that can be taken apart.
func withoutMetadata(format options.Format, file []byte, profile bool) (out []byte, ok bool) {
	switch format {
	case options.JPEG:
		return jpeg.WithoutMetadata(file, profile)
	case options.PNG:
		return png.WithoutMetadata(file, profile)
	case options.WebP:
		return webp.WithoutMetadata(file, profile)
	}
	return nil, false
}
