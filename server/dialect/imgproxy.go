package dialect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
)

// An imgproxyOption is one of a path: its name and its arguments.
type imgproxyOption struct {
	name string
	args []string
}

const (
	maxImgproxyOptions = 256 // of a URL, those of its presets among them
	maxPathBytes       = 16 << 10
)

// checkImgproxy reads the presets.
func checkImgproxy(d *Dialect) error {
	d.presets = map[string][]imgproxyOption{}
	for name, text := range d.config.Presets {
		var options []imgproxyOption
		for part := range strings.SplitSeq(strings.Trim(text, "/"), "/") {
			o, ok := d.imgproxyOption(part)
			if !ok {
				return fmt.Errorf("presets.%s: %q is no option with its arguments", name, part)
			}
			options = append(options, o)
		}
		d.presets[name] = options
	}
	for name, options := range d.presets {
		p := d.newImgproxy(&Call{Now: time.Unix(0, 0)})
		if f := p.apply(options, true); f != nil {
			return fmt.Errorf("presets.%s: %s", name, f.Text)
		}
	}
	return nil
}

func (d *Dialect) separator() string {
	if s := d.config.ArgumentsSeparator; s != "" {
		return s
	}
	return ":"
}

func (d *Dialect) imgproxyOption(part string) (o imgproxyOption, ok bool) {
	args := strings.Split(part, d.separator())
	return imgproxyOption{args[0], args[1:]}, len(args) > 1
}

// parseImgproxy reads /SIGNATURE/OPTION/.../SOURCE.
func parseImgproxy(d *Dialect, c *Call, r *Request) *Fault {
	if len(c.Path) > maxPathBytes {
		return &Fault{Cause: BadURL, Text: "the path is too long"}
	}
	signature, path, ok := strings.Cut(strings.TrimPrefix(c.Path, "/"), "/")
	if !ok || signature == "" {
		return &Fault{Cause: BadURL, Text: "the path has no signature"}
	}
	path = mendImgproxy("/" + path)
	switch {
	case strings.Contains(signature, ":"):
		return &Fault{Cause: BadSignature, Text: "an option stands where the signature belongs"}
	case !d.config.Unsigned && !d.keys.imgproxy(signature, path):
		return &Fault{Cause: BadSignature}
	}
	parts := strings.Split(path[1:], "/")
	if slices.Contains(imgproxyTypes, parts[0]) {
		return &Fault{Cause: BadURL, Text: "URLs of this old form are not read"}
	}
	p := d.newImgproxy(c)
	if preset, ok := d.presets["default"]; ok {
		if f := p.preset("default", preset); f != nil {
			return f
		}
	}
	var options []imgproxyOption
	if d.config.OnlyPresets {
		options = []imgproxyOption{{"pr", strings.Split(parts[0], d.separator())}}
		parts = parts[1:]
	}
	for !d.config.OnlyPresets && len(parts) > 0 {
		o, ok := d.imgproxyOption(parts[0])
		if !ok {
			break
		}
		options, parts = append(options, o), parts[1:]
	}
	if f := p.apply(options, d.config.OnlyPresets); f != nil {
		return f
	}
	source, extension, f := d.imgproxySource(parts)
	if f != nil {
		return f
	}
	if extension != "" {
		if f := p.setFormat([]string{extension}); f != nil {
			return f
		}
	}
	if r.Source, f = d.source(mend(source), ""); f != nil {
		return f
	}
	p.finish(r)
	return nil
}

// mendImgproxy repairs what proxies on the way have changed: signatures are
// over the repaired path.
func mendImgproxy(path string) string {
	options, source, plain := strings.Cut(path, "/plain/")
	options = strings.NewReplacer("%3A", ":", "%3a", ":").Replace(options)
	if !plain {
		return options
	}
	return options + "/plain/" + mend(source)
}

// imgproxySource reads what stands behind the options.
func (d *Dialect) imgproxySource(parts []string) (source, extension string, f *Fault) {
	bad := func(why string) (string, string, *Fault) { return "", "", &Fault{Cause: BadURL, Text: why} }
	if len(parts) == 0 || parts[0] == "" {
		return bad("no source is named")
	}
	if parts[0] == "plain" && len(parts) > 1 {
		text := strings.Split(strings.Join(parts[1:], "/"), "@")
		if len(text) > 2 {
			return bad("the source has two formats")
		}
		source, err := unescape(text[0])
		if err != nil || source == "" {
			return bad("the source cannot be read")
		}
		return source, strings.Join(text[1:], ""), nil
	}
	encrypted := parts[0] == "enc" && len(parts) > 1
	if encrypted {
		parts = parts[1:]
	}
	if d.config.Base64URLIncludesFilename && len(parts) > 1 {
		parts = parts[:len(parts)-1]
	}
	text := strings.Split(strings.Join(parts, ""), ".")
	if len(text) > 2 {
		return bad("the source has two formats")
	}
	var ok bool
	if encrypted {
		source, ok = d.keys.decrypt(text[0])
	} else {
		source, ok = fromBase64(text[0])
	}
	if !ok || source == "" {
		return bad("the source cannot be read")
	}
	return source, strings.Join(text[1:], ""), nil
}

// A reading is imgproxy's options on their way to a request.
type reading struct {
	d       *Dialect
	call    *Call
	shape   imgproxy
	params  params
	format  format
	by      map[string]int // qualities
	options int            // so far
	used    []string       // presets, whose loops are cut
	preset_ bool           // options come from a preset

	stripped, copyright bool // metadata
	background          string
	alpha               string
	disposition         string
	name                string
	expires             time.Time
	raw                 []string // formats that are not worked on
}

func (d *Dialect) newImgproxy(call *Call) *reading {
	hinted := *call
	c := &hinted
	if c.DPR > 0 { // the hint is of pixels of the screen
		c.Width = int(float64(c.Width) / c.DPR)
	}
	return &reading{d: d, call: c, params: params{}, by: map[string]int{}, stripped: true, copyright: true, disposition: "inline",
		shape: imgproxy{Type: "fit", DPR: max(c.DPR, 0), Width: max(c.Width, 0), ZoomX: 1, ZoomY: 1, Turn: true, Gravity: place{Word: "ce"}}}
}

// apply sets options, of a preset or of a URL.
func (p *reading) apply(options []imgproxyOption, preset bool) *Fault {
	before := p.preset_
	defer func() { p.preset_ = before }()
	p.preset_ = preset
	for _, o := range options {
		if p.options++; p.options > maxImgproxyOptions {
			return &Fault{Cause: BadURL, Text: "there are too many options"}
		}
		row, ok := imgproxyOptions[o.name]
		name := o.name
		if long, is := imgproxyAliases[o.name]; is {
			row, ok, name = imgproxyOptions[long], true, long
		}
		switch {
		case !ok && p.d.config.Lenient:
			continue
		case !ok:
			return &Fault{Cause: BadOption, Text: "there is no option " + strconv.Quote(o.name)}
		case !preset && p.d.limits.Allowed != nil && !slices.Contains(p.d.limits.Allowed, name) && !slices.Contains(p.d.limits.Allowed, o.name):
			return &Fault{Cause: BadOption, Text: "option " + name + " is not allowed"}
		}
		if row.most > 0 && len(o.args) > row.most {
			return &Fault{Cause: BadOption, Text: "option " + name + " has too many arguments"}
		}
		if f := row.set(p, o.args); f != nil {
			if f.Text == "" {
				f.Text = "option " + name + " cannot be read"
			}
			return f
		}
	}
	return nil
}

func (p *reading) preset(name string, options []imgproxyOption) *Fault {
	if slices.Contains(p.used, name) {
		return nil
	}
	p.used = append(p.used, name)
	defer func() { p.used = p.used[:len(p.used)-1] }()
	return p.apply(options, true)
}

// bad is an option that cannot be read.
func bad() *Fault { return &Fault{Cause: BadOption} }

// arg returns an argument, "" if it is not given.
func arg(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

// length reads a whole number that is not negative; an empty one leaves n.
func length(n *int, text string) bool {
	if text == "" {
		return true
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < 0 {
		return false
	}
	*n = min(v, longest)
	return true
}

// number reads a finite number between two.
func number(n *float64, text string, min, max float64) bool {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= min && v <= max) {
		return false
	}
	*n = v
	return true
}

// truth reads the words of [strconv.ParseBool]; any other word is false.
func truth(text string) bool {
	v, err := strconv.ParseBool(text)
	return err == nil && v
}

func (p *reading) setFormat(args []string) *Fault {
	switch name := strings.ToLower(arg(args, 0)); name {
	case "", "best":
		p.format.format = resize.NoFormat
	case "jpg", "jpeg", "png", "webp", "avif", "gif", "tiff", "bmp":
		p.format.format = resize.FormatByName(name)
	case "ico", "heic", "jxl", "svg", "mp4":
		return &Fault{Cause: Unwritable, Text: name + " is not written"}
	default:
		return &Fault{Cause: BadOption, Text: "there is no such format"}
	}
	if f := p.format.format; f == resize.AVIF && !p.d.limits.writes(f) {
		return &Fault{Cause: Unwritable, Text: "avif is not written"}
	}
	return nil
}

// finish puts what has been read into a request.
func (p *reading) finish(r *Request) {
	switch {
	case !p.stripped:
		p.params.set("strip", "none")
	case p.copyright:
		p.params.set("strip", "copyright")
	}
	if p.background != "" {
		p.params.set("bg", p.background+p.alpha)
	}
	if !p.shape.Turn {
		p.params.set("orient", 1)
	}
	p.format.by = qualities(p.by)
	if f := p.format.format; f == resize.NoFormat {
		p.format.format, r.Delivery.Vary = negotiated(p.call.Accept, &p.d.limits, p.d.limits.Auto)
	}
	r.shape, r.params, r.format = p.shape.normal(), p.params, p.format
	r.Delivery.Disposition, r.Delivery.FileName, r.Delivery.Expires = p.disposition, p.name, p.expires
}
