package jpeg

import "io"

const (
	maxSegment = 1<<16 - 1
	sourceSize = maxSegment + 1 + 16<<10

	// readSize is the most that is asked of the reader at a time. A header
	// is read in smaller steps, since what follows may not be wanted.
	readSize       = 16 << 10
	headerReadSize = 4 << 10

	// maxJunk bounds the bytes that belong to nothing. Encoders leave a few
	// between segments; T.81 allows none but fill bytes.
	maxJunk = 1 << 20
)

// A source is the marker level of a stream (T.81 annex B): a window onto the
// bytes of a reader, buf[rp:wp] being read but not yet used.
type source struct {
	r      io.Reader
	rp, wp int
	err    error // of r, for good
	step   int   // most bytes asked of r at a time
	junk   int   // bytes so far that belong to no segment or were not needed by a scan
	buf    [sourceSize]byte
}

func (s *source) reset(r io.Reader, step int) {
	s.r, s.step = r, step
	s.rp, s.wp, s.err, s.junk = 0, 0, nil, 0
}

// more gets at least one more byte into the window, which must not be full
// when rp is 0. It reports whether it did; if not, s.err says why.
func (s *source) more() bool {
	if s.err != nil {
		return false
	}
	if s.rp == s.wp {
		s.rp, s.wp = 0, 0
	} else if s.wp == len(s.buf) {
		s.wp = copy(s.buf[:], s.buf[s.rp:])
		s.rp = 0
	}
	for range 100 {
		p := s.buf[s.wp:min(len(s.buf), s.wp+s.step)]
		n, err := s.r.Read(p)
		if n < 0 || n > len(p) {
			s.err = io.ErrNoProgress
			return false
		}
		s.wp += n
		s.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// need makes the window hold n bytes and reports whether it could.
func (s *source) need(n int) bool {
	for s.wp-s.rp < n {
		if !s.more() {
			return false
		}
	}
	return true
}

// marker skips to the next marker that is not a restart, consumes it and
// returns its second byte. At the end of the input it returns 0.
func (s *source) marker() (byte, error) {
	for {
		if !s.need(2) {
			return 0, s.readError()
		}
		w := s.buf[s.rp:s.wp]
		i := nextFF(w)
		s.rp += i
		if s.junk += i; s.junk > maxJunk {
			return 0, FormatError("too many bytes between segments")
		}
		if i+1 >= len(w) {
			continue
		}
		s.rp += 2
		if m := w[i+1]; m != 0 && m != markerTEM && !isRestart(m) {
			return m, nil
		}
	}
}

// skipScan moves to the first marker after the entropy-coded data of a scan
// without decoding it. It reports whether there is one, with so many restart
// markers before it, in their order.
func (s *source) skipScan(restarts int) bool {
	n, right := 0, true
	for s.need(2) {
		w := s.buf[s.rp:s.wp]
		i := nextFF(w)
		s.rp += i
		if i+1 >= len(w) {
			continue
		}
		switch m := w[i+1]; {
		case m == 0:
			s.rp += 2
		case isRestart(m):
			right = right && int(m&7) == n&7
			n++
			s.rp += 2
		default:
			return right && n == restarts
		}
	}
	s.rp = s.wp
	return false
}

// segment consumes the length and the payload of a marker segment and returns
// the payload, which is valid until the next call. It returns nil and no error
// if the input ends before the segment does.
func (s *source) segment() ([]byte, error) {
	if !s.need(2) {
		return nil, s.readError()
	}
	n := int(s.buf[s.rp])<<8 | int(s.buf[s.rp+1])
	if n < 2 {
		return nil, FormatError("short segment length")
	}
	if !s.need(n) {
		s.rp = s.wp
		return nil, s.readError()
	}
	p := s.buf[s.rp+2 : s.rp+n : s.rp+n]
	s.rp += n
	return p, nil
}

// readError returns the reader's error unless it is the end of the input.
func (s *source) readError() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}
