package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/dialect"
	"s3imageserver/server/overlays"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// mostForeignMarks is how many watermarks that URLs name are cached.
const mostForeignMarks = 16

// prepareForeign loads the watermark that a URL of a dialect names: an object of the
// handler, like its pictures.
func (h *Handler) prepareForeign(ctx context.Context, req *request) error {
	if req.foreign == nil || req.foreign.Overlay.Source.Name == "" {
		return nil
	}
	if p := req.grant.Policy; p != nil && p.WM != "" {
		return nil // that of the token is on the picture, and nothing over it
	}
	name := req.foreign.Overlay.Source.Name
	if !storage.ValidName(name) || !h.config.AllowsName(name) {
		return foreignError(h.dialect.Fault(dialect.NoOverlay))
	}
	// A watermark needs the same authorization as the picture itself.
	if p := req.grant.Policy; p != nil {
		if err := p.AllowsName(name); err != nil {
			return err
		}
	}
	if err := h.bounds.refuse(name, h.log); err != nil && !req.grant.Operator {
		return err
	}
	m, ok := h.foreignMarks.GetIfPresent(name)
	if !ok {
		m = overlays.NewMark(name, h.bucket, h.log.With("watermark", name))
		m, _ = h.foreignMarks.SetIfAbsent(name, m)
	}
	w, err := m.Get(ctx)
	switch {
	case err != nil && !errors.Is(err, overlays.ErrUnusable):
		return err // the store's trouble, or the client has left
	case err != nil:
		return foreignError(h.dialect.Fault(dialect.NoOverlay))
	}
	req.watermark = w
	return nil
}

// errOfSource is the error of a request whose answer is the file itself.
var errOfSource = errors.New("the answer is the source")

// resizeForeign makes the picture that a dialect's URL asks for, once the header
// of the source is read.
func (h *Handler) resizeForeign(ctx context.Context, req request, source *storage.Object) (*cache.Entry, error) {
	began := time.Now()
	resizer := *h.resizer
	resizer.Watermark = req.watermark.Overlay
	body := &recorded{r: source.Body}
	animated := false // as the first bytes told, which are not kept
	result, err := resizer.Resize(ctx, resize.Source{Body: body, Size: source.Size, Keep: h.keepOriginal(ctx, req, source), Again: h.openAgain(ctx, req, source), Settle: func(head resize.Header) (resize.Options, error) {
		animated = animated || head.Animated || head.Format == resize.PNG && animatedPNG(body.head)
		head.Animated = animated
		o, err := h.settleForeign(&req, head)
		if err == nil {
			body.stop()
		}
		return o, err
	}}, req.options)
	h.reused.made.Add(1)
	if errors.Is(err, errOfSource) {
		return sourceEntry(body, source.Size)
	}
	if errors.Is(err, resize.ErrUnsupported) && !isPicture(body.head) {
		return nil, foreignError(fmt.Errorf("%w: %w", err, h.dialect.Fault(dialect.NotPicture)))
	}
	if err != nil {
		return nil, err
	}
	return h.resultEntry(ctx, began, result, source), nil
}

// settleForeign returns the options for a picture.
func (h *Handler) settleForeign(req *request, head resize.Header) (resize.Options, error) {
	s, err := h.dialect.Settle(req.foreign.Request, pictureOf(head))
	if err != nil {
		return resize.Options{}, foreignError(err)
	}
	p := req.grant.Policy
	if s.Source {
		if p != nil && (p.MaxW > 0 || p.MaxH > 0 || p.WM != "") {
			return resize.Options{}, fmt.Errorf("%w: the token is for pictures of a size or with a mark, not for the file", access.ErrVerification)
		}
		return resize.Options{}, errOfSource
	}
	o := s.Options
	o.Watermark, o.Text = req.options.Watermark, req.options.Text
	if p != nil {
		if o, err = h.narrow(p, o); err != nil {
			return resize.Options{}, err
		}
	}
	if h.bounds.config.Snap && h.dialect.Name() != "iiif" { // its tiles are exact
		o = o.Snap(h.bounds.config.SnapSizes, h.config.MaxDimension)
	}
	if h.bounds.sizes != nil && !h.bounds.lists(o) {
		return resize.Options{}, foreignError(h.dialect.Fault(dialect.BadOption))
	}
	return o, nil
}

func pictureOf(h resize.Header) dialect.Picture {
	return dialect.Picture{Width: h.Width, Height: h.Height, Turned: h.Turned, Format: h.Format, Animated: h.Animated, Alpha: h.Alpha, Trimmed: h.Trimmed}
}

// animatedPNG reports whether the first bytes of a PNG announce more frames: a
// chunk acTL before the pixels (PNG, third edition, section 11.3.6.1).
func animatedPNG(head []byte) bool {
	before, _, _ := bytes.Cut(head, []byte("IDAT"))
	return bytes.Contains(before, []byte("acTL"))
}

// isPicture reports whether a file is one of a picture, although it is not read
// here.
func isPicture(head []byte) bool {
	_, err := resize.Sniff(head)
	return err == nil || bytes.Contains(head[:min(len(head), 1024)], []byte("<svg"))
}

// A recorded is a reader that records the source until it is known that it is decoded, and
// not sent as it is.
type recorded struct {
	r       io.Reader
	head    []byte
	stopped bool
}

func (r *recorded) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if !r.stopped {
		r.head = append(r.head, b[:n]...)
	}
	return n, err
}

func (r *recorded) stop() { r.stopped, r.head = true, nil }

// sourceEntry is the file of a source as it is. Its size has been checked
// against max_source_bytes.
func sourceEntry(body *recorded, size int64) (*cache.Entry, error) {
	file := make([]byte, size)
	n := copy(file, body.head)
	if _, err := io.ReadFull(body.r, file[n:]); err != nil {
		return nil, err
	}
	f, err := resize.Sniff(file)
	if err != nil {
		return nil, err
	}
	return cache.NewEntry(file, f.MediaType()), nil
}
