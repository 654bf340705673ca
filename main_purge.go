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

	"github.com/urfave/cli/v3"

	"s3imageserver/server"
)

// purgeTimeout bounds one purge: by a prefix, the server looks at every entry.
const purgeTimeout = 5 * time.Minute

func purgeCommand() *cli.Command {
	return &cli.Command{
		Name:        "purge",
		Usage:       "remove pictures from the caches of a running server",
		ArgsUsage:   "[URL ...]",
		Description: "Purges pictures from every tier and every machine: by URL, or by what the flags say. A URL stands\nfor its whole source, with all sizes, versions and details. It prints how many entries were removed\nby the server that was asked; the token is that of the configuration.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "handler", Usage: "`PREFIX` of the handler that -name, -prefix and -all are about (default: the first one of the configuration)"},
			&cli.StringFlag{Name: "name", Usage: "purge the source of this `NAME`, with all that is made of it"},
			&cli.StringFlag{Name: "prefix", Usage: "purge every source whose name begins with `TEXT`"},
			&cli.BoolFlag{Name: "all", Usage: "purge everything of the handler"},
			&cli.StringFlag{Name: "admin", Usage: "`URL` of the listener for operators (default: that of the configuration)"},
		},
		Action: purge,
	}
}

// purge asks a running server, on its listener for operators, to purge
// pictures: the URLs that are its arguments, or what a flag says.
func purge(ctx context.Context, cmd *cli.Command) error {
	c, _, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	base := cmd.String("admin")
	if base == "" {
		if base, err = adminURL(c.Admin.Listen); err != nil {
			return err
		}
	}
	if c.Admin.Token == "" {
		return errors.New("purge: the configuration has no admin.token")
	}
	var requests []server.PurgeRequest
	for _, url := range cmd.Args().Slice() {
		requests = append(requests, server.PurgeRequest{URL: url})
	}
	if by := (server.PurgeRequest{Handler: cmd.String("handler"), Name: cmd.String("name"), Prefix: cmd.String("prefix"), All: cmd.Bool("all")}); by.Name != "" || by.Prefix != "" || by.All {
		if by.Handler == "" && len(c.Handlers) > 0 {
			by.Handler = c.Handlers[0].Prefix
		}
		requests = append(requests, by)
	}
	if len(requests) == 0 {
		return errors.New("purge: nothing to purge; see s3imageserver purge -h")
	}
	var removed server.Removed
	for _, r := range requests {
		one, err := postPurge(ctx, strings.TrimRight(base, "/")+"/purge", string(c.Admin.Token), r)
		if err != nil {
			return err
		}
		removed.Add(one)
	}
	fmt.Fprintf(cmd.Root().Writer, "purged: %d in memory, %d on disk, %d originals, %d in the shared bucket\n",
		removed.Memory, removed.Disk, removed.Originals, removed.Shared)
	return nil
}

// adminURL returns how to reach the listener for operators from this machine.
func adminURL(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", errors.New("purge: the configuration has no admin.listen; use -admin URL")
	}
	return "http://" + hostPort(host, port), nil
}

// hostPort returns where a listener of this machine is reached.
func hostPort(host, port string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// postPurge asks for one purge and returns what it removed.
func postPurge(ctx context.Context, url, token string, p server.PurgeRequest) (removed server.Removed, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	body, err := json.Marshal(p)
	if err != nil {
		return removed, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return removed, fmt.Errorf("purge: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return removed, fmt.Errorf("purge: %w", err)
	}
	defer resp.Body.Close() // only read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return removed, fmt.Errorf("purge: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return removed, fmt.Errorf("purge: the server says %d: %s", resp.StatusCode, bytes.TrimSpace(answer))
	}
	var said server.PurgeAnswer
	if err := json.Unmarshal(answer, &said); err != nil {
		return removed, fmt.Errorf("purge: the server's answer: %w", err)
	}
	return said.Removed, nil
}
