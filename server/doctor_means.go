package server

import (
	"context"
	"log/slog"

	"s3imageserver/storage"
)

// Doctor says in words what is wrong with a configuration and with the world
// around it, as [doctor.Examine] does.
func Doctor(ctx context.Context, c *Config) []Finding {
	return examine(ctx, c, means{Check: Check, Watermark: tryWatermark, Connections: func() (files uint64, connections int, ok bool) {
		files, ok = fileLimit()
		return files, maxConnections(), ok
	}})
}

// tryWatermark reads a watermark of a bucket once.
func tryWatermark(ctx context.Context, b storage.Bucket, name string) error {
	m := &mark{name: name, bucket: b, busy: make(chan struct{}, 1), log: slog.New(slog.DiscardHandler)}
	_, err := m.get(ctx)
	return err
}
