//go:build !unix

package server

// fileLimit returns how many files the process may have open, if there is a
// limit.
func fileLimit() (n uint64, ok bool) { return 0, false }
