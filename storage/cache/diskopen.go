package cache

import (
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
)

// Open returns the entry of k without its Body, and a reader of it in its
// place, which is of size bytes. Errors are those of Get; damage of the body is
// found by the last Read. The caller must close the reader.
func (d *Disk) Open(k Key) (e *Entry, size int64, body io.ReadCloser, err error) {
	id := idOf(k)
	_, _ = d.entries.get(id) // it was asked for
	file, err := d.files.openRead(id.name())
	if err != nil {
		return nil, 0, nil, err
	}
	h, err := openHeader(file)
	if err == nil && h.key != k {
		err = errDamaged
	}
	if err != nil {
		err = errors.Join(err, file.Close())
		if errors.Is(err, errDamaged) {
			_ = d.remove(id) // it stays a miss if it cannot be removed
			err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return nil, 0, nil, err
	}
	size = int64(h.length)
	return &h.entry, size, &checkedBody{File: file, left: size, want: h.sum, sum: crc32.New(castagnoli), damaged: func() {
		d.faults.Add(1)
		_ = d.remove(id) // as above
	}}, nil
}

// openHeader reads the header of an entry's file up to where its body begins.
func openHeader(file *os.File) (header, error) {
	info, err := file.Stat()
	if err != nil {
		return header{}, err
	}
	head := make([]byte, min(info.Size(), maxFileBytes-maxBodyBytes))
	if _, err := io.ReadFull(file, head); err != nil {
		return header{}, err
	}
	h, rest, ok := unmarshalHeader(head)
	if !ok || int64(h.length) != info.Size()-int64(len(head)-len(rest)) {
		return header{}, errDamaged
	}
	_, err = file.Seek(int64(len(head)-len(rest)), io.SeekStart)
	return h, err
}

// A checkedBody compares a body with its checksum before it gives out the last
// bytes.
type checkedBody struct {
	*os.File
	left    int64
	want    uint32
	sum     hash.Hash32
	damaged func()
}

func (b *checkedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.File.Read(p[:min(int64(len(p)), b.left)])
	_, _ = b.sum.Write(p[:n]) // a hash never fails
	b.left -= int64(n)
	if b.left == 0 && b.sum.Sum32() != b.want || err == io.EOF && b.left > 0 {
		b.damaged()
		return 0, errDamaged
	}
	return n, err
}
