package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// sign prints the URLs that are its arguments with a signature, one a line.
func sign(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags, file := newFlags("sign", stderr)
	key := flags.String("key", "", "`id` of the key (default: the first one of the handler)")
	exp := flags.String("exp", "", "when the URLs end: after a `time` as in 1h30m or 7d, or at one as in 2030-12-31T00:00:00Z (default: as they say, else never)")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: s3imageserver sign [flags] URL ...\n\nSigns URLs, whole or from the path on, with the keys of auth.hmac in the configuration.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("sign: no URL; see s3imageserver sign -h")
	}
	expires, err := parseEnd(*exp, time.Now())
	if err != nil {
		return err
	}
	c, _, err := loadConfig(*file, stderr)
	if err != nil {
		return err
	}
	for _, url := range flags.Args() {
		signed, err := c.SignURL(url, *key, expires)
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, signed)
	}
	return nil
}

// parseEnd reads a moment, or a time from now; the zero time if text is empty.
func parseEnd(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && fmt.Sprintf("%dd", days) == text && days > 0 {
		return now.AddDate(0, 0, days), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("sign: -exp %s is neither a time as in 1h30m or 7d, nor a moment as in 2030-12-31T00:00:00Z", text)
	}
	return now.Add(d), nil
}
