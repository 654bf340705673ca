package resize

import (
	"net/url"

	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
)

// What a picture is to become is said in the words of package options. Users of
// this package find them here too.
type (
	Animation   = options.Animation
	Background  = options.Background
	Border      = options.Border
	Chroma      = options.Chroma
	Color       = options.Color
	Control     = options.Control
	ControlKind = options.ControlKind
	Crop        = options.Crop
	Duotone     = options.Duotone
	Effects     = options.Effects
	Fit         = options.Fit
	Flip        = options.Flip
	Format      = options.Format
	Gravity     = options.Gravity
	Hundredths  = options.Hundredths
	Length      = options.Length
	Note        = options.Note
	Options     = options.Options
	Param       = options.Param
	Profile     = options.Profile
	Ratio       = options.Ratio
	Rounding    = options.Rounding
	Sides       = options.Sides
	Similarity  = options.Similarity
	Strip       = options.Strip
	Text        = options.Text
	Verdict     = options.Verdict
	Watermark   = options.Watermark
)

// What is laid over pictures.
type (
	Overlay = paint.Overlay
	Font    = paint.Font
)

// ParseFont is [paint.ParseFont].
func ParseFont(file []byte) (*Font, error) { return paint.ParseFont(file) }

// Constants of the options.
const (
	DefaultMaxDimension = options.DefaultMaxDimension
	Used                = options.Used
	Clamped             = options.Clamped
	Unreadable          = options.Unreadable
	NotEnabled          = options.NotEnabled
	Unknown             = options.Unknown

	NoFormat = options.NoFormat
	JPEG     = options.JPEG
	PNG      = options.PNG
	WebP     = options.WebP
	GIF      = options.GIF
	BMP      = options.BMP
	TIFF     = options.TIFF
	AVIF     = options.AVIF
	HEIC     = options.HEIC
	JXL      = options.JXL
	ICO      = options.ICO
	Auto     = options.Auto
	AutoAVIF = options.AutoAVIF
	AutoWebP = options.AutoWebP
	AutoJPEG = options.AutoJPEG

	Cover        = options.Cover
	Contain      = options.Contain
	ScaleDown    = options.ScaleDown
	Pad          = options.Pad
	Stretch      = options.Stretch
	AutoFit      = options.AutoFit
	RoundDown    = options.RoundDown
	RoundNear    = options.RoundNear
	DensityParam = options.DensityParam

	FlipX = options.FlipX
	FlipY = options.FlipY

	ChromaHalf     = options.ChromaHalf
	ChromaFull     = options.ChromaFull
	StripAll       = options.StripAll
	StripCopyright = options.StripCopyright
	StripNone      = options.StripNone
	ProfileSRGB    = options.ProfileSRGB
	ProfileKeep    = options.ProfileKeep
	AnimationKeep  = options.AnimationKeep
	AnimationStill = options.AnimationStill

	NoWatermark = options.NoWatermark

	ControlText   = options.ControlText
	ControlNumber = options.ControlNumber
	ControlRange  = options.ControlRange
	ControlSwitch = options.ControlSwitch
	ControlChoice = options.ControlChoice
	ControlColor  = options.ControlColor
)

// FormatByName is [options.FormatByName].
func FormatByName(name string) Format { return options.FormatByName(name) }

// FormatByMediaType is [options.FormatByMediaType].
func FormatByMediaType(mediaType string) Format { return options.FormatByMediaType(mediaType) }

// ParseQuery is [options.ParseQuery].
func ParseQuery(query string) url.Values { return options.ParseQuery(query) }

// ParseOptions is [options.Parse].
func ParseOptions(get func(name string) string, max int) Options { return options.Parse(get, max) }

// ExplainOptions is [options.Explain].
func ExplainOptions(get func(name string) string, max int, note func(Note)) Options {
	return options.Explain(get, max, note)
}

// Params is [options.Params].
func Params() []Param { return options.Params() }

// KnownParam is [options.KnownParam].
func KnownParam(name string) bool { return options.KnownParam(name) }

// KnownFont is [options.KnownFont].
func KnownFont(name string) bool { return options.KnownFont(name) }

// Step is [options.Step].
func Step(n int, steps []int) int { return options.Step(n, steps) }
