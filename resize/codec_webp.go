package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"time"

	gen "github.com/gen2brain/webp"
	"golang.org/x/image/webp"

	"s3imageserver/resize/scale"
	"s3imageserver/resize/vp8"
)

// WebP, RFC 9649. Still pictures are decoded by x/image/webp; animations are
// taken apart here and their frames decoded one by one, as they are asked for.
var webpCodec = codec{
	format:      WebP,
	names:       []string{"webp"},
	mediaType:   "image/webp",
	resultBytes: 20,
	magic:       []string{"RIFF????WEBP"},
	chroma420:   true,
	usual:       defaultQuality,
	embedsICC:   true,
	config:      configWebP,
	decode:      decodeWebP,
	memory: func(info Info, _ Want) int64 {
		pixels := int64(info.Size.X) * int64(info.Size.Y)
		if info.Animated {
			return 16 * pixels // canvas, its copy, a frame and its planes
		}
		return 8 * pixels // the lossless decoder's own and the picture
	},
	encode: encodeWebP,
}

// Flags of the VP8X chunk.
const (
	webpAnimation = 1 << 1
	webpExif      = 1 << 3
	webpAlpha     = 1 << 4
	webpICC       = 1 << 5
)

// configWebP reads the first chunk only: the canvas of VP8X, or the size of a
// simple file.
func configWebP(head []byte) (Info, error) {
	if len(head) < riffHeaderBytes+8+10 {
		return Info{}, io.ErrUnexpectedEOF
	}
	info := Info{Depth: 4}
	data := head[riffHeaderBytes+8:]
	switch id := string(head[riffHeaderBytes:][:4]); id {
	case "VP8X":
		info.Size = image.Pt(1+uint24(data[4:]), 1+uint24(data[7:]))
		info.Animated = data[0]&webpAnimation != 0
		info.Alpha = data[0]&webpAlpha != 0
	case "VP8 ":
		if string(data[3:6]) != "\x9d\x01\x2a" {
			return Info{}, fmt.Errorf("%w: VP8 start code", ErrMalformed)
		}
		info.Size = image.Pt(int(binary.LittleEndian.Uint16(data[6:])&0x3fff), int(binary.LittleEndian.Uint16(data[8:])&0x3fff))
	case "VP8L":
		if data[0] != 0x2f {
			return Info{}, fmt.Errorf("%w: VP8L signature", ErrMalformed)
		}
		bits := binary.LittleEndian.Uint32(data[1:])
		info.Size = image.Pt(int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1)
		info.Alpha = bits>>28&1 != 0
	default:
		return Info{}, fmt.Errorf("%w: first WebP chunk is %q", ErrMalformed, id)
	}
	return info, nil
}

func decodeWebP(file []byte, want Want) (*Picture, error) {
	info, err := configWebP(file)
	if err != nil {
		return nil, err
	}
	body, err := webpBody(file)
	if err != nil {
		return nil, err
	}
	var (
		icc, exif []byte
		only      []byte // chunks of the only frame
		frames    []webpFrame
		loops     int
	)
	for c, err := range riffChunks(body) {
		if err != nil {
			return nil, err
		}
		switch c.id {
		case "ICCP":
			icc = c.data
		case "EXIF":
			exif = c.data
		case "ANIM":
			if len(c.data) >= 6 {
				loops = int(binary.LittleEndian.Uint16(c.data[4:]))
			}
		case "ANMF":
			f, err := parseWebPFrame(c.data)
			if err != nil {
				return nil, err
			}
			if !f.bounds.In(image.Rectangle{Max: info.Size}) {
				return nil, fmt.Errorf("%w: WebP frame %v outside of a canvas of %v", ErrMalformed, f.bounds, info.Size)
			}
			frames = append(frames, f)
		case "ALPH", "VP8 ", "VP8L":
			only = appendChunk(only, c.id, c.data)
		}
	}
	var p *Picture
	switch {
	case len(frames) > 0:
		if !want.Limits.keepsFrames(len(frames), info.Size) {
			frames = frames[:1]
		}
		if n := min(want.only, len(frames)); n > 0 {
			frames = frames[:n]
		}
		if canvas := (image.Rectangle{Max: info.Size}); len(frames) == 1 && frames[0].bounds == canvas {
			// There is nothing that it could be drawn over.
			img, err := decodeWebPImage(frames[0].chunks, info.Size)
			if err != nil {
				return nil, err
			}
			p = still(img)
			break
		}
		p = animatedWebP(frames, info.Size)
		p.Loops = loops
		if want.only > 0 {
			p = p.last()
		}
	case only != nil:
		img, err := decodeWebPImage(only, info.Size)
		if err != nil {
			return nil, err
		}
		p = still(img)
	default:
		return nil, fmt.Errorf("%w: WebP without a picture", ErrMalformed)
	}
	p.orientation = exifOrientation(exif)
	p.ICC = bytes.Clone(icc)
	return p, nil
}

// A webpFrame is one ANMF chunk (RFC 9649, section 2.7.1.1).
type webpFrame struct {
	bounds  image.Rectangle
	delay   time.Duration
	replace bool // the frame replaces what is below it, else it is blended
	dispose bool // the frame's place is cleared before the next one
	chunks  []byte
}

func parseWebPFrame(data []byte) (webpFrame, error) {
	if len(data) < 16 {
		return webpFrame{}, fmt.Errorf("%w: WebP frame of %d bytes", ErrMalformed, len(data))
	}
	at := image.Pt(2*uint24(data), 2*uint24(data[3:]))
	f := webpFrame{
		bounds:  image.Rectangle{at, at.Add(image.Pt(1+uint24(data[6:]), 1+uint24(data[9:])))},
		delay:   time.Duration(uint24(data[12:])) * time.Millisecond,
		replace: data[15]&2 != 0,
		dispose: data[15]&1 != 0,
	}
	for c, err := range riffChunks(data[16:]) {
		if err != nil {
			return webpFrame{}, err
		}
		if c.id == "ALPH" || c.id == "VP8 " || c.id == "VP8L" {
			f.chunks = appendChunk(f.chunks, c.id, c.data)
		}
	}
	return f, nil
}

// animatedWebP returns the picture whose frames are drawn one over the other.
func animatedWebP(frames []webpFrame, size image.Point) *Picture {
	return &Picture{
		Count:  len(frames),
		Scale:  1,
		Source: size,
		Frames: func(yield func(Frame, error) bool) {
			canvas := newCanvas(size)
			for i, f := range frames {
				img, err := decodeWebPImage(f.chunks, f.bounds.Size())
				if err != nil {
					yield(Frame{}, err)
					return
				}
				frame := smoothPixels(img)
				if f.replace {
					canvas.replace(frame, f.bounds.Min)
				} else {
					canvas.blend(frame, f.bounds.Min)
				}
				if i == len(frames)-1 {
					yield(Frame{canvas.NRGBA, f.delay}, nil)
					return
				}
				if !yield(Frame{canvas.copy(), f.delay}, nil) {
					return
				}
				if f.dispose {
					canvas.clear(f.bounds)
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
	return asNRGBA(img)
}

// decodeWebPImage decodes the image chunks of a still picture or a frame, which
// must have that size.
func decodeWebPImage(chunks []byte, size image.Point) (image.Image, error) {
	if len(chunks) >= 4 && string(chunks[:4]) == "ALPH" {
		var flags [10]byte
		flags[0] = webpAlpha
		header := appendUint24(appendUint24(flags[:4], size.X-1), size.Y-1)
		chunks = append(appendChunk(nil, "VP8X", header), chunks...)
	}
	file := webpFile(chunks)
	config, err := webp.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if image.Pt(config.Width, config.Height) != size {
		return nil, fmt.Errorf("%w: WebP picture of %d x %d pixels in a canvas of %v", ErrMalformed, config.Width, config.Height, size)
	}
	img, err := webp.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if img.Bounds().Size() != size {
		return nil, fmt.Errorf("%w: WebP picture of %v in a canvas of %v", ErrMalformed, img.Bounds().Size(), size)
	}
	switch m := img.(type) {
	case *image.YCbCr:
		expandRange(m)
	case *image.NYCbCrA:
		expandRange(&m.YCbCr)
	}
	return plain(img), nil
}

// VP8 samples have the limited range of ITU-R BT.601 (16 to 235, chroma 16 to
// 240); Go's image.YCbCr, like JFIF, has the full one.
var lumaToFull, chromaToFull, lumaToLimited, chromaToLimited = rangeTables()

func rangeTables() (lumaUp, chromaUp, lumaDown, chromaDown [256]byte) {
	for i := range 256 {
		lumaUp[i] = clampByte((float64(i)-16)*255/219 + 0.5)
		chromaUp[i] = clampByte((float64(i)-128)*255/224 + 128 + 0.5)
		lumaDown[i] = clampByte(float64(i)*219/255 + 16 + 0.5)
		chromaDown[i] = clampByte((float64(i)-128)*224/255 + 128 + 0.5)
	}
	return
}

func clampByte(f float64) byte { return byte(max(0, min(255, f))) }

// expandRange makes full-range samples of limited-range ones, in place.
func expandRange(m *image.YCbCr) {
	mapBytes(m.Y, &lumaToFull)
	mapBytes(m.Cb, &chromaToFull)
	mapBytes(m.Cr, &chromaToFull)
}

func mapBytes(b []byte, table *[256]byte) {
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		low := uint32(table[byte(v)]) | uint32(table[byte(v>>8)])<<8 | uint32(table[byte(v>>16)])<<16 | uint32(table[byte(v>>24)])<<24
		high := uint32(table[byte(v>>32)]) | uint32(table[byte(v>>40)])<<8 | uint32(table[byte(v>>48)])<<16 | uint32(table[byte(v>>56)])<<24
		binary.LittleEndian.PutUint64(b, uint64(low)|uint64(high)<<32)
	}
	for i, v := range b {
		b[i] = table[v]
	}
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
	if err := checkRIFF(len(chunks)); err != nil {
		return err
	}
	_, err = w.Write(webpFile(chunks))
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
		flags |= webpAlpha
	}
	if icc != nil {
		flags |= webpICC
		head = appendChunk(nil, "ICCP", icc)
	}
	return append(append(vp8x(flags, img.Bounds().Size()), head...), chunks...), nil
}

// planesOf returns img, or, for a grey one, a picture of the kind that WebP
// makes of it: it has no grey pictures, so no grey profile fits.
func planesOf(img image.Image) image.Image {
	if _, ok := img.(*image.Gray); ok {
		return &image.YCbCr{}
	}
	return img
}

func vp8x(flags byte, size image.Point) []byte {
	data := appendUint24(appendUint24([]byte{flags, 0, 0, 0}, size.X-1), size.Y-1)
	return appendChunk(nil, "VP8X", data)
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
	planes, a := lossyPlanes(img)
	if a != nil {
		chunks = appendChunk(chunks, "ALPH", a)
	}
	frame, err := vp8.Encode(planes, vp8.Options{Quality: q.quality(), Effort: q.WebPMethod})
	if err != nil { // a picture that the format has no room for
		return nil, false, fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return appendChunk(chunks, "VP8 ", frame), a != nil, nil
}

// losslessChunks is webpImageChunks without loss.
func losslessChunks(img image.Image, q Quality) (chunks []byte, alpha bool, err error) {
	var file bytes.Buffer
	if err := gen.Encode(&file, atOrigin(img), gen.Options{Quality: q.quality(), Method: q.WebPMethod, Lossless: true, Exact: true}); err != nil {
		return nil, false, err
	}
	body, err := webpBody(file.Bytes())
	if err != nil {
		return nil, false, err
	}
	for c, err := range riffChunks(body) {
		if err != nil {
			return nil, false, err
		}
		if c.id == "VP8L" {
			// RFC 9649, section 3.4: bit 28 says that alpha is used.
			alpha = len(c.data) >= 5 && c.data[4]&0x10 != 0
			chunks = appendChunk(chunks, c.id, c.data)
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
		img := toNRGBA(frame.Image)
		part := img.Rect
		if before != nil {
			part = evenCorner(changed(before, img))
		}
		chunks, a, err := webpImageChunks(toNRGBA(img.SubImage(part)), q)
		if err != nil {
			return nil, err
		}
		alpha = alpha || a
		const replace = 2 // do not blend
		head := appendUint24(appendUint24(nil, part.Min.X/2), part.Min.Y/2)
		head = appendUint24(appendUint24(head, part.Dx()-1), part.Dy()-1)
		head = append(appendUint24(head, int(min(frame.Delay.Milliseconds(), 1<<24-1))), replace)
		frames = appendChunk(frames, "ANMF", head, chunks)
		before = img
	}
	flags := byte(webpAnimation)
	if alpha {
		flags |= webpAlpha
	}
	var icc []byte
	if profile := fittingICC(p.ICC, before); profile != nil {
		flags |= webpICC
		icc = appendChunk(nil, "ICCP", profile)
	}
	anim := binary.LittleEndian.AppendUint16([]byte{0, 0, 0, 0}, uint16(min(p.Loops, 1<<16-1)))
	return append(appendChunk(append(vp8x(flags, p.Source), icc...), "ANIM", anim), frames...), nil
}

// evenCorner returns r grown so that its upper left corner is even, as ANMF
// wants it.
func evenCorner(r image.Rectangle) image.Rectangle {
	r.Min.X &^= 1
	r.Min.Y &^= 1
	return r
}
