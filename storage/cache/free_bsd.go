//go:build darwin || freebsd

package cache

import "golang.org/x/sys/unix"

func freeBytes(folder string) (free, total int64, ok bool) {
	var s unix.Statfs_t
	if unix.Statfs(folder, &s) != nil {
		return 0, 0, false
	}
	unit := int64(s.Bsize)
	return int64(s.Bavail) * unit, int64(s.Blocks) * unit, s.Blocks > 0
}
