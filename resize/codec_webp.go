package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"

	gen "github.com/gen2brain/webp"
	"golang.org/x/image/vp8l"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
	"s3imageserver/resize/vp8"
	"s3imageserver/resize/webp"
)

// WebP, RFC 9649, taken apart by our own package. Lossy pictures are decoded by our
// own decoder, lossless ones by x/image/vp8l; frames of animations one by one, as they
// are asked for.
var webpCodec = codec{
	format:      options.WebP,
	resultBytes: 20,
	magic:       []string{"RIFF????WEBP"},
	chroma420:   true,
	usual:       defaultQuality,
	embedsICC:   true,
	config:      configWebP,
	decode:      decodeWebP,
	memory:      memoryWebP,
	encode:      encodeWebP,
}

func configWebP(head []byte) (Info, error) {
	h, err := webp.Parse(head)
	if err != nil {
		return Info{}, fromBelow(err)
	}
	return Info{Size: h.Size, Depth: 4, Animated: h.Animated, Alpha: h.Alpha, byRows: h.Lossy && !h.Animated}, nil
}

// memoryWebP counts what is decoded: of a lossy picture its planes, or a few rows of
// them.
func memoryWebP(info Info, want Want) int64 {
	pixels := area(info.Size)
	switch {
	case info.Animated:
		return 16 * pixels // canvas, its copy, a frame and its planes
	case info.byRows && want.resamples():
		return int64(vp8.RowsBytes(info.Size.X)) + 1<<20
	case info.byRows:
		return planesOfVP8(info.Size) + int64(vp8.RowsBytes(info.Size.X)) + 1<<20
	}
	return 8 * pixels // the lossless decoder's own and the picture
}

// planesOfVP8 is what the planes of a picture take, which are of whole macroblocks.
func planesOfVP8(size image.Point) int64 {
	return area(image.Pt((size.X+15)&^15, (size.Y+15)&^15)) * 3 / 2
}

func decodeWebP(file []byte, want Want) (*Picture, error) {
	info, err := webp.Parse(file[:min(len(file), headBytes)]) // what it was admitted with
	if err != nil {
		return nil, fromBelow(err)
	}
	body, err := webp.Body(file)
	if err != nil && (body == nil || want.damaged(err) != nil) {
		return nil, fromBelow(err)
	}
	var (
		icc, meta []byte
		only      webp.Image
		frames    []webp.Frame
		loops     int
	)
	for c, err := range webp.Chunks(body) {
		if err != nil {
			if damaged := want.damaged(err); damaged != nil {
				return nil, fromBelow(damaged)
			}
			if c.ID != "VP8 " { // a part of it shows nothing
				break
			}
		}
		switch c.ID {
		case "ICCP":
			icc = c.Data
		case "EXIF":
			meta = c.Data
		case "ANIM":
			if len(c.Data) >= 6 {
				loops = int(binary.LittleEndian.Uint16(c.Data[4:]))
			}
		case "ANMF":
			f, err := webp.ParseFrame(c.Data)
			if err != nil {
				return nil, fromBelow(err)
			}
			if !f.Bounds.In(image.Rectangle{Max: info.Size}) {
				return nil, fmt.Errorf("%w: WebP frame %v outside of a canvas of %v", ErrMalformed, f.Bounds, info.Size)
			}
			frames = append(frames, f)
		default:
			only.Add(c)
		}
	}
	orientation := exif.OrientationOf(meta)
	var p *Picture
	switch {
	case len(frames) > 0:
		if !want.Limits.keepsFrames(len(frames), info.Size) {
			frames = frames[:1]
		}
		if n := min(want.only, len(frames)); n > 0 {
			frames = frames[:n]
		}
		if canvas := (image.Rectangle{Max: info.Size}); len(frames) == 1 && frames[0].Bounds == canvas {
			// There is nothing that it could be drawn over.
			img, err := decodeWebPImage(frames[0].Image, info.Size, want)
			if err != nil {
				return nil, err
			}
			p = still(img)
			break
		}
		p = animatedWebP(frames, info.Size, want)
		p.Loops = loops
		if want.only > 0 {
			p = p.last()
		}
	case only.Lossy != nil && only.Alpha == nil:
		img, resampled, err := decodeLossyWebP(only.Lossy, info, orientation, want)
		if err != nil {
			return nil, err
		}
		p = still(img)
		if p.resampled = resampled; resampled {
			p.Source = info.Size
		}
	case only.Lossy != nil || only.Lossless != nil:
		img, err := decodeWebPImage(only, info.Size, want)
		if err != nil {
			return nil, err
		}
		p = still(img)
	default:
		return nil, fmt.Errorf("%w: WebP without a picture", ErrMalformed)
	}
	p.orientation = orientation
	p.ICC = bytes.Clone(icc)
	return p, nil
}

// animatedWebP returns the picture whose frames are drawn one over the other.
func animatedWebP(frames []webp.Frame, size image.Point, want Want) *Picture {
	return &Picture{
		Count:  len(frames),
		Scale:  1,
		Source: size,
		Frames: func(yield func(Frame, error) bool) {
			canvas := paint.NewCanvas(size)
			for i, f := range frames {
				img, err := decodeWebPImage(f.Image, f.Bounds.Size(), want)
				if err != nil {
					yield(Frame{}, err)
					return
				}
				frame := smoothPixels(img)
				if f.Replace {
					canvas.Replace(frame, f.Bounds.Min)
				} else {
					canvas.Blend(frame, f.Bounds.Min)
				}
				if i == len(frames)-1 {
					yield(Frame{canvas.NRGBA, f.Delay}, nil)
					return
				}
				if !yield(Frame{canvas.Copy(), f.Delay}, nil) {
					return
				}
				if f.Dispose {
					canvas.Clear(f.Bounds)
				}
			}
		},
	}
}

// smoothPixels returns the pixels of a frame, its chroma interpolated as that of a
// still picture is. They may be img's own.
func smoothPixels(img image.Image) *image.NRGBA {
	if changesChroma(img, scale.Chroma444) {
		img = scale.Image(img, scale.Rect{}, img.Bounds().Size(), scale.Options{Chroma: scale.Chroma444})
	}
	return pixel.Of(img)
}

// decodeWebPImage decodes a still picture or a frame, which must have that size.
func decodeWebPImage(m webp.Image, size image.Point, want Want) (image.Image, error) {
	if m.Lossy == nil {
		return decodeLosslessWebP(m.Lossless, size)
	}
	planes, err := decodePlanesWebP(m.Lossy, size, want)
	if err != nil {
		return nil, err
	}
	if m.Alpha == nil {
		return planes, nil
	}
	alpha, err := webp.DecodeAlpha(m.Alpha, size)
	if err != nil {
		return nil, fromBelow(err)
	}
	return &image.NYCbCrA{YCbCr: *planes, A: alpha, AStride: size.X}, nil
}

// decodeLosslessWebP decodes a VP8L chunk, nil if there is none.
func decodeLosslessWebP(chunk []byte, size image.Point) (image.Image, error) {
	config, err := vp8l.DecodeConfig(bytes.NewReader(chunk))
	if err != nil {
		return nil, err
	}
	if err := checkSizeWebP(image.Pt(config.Width, config.Height), size); err != nil {
		return nil, err
	}
	img, err := vp8l.Decode(bytes.NewReader(chunk))
	if err != nil {
		return nil, err
	}
	return pixel.Normalize(img), nil
}

func checkSizeWebP(size, canvas image.Point) error {
	if size != canvas {
		return fmt.Errorf("%w: WebP picture of %v in a canvas of %v", ErrMalformed, size, canvas)
	}
	return nil
}

func encodeWebP(w io.Writer, p *Picture, q Quality) error {
	var chunks []byte
	var err error
	if p.Count > 1 {
		chunks, err = animationChunks(p, q)
	} else {
		chunks, err = stillChunks(p, q)
	}
	if err != nil {
		return err
	}
	if err := webp.CheckLength(int64(len(chunks))); err != nil {
		return fromBelow(err)
	}
	_, err = w.Write(webp.File(chunks))
	return err
}

// stillChunks returns the chunks of a file of the first frame.
func stillChunks(p *Picture, q Quality) ([]byte, error) {
	img, err := p.first()
	if err != nil {
		return nil, err
	}
	chunks, alpha, err := webpImageChunks(img, q)
	if err != nil {
		return nil, err
	}
	icc := fittingICC(p.ICC, planesOf(img))
	if icc == nil && !alpha {
		return chunks, nil
	}
	flags := byte(0)
	var head []byte
	if alpha {
		flags |= webp.FlagAlpha
	}
	if icc != nil {
		flags |= webp.FlagICC
		head = webp.AppendChunk(nil, "ICCP", icc)
	}
	return append(append(webp.VP8X(flags, img.Bounds().Size()), head...), chunks...), nil
}

// planesOf returns img, or, for a grey one, a picture of the kind that WebP
// makes of it: it has no grey pictures, so no grey profile fits.
func planesOf(img image.Image) image.Image {
	if _, ok := img.(*image.Gray); ok {
		return &image.YCbCr{}
	}
	return img
}

// webpImageChunks encodes one image and returns its VP8, VP8L and ALPH chunks,
// and whether it is transparent somewhere.
func webpImageChunks(img image.Image, q Quality) (chunks []byte, alpha bool, err error) {
	if size := img.Bounds().Size(); max(size.X, size.Y) > vp8.MaxSide {
		return nil, false, fmt.Errorf("%w: WebP has no sides of more than %d pixels; the result has %v", ErrLimit, vp8.MaxSide, size)
	}
	if q.Lossless {
		return losslessChunks(img, q)
	}
	planes, a := webp.Planes(planar(img))
	if a != nil {
		chunks = webp.AppendChunk(chunks, "ALPH", a)
	}
	frame, err := vp8.Encode(planes, vp8.Options{Quality: q.quality(), Effort: q.WebPMethod})
	if err != nil { // a picture that the format has no room for
		return nil, false, fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return webp.AppendChunk(chunks, "VP8 ", frame), a != nil, nil
}

// planar returns img as webp takes it for planes.
func planar(img image.Image) image.Image {
	switch m := img.(type) {
	case *image.YCbCr:
		if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			return m
		}
	case *image.NYCbCrA:
		if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			return m
		}
	case *image.Gray:
		return m
	}
	return atOrigin(img)
}

// atOrigin returns the pixels of img from 0, 0 on without space between the rows:
// img itself if that is what it is.
func atOrigin(img image.Image) *image.NRGBA {
	if m, ok := img.(*image.NRGBA); ok && m.Rect.Min == (image.Point{}) && m.Stride == 4*m.Rect.Dx() {
		return m
	}
	return pixel.Copy(img)
}

// losslessChunks is webpImageChunks without loss.
func losslessChunks(img image.Image, q Quality) (chunks []byte, alpha bool, err error) {
	var file bytes.Buffer
	if err := gen.Encode(&file, atOrigin(img), gen.Options{Quality: q.quality(), Method: q.WebPMethod, Lossless: true, Exact: true}); err != nil {
		return nil, false, err
	}
	body, err := webp.Body(file.Bytes())
	if err != nil {
		return nil, false, fromBelow(err)
	}
	for c, err := range webp.Chunks(body) {
		if err != nil {
			return nil, false, fromBelow(err)
		}
		if c.ID == "VP8L" {
			// RFC 9649, section 3.4: bit 28 says that alpha is used.
			alpha = len(c.Data) >= 5 && c.Data[4]&0x10 != 0
			chunks = webp.AppendChunk(chunks, c.ID, c.Data)
		}
	}
	return chunks, alpha, nil
}

// animationChunks returns the chunks of an animated file. Of every frame after
// the first only the rectangle that differs from the one before is stored.
func animationChunks(p *Picture, q Quality) ([]byte, error) {
	var frames []byte
	alpha := false
	var before *image.NRGBA
	for frame, err := range p.Frames {
		if err != nil {
			return nil, err
		}
		img := pixel.Copy(frame.Image)
		part := img.Rect
		if before != nil {
			part = evenCorner(paint.Changed(before, img))
		}
		chunks, a, err := webpImageChunks(pixel.Copy(img.SubImage(part)), q)
		if err != nil {
			return nil, err
		}
		alpha = alpha || a
		const replace = 2 // do not blend
		head := webp.AppendUint24(webp.AppendUint24(nil, part.Min.X/2), part.Min.Y/2)
		head = webp.AppendUint24(webp.AppendUint24(head, part.Dx()-1), part.Dy()-1)
		head = append(webp.AppendUint24(head, int(min(frame.Delay.Milliseconds(), 1<<24-1))), replace)
		frames = webp.AppendChunk(frames, "ANMF", head, chunks)
		before = img
	}
	flags := byte(webp.FlagAnimation)
	if alpha {
		flags |= webp.FlagAlpha
	}
	var icc []byte
	if profile := fittingICC(p.ICC, before); profile != nil {
		flags |= webp.FlagICC
		icc = webp.AppendChunk(nil, "ICCP", profile)
	}
	anim := binary.LittleEndian.AppendUint16([]byte{0, 0, 0, 0}, uint16(min(p.Loops, 1<<16-1)))
	return append(webp.AppendChunk(append(webp.VP8X(flags, p.Source), icc...), "ANIM", anim), frames...), nil
}

// evenCorner returns r grown so that its upper left corner is even, as ANMF
// wants it.
func evenCorner(r image.Rectangle) image.Rectangle {
	r.Min.X &^= 1
	r.Min.Y &^= 1
	return r
}
