package storage

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// ErrNoNames says that a bucket cannot list its objects.
var ErrNoNames = errors.New("this source cannot list its objects")

// browsed is how many entries of a folder are asked for at once.
const browsed = 1000

// Names calls visit with the name of every object of b that begins with prefix and comes
// after the name after, in the order of the names' bytes, however many there are. An error
// of visit ends it and is returned; [ErrNoNames] is one of a bucket that cannot do so.
func Names(ctx context.Context, b Bucket, prefix, after string, visit func(name string) error) error {
	switch b := b.(type) {
	case interface {
		Walk(ctx context.Context, prefix, after string, visit func(name string, info Info) error) error
	}:
		return b.Walk(ctx, prefix, after, func(name string, _ Info) error { return visit(name) })
	case Browser:
		return browseNames(ctx, b, prefix[:strings.LastIndexByte(prefix, '/')+1], prefix, after, visit)
	}
	return ErrNoNames
}

// browseNames is Names of what lies in a folder and in those below it.
func browseNames(ctx context.Context, b Browser, folder, prefix, after string, visit func(name string) error) error {
	for next, more := "", true; more; {
		l, err := b.Browse(ctx, folder, next, browsed)
		switch {
		case folder != "" && errors.Is(err, fs.ErrNotExist): // or it went meanwhile
			return nil
		case err != nil:
			return err
		}
		next, more = l.Next, l.Next != ""
		entries := slices.Concat(l.Folders, l.Names)
		slices.Sort(entries) // a folder, whose name ends in a slash, stands where the names in it do
		for _, entry := range entries {
			inside := strings.HasSuffix(entry, "/")
			switch {
			case inside && !strings.HasPrefix(entry, prefix) && !strings.HasPrefix(prefix, entry):
			case inside && entry < after && !strings.HasPrefix(after, entry): // all in it comes before
			case inside:
				err = browseNames(ctx, b, entry, prefix, after, visit)
			case strings.HasPrefix(entry, prefix) && entry > after:
				err = visit(entry)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
