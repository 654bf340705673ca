package s3

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"s3imageserver/storage"
)

var (
	_ storage.Lister  = (*Bucket)(nil)
	_ storage.Browser = (*Bucket)(nil)
)

// maxListed bounds how many names List looks at: a bucket may have millions.
const maxListed = 20000

var errEnough = errors.New("enough")

// List implements [storage.Lister]. It looks at the first 20,000 names only.
func (b *Bucket) List(ctx context.Context, max int, keep func(name string) bool) ([]string, error) {
	var names []string
	seen := 0
	err := b.Walk(ctx, "", "", func(name string, _ storage.Info) error {
		if seen++; keep(name) {
			names = append(names, name)
		}
		if seen == maxListed || len(names) >= max {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return names, err
}

// behindFolder comes after all names in a folder, when it is put behind it.
const behindFolder = "\U0010FFFF"

// Browse implements [storage.Browser] with one or two requests.
func (b *Bucket) Browse(ctx context.Context, folder, after string, max int) (storage.Listing, error) {
	options := minio.ListObjectsOptions{Prefix: b.config.Prefix + folder, MaxKeys: max}
	b.config.pay(&options)
	if after != "" {
		options.StartAfter = b.config.Prefix + after
		if strings.HasSuffix(after, "/") {
			options.StartAfter += behindFolder
		}
	}
	var l storage.Listing
	err := b.inRegion(ctx, func(core *minio.Core) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the listing when there is enough
		l = storage.Listing{}
		n := 0
		for object := range core.Client.ListObjectsIter(ctx, b.config.Bucket, options) {
			if object.Err != nil {
				return object.Err
			}
			if n++; n > max { // the first page has as many
				l.Next = l.Last()
				break
			}
			name := strings.TrimPrefix(object.Key, b.config.Prefix)
			switch folder, isFolder := strings.CutSuffix(name, "/"); {
			case isFolder && name != options.Prefix[len(b.config.Prefix):] && storage.ValidName(folder) && object.ETag == "":
				l.Folders = append(l.Folders, name)
			case storage.ValidName(name):
				l.Names = append(l.Names, name)
			}
		}
		slices.Sort(l.Folders)
		slices.Sort(l.Names)
		return ctx.Err()
	})
	return l, err
}
