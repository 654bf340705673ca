package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v3"
)

// version and revision are set by the release script, whose builds know no
// clone: -ldflags "-X main.version=1.2.3 -X main.revision=4f5e…".
var version, revision string

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:   "version",
		Usage:  "tell the version",
		Action: printVersion,
	}
}

func printVersion(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.Root().Writer, "s3imageserver %s %s %s/%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// versionText returns the version of a release, else the revision that the
// build was made of.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	short, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			short = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+changes"
		}
	}
	if short == "" {
		return info.Main.Version
	}
	return "0-" + short + modified
}
