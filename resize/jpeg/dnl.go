package jpeg

import (
	"bytes"
	"io"
)

// maxDNLSearch bounds how far findHeight reads ahead.
const maxDNLSearch = 32 << 20

// findHeight finds the height of a frame whose header has 0 for it, in the
// DNL segment that follows the first scan (T.81 section B.2.5). Such files
// are rare and small, so the scan is read into memory and then decoded from
// there.
func (d *decoder) findHeight() error {
	s := &d.source
	head := bytes.Clone(s.buf[s.rp:s.wp])
	var b []byte
	if s.err == nil {
		rest, err := io.ReadAll(io.LimitReader(s.r, maxDNLSearch))
		if err != nil {
			return err
		}
		b = append(head, rest...)
	} else if err := s.readError(); err != nil {
		return err
	} else {
		b = head
	}
	d.header.Height = heightDNL(b)
	if d.header.Height == 0 {
		return FormatError("height is 0")
	}
	r := s.r
	if len(b) < maxDNLSearch {
		r = bytes.NewReader(nil)
	}
	s.rp, s.wp, s.err = 0, 0, nil
	s.r = io.MultiReader(bytes.NewReader(b), r)
	return nil
}

// heightDNL returns the height in the DNL segment after the first scan of b,
// which begins between segments, or 0.
func heightDNL(b []byte) int {
	scan := false
	for s := range Segments(b) {
		switch {
		case s.Marker == markerDNL && scan && len(s.Payload) == 2:
			return int(s.Payload[0])<<8 | int(s.Payload[1])
		case s.Marker == markerEOI || scan:
			return 0
		}
		scan = s.Marker == markerSOS
	}
	return 0
}
