package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v3"

	"s3imageserver/resize"
)

// version and revision are set by the release script, whose builds know no
// clone: -ldflags "-X main.version=1.2.3 -X main.revision=4f5e…".
var version, revision string

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "tell the version",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "licenses", Usage: "print the licenses of the program and of everything that is built into this one"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Bool("licenses") {
				return printLicenses(cmd)
			}
			return printVersion(ctx, cmd)
		},
	}
}

func printVersion(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	without := ""
	if resize.LeftOut(resize.HEIC) != "" {
		without = " without HEIC"
	}
	_, err := fmt.Fprintf(cmd.Root().Writer, "s3imageserver %s %s %s/%s%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH, without)
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
