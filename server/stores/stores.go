// Package stores opens what a configuration names as sources of pictures and as
// a place for results: buckets, folders, web servers.
package stores

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"s3imageserver/server/config"
	"s3imageserver/server/refresh"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// Sources are where the pictures of a handler come from, in the order in which
// they are asked.
type Sources []Source

// A Source is one of them, open.
type Source struct {
	storage.Bucket
	id       string            // tells it from all others
	AWS      *config.AWSConfig // nil: it is no S3 bucket
	Settings string            // digest of all that it was opened with
}

// NameOf returns the name that an object of a bucket has in this source.
func (s Source) NameOf(bucket, key string) (string, bool) {
	if s.AWS == nil || s.AWS.BucketName != bucket {
		return "", false
	}
	name, ok := strings.CutPrefix(key, s.AWS.PrefixOf())
	return name, ok && storage.ValidName(name)
}

// Open opens the sources of a handler. The error joins all faults.
func Open(c *config.Config, i int) (Sources, error) {
	h := &c.Handlers[i]
	if h.Bucket != nil {
		return Sources{{h.Bucket, "own", nil, config.Identity(h.Bucket)}}, nil
	}
	var all Sources
	var faults config.Faults
	entries, keys := h.AllSources()
	for j := range entries {
		e := &entries[j]
		b, id, err := OpenSource(c, e, h.MaxSourceBytes)
		if err != nil {
			key := config.HandlerKey(i) + "." + keys[j]
			if e.Dir != "" {
				key += ".dir"
			}
			faults.Add(key, "%v", err)
			continue
		}
		if file := credentialsFile(e); e.Kind() == config.KindS3 && file != "" {
			stamp := refresh.StampOf(file)
			c.DependsOn("keys "+file, func() bool { return refresh.StampOf(file) == stamp })
		}
		s := Source{Bucket: b, id: id, Settings: SettingsOf(e, b, h.MaxSourceBytes)}
		if e.Kind() == config.KindS3 {
			s.AWS = &e.AWSConfig
		}
		all = append(all, s)
	}
	return all, faults.Join()
}

// SettingsOf tells what a source was opened with. Those of a folder equal no
// others: another one may have its name by now.
func SettingsOf(e *config.SourceEntry, b storage.Bucket, maxBytes int64) string {
	switch e.Kind() {
	case config.KindS3:
		stamp := refresh.StampOf(credentialsFile(e))
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

// ID tells these sources from all others.
func (s Sources) ID() string {
	if len(s) == 1 {
		return s[0].id
	}
	ids := []string{"sources"}
	for _, one := range s {
		ids = append(ids, one.id)
	}
	return cache.Tuple(ids...)
}

func (s Sources) Buckets() []storage.Bucket {
	all := make([]storage.Bucket, len(s))
	for i := range s {
		all[i] = s[i].Bucket
	}
	return all
}

// Versioned reports whether one of them keeps versions.
func (s Sources) Versioned() bool {
	return slices.ContainsFunc(s, func(one Source) bool { _, ok := one.Bucket.(storage.Versioned); return ok })
}

// List returns names of at most max pictures, of those sources that can tell.
func (s Sources) List(ctx context.Context, max int, keep func(name string) bool) ([]string, error) {
	if l, ok := storage.Fallback(s.Buckets()...).(storage.Lister); ok {
		return l.List(ctx, max, keep)
	}
	return nil, nil
}
