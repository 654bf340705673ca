package server

import (
	"os"
	"time"
)

// A fileStamp changes when a file is written or replaced.
type fileStamp struct {
	size    int64
	modTime time.Time
}

// stampOf returns the stamp of a file, the zero value if there is none.
func stampOf(file string) fileStamp {
	info, err := os.Stat(file)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.Size(), info.ModTime()}
}
