package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

const healthTimeout = 5 * time.Second

func healthCommand() *cli.Command {
	return &cli.Command{
		Name:  "health",
		Usage: "ask a running server whether it is well; for containers",
		Description: `Asks the listener for operators, else health_path on the public port, else whether
anything answers there. The exit code is 0 if the server is well.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "`URL` to ask (default: by the configuration)"},
			&cli.BoolFlag{Name: "ready", Usage: "ask whether it can make pictures, instead of whether it lives"},
		},
		Action: health,
	}
}

func health(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	url, any := cmd.String("url"), false
	var token string
	if url == "" {
		c, _, err := loadConfig(cmd)
		if err != nil {
			return err
		}
		path, public := "/healthz", c.HealthPath
		if cmd.Bool("ready") {
			path, public = "/readyz", c.ReadyPath
		}
		if base, err := adminURL(c.Admin.Listen); err == nil {
			url, token = base+path, string(c.Admin.Token)
		} else {
			url, any = publicURL(c)+public, public == ""
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	// The certificate is for the name of the site, not for this machine's address.
	client := http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer resp.Body.Close()                                // only read
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) // what came will do
	if resp.StatusCode != http.StatusOK && (!any || resp.StatusCode >= 500) {
		return errors.New("health: " + resp.Status + ": " + strings.TrimSpace(string(text)))
	}
	fmt.Fprintln(cmd.Root().Writer, "ok")
	return nil
}
