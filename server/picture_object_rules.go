package server

import (
	"cmp"
	"fmt"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/storage"
)

// applyObjectRules puts what the object says about itself where the request says nothing:
// the focal point and the crop, the quality, the watermark. What cannot be read
// counts as absent. This happens while a result is made, since the object is not
// known before: what a rule changes without a parameter in the key, it changes
// for all requests of that key alike.
func (m *maker) applyObjectRules(req *request, meta storage.Meta) error {
	if !m.config.ObjectRules || meta == (storage.Meta{}) {
		return nil
	}
	rules := resize.ParseOptions(func(name string) string {
		switch name {
		case "g":
			return focalPoint(meta.Focal)
		case "crop":
			return meta.Crop
		case "q":
			return meta.Quality
		case "wm":
			return meta.Watermark
		}
		return ""
	}, m.config.MaxDimension)
	o := &req.options
	if o.Gravity == (resize.Gravity{}) && o.Fit != resize.Pad { // a picture that is padded is not cut
		o.Gravity = rules.Gravity
	}
	if o.Crop == (resize.Crop{}) {
		o.Crop = rules.Crop
	}
	if o.Quality == 0 {
		o.Quality = rules.Quality
	}
	if rules.Watermark.Name == "" || rules.Watermark.Name == resize.NoWatermark || o.Watermark.Name != "" {
		return nil
	}
	o.Watermark.Name = rules.Watermark.Name
	m.overlays.dropUnknown(o, func(resize.Note) {
		m.log.Warn("the object names a watermark that is not in the configuration", "name", req.name, "watermark", rules.Watermark.Name)
	})
	if o.Watermark.Name == "" {
		return nil
	}
	if req.watermark = req.marks[o.Watermark.Name]; req.watermark.overlay == nil {
		return cmp.Or(req.watermark.fault, fmt.Errorf("%w: %q", errWatermark, o.Watermark.Name))
	}
	return nil
}

// focalPoint returns a focal point, or another gravity, as the parameter has it.
// "0.3,0.7" and "0.3:0.7" are focal points too.
func focalPoint(v string) string {
	x, y, ok := strings.Cut(strings.ReplaceAll(v, ",", ":"), ":")
	if !ok || strings.EqualFold(x, "fp") {
		return v
	}
	return "fp:" + strings.TrimSpace(x) + ":" + strings.TrimSpace(y)
}
