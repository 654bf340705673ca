// S3imageserver serves pictures from S3-compatible stores or folders, cropped,
// resized and converted on request.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime"

	"github.com/KimMachineGun/automemlimit/memlimit"
	_ "golang.org/x/crypto/x509roots/fallback" // a scratch container has no CA roots

	"s3imageserver/server"
)

//go:embed config.json testdata/photos testdata/error.png
var embedded embed.FS

const defaultConfig = "config.json"

// A command is one way to run the program.
type command struct {
	name, doc string
	run       func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

// commands returns all commands; the first one is the default.
func commands() []command {
	return []command{
		{"serve", "answer requests (default)", serve},
		{"sign", "sign URLs", sign},
		{"purge", "remove pictures from the caches of a running server", purge},
		{"check", "read the configuration, say what is wrong with it, and end", check},
	}
}

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the program without its process: args are those behind its name.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name == args[0] {
				return c.run(ctx, args[1:], stdout, stderr)
			}
		}
	}
	return commands()[0].run(ctx, args, stdout, stderr)
}

// newFlags returns the flags of a command, with the one that all have.
func newFlags(name string, stderr io.Writer) (flags *flag.FlagSet, config *string) {
	flags = flag.NewFlagSet("s3imageserver "+name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	config = flags.String("c", "", "configuration `file` (default config.json in the working directory, else a built-in one that shows sample pictures)")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: s3imageserver [command] [flags]\n\ncommands:\n")
		for _, c := range commands() {
			fmt.Fprintf(stderr, "  %-8s %s\n", c.name, c.doc)
		}
		fmt.Fprintf(stderr, "\nflags of %s:\n", name)
		flags.PrintDefaults()
	}
	return flags, config
}

// parseFlags reads args, which must all be flags.
func parseFlags(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown command or argument %q; see -h", flags.Arg(0))
	}
	return nil
}

// loadConfig reads the named file; without a name config.json, and without that
// the embedded configuration.
func loadConfig(name string, stderr io.Writer) (*server.Config, []*server.Fault, error) {
	if name != "" {
		return server.Load(name)
	}
	if _, err := os.Stat(defaultConfig); !errors.Is(err, fs.ErrNotExist) {
		return server.Load(defaultConfig)
	}
	fmt.Fprintln(stderr, "no config.json here and no -c: showing the built-in sample pictures")
	data, err := embedded.ReadFile(defaultConfig)
	if err != nil {
		return nil, nil, err
	}
	return server.LoadEmbedded("built-in config.json", data, embedded)
}

func serve(ctx context.Context, args []string, _, stderr io.Writer) error {
	flags, name := newFlags("serve", stderr)
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	c, warnings, err := loadConfig(*name, stderr)
	if err != nil {
		server.LogWarnings(slog.New(slog.NewTextHandler(stderr, nil)), warnings)
		return err
	}
	log := server.NewLog(stderr, c.Log)
	server.LogWarnings(log, warnings)
	limitMemory(log)
	return server.ListenAndServe(ctx, c, server.Options{Log: log, Workers: spareThreads()})
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

// check loads and validates without serving. Unknown keys are faults here.
func check(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags, name := newFlags("check", stderr)
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	c, warnings, err := loadConfig(*name, stderr)
	faults := []error{err}
	for _, w := range warnings {
		faults = append(faults, w)
	}
	if err == nil {
		faults = append(faults, server.Check(c))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "configuration is valid: %d handlers\n", len(c.Handlers))
	return nil
}
