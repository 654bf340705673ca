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
	for {
		i := bytes.IndexByte(b, 0xff)
		if i < 0 || i+4 > len(b) {
			return 0
		}
		m := b[i+1]
		if m == 0xff {
			b = b[i+1:]
			continue
		}
		if b = b[i+2:]; m == 0 || m == markerTEM || m&^7 == markerRST0 {
			continue
		}
		n := int(b[0])<<8 | int(b[1])
		switch {
		case m == markerDNL && scan && n == 4 && len(b) >= 4:
			return int(b[2])<<8 | int(b[3])
		case m == markerEOI || scan || n < 2 || n > len(b):
			return 0
		}
		scan = m == markerSOS
		b = b[n:]
	}
}
