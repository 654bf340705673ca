// S3imageserver serves pictures from S3-compatible stores or folders, cropped,
// resized and converted on request.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v3"
	_ "golang.org/x/crypto/x509roots/fallback" // a scratch container has no CA roots

	"s3imageserver/server"
)

//go:embed config.json testdata/photos testdata/error.png
var embedded embed.FS

const defaultConfig = "config.json"

// newProgram returns the program with all its commands.
func newProgram(stdout, stderr io.Writer) *cli.Command {
	program := &cli.Command{
		Name:      "s3imageserver",
		Usage:     "pictures from S3 or a folder: cropped, resized, converted on request",
		UsageText: "s3imageserver [-c FILE] [command] [flags] [arguments]",
		Version:   versionText(),
		Description: `Without a configuration it shows sample pictures at http://localhost:8080/. Pictures of your own:

   s3imageserver serve ./photos -open
   s3imageserver serve s3://photos
   s3imageserver init && s3imageserver

The exit code is 0, or 1 with a fault, which the standard error names. The documents are inside:
"s3imageserver docs" lists them, "s3imageserver COMMAND -h" tells of a command.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "c", Usage: "configuration `FILE` (default: config.json in the working directory, else a built-in one that shows sample pictures)"},
			&cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "tell the version", Local: true},
		},
		Commands: []*cli.Command{
			serveCommand(),
			checkCommand(),
			doctorCommand(),
			initCommand(),
			signCommand(),
			translateCommand(),
			purgeCommand(),
			warmCommand(),
			convertCommand(),
			infoCommand(),
			replayCommand(),
			healthCommand(),
			docsCommand(),
			versionCommand(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Bool("version") {
				return printVersion(ctx, cmd)
			}
			return serve(ctx, cmd)
		},
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print a script that completes commands and flags in bash, zsh, fish or pwsh"
		},
		HideVersion:    true, // there are a command and a flag of our own
		Reader:         os.Stdin,
		Writer:         stdout,
		ErrWriter:      stderr,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // main exits
	}
	for _, c := range append(program.Commands, program) {
		c.DisableSliceFlagSeparator = true // a comma is part of a query, of a list of presets and of Accept
		c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error {
			return fmt.Errorf("%w; see -h, or s3imageserver docs", err)
		}
	}
	return program
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the program without its process: args are those behind its name.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	return newProgram(stdout, stderr).Run(ctx, append([]string{"s3imageserver"}, args...))
}

// noArguments refuses arguments of a command that takes none.
func noArguments(cmd *cli.Command) error {
	if cmd.NArg() > 0 {
		return fmt.Errorf("unknown command or argument %q; see -h, or s3imageserver docs", cmd.Args().First())
	}
	return nil
}

// loadConfig reads the configuration of a command.
func loadConfig(cmd *cli.Command) (*server.Config, []*server.Fault, error) {
	return loadConfigFile(cmd.String("c"), cmd.Root().ErrWriter)
}

// loadConfigFile reads the named file; without a name config.json; without that
// what variables say of a bucket, and without these the embedded configuration.
func loadConfigFile(name string, stderr io.Writer) (*server.Config, []*server.Fault, error) {
	if name != "" {
		return server.Load(name)
	}
	if _, err := os.Stat(defaultConfig); !errors.Is(err, fs.ErrNotExist) {
		return server.Load(defaultConfig)
	}
	if text, err := servedByVariables(); err != nil {
		return nil, nil, err
	} else if text != nil {
		return server.LoadEmbedded("the environment", text, embedded)
	}
	fmt.Fprintln(stderr, "no config.json here, no -c and no "+bucketVariable+": showing the built-in sample pictures")
	data, err := embedded.ReadFile(defaultConfig)
	if err != nil {
		return nil, nil, err
	}
	return server.LoadEmbedded("built-in config.json", data, embedded)
}
