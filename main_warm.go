package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/urfave/cli/v3"

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
without a list, or for "-", the names come by the standard input:

   s3imageserver warm -q 'w=300&f=webp' -preset card names.txt

A server that is busy is asked again when it says so. Variants whose format the
browser chooses are made for those that -accept names.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "`URL` of the server (default: this machine, with the port of the configuration)"},
			&cli.StringFlag{Name: "handler", Usage: "`PREFIX` of the handler (default: the first one of the configuration)"},
			&cli.StringSliceFlag{Name: "q", Usage: "a variant, as a `QUERY` of the URL; may be given several times"},
			&cli.StringSliceFlag{Name: "preset", Usage: "a variant, as the `NAME` of a preset; may be given several times"},
			&cli.StringSliceFlag{Name: "accept", Usage: "an Accept `HEADER`; may be given several times", Value: []string{"image/webp,*/*"}},
			&cli.BoolFlag{Name: "sign", Usage: "sign the URLs with the keys of the configuration"},
			&cli.IntFlag{Name: "j", Usage: "`NUMBER` of requests at once", Value: 4},
		},
		Action: warm,
	}
}

// A warmer asks a server for pictures.
type warmer struct {
	client  *http.Client
	accepts []string
	stderr  io.Writer

	made, kept, failed atomic.Int64
}

func warm(ctx context.Context, cmd *cli.Command) error {
	base, err := handlerURL(cmd)
	if err != nil {
		return fmt.Errorf("warm: %w", err)
	}
	names, err := readLists(cmd.Args().Slice(), cmd.Root().Reader)
	if err != nil {
		return fmt.Errorf("warm: %w", err)
	}
	var urls []string
	for _, name := range names {
		for _, query := range variants(cmd.StringSlice("q"), cmd.StringSlice("preset")) {
			urls = append(urls, base+escapeName(name)+query)
		}
	}
	if cmd.Bool("sign") {
		if err := signAll(cmd, urls); err != nil {
			return fmt.Errorf("warm: %w", err)
		}
	}
	w := &warmer{client: &http.Client{Timeout: warmTimeout}, accepts: cmd.StringSlice("accept"), stderr: cmd.Root().ErrWriter}
	eachAtOnce(ctx, w.stderr, "warming", cmd.Int("j"), urls, func(u string) {
		for _, accept := range w.accepts {
			w.one(ctx, u, accept)
		}
	})
	fmt.Fprintf(cmd.Root().Writer, "made: %d, there already: %d, failed: %d\n", w.made.Load(), w.kept.Load(), w.failed.Load())
	if err := ctx.Err(); err != nil {
		return err
	}
	if n := w.failed.Load(); n > 0 {
		return fmt.Errorf("warm: %d of %d requests failed", n, len(urls)*len(w.accepts))
	}
	return nil
}

// signAll signs URLs in place, by the configuration.
func signAll(cmd *cli.Command, urls []string) error {
	c, _, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	for i := range urls {
		if urls[i], err = c.SignURL(urls[i], "", time.Time{}); err != nil {
			return err
		}
	}
	return nil
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
