package storage

import (
	"context"
	"slices"
	"strings"
)

// A Browser is a [Bucket] whose objects can be looked through like files in
// folders, by the slashes in their names.
type Browser interface {
	// Browse returns what lies in a folder: "" is the whole bucket, any other one
	// ends in a slash. It has at most max entries, those after the entry after.
	Browse(ctx context.Context, folder, after string, max int) (Listing, error)
}

// A Listing is a part of what lies in a folder, in the order of the names'
// bytes. Names are whole.
type Listing struct {
	Folders []string // each with a slash at its end
	Names   []string // of objects
	Next    string   // entry to go on after; "" if this is the end
}

// Last returns the entry that comes last, "" if there is none.
func (l Listing) Last() string {
	last := ""
	for _, all := range [][]string{l.Folders, l.Names} {
		if n := len(all); n > 0 {
			last = max(last, all[n-1])
		}
	}
	return last
}

// Merge returns the first max entries of two listings of one folder, each entry
// once.
func (l Listing) Merge(other Listing, max int) Listing {
	entries := slices.Concat(l.Folders, l.Names, other.Folders, other.Names)
	slices.Sort(entries)
	entries = slices.Compact(entries)
	// Behind the end of a listing that goes on, its own entries are not known.
	known := func(name string) bool {
		return (l.Next == "" || name <= l.Next) && (other.Next == "" || name <= other.Next)
	}
	var merged Listing
	for _, name := range entries {
		if !known(name) || len(merged.Folders)+len(merged.Names) == max {
			merged.Next = merged.Last()
			return merged
		}
		if strings.HasSuffix(name, "/") {
			merged.Folders = append(merged.Folders, name)
		} else {
			merged.Names = append(merged.Names, name)
		}
	}
	if l.Next != "" || other.Next != "" {
		merged.Next = merged.Last()
	}
	return merged
}
