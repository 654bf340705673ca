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
	"log/slog"
	"os"
	"runtime"

	"github.com/KimMachineGun/automemlimit/memlimit"
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
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "c", Usage: "configuration `FILE` (default: config.json in the working directory, else a built-in one that shows sample pictures)"},
		},
		Commands: []*cli.Command{
			{Name: "serve", Usage: "answer requests; this is what is done without a command", Action: serve},
			checkCommand(),
			doctorCommand(),
			signCommand(),
			translateCommand(),
			purgeCommand(),
			warmCommand(),
			convertCommand(),
			infoCommand(),
			replayCommand(),
			healthCommand(),
			versionCommand(),
		},
		Action:                serve,
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print a script that completes commands and flags in bash, zsh, fish or pwsh"
		},
		HideVersion:    true, // there is a command
		Reader:         os.Stdin,
		Writer:         stdout,
		ErrWriter:      stderr,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // main exits
	}
	for _, c := range append(program.Commands, program) {
		c.DisableSliceFlagSeparator = true // a comma is part of a query, of a list of presets and of Accept
		c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return fmt.Errorf("%w; see -h", err) }
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
		return fmt.Errorf("unknown command or argument %q; see -h", cmd.Args().First())
	}
	return nil
}

// loadConfig reads the configuration of a command.
func loadConfig(cmd *cli.Command) (*server.Config, []*server.Fault, error) {
	return loadConfigFile(cmd.String("c"), cmd.Root().ErrWriter)
}

// loadConfigFile reads the named file; without a name config.json, and without
// that the embedded configuration.
func loadConfigFile(name string, stderr io.Writer) (*server.Config, []*server.Fault, error) {
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

func serve(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	stderr := cmd.Root().ErrWriter
	c, warnings, err := loadConfig(cmd)
	if err != nil {
		server.LogWarnings(slog.New(slog.NewTextHandler(stderr, nil)), warnings)
		return err
	}
	log := server.NewLog(stderr, c.Log)
	server.LogWarnings(log, warnings)
	limitMemory(log)
	return server.ListenAndServe(ctx, c, server.Options{Log: log, Workers: spareThreads(), Version: versionText(), Revision: revision})
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

func checkCommand() *cli.Command {
	return &cli.Command{Name: "check", Usage: "read the configuration, say what is wrong with it, and end", Action: check}
}

// check loads and validates without serving. Unknown keys are faults here.
func check(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	c, warnings, err := loadConfig(cmd)
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
	fmt.Fprintf(cmd.Root().Writer, "configuration is valid; handlers: %d\n", len(c.Handlers))
	return nil
}
