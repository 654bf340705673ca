package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"s3imageserver/server/logging"
)

// Run is the whole program, to be called from a main function: it reads the configuration
// that the flag -c names (default config.json), serves, and returns when the process is
// told to end. verify, if not nil, decides by the value of the parameter t whether a
// request is answered.
//
// Faults at the start are printed to standard error, and the process exits
// with status 1.
func Run(verify func(token string) bool) {
	flags := flag.NewFlagSet(filepath.Base(os.Args[0]), flag.ExitOnError)
	file := flags.String("c", "config.json", "configuration file")
	_ = flags.Parse(os.Args[1:]) // exits by itself
	if err := runFile(*file, Options{Verify: verify}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runFile(file string, o Options) error {
	c, warnings, err := Load(file)
	if o.Log == nil && err == nil {
		o.Log = logging.New(os.Stderr, c.Log)
	}
	LogWarnings(o.Log, warnings)
	if err != nil {
		return err
	}
	return ListenAndServe(context.Background(), c, o)
}

// LogWarnings logs the warnings of Load; a nil log means slog.Default().
func LogWarnings(log *slog.Logger, warnings []*Fault) {
	if log == nil {
		log = slog.Default()
	}
	for _, w := range warnings {
		log.Warn("configuration: " + w.Error())
	}
}

// A build is what runs; instance tells this process from all others.
type build struct{ version, revision, instance string }

// buildOf returns what the options say of the program, else what go build has
// written into it: the version of the main module, and the revision of the clone
// that it was built in, with "-modified" behind it if that had changes.
func buildOf(o Options) build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	b := buildFrom(o, info)
	b.instance = rand.Text()
	return b
}

func buildFrom(o Options, info *debug.BuildInfo) build {
	b := build{version: o.Version, revision: o.Revision}
	b.version = cmp.Or(b.version, info.Main.Version)
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "-modified"
		}
	}
	if revision != "" {
		b.revision = cmp.Or(b.revision, revision+modified)
	}
	return b
}
