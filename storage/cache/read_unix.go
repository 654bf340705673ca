//go:build linux || darwin || freebsd

package cache

import (
	"errors"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"
)

// readRegular returns the first max bytes of a regular file that is no link,
// and its size. It makes four system calls: os.File would add two for the
// poller, which regular files never use, and an object with a finalizer.
func readRegular(name string, max int64) (data []byte, size int64, err error) {
	// O_NONBLOCK: the open of a pipe in the file's place must not wait.
	fd, err := retry(func() (int, error) {
		return unix.Open(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, 0, openFault(name, err)
	}
	defer unix.Close(fd) // only read
	var stat unix.Stat_t
	if _, err := retry(func() (int, error) { return 0, unix.Fstat(fd, &stat) }); err != nil {
		return nil, 0, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG || stat.Size > maxFileBytes {
		return nil, 0, errNotEntry(name)
	}
	data = make([]byte, min(stat.Size, max))
	for n := 0; n < len(data); {
		got, err := retry(func() (int, error) { return unix.Read(fd, data[n:]) })
		if err == nil && got == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, 0, &fs.PathError{Op: "read", Path: name, Err: err}
		}
		n += got
	}
	return data, stat.Size, nil
}

func openFault(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK): // FreeBSD says EMLINK
		return errNotEntry(name)
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}

// retry calls f again as long as a signal interrupts it.
func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// isFull reports whether err says that the disk, its inodes or a quota are used up.
func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}
