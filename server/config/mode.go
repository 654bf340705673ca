package config

import (
	"io/fs"
	"os"
)

// OpenToOthers reports whether the mode of a folder is looser than 0750.
func OpenToOthers(folder string) (bool, fs.FileMode) {
	info, err := os.Stat(folder)
	if err != nil {
		return false, 0
	}
	mode := info.Mode().Perm()
	return mode&^0o750 != 0, mode
}
