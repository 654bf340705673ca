package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"s3imageserver/server"
)

// purgeTimeout bounds one purge: by a prefix, the server looks at every entry.
const purgeTimeout = 5 * time.Minute

// purge asks a running server, on its listener for operators, to purge
// pictures: the URLs that are its arguments, or what a flag says.
func purge(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags, file := newFlags("purge", stderr)
	handler := flags.String("handler", "", "prefix of the `handler` that -name, -prefix and -all are about")
	name := flags.String("name", "", "purge every variant of the source of this `name`")
	prefix := flags.String("prefix", "", "purge every source whose name `begins` so")
	all := flags.Bool("all", false, "purge everything of the handler")
	admin := flags.String("admin", "", "`URL` of the listener for operators (default: that of the configuration)")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: s3imageserver purge [flags] [URL ...]\n\nPurges pictures of a running server, from every tier and every machine.\nThe token is that of the configuration.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, _, err := loadConfig(*file, stderr)
	if err != nil {
		return err
	}
	base := *admin
	if base == "" {
		if base, err = adminURL(c.Admin.Listen); err != nil {
			return err
		}
	}
	if c.Admin.Token == "" {
		return errors.New("purge: the configuration has no admin.token")
	}
	var requests []server.PurgeRequest
	for _, url := range flags.Args() {
		requests = append(requests, server.PurgeRequest{URL: url})
	}
	if *name != "" || *prefix != "" || *all {
		requests = append(requests, server.PurgeRequest{Handler: *handler, Name: *name, Prefix: *prefix, All: *all})
	}
	if len(requests) == 0 {
		return errors.New("purge: nothing to purge; see s3imageserver purge -h")
	}
	for _, r := range requests {
		if err := postPurge(ctx, strings.TrimRight(base, "/")+"/purge", string(c.Admin.Token), r); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "purged: %d\n", len(requests))
	return nil
}

// adminURL returns how to reach the listener for operators from this machine.
func adminURL(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", errors.New("purge: the configuration has no admin.listen; say -admin URL")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

func postPurge(ctx context.Context, url, token string, p server.PurgeRequest) error {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	defer resp.Body.Close() // only read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("purge: the server says %d: %s", resp.StatusCode, bytes.TrimSpace(answer))
	}
	return nil
}
