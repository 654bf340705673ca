package server

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/dir"
	"s3imageserver/storage/origin"
	"s3imageserver/storage/s3"
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

// openStore opens the shared bucket of a cache. Its store has to answer soon,
// since a fill asks it first.
func openStore(a *AWSConfig) (storage.Store, error) {
	c, err := s3Config(a)
	if err != nil {
		return nil, err
	}
	c.HeaderTimeout = sharedTimeout
	return s3.Open(c)
}

// openSource opens one source, and returns a name for it that tells it from all
// others.
func openSource(c *Config, e *SourceEntry, maxBytes int64) (b storage.Bucket, id string, err error) {
	switch e.Kind() {
	case config.KindS3:
		config, err := s3Config(&e.AWSConfig)
		if err != nil {
			return nil, "", err
		}
		config.MaxBytes = maxBytes
		b, err := s3.Open(config)
		return b, cache.Tuple("s3", e.Endpoint, e.BucketName, e.PrefixOf()), err
	case config.KindDir:
		b, err = openDir(c, e.Dir)
		return b, cache.Tuple("dir", e.Dir), err
	default:
		config, err := originConfig(&e.SourceConfig, maxBytes)
		if err != nil {
			return nil, "", err
		}
		b, err := origin.Open(config)
		return b, cache.Tuple("origin", e.URL), err
	}
}

// storeExamination is what a store said when it was examined.
type storeExamination = s3.Examination

func examineStore(ctx context.Context, a *AWSConfig) (storeExamination, error) {
	c, err := s3Config(a)
	if err != nil {
		return storeExamination{}, err
	}
	return s3.Examine(ctx, c)
}

// tryStore writes into a bucket, and removes what it wrote.
func tryStore(ctx context.Context, a *AWSConfig) (put, remove s3.Answer, err error) {
	c, err := s3Config(a)
	if err != nil {
		return put, remove, err
	}
	return s3.TryWrite(ctx, c)
}

// s3Config returns the configuration in the words of package s3.
func s3Config(a *AWSConfig) (s3.Config, error) {
	key, err := a.CustomerKeyBytes()
	return s3.Config{
		Endpoint: a.Endpoint, Region: a.Region, Bucket: a.BucketName, Prefix: a.PrefixOf(), PathStyle: a.PathStyle,
		AccessKey: a.AccessKey, SecretKey: string(a.SecretKey), SessionToken: string(a.SessionToken),
		CredentialsEndpoint: a.CredentialsEndpoint, CustomerKey: key, RequesterPays: a.RequesterPays,
	}, err
}

// originConfig returns the configuration in the words of package origin.
func originConfig(s *SourceConfig, maxBytes int64) (origin.Config, error) {
	networks, err := s.NetworkPrefixes()
	header := http.Header{}
	for name, value := range s.Headers {
		header.Set(name, string(value))
	}
	return origin.Config{URL: s.URL, Hosts: s.Hosts, Networks: networks, Header: header, MaxBytes: maxBytes}, err
}

// openDir opens a local folder, or the embedded one of that name if there is
// none on disk.
func openDir(c *Config, name string) (storage.Bucket, error) {
	path := c.Path(name)
	was, _ := os.Stat(path) // nil: Open says why
	c.DependsOn("folder "+name, func() bool {
		is, _ := os.Stat(c.Path(name))
		return os.SameFile(was, is)
	})
	b, err := dir.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if sub := c.EmbeddedDir(name); sub != nil {
			return dir.New(sub), nil
		}
	}
	if err != nil {
		return nil, err
	}
	return b, nil
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
		sources, err := openSources(c, i)
		faults.Collect(err)
		_, err = newOverlays(c, h, storage.Fallback(sources.buckets()...), fonts, config.HandlerKey(i), slog.Default(), nil)
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
