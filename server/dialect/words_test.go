package dialect

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// words returns what came of a request in the words of the tables.
func (v *vector) words(d *Dialect, r *Request, p Picture, s Settled) map[string]string {
	q, _ := url.ParseQuery(s.Query)
	w := map[string]string{"src": r.Source.Text}
	for name := range q {
		w[name] = q.Get(name)
	}
	if p.Width > 0 {
		size := resize.ResultSize(p.Width, p.Height, s.Options)
		if s.Source {
			size = [2]int{p.Width, p.Height}
		}
		w["size"], w["width"] = fmt.Sprintf("%dx%d", size[0], size[1]), strconv.Itoa(size[0])
		if l, f := r.shape.settle(p, &d.limits); f == nil {
			k := l.kept()
			w["kept"] = fmt.Sprintf("%d,%d-%d,%d", k.Min.X, k.Min.Y, k.Max.X, k.Max.Y)
			w["crop"] = fmt.Sprintf("%d,%d,%d,%d", l.part.Min.X, l.part.Min.Y, l.part.Dx(), l.part.Dy())
		}
	}
	w["vary"], w["strip"] = fmt.Sprint(r.Delivery.Vary), orText(w["strip"], "all")
	f := s.Options.Format
	switch f {
	case resize.AutoAVIF:
		f = resize.AVIF
	case resize.AutoWebP:
		f = resize.WebP
	}
	if s.Source {
		f = p.Format
	}
	w["type"], w["f"] = f.MediaType(), f.String()
	if r.format.format == resize.NoFormat {
		w["f"] += "|(source)"
	}
	if w["q"] == "" && r.format.quality > 0 {
		w["q"] = strconv.Itoa(r.format.quality) // of a format that has none
	}
	switch x := r.shape.(type) {
	case imgproxy:
		imgproxyWords(x, r, w)
	case thumbor:
		thumborWords(x, r, w)
	case cloudflare:
		w["w"], w["h"] = strconv.Itoa(x.Width), strconv.Itoa(x.Height)
		if g := x.Gravity; g != "" {
			w["g"] = g
		}
		w["preset"] = "thumbnail" // of which there is only one
	case imgix:
		w["w"], w["h"] = fmt.Sprint(x.Width), fmt.Sprint(x.Height)
		w["fit"], w["g"] = x.Fit, x.Gravity
		if x.Pad != ([4]int{}) {
			w["padding"] = strconv.Itoa(x.Pad[0])
		}
	case weserv:
		w["g"] = x.Gravity
		c := x.Crop
		w["crop"] = fmt.Sprintf("%v,%v,%v,%v", c[0].N, c[1].N, c[2].N, c[3].N)
	}
	return w
}

func imgproxyWords(x imgproxy, r *Request, w map[string]string) {
	w["rt"], w["w"], w["h"], w["enlarge"] = x.Type, strconv.Itoa(x.Width), strconv.Itoa(x.Height), fmt.Sprint(x.Enlarge)
	w["extend"], w["extend_g"] = fmt.Sprint(x.Extend.On), x.Extend.Place.Word
	w["extend_offset"] = fmt.Sprintf("%v,%v", x.Extend.Place.X, x.Extend.Place.Y)
	w["g"] = x.Gravity.Word
	if x.Gravity.Word == "fp" {
		w["g"] = fmt.Sprintf("fp:%v:%v", x.Gravity.X, x.Gravity.Y)
	}
	w["crop_size"], w["crop_g"] = fmt.Sprintf("%vx%v", x.CropW, x.CropH), x.CropPlace.Word
	if x.CropPlace == (place{}) {
		w["crop_g"] = "(that"
	}
	w["dpr"] = fmt.Sprint(x.DPR)
	w["bg"] = orText(r.params["bg"], "none")
	w["preserve_hdr"] = "true" // is accepted, and does nothing
	w["signature"] = "dummy_signature"
}

func thumborWords(x thumbor, r *Request, w map[string]string) {
	side := func(n int) string {
		if n == orig {
			return "source"
		}
		return strconv.Itoa(n)
	}
	w["w"], w["h"] = side(x.Width), side(x.Height)
	w["fit"] = word(x.Adaptive, "adaptive-", "") + x.Fit
	w["flip"] = x.Flip.String()
	h := map[float64]string{0: "left", 0.5: "", 1: "right"}[x.X]
	v := map[float64]string{0: "top", 0.5: "", 1: "bottom"}[x.Y]
	w["g"] = strings.Trim(h+","+v, ",")
	w["smart"] = fmt.Sprint(x.Smart)
	if x.Crop != ([4]float64{}) && !x.Fractions {
		c := x.Crop
		w["crop"] = fmt.Sprintf("%v,%v,%v,%v", c[0], c[1], c[2]-c[0], c[3]-c[1])
	}
	if x.Margins != ([4]int{}) {
		w["padding"] = strings.Trim(strings.ReplaceAll(fmt.Sprint(x.Margins), " ", ","), "[]")
	}
	o := r.Overlay
	w["overlay"] = fmt.Sprintf("%s %d,%d", o.Source.Name, o.X, o.Y)
	w["focal"] = fmt.Sprintf("%v,%v", x.Focal[0], x.Focal[1])
	w["fractions"] = strings.ReplaceAll(strings.Trim(fmt.Sprint(x.Crop), "[]"), " ", ",")
	w["url"] = r.Overlay.Source.Text
}
