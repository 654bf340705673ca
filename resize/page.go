package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
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
