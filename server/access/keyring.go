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
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/config"
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
	file   string                   // "": none
	local  *config.Watched[*keySet] // of the file or the configuration; nil: they are of url
	url    string                   // "": none
	client *http.Client
	log    *slog.Logger
	busy   chan struct{} // holds a value while the URL is being asked

	mu    sync.Mutex
	keys  *keySet   // of url; nil: not asked yet; guarded by mu, as all below
	asked time.Time // when url was asked
	next  time.Time // when it is to be asked again
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
		local, err := config.Watch(func() (*keySet, error) { return parseKey([]byte(j.Key)) })
		if err != nil {
			return nil, err
		}
		all = append(all, &Keyring{local: local, log: log})
	}
	if j.KeyFile != "" {
		file := c.Path(j.KeyFile)
		local, err := config.Watch(func() (*keySet, error) { return readKeys(file) }, file)
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
	return &Keyring{url: url, client: client, log: log, busy: make(chan struct{}, 1)}
}

// ErrNoKeys is that nobody can say whether a token is good: the keys for it could
// not be fetched yet.
var ErrNoKeys = errors.New("the keys of tokens cannot be had")

// find returns the keys that a token may be signed with, and whether there may be
// more that could not be fetched yet.
func (all keyrings) find(ctx context.Context, token *jwt.Token) (keys any, more bool, err error) {
	var set jwt.VerificationKeySet
	for _, k := range all {
		found, err := k.find(ctx, token)
		if err != nil {
			more = more || errors.Is(err, ErrNoKeys)
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
		return set, more, nil
	case more:
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
	keys, asked, due := k.known()
	if due {
		keys = k.ask(ctx, asked, keys == nil)
	}
	if keys == nil {
		return nil, ErrNoKeys
	}
	key, err := keys.find(token)
	if err == nil || time.Since(asked) < keysPause || due {
		return key, err
	}
	if newer := k.ask(ctx, asked, true); newer != keys { // its key may be a new one
		return newer.find(token)
	}
	return nil, err
}

// fromFile returns the keys of the configuration or the file, which is read
// again if it has changed.
func (k *Keyring) fromFile() *keySet {
	return k.local.Get(func(_ *keySet, err error) {
		if err != nil {
			k.log.Error("keys not read again: the old ones stay", "key_file", k.file, "error", err)
		} else {
			k.log.Info("keys read again", "key_file", k.file)
		}
	})
}

// known returns the keys, nil if there are none yet, when the URL was asked for
// them, and whether it is time to ask again.
func (k *Keyring) known() (keys *keySet, asked time.Time, due bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys, k.asked, !time.Now().Before(k.next)
}

// ask asks the URL, unless that has been done since asked, and returns what is
// known then, nil if it is nothing. Of those who come at the same time one asks,
// and the others wait if they have to.
func (k *Keyring) ask(ctx context.Context, asked time.Time, wait bool) *keySet {
	select {
	case k.busy <- struct{}{}:
	default:
		if !wait {
			keys, _, _ := k.known()
			return keys
		}
		select {
		case k.busy <- struct{}{}:
		case <-ctx.Done():
			keys, _, _ := k.known()
			return keys
		}
	}
	defer func() { <-k.busy }()
	if keys, last, _ := k.known(); !last.Equal(asked) {
		return keys
	}
	// All others need the answer too, should this client leave.
	fresh, err := k.fetch(context.WithoutCancel(ctx))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = time.Now()
	if err != nil {
		k.log.Error("keys of tokens not fetched", "jwks_url", k.url, "error", err)
		pause := keysPause
		if k.keys == nil {
			pause = firstKeysPause
		}
		k.next = k.asked.Add(pause)
		return k.keys
	}
	k.keys, k.next = fresh, k.asked.Add(keysAge)
	return fresh
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
