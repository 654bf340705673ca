package options

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Chroma is the resolution of colours in JPEG and AVIF.
type Chroma uint8

const (
	ChromaHalf Chroma = iota // 4:2:0
	ChromaFull               // 4:4:4
)

// Strip says which metadata is left out of a result. GPS is left out always.
type Strip uint8

const (
	StripAll       Strip = iota
	StripCopyright       // keeps artist and copyright
	StripNone            // keeps EXIF without GPS, maker notes and thumbnail
)

// Profile says what becomes of an embedded colour profile.
type Profile uint8

const (
	ProfileSRGB Profile = iota // colours are converted to sRGB
	ProfileKeep                // embedded where the format can hold it and colours stay RGB or grey
)

// Animation says what becomes of an animation.
type Animation uint8

const (
	AnimationKeep  Animation = iota // it stays one where the format has any
	AnimationStill                  // its first frame is left
)

// Similarity is a structural similarity in ten-thousandths, up to 9999; 0 means
// none.
type Similarity uint16

// Float returns the similarity, 1 for equal pictures.
func (s Similarity) Float() float64 { return float64(s) / 10000 }

const (
	leastSimilarity = 0.5
	mostSimilarity  = 0.9999
	MaxPage         = 9999
)

var outputParams = []param{
	{"f", "format of the result: " + strings.Join(writableNames(), ", ") + ", or auto", groupOutput, "", custom{
		read: func(d *draft, v string) Verdict {
			d.Format = parseFormat(v)
			if d.Format == NoFormat {
				return Unreadable
			}
			return Used
		},
		write: func(o *Options) string { return o.Format.String() },
		words: strings.Join(append(writableNames(), autoNames...), ", "),
		form:  Control{Kind: ControlChoice, Words: append(writableNames(), autoNames...)},
	}},
	{"q", "quality; of PNG and GIF, how many colours the palette has", groupOutput, "w=300&q=20", whole{
		func(o *Options) *int { return &o.Quality }, 1, 100}},
	{"autoq", "the lowest quality at which the result is as similar to the picture as this (SSIM)", groupOutput, "w=300&autoq=0.9", custom{
		read: func(d *draft, v string) Verdict {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil || math.IsNaN(f) || f < 0 {
				return Unreadable
			}
			if f == 0 {
				d.AutoQuality = 0
				return Used
			}
			d.AutoQuality = Similarity(math.Round(max(leastSimilarity, min(mostSimilarity, f)) * 10000))
			if f < leastSimilarity || f > mostSimilarity {
				return Clamped
			}
			return Used
		},
		write: func(o *Options) string {
			if o.AutoQuality == 0 {
				return ""
			}
			return strconv.FormatFloat(o.AutoQuality.Float(), 'f', -1, 64)
		},
		words: fmt.Sprintf("%v to %v", leastSimilarity, mostSimilarity),
		form:  Control{Kind: ControlRange, Min: leastSimilarity, Max: mostSimilarity, Step: 0.005},
	}},
	{"maxbytes", "the highest quality, up to q, at which the file is no longer than this", groupOutput, "w=300&maxbytes=4000", whole{
		func(o *Options) *int { return &o.MaxBytes }, 1, 100 << 20}},
	{"lossless", "keep every pixel, in WebP and AVIF", groupOutput, "", toggle{func(o *Options) *bool { return &o.Lossless }}},
	{"progressive", "JPEG that is shown coarse first", groupOutput, "", toggle{func(o *Options) *bool { return &o.Progressive }}},
	{"chroma", "resolution of colours in JPEG and AVIF", groupOutput, "", choice[Chroma]{
		func(o *Options) *Chroma { return &o.Chroma }, []string{"420", "444"}}},
	{"page", "one frame of an animation, page of a TIFF or picture of an ICO; the first one is 1", groupOutput, "", whole{
		func(o *Options) *int { return &o.Page }, 1, MaxPage}},
	{"anim", "false: the first frame of an animation only", groupOutput, "", choice[Animation]{
		func(o *Options) *Animation { return &o.Animation }, []string{"true", "false"}}},
	{"strip", "metadata that is left out; GPS always is", groupOutput, "", choice[Strip]{
		func(o *Options) *Strip { return &o.Strip }, []string{"all", "copyright", "none"}}},
	{"icc", "convert colours to sRGB, or keep the profile where the format can hold it", groupOutput, "", choice[Profile]{
		func(o *Options) *Profile { return &o.Profile }, []string{"srgb", "keep"}}},
}

// whole is a whole number between min and max; a fraction is cut off. 0 is always
// allowed, and what the field has when nothing is given.
type whole struct {
	field    func(o *Options) *int
	min, max int
}

func (k whole) parse(d *draft, v string) Verdict {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(f) {
		return Unreadable
	}
	if f == 0 {
		*k.field(&d.Options) = 0
		return Used
	}
	n := int(max(float64(k.min), min(float64(k.max), f)))
	*k.field(&d.Options) = n
	if f < float64(k.min) || f >= float64(k.max)+1 {
		return Clamped
	}
	return Used
}

func (k whole) format(o *Options) string { return formatInt(*k.field(o)) }
func (k whole) values() string           { return fmt.Sprintf("%d to %d", k.min, k.max) }

// parseFormat returns NoFormat for a format that cannot be written.
func parseFormat(v string) Format {
	f := FormatByName(v)
	if f.IsAuto() || f.Writable() {
		return f
	}
	return NoFormat
}
