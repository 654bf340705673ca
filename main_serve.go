package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/cenkalti/backoff/v5"
	"github.com/pkg/browser"
	"github.com/urfave/cli/v3"

	"s3imageserver/server"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "answer requests; this is what is done without a command",
		ArgsUsage: "[FOLDER | s3://BUCKET[/FOLDER]]",
		Description: `Without an argument the configuration says what is served. With one, no file is needed: the
pictures of the folder or of the bucket are at /h/NAME on this machine alone, and a page that
shows them at /. Access keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from
~/.aws/credentials, or from the role of the machine.

   s3imageserver serve ./photos -open
   s3imageserver serve s3://photos/2026 -region eu-central-1
   s3imageserver serve s3://photos -endpoint http://127.0.0.1:9000 -port 8081`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "port", Usage: "with an argument: `NUMBER` of the port", Value: 8080},
			&cli.StringFlag{Name: "listen", Usage: "with an argument: `ADDRESS` to listen at; 0.0.0.0 is every one of this machine, and shows everybody all pictures", Value: "127.0.0.1"},
			&cli.StringFlag{Name: "endpoint", Usage: "with a bucket: `URL` of a store that is not AWS"},
			&cli.StringFlag{Name: "region", Usage: "with a bucket: its `REGION` (default: the one that the store names)"},
			&cli.StringFlag{Name: "cache", Usage: "with an argument: `FOLDER` that keeps results (default: memory alone)"},
			&cli.BoolFlag{Name: "open", Usage: "open the page in a browser when the server answers"},
		},
		Action: serve,
	}
}

func serve(ctx context.Context, cmd *cli.Command) error {
	stderr := cmd.Root().ErrWriter
	load := func() (*server.Config, []*server.Fault, error) { return loadConfig(cmd) }
	// The program itself takes no argument but the name of a command.
	if cmd.Name == "serve" {
		text, err := servedByArguments(cmd)
		if err != nil {
			return err
		}
		if text != nil {
			load = func() (*server.Config, []*server.Fault, error) {
				return server.LoadEmbedded("the command line", text, embedded)
			}
		}
	} else if err := noArguments(cmd); err != nil {
		return err
	}
	c, warnings, err := load()
	if err != nil {
		server.LogWarnings(slog.New(slog.NewTextHandler(stderr, nil)), warnings)
		return err
	}
	log := server.NewLog(stderr, c.Log)
	server.LogWarnings(log, warnings)
	limitMemory(log)
	asking, stop := context.WithTimeout(ctx, storesTime)
	var asked sync.WaitGroup
	asked.Go(func() { tellOfStores(asking, c, log) })
	if cmd.Bool("open") {
		address := publicURL(c) + "/"
		asked.Go(func() { openPage(asking, address, log) })
	}
	defer asked.Wait()
	defer stop()
	return server.ListenAndServe(ctx, c, server.Options{Log: log, Workers: runtime.GOMAXPROCS(0), Busy: tuneRuntime(), Version: versionText(), Revision: revision})
}

// storesTime is how long stores are asked at the start.
const storesTime = 20 * time.Second

// tellOfStores says at the start what the first request would find out: a store that is
// not there, does not know the keys or has no such bucket. It serves all the same.
func tellOfStores(ctx context.Context, c *server.Config, log *slog.Logger) {
	for _, f := range server.DoctorOfStores(ctx, c) {
		if ctx.Err() == nil {
			log.Warn("pictures cannot be fetched", "about", f.About, "error", f.Text, "cure", "s3imageserver doctor says more")
		}
	}
}

// openPage opens the address in a browser as soon as it answers.
func openPage(ctx context.Context, address string, log *slog.Logger) {
	answers := func() (struct{}, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, resp.Body.Close()
	}
	_, err := backoff.Retry(ctx, answers, backoff.WithBackOff(backoff.NewConstantBackOff(20*time.Millisecond)))
	if err == nil {
		err = openInBrowser(address)
	}
	if err != nil && ctx.Err() == nil {
		log.Warn("no browser was opened", "url", address, "error", err)
	}
}

// openInBrowser opens an address in the browser of who is at the machine. Tests
// put another in its place.
var openInBrowser = browser.OpenURL

// limitMemory lets the garbage collector work harder before the process takes
// more than 90 % of what its container, else the machine, has. GOMEMLIMIT in the
// environment wins.
func limitMemory(log *slog.Logger) {
	_, err := memlimit.SetGoMemLimitWithOpts(
		memlimit.WithRatio(0.9),
		memlimit.WithProvider(memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)),
		memlimit.WithLogger(slog.New(slog.DiscardHandler)), // it reports what is no fault
	)
	if err != nil {
		log.Warn("no memory limit set", "error", err)
	}
}
