package resize

import (
	"bytes"
	"context"
	"image"

	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

// guess resolves the format of the result from the header alone.
func (j *job) guess(p plan) options.Format {
	return j.resolve(subject{j.codec.format, j.info.Alpha, j.info.Animated && j.animates(), p.canvas})
}

// resolve returns the format of a result. AVIF without loss is bounded as WebP
// without loss is.
func (j *job) resolve(s subject) options.Format {
	l := j.limits
	if j.options.Lossless {
		l.AVIFPixels = min(l.AVIFPixels, l.LosslessPixels)
	}
	return resolve(j.options.Format, s, l)
}

// planned returns the options with the format that is encoded.
func (j *job) planned() options.Options {
	o := j.options
	o.Format = j.target
	return o
}

// animates reports whether an animation may stay one.
func (j *job) animates() bool {
	return j.options.Page == 0 && j.options.Animation == options.AnimationKeep
}

// only returns the number of the only frame that the options want, 0 if that is
// all of them.
func (j *job) only() int {
	if j.animates() && (j.options.Format.IsAuto() || j.options.Format == options.GIF || j.options.Format == options.WebP) {
		return 0
	}
	return max(1, j.options.Page)
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

// colours returns the step that gives the picture the colours that the result
// is to have, nil if they are right already. It settles p.ICC: what is left is
// embedded in the result.
func (j *job) colours(p *Picture, plan *plan) func(image.Image) image.Image {
	if p.ICC == nil {
		return nil
	}
	profile := p.ICC
	if j.options.Profile == options.ProfileKeep && j.keepsColours(profile, plan) {
		return nil // the encoder drops one that does not fit
	}
	p.ICC = nil
	if !needsSRGB(profile) {
		return nil
	}
	return func(img image.Image) image.Image { return toSRGB(img, profile) }
}

// keepsColours reports whether the result can have the colours of the profile:
// inks never, grey while it stays grey.
func (j *job) keepsColours(profile []byte, plan *plan) bool {
	switch {
	case !codecOf(j.target).embedsICC, j.info.cmyk:
		return false
	case spaceOf(profile) == "GRAY":
		return j.target != options.WebP && !plan.detail
	}
	return true
}

// output encodes a transformed picture, or takes the file of the source if that
// is all that is wanted and shorter.
func (j *job) output(ctx context.Context, p *Picture, file []byte, r *Resizer) (*Result, error) {
	if p.Count == 1 {
		img, err := p.first()
		if err != nil {
			return nil, err
		}
		p = p.of(img)
		alpha := !pixel.Opaque(img)
		j.target = j.resolve(subject{j.codec.format, alpha, false, p.Source})
	} else {
		j.target = j.resolve(subject{source: j.codec.format, animated: true, size: p.Source})
	}
	body, err := j.encode(ctx, p, r)
	if err != nil {
		return nil, err
	}
	if j.options.Strip != options.StripAll {
		body = withEXIF(j.target, body, metadataOf(j.codec.format, file).Keep(j.options.Strip == options.StripNone))
	}
	result := &Result{Body: body, Format: j.target, Size: p.Source}
	if len(file) < len(body) {
		if source, ok := j.source(file); ok && len(source) < len(body) {
			result.Body, result.Format = source, j.codec.format
		}
	}
	return result, nil
}

// of returns the picture p with its only frame decoded: it may be ranged over
// often.
func (p *Picture) of(img image.Image) *Picture {
	q := *p
	q.Frames = func(yield func(Frame, error) bool) { yield(Frame{Image: img}, nil) }
	return &q
}

// quality returns what to encode with: the options', else the Resizer's for the
// format.
func (j *job) quality(r *Resizer) Quality {
	q := r.Quality
	q.Quality = j.options.Quality
	if q.Quality == 0 {
		q.Quality = r.Quality.of(j.target)
	}
	q.Chroma444 = j.options.Chroma == options.ChromaFull
	q.Lossless = j.options.Lossless
	q.Progressive = j.options.Progressive
	return q
}

// encode writes the picture with the quality that the options ask for.
func (j *job) encode(ctx context.Context, p *Picture, r *Resizer) ([]byte, error) {
	q := j.quality(r)
	q.ctx = ctx
	if j.target == options.WebP && q.Lossless {
		if err := j.limits.checkLossless(p.Count, p.Source); err != nil {
			return nil, err
		}
	}
	codec := codecOf(j.target)
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
func (j *job) source(file []byte) (out []byte, ok bool) {
	asked := j.options
	format := asked.Format
	asked.Format, asked.Quality, asked.AutoQuality, asked.MaxBytes = 0, 0, 0, 0
	asked.Lossless, asked.Progressive, asked.Chroma, asked.Strip, asked.Profile = false, false, 0, 0, 0
	switch {
	case j.info.cmyk, j.odd, j.damaged, !accepts(format, j.codec.format), j.altered, j.options.Strip != options.StripAll, j.options.Progressive && j.codec.format == options.JPEG:
		return nil, false
	}
	if asked.Width != 0 || asked.Height != 0 {
		// A box that leaves the picture as it is is not visible either.
		asked.Width, asked.Height, asked.Fit = 0, 0, 0
	}
	if asked != (options.Options{}) {
		return nil, false
	}
	return withoutMetadata(j.codec.format, file, j.options.Profile == options.ProfileKeep)
}

// shown returns the quality of JPEG that shows as much of a picture as the result
// will. Other formats hide less than JPEG, and sharpening hides nothing.
func (j *job) shown() int {
	switch {
	case j.options.Effects != options.Effects{} || j.options.AutoQuality != 0:
		return 100
	case j.target != options.JPEG:
		return 90
	}
	return j.quality(j.resizer).quality()
}
