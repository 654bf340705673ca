package stores

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/dir"
	"s3imageserver/storage/origin"
	"s3imageserver/storage/s3"
)

// OpenShared opens the shared bucket of a cache. Its store has to answer within
// timeout, since a fill asks it first.
func OpenShared(a *config.AWSConfig, timeout time.Duration) (storage.Store, error) {
	c, err := s3Config(a)
	if err != nil {
		return nil, err
	}
	c.HeaderTimeout = timeout
	return s3.Open(c)
}

// OpenSource opens one source, and returns a name for it that tells it from all
// others.
func OpenSource(c *config.Config, e *config.SourceEntry, maxBytes int64) (b storage.Bucket, id string, err error) {
	switch e.Kind() {
	case config.KindS3:
		settings, err := s3Config(&e.AWSConfig)
		if err != nil {
			return nil, "", err
		}
		settings.MaxBytes = maxBytes
		b, err := s3.Open(settings)
		return b, cache.Tuple("s3", e.Endpoint, e.BucketName, e.PrefixOf()), err
	case config.KindDir:
		b, err = openDir(c, e.Dir)
		return b, cache.Tuple("dir", e.Dir), err
	default:
		settings, err := originConfig(&e.SourceConfig, maxBytes)
		if err != nil {
			return nil, "", err
		}
		b, err := origin.Open(settings)
		return b, cache.Tuple("origin", e.URL), err
	}
}

// Examination is what a store said when it was examined.
type Examination = s3.Examination

// Examine asks the store of a bucket, and writes nothing.
func Examine(ctx context.Context, a *config.AWSConfig) (Examination, error) {
	c, err := s3Config(a)
	if err != nil {
		return Examination{}, err
	}
	return s3.Examine(ctx, c)
}

// TryWrite writes into a bucket, and removes what it wrote.
func TryWrite(ctx context.Context, a *config.AWSConfig) (put, remove s3.Answer, err error) {
	c, err := s3Config(a)
	if err != nil {
		return put, remove, err
	}
	return s3.TryWrite(ctx, c)
}

// s3Config returns the configuration in the words of package s3.
func s3Config(a *config.AWSConfig) (s3.Config, error) {
	key, err := a.CustomerKeyBytes()
	return s3.Config{
		Endpoint: a.Endpoint, Region: a.Region, Bucket: a.BucketName, Prefix: a.PrefixOf(), PathStyle: a.PathStyle,
		AccessKey: a.AccessKey, SecretKey: string(a.SecretKey), SessionToken: string(a.SessionToken),
		CredentialsEndpoint: a.CredentialsEndpoint, CustomerKey: key, RequesterPays: a.RequesterPays,
		VerifyMD5: a.Verify == config.VerifyMD5,
	}, err
}

// originConfig returns the configuration in the words of package origin.
func originConfig(s *config.SourceConfig, maxBytes int64) (origin.Config, error) {
	networks, err := s.NetworkPrefixes()
	header := http.Header{}
	for name, value := range s.Headers {
		header.Set(name, string(value))
	}
	return origin.Config{URL: s.URL, Hosts: s.Hosts, Networks: networks, Header: header, MaxBytes: maxBytes}, err
}

// openDir opens a local folder, or the embedded one of that name if there is
// none on disk.
func openDir(c *config.Config, name string) (storage.Bucket, error) {
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
