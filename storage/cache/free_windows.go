package cache

import (
	"errors"

	"golang.org/x/sys/windows"
)

func freeBytes(folder string) (free, total int64, ok bool) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, 0, false
	}
	var available, size uint64
	if windows.GetDiskFreeSpaceEx(name, &available, &size, nil) != nil {
		return 0, 0, false
	}
	return int64(available), int64(size), size > 0
}

// isFull reports whether err says that the disk is full.
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
