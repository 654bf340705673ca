package dialect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
)

// An optionRow is one of imgproxy's options.
type optionRow struct {
	most int // arguments; 0: any number
	set  func(p *reading, args []string) *Fault
}

// imgproxyTypes are what a box may mean.
var imgproxyTypes = []string{"fit", "fill", "fill-down", "force", "auto"}

// imgproxyAliases are the short names of options.
var imgproxyAliases = map[string]string{
	"rs": "resize", "s": "size", "rt": "resizing_type", "w": "width", "h": "height", "mw": "min-width", "min_width": "min-width", "mh": "min-height",
	"min_height": "min-height", "z": "zoom", "el": "enlarge", "ex": "extend", "exar": "extend_aspect_ratio", "extend_ar": "extend_aspect_ratio",
	"g": "gravity", "c": "crop", "t": "trim", "pd": "padding", "ar": "auto_rotate", "rot": "rotate", "fl": "flip", "bg": "background",
	"bga": "background_alpha", "bl": "blur", "sh": "sharpen", "pix": "pixelate", "br": "brightness", "co": "contrast", "sa": "saturation", "a": "adjust",
	"mc": "monochrome", "dt": "duotone", "wm": "watermark", "wmu": "watermark_url", "q": "quality", "fq": "format_quality", "mb": "max_bytes",
	"f": "format", "ext": "format", "sm": "strip_metadata", "kcr": "keep_copyright", "scp": "strip_color_profile", "ph": "preserve_hdr",
	"eth": "enforce_thumbnail", "pg": "page", "da": "disable_animation", "skp": "skip_processing", "cb": "cachebuster", "exp": "expires",
	"fn": "filename", "att": "return_attachment", "pr": "preset", "mrd": "max_result_dimension",
	"msr": "max_src_resolution", "msfs": "max_src_file_size", "maf": "max_animation_frames", "mafr": "max_animation_frame_resolution",
}

// imgproxyOptions is the table of options, by their long names. It is put
// together in init since presets are options that name others.
var imgproxyOptions map[string]optionRow

func init() {
	imgproxyOptions = map[string]optionRow{
		"resize": {8, func(p *reading, args []string) *Fault {
			if t := arg(args, 0); t != "" {
				if f := p.setType(t); f != nil {
					return f
				}
			}
			return p.setSize(args[min(1, len(args)):])
		}},
		"size":          {7, func(p *reading, args []string) *Fault { return p.setSize(args) }},
		"resizing_type": {1, func(p *reading, args []string) *Fault { return p.setType(arg(args, 0)) }},
		"width":         {1, lengthOption(func(s *imgproxy) *int { return &s.Width })},
		"height":        {1, lengthOption(func(s *imgproxy) *int { return &s.Height })},
		"min-width":     {1, lengthOption(func(s *imgproxy) *int { return &s.MinWidth })},
		"min-height":    {1, lengthOption(func(s *imgproxy) *int { return &s.MinHeight })},
		"zoom": {2, func(p *reading, args []string) *Fault {
			if !number(&p.shape.ZoomX, arg(args, 0), 1e-6, 1e6) {
				return bad()
			}
			p.shape.ZoomY = p.shape.ZoomX
			if len(args) > 1 && !number(&p.shape.ZoomY, args[1], 1e-6, 1e6) {
				return bad()
			}
			return nil
		}},
		"dpr": {1, func(p *reading, args []string) *Fault {
			if !number(&p.shape.DPR, arg(args, 0), 1e-6, 1e6) {
				return bad()
			}
			return nil
		}},
		"enlarge":             {1, func(p *reading, args []string) *Fault { p.shape.Enlarge = truth(arg(args, 0)); return nil }},
		"extend":              {4, func(p *reading, args []string) *Fault { return p.shape.Extend.read(args) }},
		"extend_aspect_ratio": {4, func(p *reading, args []string) *Fault { return p.shape.ExtendRatio.read(args) }},
		"gravity": {3, func(p *reading, args []string) *Fault {
			return readPlace(&p.shape.Gravity, args, "sm")
		}},
		"crop": {5, setCrop},
		"trim": {4, func(p *reading, args []string) *Fault {
			t := arg(args, 0)
			delete(p.params, "trim")
			if t == "" {
				return nil
			}
			var n float64
			if !number(&n, t, 0, 1e6) {
				return bad()
			}
			p.params.set("trim", trimOf(n))
			return nil
		}},
		"padding": {4, func(p *reading, args []string) *Fault {
			s := &p.shape.Padding
			for i, a := range args {
				if !length(&s[i], a) {
					return bad()
				}
				if a == "" {
					continue
				}
				switch i { // as in CSS
				case 0:
					s[1], s[2], s[3] = s[0], s[0], s[0]
				case 1:
					s[3] = s[1]
				}
			}
			return nil
		}},
		"auto_rotate": {1, func(p *reading, args []string) *Fault { p.shape.Turn = truth(arg(args, 0)); return nil }},
		"rotate": {1, func(p *reading, args []string) *Fault {
			n, err := strconv.Atoi(arg(args, 0))
			if err != nil || n%90 != 0 {
				return bad()
			}
			p.shape.Rotate = ((n/90)%4 + 4) % 4
			return nil
		}},
		"flip": {2, func(p *reading, args []string) *Fault {
			p.shape.FlipH, p.shape.FlipV = truth(arg(args, 0)), truth(arg(args, 1))
			return nil
		}},
		"background":       {3, setBackground},
		"background_alpha": {1, setBackgroundAlpha},
		"blur":             {1, sigma("blur", 0.3)},
		"sharpen":          {1, sigma("sharpen", 0.1)},
		"pixelate": {1, func(p *reading, args []string) *Fault {
			var n int
			if !length(&n, arg(args, 0)) {
				return bad()
			}
			delete(p.params, "pixelate")
			if n > 1 {
				p.params.set("pixelate", n)
			}
			return nil
		}},
		"brightness": {1, func(p *reading, args []string) *Fault { return p.adjust(arg(args, 0), "", "") }},
		"contrast":   {1, func(p *reading, args []string) *Fault { return p.adjust("", arg(args, 0), "") }},
		"saturation": {1, func(p *reading, args []string) *Fault { return p.adjust("", "", arg(args, 0)) }},
		"adjust": {3, func(p *reading, args []string) *Fault {
			return p.adjust(arg(args, 0), arg(args, 1), arg(args, 2))
		}},
		"monochrome": {2, func(p *reading, args []string) *Fault {
			var n float64
			if !number(&n, arg(args, 0), 0, 1) {
				return bad()
			}
			delete(p.params, "tint")
			color, ok := hexColor(orText(arg(args, 1), "b3b3b3"))
			if !ok {
				return bad()
			}
			if n > 0 {
				p.params.set("tint", color[:6]+hexByte(n))
			}
			return nil
		}},
		"duotone": {3, func(p *reading, args []string) *Fault {
			var n float64
			if !number(&n, arg(args, 0), 0, 1) {
				return bad()
			}
			delete(p.params, "duotone")
			dark, ok1 := hexColor(orText(arg(args, 1), "000000"))
			light, ok2 := hexColor(orText(arg(args, 2), "ffffff"))
			if !ok1 || !ok2 {
				return bad()
			}
			if n > 0 {
				p.params.set("duotone", dark[:6]+","+light[:6])
			}
			return nil
		}},
		"watermark": {5, setWatermark},
		"quality": {1, func(p *reading, args []string) *Fault {
			n := 0
			if a := arg(args, 0); a == "" || !length(&n, a) || n > 100 {
				return bad()
			}
			p.format.quality = n
			return nil
		}},
		"format_quality": {0, func(p *reading, args []string) *Fault {
			if len(args)%2 != 0 {
				return bad()
			}
			for i := 0; i < len(args); i += 2 {
				f := resize.FormatByName(args[i])
				n := 0
				if f == resize.NoFormat || f.IsAuto() || !length(&n, args[i+1]) || n > 100 {
					return bad()
				}
				p.by[f.String()] = n
			}
			return nil
		}},
		"max_bytes": {1, func(p *reading, args []string) *Fault {
			n, err := strconv.ParseUint(arg(args, 0), 10, 31)
			if err != nil {
				return bad()
			}
			p.params.set("maxbytes", n)
			return nil
		}},
		"format":         {1, func(p *reading, args []string) *Fault { return p.setFormat(args) }},
		"strip_metadata": {1, func(p *reading, args []string) *Fault { p.stripped = truth(arg(args, 0)); return nil }},
		"keep_copyright": {1, func(p *reading, args []string) *Fault { p.copyright = truth(arg(args, 0)); return nil }},
		"strip_color_profile": {1, func(p *reading, args []string) *Fault {
			p.params.set("icc", word(truth(arg(args, 0)), "srgb", "keep"))
			return nil
		}},
		"preserve_hdr":      {1, nothing},
		"enforce_thumbnail": {1, nothing},
		"cachebuster":       {1, nothing},
		"bypass_cache":      {1, nothing},
		"cache_tags":        {0, nothing},
		"page": {1, func(p *reading, args []string) *Fault {
			n := 0
			if a := arg(args, 0); a == "" || !length(&n, a) {
				return bad()
			}
			p.params.set("page", n+1)
			return nil
		}},
		"disable_animation": {1, func(p *reading, args []string) *Fault { p.params.set("anim", !truth(arg(args, 0))); return nil }},
		"raw": {1, func(p *reading, args []string) *Fault {
			p.format.raw = rawNever
			if truth(arg(args, 0)) {
				p.format.raw = rawAlways
			}
			return nil
		}},
		"skip_processing": {0, func(p *reading, args []string) *Fault {
			for _, a := range args {
				if f := resize.FormatByName(a); f != resize.NoFormat && !f.IsAuto() {
					p.raw = append(p.raw, f.String())
				}
			}
			slices.Sort(p.raw)
			p.format.skip = strings.Join(slices.Compact(p.raw), ",")
			return nil
		}},
		"expires": {1, func(p *reading, args []string) *Fault {
			n, err := strconv.ParseInt(arg(args, 0), 10, 64)
			if err != nil || n < 0 {
				return bad()
			}
			p.expires = time.Time{}
			if n > 0 {
				if p.expires = time.Unix(n, 0); p.expires.Before(p.call.Now) {
					return &Fault{Cause: Expired}
				}
			}
			return nil
		}},
		"filename": {2, func(p *reading, args []string) *Fault {
			name := arg(args, 0)
			if truth(arg(args, 1)) {
				var ok bool
				if name, ok = fromBase64(name); !ok {
					return bad()
				}
			} else if text, err := unescape(name); err == nil {
				name = text
			}
			p.name = name
			return nil
		}},
		"return_attachment": {1, func(p *reading, args []string) *Fault {
			p.disposition = word(truth(arg(args, 0)), "attachment", "inline")
			return nil
		}},
		"preset": {0, func(p *reading, args []string) *Fault {
			for _, name := range args {
				options, ok := p.d.presets[name]
				if !ok {
					return &Fault{Cause: BadOption, Text: "there is no preset " + strconv.Quote(name)}
				}
				if f := p.preset(name, options); f != nil {
					return f
				}
			}
			return nil
		}},
		"max_result_dimension":           {1, lengthOption(func(s *imgproxy) *int { return &s.Most })},
		"max_src_resolution":             {1, forbidden},
		"max_src_file_size":              {1, forbidden},
		"max_animation_frames":           {1, forbidden},
		"max_animation_frame_resolution": {1, forbidden},
	}
}

// nothing is an option that changes no picture here.
func nothing(*reading, []string) *Fault { return nil }

// forbidden is an option that would set a bound of the operator.
func forbidden(*reading, []string) *Fault {
	return &Fault{Cause: BadSignature, Text: "URLs may not set bounds"}
}

func lengthOption(field func(s *imgproxy) *int) func(p *reading, args []string) *Fault {
	return func(p *reading, args []string) *Fault {
		n := 0
		if !length(&n, arg(args, 0)) {
			return bad()
		}
		*field(&p.shape) = n
		return nil
	}
}

// sigma is the strength of a filter, which below least does nothing.
func sigma(name string, least float64) func(p *reading, args []string) *Fault {
	return func(p *reading, args []string) *Fault {
		var n float64
		if !number(&n, arg(args, 0), 0, 1e6) {
			return bad()
		}
		delete(p.params, name)
		if n >= least {
			p.params.set(name, n)
		}
		return nil
	}
}

func (p *reading) setType(t string) *Fault {
	if !slices.Contains(imgproxyTypes, t) {
		return bad()
	}
	p.shape.Type = t
	return nil
}

// setSize reads width, height, enlarge and extend, all of which may be empty.
func (p *reading) setSize(args []string) *Fault {
	s := &p.shape
	w, h := 0, 0
	if !length(&w, arg(args, 0)) || !length(&h, arg(args, 1)) {
		return bad()
	}
	if arg(args, 0) != "" {
		s.Width = w
	}
	if arg(args, 1) != "" {
		s.Height = h
	}
	if a := arg(args, 2); a != "" {
		s.Enlarge = truth(a)
	}
	if len(args) > 3 && args[3] != "" {
		return s.Extend.read(args[3:])
	}
	return nil
}

func setCrop(p *reading, args []string) *Fault {
	s := &p.shape
	s.CropW, s.CropH, s.CropPlace = 0, 0, place{}
	if a := arg(args, 0); a != "" && !number(&s.CropW, a, 0, longest) {
		return bad()
	}
	if a := arg(args, 1); a != "" && !number(&s.CropH, a, 0, longest) {
		return bad()
	}
	if len(args) > 2 {
		return readPlace(&s.CropPlace, args[2:], "sm")
	}
	return nil
}

func setBackground(p *reading, args []string) *Fault {
	p.background = ""
	switch len(args) {
	case 1:
		if args[0] == "" {
			return nil
		}
		color, ok := hexColor(args[0])
		if !ok || len(args[0]) != 3 && len(args[0]) != 6 {
			return bad()
		}
		p.background = color[:6]
	case 3:
		for _, a := range args {
			n, err := strconv.ParseUint(a, 10, 8)
			if err != nil {
				return bad()
			}
			p.background += fmt.Sprintf("%02x", n)
		}
	default:
		return bad()
	}
	return nil
}

func setBackgroundAlpha(p *reading, args []string) *Fault {
	var n float64
	if !number(&n, arg(args, 0), 0, 1) {
		return bad()
	}
	p.alpha = ""
	if n < 1 {
		p.alpha = hexByte(n)
	}
	return nil
}

// adjust sets brightness, contrast and saturation; an empty one stays.
func (p *reading) adjust(brightness, contrast, saturation string) *Fault {
	var v float64
	if brightness != "" {
		if !number(&v, brightness, -255, 255) {
			return bad()
		}
		p.params.set("bri", v/2.55)
	}
	for name, text := range map[string]string{"con": contrast, "sat": saturation} {
		if text == "" {
			continue
		}
		if !number(&v, text, 0, 1e6) {
			return bad()
		}
		p.params.set(name, math.Min(100, (v-1)*100))
	}
	return nil
}

// watermarkName is the watermark of the configuration that an URL means which
// names none.
const watermarkName = "default"

func setWatermark(p *reading, args []string) *Fault {
	var opacity float64
	if !number(&opacity, arg(args, 0), 0, 1) {
		return bad()
	}
	for _, name := range []string{"wm", "wmo", "wmg", "wmt", "wms"} {
		delete(p.params, name)
	}
	if opacity == 0 {
		return nil
	}
	where := place{Word: "ce"}
	switch word := arg(args, 1); word {
	case "re", "ch":
		p.params.set("wmt", true)
	case "":
	default:
		if f := readPlace(&where, args[1:2]); f != nil {
			return f
		}
	}
	for _, a := range args[min(2, len(args)):min(4, len(args))] {
		var n float64
		if a != "" && !number(&n, a, -longest, longest) {
			return bad()
		}
	}
	if a := arg(args, 4); a != "" {
		var scale float64
		if !number(&scale, a, 0, 1e6) {
			return bad()
		}
		if scale > 0 {
			p.params.set("wms", math.Min(100, scale*100))
		}
	}
	p.params.set("wm", watermarkName)
	p.params.set("wmo", opacity*100)
	if g := where.gravity(); g != "" {
		p.params.set("wmg", g)
	}
	return nil
}
