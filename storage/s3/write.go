package s3

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/minio/minio-go/v7"

	"s3imageserver/storage"
)

// Put implements [storage.Store].
func (b *Bucket) Put(ctx context.Context, name string, data []byte) error {
	key, err := b.key("put", name)
	if err != nil {
		return err
	}
	return b.inRegion(ctx, func(core *minio.Core) error {
		_, err := core.PutObject(ctx, b.config.Bucket, key, bytes.NewReader(data), int64(len(data)), "", "", minio.PutObjectOptions{
			ContentType: "application/octet-stream", DisableMultipart: true,
		})
		return err
	})
}

// Delete implements [storage.Store].
func (b *Bucket) Delete(ctx context.Context, name string) error {
	key, err := b.key("delete", name)
	if err != nil {
		return err
	}
	err = b.inRegion(ctx, func(core *minio.Core) error {
		return core.RemoveObject(ctx, b.config.Bucket, key, minio.RemoveObjectOptions{})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // some stores say so, others do not
	}
	return err
}

// Walk implements [storage.Store]. Objects whose names are not valid are left
// out.
func (b *Bucket) Walk(ctx context.Context, prefix, after string, visit func(name string, info storage.Info) error) error {
	options := minio.ListObjectsOptions{Prefix: b.config.Prefix + prefix, Recursive: true}
	b.config.pay(&options)
	if after != "" {
		options.StartAfter = b.config.Prefix + after
	}
	var visitErr error
	err := b.inRegion(ctx, func(core *minio.Core) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the listing when visit has enough
		for object := range core.Client.ListObjectsIter(ctx, b.config.Bucket, options) {
			if object.Err != nil {
				return object.Err
			}
			name := strings.TrimPrefix(object.Key, b.config.Prefix)
			if !storage.ValidName(name) {
				continue
			}
			info := storage.Info{Size: object.Size, ETag: strings.Trim(object.ETag, `"`), ModTime: object.LastModified}
			if visitErr = visit(name, info); visitErr != nil {
				return nil
			}
		}
		return ctx.Err()
	})
	return errors.Join(err, visitErr)
}
