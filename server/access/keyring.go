package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/config"
	"s3imageserver/server/refresh"
)

const (
	// keysAge is how long a set that was fetched is taken for new.
	keysAge = 15 * time.Minute
	// keysPause is how long the one who has the set is left alone after an answer,
	// when a token names a key that is not in it, and after a failure.
	keysPause = 30 * time.Second
	// firstKeysPause is the same after a failure when there are no keys yet: nobody
	// is let in without them.
	firstKeysPause = 5 * time.Second
	// keysTimeout bounds one fetch.
	keysTimeout = 5 * time.Second
)

// A Keyring has the keys of a file, which is read again when it changes, of a
// URL, which is asked again now and then, or of the configuration. Keys that
// cannot be read anew stay as they are.
type Keyring struct {
	file   string                    // "": none
	local  *refresh.Watched[*keySet] // of the file or the configuration; nil: they are of url
	url    string                    // "": none
	remote refresh.Remote[keySet]    // of url
	client *http.Client
	log    *slog.Logger
}

// keyrings are the keys from all places that a configuration names.
type keyrings []*Keyring

// NewKeyrings returns the keys of the configuration. The URL is asked when the
// first token comes. Handlers that name the same URL, and Servers that follow each
// other, ask it once: share gets the keyring of a URL, or makes it; nil makes
// one.
func NewKeyrings(c *config.Config, j *config.JWTConfig, log *slog.Logger, share func(name string, open func() *Keyring) *Keyring) (all keyrings, err error) {
	if share == nil {
		share = func(_ string, open func() *Keyring) *Keyring { return open() }
	}
	if j.Key != "" {
		local, err := refresh.Watch(func() (*keySet, error) { return parseKey([]byte(j.Key)) })
		if err != nil {
			return nil, err
		}
		all = append(all, &Keyring{local: local, log: log})
	}
	if j.KeyFile != "" {
		file := c.Path(j.KeyFile)
		local, err := refresh.Watch(func() (*keySet, error) { return readKeys(file) }, file)
		if err != nil {
			return nil, err
		}
		all = append(all, &Keyring{file: file, local: local, log: log})
	}
	if j.JWKSURL != "" {
		all = append(all, share(j.JWKSURL, func() *Keyring { return newRemoteKeyring(j.JWKSURL, log) }))
	}
	return all, nil
}

// CountKeys asks a URL for its keys, and returns how many there are.
func CountKeys(ctx context.Context, url string) (int, error) {
	keys, err := newRemoteKeyring(url, slog.New(slog.DiscardHandler)).fetch(ctx)
	if err != nil {
		return 0, err
	}
	return len(keys.all), nil
}

// newRemoteKeyring returns the keys of a URL, which was not asked yet.
func newRemoteKeyring(url string, log *slog.Logger) *Keyring {
	client := &http.Client{Timeout: keysTimeout, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 || !config.SafeKeysURL(r.URL) || r.URL.Host != via[0].URL.Host {
			return fmt.Errorf("redirected too often, to another host, or to where it is not safe: %s", r.URL.Host)
		}
		return nil
	}}
	k := &Keyring{url: url, client: client, log: log}
	// All others need the answer too, should the client leave that asks.
	k.remote = refresh.Remote[keySet]{Age: keysAge, Pause: keysPause, FirstPause: firstKeysPause, Finishes: true, Ask: func(ctx context.Context, _ *keySet) (keySet, error) {
		keys, err := k.fetch(ctx)
		if err != nil {
			log.Error("keys for tokens not fetched", "jwks_url", url, "error", err)
			return keySet{}, err
		}
		return *keys, nil
	}}
	return k
}

// ErrNoKeys is that nobody can say whether a token is good: the keys for it could
// not be fetched yet.
var ErrNoKeys = errors.New("the keys for tokens cannot be fetched")

// find returns the keys that a token may be signed with, and whether some may be missing
// since they could not be fetched yet.
func (all keyrings) find(ctx context.Context, token *jwt.Token) (keys any, missing bool, err error) {
	var set jwt.VerificationKeySet
	for _, k := range all {
		found, err := k.find(ctx, token)
		if err != nil {
			missing = missing || errors.Is(err, ErrNoKeys)
			continue
		}
		if several, ok := found.(jwt.VerificationKeySet); ok {
			set.Keys = append(set.Keys, several.Keys...)
		} else {
			set.Keys = append(set.Keys, found)
		}
	}
	switch {
	case len(set.Keys) > 0:
		return set, missing, nil
	case missing:
		return nil, true, ErrNoKeys
	}
	return nil, false, errKey
}

// find returns the key of a token.
func (k *Keyring) find(ctx context.Context, token *jwt.Token) (any, error) {
	if k.local != nil {
		return k.fromFile().find(token)
	}
	if alg := token.Method.Alg(); alg == "none" || strings.HasPrefix(alg, "HS") {
		return nil, errKey // what all can fetch is no secret
	}
	keys, _ := k.remote.Get(ctx) // why there are none is in the log
	if keys == nil {
		return nil, ErrNoKeys
	}
	key, err := keys.find(token)
	if err == nil {
		return key, nil
	}
	if newer, _ := k.remote.Renew(ctx, keysPause); newer != keys { // its key may be a new one
		return newer.find(token)
	}
	return nil, err
}

// fromFile returns the keys of the configuration or the file, which is read
// again if it has changed.
func (k *Keyring) fromFile() *keySet {
	return k.local.Get(func(_ *keySet, err error) {
		if err != nil {
			k.log.Error("keys not reloaded: the old ones stay in use", "key_file", k.file, "error", err)
		} else {
			k.log.Info("keys reloaded", "key_file", k.file)
		}
	})
}

func (k *Keyring) fetch(ctx context.Context) (*keySet, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() // only read
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", resp.Status)
	}
	data, err := readBounded(resp.Body)
	if err != nil {
		return nil, err
	}
	return parseKeySet(data, false)
}

func readKeys(file string) (*keySet, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	data, err := readBounded(f)
	if err != nil {
		return nil, err
	}
	return parseKey(data)
}

func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxKeyBytes+1))
	if err == nil && len(data) > maxKeyBytes {
		err = fmt.Errorf("more than %d bytes of keys", maxKeyBytes)
	}
	return data, err
}
