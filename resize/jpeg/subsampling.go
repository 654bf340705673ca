package jpeg

import "image"

// ratios are the samplings of luma, beside chroma of 1x1, that package image has.
var ratios = [...]Sampling{
	image.YCbCrSubsampleRatio444: {1, 1},
	image.YCbCrSubsampleRatio422: {2, 1},
	image.YCbCrSubsampleRatio420: {2, 2},
	image.YCbCrSubsampleRatio440: {1, 2},
	image.YCbCrSubsampleRatio411: {4, 1},
	image.YCbCrSubsampleRatio410: {4, 2},
}

// Ratio returns the subsampling of a picture in grey or YCbCr, and whether package
// image has it; that of a grey one is 4:4:4.
func (h *Header) Ratio() (r image.YCbCrSubsampleRatio, ok bool) {
	switch h.Model {
	case Gray:
		return image.YCbCrSubsampleRatio444, true
	case YCbCr:
		return h.ratio()
	}
	return 0, false
}

// ratio is that of three components, whatever they are.
func (h *Header) ratio() (r image.YCbCrSubsampleRatio, ok bool) {
	m, s := h.maxSampling(), h.Sampling
	if h.Components != 3 || s[0] != m || s[1] != s[2] || m.H%s[1].H != 0 || m.V%s[1].V != 0 {
		return 0, false
	}
	for r, of := range ratios {
		if of == (Sampling{m.H / s[1].H, m.V / s[1].V}) {
			return image.YCbCrSubsampleRatio(r), true
		}
	}
	return 0, false
}
