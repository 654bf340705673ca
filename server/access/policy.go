package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/server/config"
)

// A Policy is the claim img of a token: what its owner may ask for. Fields that
// are empty allow everything; a field that is not known is an error, since it
// would have forbidden something.
type Policy struct {
	// Prefix are names of folders, or of pictures, that may be asked for.
	Prefix TextList `json:"prefix"`
	// Presets are those that may be asked for; nothing else that changes pixels
	// may, save f.
	Presets TextList `json:"presets"`
	// MaxW and MaxH bound the result, in pixels.
	MaxW int `json:"max_w"`
	MaxH int `json:"max_h"`
	// WM is a watermark that lies over every picture.
	WM string `json:"wm"`
}

// UnmarshalJSON refuses what it does not know.
func (p *Policy) UnmarshalJSON(data []byte) error {
	type plain Policy
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode((*plain)(p)); err != nil {
		return err
	}
	if p.MaxW < 0 || p.MaxH < 0 {
		return fmt.Errorf("img: %d x %d is no size", p.MaxW, p.MaxH)
	}
	return nil
}

// A TextList is written as one text or as a list of them.
type TextList []string

func (l *TextList) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		*l = make(TextList, 1)
		return json.Unmarshal(data, &(*l)[0])
	}
	list := []string{}
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*l = list
	return nil
}

// Narrow returns the options with what the policy says of pixels, for a handler
// whose results are of at most so many pixels a side, and that has the watermarks
// of which marked reports it. It returns options that are narrow already as they
// are.
func (p *Policy) Narrow(o resize.Options, largest int, marked func(name string) bool) (resize.Options, error) {
	if p.MaxW > 0 || p.MaxH > 0 {
		o = o.Within(atMost(p.MaxW, largest), atMost(p.MaxH, largest))
	}
	if p.WM != "" {
		return p.mark(o, largest, marked)
	}
	return o, nil
}

// AllowsName returns an error if pictures of that name may not be asked for.
func (p *Policy) AllowsName(name string) error {
	if p.Prefix != nil && !slices.ContainsFunc(p.Prefix, func(folder string) bool { return Within(name, folder) }) {
		return fmt.Errorf("%w: the token is for other names", ErrVerification)
	}
	return nil
}

// atMost returns a bound in pixels: that of the policy, 0 for none, or that of the
// handler if it is less.
func atMost(n, largest int) int {
	if n == 0 {
		return largest
	}
	return min(n, largest)
}

// Within reports whether a name is in a folder, or is it.
func Within(name, folder string) bool {
	folder = strings.TrimSuffix(folder, "/")
	rest, ok := strings.CutPrefix(name, folder)
	return ok && (folder == "" || rest == "" || rest[0] == '/')
}

// AllowsPresets returns an error if a query asks for other presets, or for what is
// none; of details no presets are asked for.
func (p *Policy) AllowsPresets(query url.Values, details bool) error {
	for param := range query {
		if resize.KnownParam(param) && param != "f" || param == config.SrcsetParam {
			return fmt.Errorf("%w: the token is for presets, and %s is none", ErrVerification, param)
		}
	}
	for name := range strings.SplitSeq(query.Get(config.PresetParam), ",") {
		if !details && !slices.Contains(p.Presets, name) {
			return fmt.Errorf("%w: the token is for other presets", ErrVerification)
		}
	}
	return nil
}

// mark lays the watermark of the policy over the picture, in its usual place and
// strength, whatever the URL says. Nothing is around the picture or over the
// mark: it would lie there instead of on the picture, or be covered.
func (p *Policy) mark(o resize.Options, largest int, marked func(name string) bool) (resize.Options, error) {
	mark := resize.ParseOptions(func(name string) string {
		if name == "wm" {
			return p.WM
		}
		return ""
	}, largest).Watermark
	if !marked(mark.Name) {
		return o, fmt.Errorf("%w: the watermark of the token is not in the configuration", ErrVerification)
	}
	o = o.Bare()
	o.Watermark = mark
	return o, nil
}
