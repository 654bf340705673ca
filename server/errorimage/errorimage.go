// Package errorimage has the pictures that are sent instead of a picture: by status, in the
// sizes and formats that were asked for, under bounds and a budget of their own.
package errorimage

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"s3imageserver/resize"
	"s3imageserver/server/config"
)

// Images are the error images of a handler by their cause: a status, as 404,
// or a class of them, as 5xx; "" is for all others.
type Images map[string]*Image

// New loads and tries the error images of a handler. They are made under budget, with the
// limits and qualities of resizer; what cannot be used is said in the log.
func New(c *config.Config, h *config.HandlerConfig, resizer *resize.Resizer, budget *resize.Budget, log *slog.Logger) Images {
	all := Images{"": newImage(c, "error_image", h.ErrorImage, resizer, budget, log)}
	for cause, file := range h.ErrorImages {
		if f := newImage(c, "error_images."+cause, file, resizer, budget, log); f.source != nil {
			all[cause] = f
		}
	}
	return all
}

// For returns the error image for a status.
func (f Images) For(status int) *Image {
	if len(f) > 1 {
		code := strconv.Itoa(status)
		for _, cause := range []string{code, code[:1] + "xx"} {
			if one, ok := f[cause]; ok {
				return one
			}
		}
	}
	return f[""]
}

// An Image is one error image, in the sizes that were asked for.
type Image struct {
	// refused bound the images that are made for refused requests, of the size that
	// was asked for and of the steps above it.
	refused [2]*rate.Limiter
	key     string // of the configuration
	source  []byte // nil: there is none
	resizer *resize.Resizer
	results *otter.Cache[resize.Options, *resize.Result]
	log     *slog.Logger
}

const (
	keptBytes = 8 << 20 // of results, per handler
	// Memory is what all error images that are being made may take, in bytes, and Wait how
	// long one waits for its share.
	Memory    = 200 << 20
	Wait      = time.Second
	plainSide = 512 // of the error image when nothing is asked for
	// Whoever wants to can be refused: as often as that an image is made for it.
	refusalRate  = 4 // a second
	RefusalBurst = 32
)

// newImage loads and tries the error image. A server without one answers
// with an empty body; that it is missing or broken is worth a line in the log.
//
// It is made under a budget of its own: errors must not wait for pictures, nor
// take their memory.
func newImage(c *config.Config, key, file string, resizer *resize.Resizer, budget *resize.Budget, log *slog.Logger) *Image {
	f := &Image{key: key, refused: [2]*rate.Limiter{rate.NewLimiter(refusalRate, RefusalBurst), rate.NewLimiter(refusalRate, RefusalBurst)}, resizer: &resize.Resizer{Budget: budget, Limits: resizer.Limits, Quality: resizer.Quality}, log: log}
	if file == "" {
		return f
	}
	source, err := f.read(c, file)
	if err != nil {
		log.Warn(key+" is not usable: errors have an empty body", "error_image", file, "error", err)
		return f
	}
	f.source = source
	f.results = otter.Must(&otter.Options[resize.Options, *resize.Result]{
		MaximumWeight: keptBytes,
		Weigher:       func(_ resize.Options, r *resize.Result) uint32 { return uint32(len(r.Body)) + 128 },
	})
	return f
}

// Try reports whether a file can be an error image of a handler with these limits.
func Try(c *config.Config, file string, limits resize.Limits) error {
	_, err := (&Image{resizer: &resize.Resizer{Limits: limits}}).read(c, file)
	return err
}

// read returns the bytes of a file that can be an error image.
func (f *Image) read(c *config.Config, file string) ([]byte, error) {
	source, err := c.ReadFile(file)
	if err != nil {
		return nil, err
	}
	_, err = f.render(context.Background(), source, resize.Options{Width: plainSide, Format: resize.JPEG})
	return source, err
}

// Picture returns the error image as the options want it, nil if there is none
// or it cannot be made.
func (f *Image) Picture(ctx context.Context, o resize.Options) (body []byte, mediaType string) {
	if f.source == nil {
		return nil, ""
	}
	result, err := f.results.Get(ctx, o, otter.LoaderFunc[resize.Options, *resize.Result](func(ctx context.Context, o resize.Options) (*resize.Result, error) {
		return f.render(context.WithoutCancel(ctx), f.source, o)
	}))
	if err != nil {
		f.log.Warn(f.key+" not sent", "options", o.String(), "error", err)
		return nil, ""
	}
	return result.Body, result.Format.MediaType()
}

// Refusal is Picture for a request that nobody is known to have a right to: in
// formats that cost little, and made at most so often. Beyond that it has one of
// the sizes that are steps, which are few, and beyond that there is none.
func (f *Image) Refusal(ctx context.Context, o resize.Options) (body []byte, mediaType string) {
	if f.source == nil {
		return nil, ""
	}
	switch o.Format {
	case resize.JPEG, resize.PNG, resize.WebP, resize.AutoJPEG, resize.AutoWebP:
	default:
		o.Format = resize.AutoWebP
	}
	for _, limiter := range f.refused {
		if _, kept := f.results.GetIfPresent(o); kept || limiter.Allow() {
			return f.Picture(ctx, o)
		}
		o.Width, o.Height = resize.Step(o.Width, config.DefaultSnapSizes), resize.Step(o.Height, config.DefaultSnapSizes)
	}
	return nil, ""
}

// CheapFormat returns a format that costs little, and that whoever reads f reads
// too.
func CheapFormat(f resize.Format) resize.Format {
	if f == resize.AVIF || f == resize.AutoAVIF {
		return resize.AutoWebP
	}
	return f
}

func (f *Image) render(ctx context.Context, source []byte, o resize.Options) (*resize.Result, error) {
	o.Format = cmp.Or(o.Format, resize.JPEG)
	return f.resizer.Resize(ctx, resize.Source{Body: bytes.NewReader(source), Size: int64(len(source))}, o)
}
