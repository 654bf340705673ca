package server

import (
	"context"
	"log/slog"

	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/doctor"
	"s3imageserver/server/errorimage"
	"s3imageserver/server/listen"
	"s3imageserver/server/overlays"
	"s3imageserver/server/stores"
	"s3imageserver/storage"
)

// A Finding is one thing that [Doctor] looked at.
type Finding = doctor.Finding

// Levels of findings: a fault keeps pictures from being served, a warning will
// some day or makes them slow or unsafe, a note is good to know.
const (
	FindingOK      = doctor.FindingOK
	FindingNote    = doctor.FindingNote
	FindingWarning = doctor.FindingWarning
	FindingFault   = doctor.FindingFault
)

// Doctor says in words what is wrong with a configuration and with the world
// around it, as [doctor.Examine] does.
func Doctor(ctx context.Context, c *Config) []Finding {
	return doctor.Examine(ctx, c, doctor.Means{Check: Check, Watermark: tryWatermark, Connections: func() (files uint64, connections int, ok bool) {
		files, ok = listen.FileLimit()
		return files, listen.MaxConnections(), ok
	}})
}

// DoctorOfStores is the part of [Doctor] that asks the stores of pictures, and returns
// its faults alone. It changes nothing.
func DoctorOfStores(ctx context.Context, c *Config) []Finding { return doctor.Stores(ctx, c) }

// tryWatermark reads a watermark of a bucket once.
func tryWatermark(ctx context.Context, b storage.Bucket, name string) error {
	_, err := overlays.NewMark(name, b, slog.New(slog.DiscardHandler)).Get(ctx)
	return err
}

// Check validates a configuration and what a server for it would open: sources and error
// images. It sends nothing to any store and creates no folder. The error joins all faults.
func Check(c *Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	var faults config.Faults
	fonts, err := overlays.NewFonts(c)
	faults.Collect(err)
	for i := range c.Handlers {
		h := &c.Handlers[i]
		sources, err := stores.Open(c, i)
		faults.Collect(err)
		_, err = overlays.New(c, h, storage.Fallback(sources.Buckets()...), fonts, config.HandlerKey(i), slog.Default(), nil)
		faults.Collect(err)
		if h.Auth != nil && h.Auth.JWT != nil {
			if _, err := access.NewKeyrings(c, h.Auth.JWT, slog.Default(), nil); err != nil {
				faults.Add(config.AuthKey(c, i)+".jwt", "%v", err)
			}
		}
		limits := h.Limits.ResizeLimits(h.ReadFormats(), int64(h.AVIFPixels))
		if h.ErrorImage != "" {
			if err := errorimage.Try(c, h.ErrorImage, limits); err != nil {
				faults.Add(config.HandlerKey(i)+".error_image", "%v", err)
			}
		}
		for cause, file := range h.ErrorImages {
			if err := errorimage.Try(c, file, limits); err != nil {
				faults.Add(config.HandlerKey(i)+".error_images."+cause, "%v", err)
			}
		}
	}
	return c.Place(faults.Join())
}
