package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
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

   s3imageserver serve ./photos
   s3imageserver serve s3://photos/2026 -region eu-central-1
   s3imageserver serve s3://photos -endpoint http://127.0.0.1:9000 -port 8081`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "port", Usage: "with an argument: `NUMBER` of the port", Value: 8080},
			&cli.StringFlag{Name: "listen", Usage: "with an argument: `ADDRESS` to listen at; 0.0.0.0 is every one of this machine, and shows everybody all pictures", Value: "127.0.0.1"},
			&cli.StringFlag{Name: "endpoint", Usage: "with a bucket: `URL` of a store that is not AWS"},
			&cli.StringFlag{Name: "region", Usage: "with a bucket: its `REGION` (default: the one that the store names)"},
			&cli.StringFlag{Name: "cache", Usage: "with an argument: `FOLDER` that keeps results (default: memory alone)"},
		},
		Action: serve,
	}
}

func serve(ctx context.Context, cmd *cli.Command) error {
	stderr := cmd.Root().ErrWriter
	load := func() (*server.Config, []*server.Fault, error) { return loadConfig(cmd) }
	// The program itself takes no argument but the name of a command.
	if cmd.Name == "serve" {
		text, err := shown(cmd)
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
	defer asked.Wait()
	defer stop()
	return server.ListenAndServe(ctx, c, server.Options{Log: log, Workers: spareThreads(), Version: versionText(), Revision: revision})
}

// storesTime is how long stores are asked at the start.
const storesTime = 20 * time.Second

// tellOfStores says at the start what the first request would find out: a store that is
// not there, does not know the keys or has no such bucket. It serves all the same.
func tellOfStores(ctx context.Context, c *server.Config, log *slog.Logger) {
	for _, f := range server.DoctorOfStores(ctx, c) {
		if ctx.Err() == nil {
			log.Warn("pictures cannot be had", "about", f.About, "error", f.Text, "cure", "s3imageserver doctor says more")
		}
	}
}

// shown returns the configuration that the arguments of serve ask for; nil if there
// are none, and the configuration is a file.
func shown(cmd *cli.Command) ([]byte, error) {
	switch cmd.NArg() {
	case 0:
		for _, name := range []string{"port", "listen", "endpoint", "region", "cache"} {
			if cmd.IsSet(name) {
				return nil, fmt.Errorf("serve: -%s is for serve FOLDER and serve s3://BUCKET; else the configuration says it", name)
			}
		}
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("serve: %q is one argument too many; flags stand before or behind the first", cmd.Args().Get(1))
	}
	if cmd.String("c") != "" {
		return nil, errors.New("serve: either -c FILE or a folder or bucket, not both")
	}
	type object = map[string]any
	handler := object{"name": "h", "output_format": "auto", "cache": object{"memory_mb": 64}}
	path := cmd.Args().First()
	if bucket, ok := strings.CutPrefix(path, "s3://"); ok {
		bucket, folder, _ := strings.Cut(bucket, "/")
		if bucket == "" {
			return nil, fmt.Errorf("serve: %s names no bucket: s3://BUCKET or s3://BUCKET/FOLDER", path)
		}
		store := object{"bucket_name": bucket, "file_path": folder}
		for _, key := range []string{"endpoint", "region"} {
			if v := cmd.String(key); v != "" {
				store[key] = v
			}
		}
		handler["aws"] = store
	} else {
		for _, key := range []string{"endpoint", "region"} {
			if cmd.IsSet(key) {
				return nil, fmt.Errorf("serve: -%s is for buckets, and %s is a folder", key, path)
			}
		}
		folder, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("serve: there is no folder %s; a bucket is s3://BUCKET", path)
		}
		handler["source"] = object{"dir": folder}
	}
	if folder := cmd.String("cache"); folder != "" {
		handler["cache_path"] = folder
	}
	return json.Marshal(object{
		"handlers":   []any{handler},
		"listen":     cmd.String("listen"),
		"http_port":  cmd.Int("port"),
		"playground": true,
	})
}

// spareThreads returns how many processors there are, and lets the program run
// on some threads more: when pictures take all processors, what is in the cache
// is answered by the others, and the kernel shares the time among them sooner
// than Go's scheduler does. GOMAXPROCS in the environment wins.
func spareThreads() (processors int) {
	processors = runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2*processors + 2)
	}
	return processors
}

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
