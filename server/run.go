package server

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/stores"
	"s3imageserver/storage"
)

// Run is the whole program for those who embed it: it reads the configuration
// that the flag -c names (default config.json), serves, and returns when the
// process is told to end. verify, if not nil, decides by the value of the
// parameter t whether a request is answered.
//
// Faults at the start are printed to standard error, and the process exits
// with status 1.
func Run(verify func(token string) bool) {
	flags := flag.NewFlagSet(filepath.Base(os.Args[0]), flag.ExitOnError)
	file := flags.String("c", "config.json", "configuration file")
	_ = flags.Parse(os.Args[1:]) // exits by itself
	if err := runFile(*file, Options{Verify: verify}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runFile(file string, o Options) error {
	c, warnings, err := Load(file)
	if o.Log == nil && err == nil {
		o.Log = NewLog(os.Stderr, c.Log)
	}
	LogWarnings(o.Log, warnings)
	if err != nil {
		return err
	}
	return ListenAndServe(context.Background(), c, o)
}

// LogWarnings logs the warnings of Load; a nil log means slog.Default().
func LogWarnings(log *slog.Logger, warnings []*Fault) {
	if log == nil {
		log = slog.Default()
	}
	for _, w := range warnings {
		log.Warn("configuration: " + w.Error())
	}
}

// Check looks at what a server for the configuration would open: sources and
// error images. It sends nothing to any store and creates no folder. The error
// joins all faults.
func Check(c *Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	var faults config.Faults
	fonts, err := newFonts(c)
	faults.Collect(err)
	for i := range c.Handlers {
		h := &c.Handlers[i]
		sources, err := stores.Open(c, i)
		faults.Collect(err)
		_, err = newOverlays(c, h, storage.Fallback(sources.Buckets()...), fonts, config.HandlerKey(i), slog.Default(), nil)
		faults.Collect(err)
		if h.Auth != nil && h.Auth.JWT != nil {
			if _, err := access.NewKeyrings(c, h.Auth.JWT, slog.Default(), nil); err != nil {
				faults.Add(config.AuthKey(c, i)+".jwt", "%v", err)
			}
		}
		image := &fallback{resizer: &resize.Resizer{Limits: h.Limits.ResizeLimits(h.ReadFormats(), int64(h.AVIFPixels))}}
		if h.ErrorImage != "" {
			if _, err := image.read(c, h.ErrorImage); err != nil {
				faults.Add(config.HandlerKey(i)+".error_image", "%v", err)
			}
		}
		for cause, file := range h.ErrorImages {
			if _, err := image.read(c, file); err != nil {
				faults.Add(config.HandlerKey(i)+".error_images."+cause, "%v", err)
			}
		}
	}
	return c.Place(faults.Join())
}
