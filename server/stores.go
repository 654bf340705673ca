package server

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// sources are where the pictures of a handler come from, in the order in which
// they are asked.
type sources []openedSource

type openedSource struct {
	storage.Bucket
	id  string            // tells it from all others
	aws *config.AWSConfig // nil: it is no S3 bucket

	settings string // digest of all that it was opened with
}

// nameOf returns the name that an object of a bucket has in this source.
func (s openedSource) nameOf(bucket, key string) (string, bool) {
	if s.aws == nil || s.aws.BucketName != bucket {
		return "", false
	}
	name, ok := strings.CutPrefix(key, s.aws.PrefixOf())
	return name, ok && storage.ValidName(name)
}

// openSources opens the sources of a handler. The error joins all faults.
func openSources(c *config.Config, i int) (sources, error) {
	h := &c.Handlers[i]
	if h.Bucket != nil {
		return sources{{h.Bucket, "own", nil, config.Identity(h.Bucket)}}, nil
	}
	var all sources
	var faults config.Faults
	entries, keys := h.AllSources()
	for j := range entries {
		e := &entries[j]
		b, id, err := openSource(c, e, h.MaxSourceBytes)
		if err != nil {
			key := config.HandlerKey(i) + "." + keys[j]
			if e.Dir != "" {
				key += ".dir"
			}
			faults.Add(key, "%v", err)
			continue
		}
		if file := credentialsFile(e); e.Kind() == config.KindS3 && file != "" {
			stamp := config.StampOf(file)
			c.DependsOn("keys "+file, func() bool { return config.StampOf(file) == stamp })
		}
		s := openedSource{Bucket: b, id: id, settings: settingsOf(e, b, h.MaxSourceBytes)}
		if e.Kind() == config.KindS3 {
			s.aws = &e.AWSConfig
		}
		all = append(all, s)
	}
	return all, faults.Join()
}

// settingsOf tells what a source was opened with. Those of a folder equal no
// others: another one may have its name by now.
func settingsOf(e *config.SourceEntry, b storage.Bucket, maxBytes int64) string {
	switch e.Kind() {
	case config.KindS3:
		stamp := config.StampOf(credentialsFile(e))
		return config.Digest(e, stamp.Size, stamp.ModTime.UnixNano())
	case config.KindDir:
		return config.Identity(b)
	default:
		return config.Digest(e, maxBytes)
	}
}

// credentialsFile returns the shared credentials file that the keys of a bucket
// may come from, "" if the configuration has them.
func credentialsFile(e *config.SourceEntry) string {
	if e.AccessKey != "" {
		return ""
	}
	if file := os.Getenv("AWS_SHARED_CREDENTIALS_FILE"); file != "" {
		return file
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".aws", "credentials")
}

// id tells these sources from all others.
func (s sources) id() string {
	if len(s) == 1 {
		return s[0].id
	}
	ids := []string{"sources"}
	for _, one := range s {
		ids = append(ids, one.id)
	}
	return cache.Tuple(ids...)
}

func (s sources) buckets() []storage.Bucket {
	all := make([]storage.Bucket, len(s))
	for i := range s {
		all[i] = s[i].Bucket
	}
	return all
}

// versioned reports whether one of them keeps versions.
func (s sources) versioned() bool {
	return slices.ContainsFunc(s, func(one openedSource) bool { _, ok := one.Bucket.(storage.Versioned); return ok })
}

// list returns names of at most max pictures, of those sources that can tell.
func (s sources) list(ctx context.Context, max int, keep func(name string) bool) ([]string, error) {
	if l, ok := storage.Fallback(s.buckets()...).(storage.Lister); ok {
		return l.List(ctx, max, keep)
	}
	return nil, nil
}
