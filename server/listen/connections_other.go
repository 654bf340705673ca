//go:build !unix

package listen

// FileLimit returns how many files the process may have open, if there is a
// limit.
func FileLimit() (n uint64, ok bool) { return 0, false }
