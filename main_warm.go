package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/urfave/cli/v3"
	"golang.org/x/time/rate"

	"s3imageserver/server"
)

const (
	warmTimeout = 2 * time.Minute // for one picture
	warmTries   = 4
)

func warmCommand() *cli.Command {
	return &cli.Command{
		Name:      "warm",
		Usage:     "fill the cache of a running server",
		ArgsUsage: "[LIST ...]",
		Description: `Asks for every picture of the lists, which have one name a line, in every variant;
without a list, or for "-", the names come by the standard input. With -prefix the bucket,
or the folder, of the configuration names its pictures itself:

   s3imageserver warm -q 'w=300&f=webp' -preset card names.txt
   s3imageserver warm -q 'w=300&f=webp' -prefix 2026/ -rate 20

All variants of a picture are asked for one after the other, so that its original is
fetched once where originals are kept. A server that is busy is asked again when it says
so. Variants whose format the browser chooses are made for those that -accept names. One
that was interrupted says the name to go on after.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "`URL` of the server (default: this machine, with the port of the configuration)"},
			&cli.StringFlag{Name: "handler", Usage: "`PREFIX` of the handler (default: the first one of the configuration)"},
			&cli.StringFlag{Name: "prefix", Usage: "all names of the handler's sources that begin with `TEXT`, instead of lists; \"\" is all of them"},
			&cli.StringFlag{Name: "after", Usage: "go on behind this `NAME`"},
			&cli.StringSliceFlag{Name: "q", Usage: "a variant, as a `QUERY` of the URL; may be given several times"},
			&cli.StringSliceFlag{Name: "preset", Usage: "a variant, as the `NAME` of a preset; may be given several times"},
			&cli.StringSliceFlag{Name: "accept", Usage: "an Accept `HEADER`; may be given several times", Value: []string{"image/webp,*/*"}},
			&cli.BoolFlag{Name: "sign", Usage: "sign the URLs with the keys of the configuration"},
			&cli.IntFlag{Name: "j", Usage: "`NUMBER` of requests at once", Value: 4},
			&cli.FloatFlag{Name: "rate", Usage: "at most this `NUMBER` of requests a second (default: as many as the server answers)"},
		},
		Action: warm,
	}
}

// A warmer asks a server for pictures.
type warmer struct {
	client  *http.Client
	base    string   // what stands before a name
	queries []string // of the variants, each with its "?"
	accepts []string
	sign    func(url string) (string, error) // nil: not signed
	rate    *rate.Limiter
	stderr  io.Writer

	made, kept, failed atomic.Int64
}

func warm(ctx context.Context, cmd *cli.Command) error {
	w := &warmer{
		client:  &http.Client{Timeout: warmTimeout},
		queries: variants(cmd.StringSlice("q"), cmd.StringSlice("preset")),
		accepts: cmd.StringSlice("accept"),
		rate:    rate.NewLimiter(rate.Inf, 1),
		stderr:  cmd.Root().ErrWriter,
	}
	if perSecond := cmd.Float("rate"); cmd.IsSet("rate") {
		if !(perSecond > 0) {
			return errors.New("warm: -rate must be above 0")
		}
		w.rate.SetLimit(rate.Limit(perSecond))
	}
	var err error
	if w.base, err = handlerURL(cmd); err != nil {
		return fmt.Errorf("warm: %w", err)
	}
	if cmd.Bool("sign") {
		c, _, err := loadConfig(cmd)
		if err != nil {
			return fmt.Errorf("warm: %w", err)
		}
		w.sign = func(url string) (string, error) { return c.SignURL(url, "", time.Time{}) }
	}
	list, total, err := namesToWarm(ctx, cmd)
	if err != nil {
		return fmt.Errorf("warm: %w", err)
	}
	var listErr error
	all := func(yield func(numbered) bool) {
		i := 0
		for name, err := range list {
			if listErr = err; err != nil || !yield(numbered{i, name}) {
				return
			}
			i++
		}
	}
	var done doneInOrder
	eachAtOnce(ctx, w.stderr, "warming", cmd.Int("j"), total, all, func(item numbered) {
		w.all(ctx, item.name)
		if ctx.Err() == nil {
			done.add(item)
		}
	})
	fmt.Fprintf(cmd.Root().Writer, "made: %d, there already: %d, failed: %d\n", w.made.Load(), w.kept.Load(), w.failed.Load())
	if err := cmp.Or(ctx.Err(), listErr); err != nil {
		if done.last != "" {
			fmt.Fprintf(w.stderr, "to go on: -after '%s'\n", done.last)
		}
		return fmt.Errorf("warm: %w", err)
	}
	if n := w.failed.Load(); n > 0 {
		return fmt.Errorf("warm: %d of %d requests failed", n, n+w.made.Load()+w.kept.Load())
	}
	return nil
}

// namesToWarm returns the names that a command asks for, and how many they are, below 0 if
// that is not known. An error is the last that is yielded.
func namesToWarm(ctx context.Context, cmd *cli.Command) (names iter.Seq2[string, error], total int, err error) {
	after := cmd.String("after")
	if cmd.IsSet("prefix") {
		if cmd.NArg() > 0 {
			return nil, 0, errors.New("either lists or -prefix")
		}
		c, _, err := loadConfig(cmd)
		if err != nil {
			return nil, 0, err
		}
		prefix := cmp.Or(strings.Trim(cmd.String("handler"), "/"), c.Handlers[0].Prefix)
		i := slices.IndexFunc(c.Handlers, func(h server.HandlerConfig) bool { return h.Prefix == prefix })
		if i < 0 {
			return nil, 0, fmt.Errorf("there is no handler %q", prefix)
		}
		found := server.Names(ctx, c, i, cmd.String("prefix"), after)
		return func(yield func(string, error) bool) {
			for name, err := range found {
				if (err != nil || isPicture(name) && c.Handlers[i].AllowsName(name)) && !yield(name, err) {
					return
				}
			}
		}, -1, nil
	}
	list, err := readLists(cmd.Args().Slice(), cmd.Root().Reader)
	if err != nil {
		return nil, 0, err
	}
	if after != "" {
		i := slices.Index(list, after)
		if i < 0 {
			return nil, 0, fmt.Errorf("no list has the name %q", after)
		}
		list = list[i+1:]
	}
	return func(yield func(string, error) bool) {
		for _, name := range list {
			if !yield(name, nil) {
				return
			}
		}
	}, len(list), nil
}

// A numbered name has its place among all, from 0.
type numbered struct {
	place int
	name  string
}

// doneInOrder knows up to which name all are done, whatever their order. The zero value is
// ready; it is safe for concurrent use.
type doneInOrder struct {
	mu      sync.Mutex
	next    int            // the first place that is not done
	waiting map[int]string // done behind it: no more than are worked on at once
	last    string         // the name before next
}

func (d *doneInOrder) add(item numbered) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting = map[int]string{}
	}
	d.waiting[item.place] = item.name
	for {
		name, ok := d.waiting[d.next]
		if !ok {
			return
		}
		delete(d.waiting, d.next)
		d.next, d.last = d.next+1, name
	}
}

// all asks for all variants of one picture.
func (w *warmer) all(ctx context.Context, name string) {
	for _, query := range w.queries {
		u := w.base + escapeName(name) + query
		if w.sign != nil {
			signed, err := w.sign(u)
			if err != nil {
				w.failed.Add(int64(len(w.accepts)))
				fmt.Fprintf(w.stderr, "%s: %v\n", u, err)
				continue
			}
			u = signed
		}
		for _, accept := range w.accepts {
			if w.rate.Wait(ctx) == nil {
				w.one(ctx, u, accept)
			}
		}
	}
}

// handlerURL returns what stands before the names of a handler.
func handlerURL(cmd *cli.Command) (string, error) {
	base, prefix := cmd.String("url"), cmd.String("handler")
	if base == "" || prefix == "" {
		c, _, err := loadConfig(cmd)
		if err != nil {
			return "", err
		}
		if base == "" {
			base = publicURL(c)
		}
		if prefix == "" {
			prefix = c.Handlers[0].Prefix
		}
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" {
		return "", fmt.Errorf("%q is not the URL of a server", base)
	}
	return strings.TrimRight(base, "/") + "/" + strings.Trim(prefix, "/") + "/", nil
}

// publicURL returns how to reach the pictures of a server from this machine.
func publicURL(c *server.Config) string {
	scheme, port := "http", c.HTTPPort
	if port < 0 {
		scheme, port = "https", c.HTTPSPort
	}
	return scheme + "://" + hostPort(c.Listen, strconv.Itoa(port))
}

// readLists returns the lines of all lists that are not empty.
func readLists(files []string, stdin io.Reader) ([]string, error) {
	if len(files) == 0 {
		files = []string{"-"}
	}
	var names []string
	for _, file := range files {
		err := eachLine(file, stdin, bufio.MaxScanTokenSize, func(line string) {
			if name := strings.TrimSuffix(line, "\r"); name != "" {
				names = append(names, name)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return names, nil
}

// variants returns the queries of the URLs, each with its "?".
func variants(queries, presets []string) []string {
	var all []string
	for _, q := range queries {
		all = append(all, "?"+strings.TrimPrefix(q, "?"))
	}
	for _, p := range presets {
		all = append(all, "?preset="+url.QueryEscape(p))
	}
	if all == nil {
		return []string{""}
	}
	return all
}

func escapeName(name string) string {
	segments := strings.Split(strings.TrimPrefix(path.Clean("/"+name), "/"), "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return strings.Join(segments, "/")
}

// one asks for one picture, again when the server is busy.
func (w *warmer) one(ctx context.Context, u, accept string) {
	hit, err := backoff.Retry(ctx, func() (bool, error) { return w.ask(ctx, u, accept) }, backoff.WithMaxTries(warmTries))
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.failed.Add(1)
		fmt.Fprintf(w.stderr, "%s: %v\n", u, err)
	case hit:
		w.kept.Add(1)
	default:
		w.made.Add(1)
	}
}

// ask reports whether a picture was in the cache already.
func (w *warmer) ask(ctx context.Context, u, accept string) (hit bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return false, backoff.Permanent(err)
	}
	r.Header.Set("Accept", accept)
	resp, err := w.client.Do(r)
	if err != nil {
		return false, errors.Unwrap(err) // without the URL, which the caller has
	}
	defer resp.Body.Close() // read to its end
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return false, err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return strings.Contains(resp.Header.Get("Cache-Status"), "; hit"), nil
	case resp.StatusCode == http.StatusServiceUnavailable, resp.StatusCode == http.StatusTooManyRequests:
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
			return false, backoff.RetryAfter(seconds)
		}
		return false, errors.New(resp.Status)
	default:
		return false, backoff.Permanent(errors.New(resp.Status))
	}
}
