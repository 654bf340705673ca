package refresh

import (
	"os"
	"time"
)

// A Stamp changes when a file is written or replaced.
type Stamp struct {
	Size    int64
	ModTime time.Time
}

// StampOf returns the stamp of a file, the zero value if there is none.
func StampOf(file string) Stamp {
	info, err := os.Stat(file)
	if err != nil {
		return Stamp{}
	}
	return Stamp{info.Size(), info.ModTime()}
}
