//go:build unix

package sandbox

import "golang.org/x/sys/unix"

// outsideHeap says that pages are not of Go's heap.
const outsideHeap = true

// mapped are pages of the system: they cost nothing before they are used, and go
// back when they are freed, without waiting for the garbage collector.
type mapped struct {
	all    []byte
	usable int64
}

// reserve returns pages for up to n bytes.
func reserve(n int64) (pages, error) {
	all, err := unix.Mmap(-1, 0, int(n), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	return &mapped{all: all}, nil
}

func (p *mapped) commit(n int64) ([]byte, error) {
	if n > p.usable {
		if err := unix.Mprotect(p.all[p.usable:n], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return nil, err
		}
		p.usable = n
	}
	return p.all[:n:n], nil
}

func (p *mapped) free() {
	_ = unix.Munmap(p.all) // only of what is not mapped
	p.all = nil
}
