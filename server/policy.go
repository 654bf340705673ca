package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"s3imageserver/resize"
)

// A policy is the claim img of a token: what its owner may ask for. Fields that
// are empty allow everything; a field that is not known is an error, since it
// would have forbidden something.
type policy struct {
	// Prefix are names of folders, or of pictures, that may be asked for.
	Prefix textList `json:"prefix"`
	// Presets are those that may be asked for; nothing else that changes pixels
	// may, save f.
	Presets textList `json:"presets"`
	// MaxW and MaxH bound the result, in pixels.
	MaxW int `json:"max_w"`
	MaxH int `json:"max_h"`
	// WM is a watermark that lies over every picture.
	WM string `json:"wm"`
}

// UnmarshalJSON refuses what it does not know.
func (p *policy) UnmarshalJSON(data []byte) error {
	type plain policy
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

// A textList is written as one text or as a list of them.
type textList []string

func (l *textList) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		*l = make(textList, 1)
		return json.Unmarshal(data, &(*l)[0])
	}
	list := []string{}
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*l = list
	return nil
}

// apply narrows a request to what the policy allows. What cannot be narrowed is
// an error that wraps errVerification.
func (p *policy) apply(h *Handler, req *request) error {
	if p.Prefix != nil && !slices.ContainsFunc(p.Prefix, func(folder string) bool { return within(req.name, folder) }) {
		return fmt.Errorf("%w: the token is for other names", errVerification)
	}
	if p.Presets != nil {
		if err := p.allowsPresets(req); err != nil {
			return err
		}
	}
	if p.MaxW > 0 || p.MaxH > 0 {
		p.bound(req, h.config.MaxDimension)
	}
	if p.WM != "" {
		return p.mark(h, req)
	}
	return nil
}

// within reports whether a name is in a folder, or is it.
func within(name, folder string) bool {
	folder = strings.TrimSuffix(folder, "/")
	rest, ok := strings.CutPrefix(name, folder)
	return ok && (folder == "" || rest == "" || rest[0] == '/')
}

func (p *policy) allowsPresets(req *request) error {
	for param := range req.query {
		if resize.KnownParam(param) && param != "f" || param == srcsetParam {
			return fmt.Errorf("%w: the token is for presets, and %s is none", errVerification, param)
		}
	}
	for name := range strings.SplitSeq(req.query.Get(presetParam), ",") {
		if req.info == nil && !slices.Contains(p.Presets, name) {
			return fmt.Errorf("%w: the token is for other presets", errVerification)
		}
	}
	return nil
}

// bound keeps results and widths below what the policy allows; most is what the
// handler does.
func (p *policy) bound(req *request, most int) {
	w, h := most, most
	if p.MaxW > 0 {
		w = min(w, p.MaxW)
	}
	if p.MaxH > 0 {
		h = min(h, p.MaxH)
	}
	req.options = req.options.Within(w, h)
	for i := range req.widths {
		req.widths[i] = min(req.widths[i], w)
	}
	req.widths = slices.Compact(req.widths) // they are sorted
}

// mark lays the watermark of the policy over the picture, in its usual place and
// strength, whatever the URL says.
func (p *policy) mark(h *Handler, req *request) error {
	o := resize.ParseOptions(func(name string) string {
		if name == "wm" {
			return p.WM
		}
		return ""
	}, h.config.MaxDimension)
	if h.overlays.marks[o.Watermark.Name] == nil {
		return fmt.Errorf("%w: the watermark of the token is not in the configuration", errVerification)
	}
	req.options.Watermark = o.Watermark
	return nil
}
