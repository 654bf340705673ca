package s3

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"s3imageserver/storage"
)

// firstPing is how long MinIO may take to answer one who listens: it sends
// nothing, not even a header, before the first event or ping.
const firstPing = 30 * time.Second

// Watch implements [storage.Watcher] with the notifications that MinIO sends to
// those who listen. Other stores answer with an error; MinIO from the end of
// 2025 on holds the notifications back in its buffers, and its webhooks are the
// better way.
func (b *Bucket) Watch(ctx context.Context, changed func(name string)) error {
	core, err := b.dialPatient()
	if err != nil {
		return fmt.Errorf("s3: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the library's goroutine
	events := []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
	// MinIO compares a prefix with escaped keys: one with a slash never fits.
	for note := range core.Client.ListenBucketNotification(ctx, b.config.Bucket, "", "", events) {
		if note.Err != nil {
			return classify(ctx, note.Err)
		}
		for _, record := range note.Records {
			if name, ok := b.nameOf(record.S3.Object.Key); ok {
				changed(name)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: notifications ended", storage.ErrUnavailable)
}

// nameOf returns the name of a key as notifications spell it, escaped as in a
// query; false for one that is not below the prefix or not valid.
func (b *Bucket) nameOf(escaped string) (string, bool) {
	key, err := url.QueryUnescape(escaped)
	if err != nil {
		return "", false
	}
	name, ok := strings.CutPrefix(key, b.config.Prefix)
	return name, ok && storage.ValidName(name)
}
