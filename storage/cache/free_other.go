//go:build !linux && !darwin && !freebsd && !windows

package cache

import (
	"errors"
	"syscall"
)

func freeBytes(string) (free, total int64, ok bool) { return 0, 0, false }

// isFull reports whether err says that the disk is full.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }
