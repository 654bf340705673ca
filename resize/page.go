package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"s3imageserver/resize/exif"
)

// Files with more than one picture that are no animation: one of them is read,
// as if it was the only one. For that the first bytes of the file are others
// while it is.

// onPage calls f while the first bytes of the file, or of what is there of it,
// name the page that the options want.
func (j *job) onPage(file []byte, f func() error) error {
	if j.options.Page == 0 || j.codec.page == nil {
		return f()
	}
	first, err := j.codec.page(file, j.options.Page)
	if err != nil {
		return err
	}
	saved := bytes.Clone(file[:len(first)])
	copy(file, first)
	defer copy(file, saved)
	return f()
}

// decode decodes what the options want of the file.
func (j *job) decode(file []byte) (p *Picture, err error) {
	err = j.onPage(file, func() error {
		p, err = j.codec.decode(file, j.want)
		return err
	})
	return p, err
}

// pageTIFF returns a header that names the n-th directory as the first one.
func pageTIFF(file []byte, n int) ([]byte, error) {
	order, _, ok := exif.Header(file)
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	at, _, err := tiffDirectories(file, n)
	if err != nil {
		return nil, err
	}
	return order.AppendUint32(bytes.Clone(file[:4]), uint32(at)), nil
}

// tiffDirectories follows the chain of directories (TIFF 6.0, section 2) up to
// the most-th, and returns where the last one begins and how many there are. A
// chain that comes back to a directory ends before it.
func tiffDirectories(file []byte, most int) (last uint64, n int, err error) {
	order, at, ok := exif.Header(file)
	if !ok {
		return 0, 0, io.ErrUnexpectedEOF
	}
	const entryBytes = 12
	seen := map[uint64]bool{}
	for n < most && at != 0 && !seen[at] {
		if at+2 > uint64(len(file)) {
			return last, n, io.ErrUnexpectedEOF
		}
		seen[at] = true
		last = at
		if n++; n == most {
			break
		}
		next := at + 2 + entryBytes*uint64(order.Uint16(file[at:]))
		if next+4 > uint64(len(file)) {
			return last, n, io.ErrUnexpectedEOF
		}
		at = uint64(order.Uint32(file[next:]))
	}
	if n == 0 {
		return 0, 0, fmt.Errorf("%w: TIFF without a directory", ErrMalformed)
	}
	return last, n, nil
}

// pageICO returns the head of a file with the n-th entry alone.
func pageICO(file []byte, n int) ([]byte, error) {
	const head, entry = 6, 16
	if len(file) < head {
		return nil, io.ErrUnexpectedEOF
	}
	count := int(binary.LittleEndian.Uint16(file[4:]))
	if count == 0 {
		return nil, fmt.Errorf("%w: ICO without a picture", ErrMalformed)
	}
	at := head + (min(n, count)-1)*entry
	if len(file) < at+entry {
		return nil, io.ErrUnexpectedEOF
	}
	return append(binary.LittleEndian.AppendUint16(bytes.Clone(file[:4]), 1), file[at:at+entry]...), nil
}
