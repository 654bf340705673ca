package resize

import (
	"s3imageserver/resize/heif"
)

// infoHEIF returns what the boxes say as the header of a picture.
func infoHEIF(h heif.Header) Info {
	depth := 4
	if h.Deep {
		depth = 8
	}
	return Info{Size: h.Crop.Size(), Depth: depth, Alpha: h.Alpha, coded: h.Coded, orientation: h.Orientation}
}

// wholeHEIF reads the boxes of a HEIC or AVIF file that is within the limits and has
// all its data.
func wholeHEIF(file []byte, want Want) (heif.Header, error) {
	h, err := heif.Parse(file)
	if err != nil {
		return h, fromBelow(err)
	}
	if err := want.Limits.checkCoded(h.Coded); err != nil {
		return h, err
	}
	return h, fromBelow(h.Complete(file))
}
