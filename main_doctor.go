package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v3"

	"s3imageserver/server"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "say what is wrong with the configuration and with the world around it",
		Description: `Asks the stores, and looks at keys, clocks, regions, cache folders, certificates, memory and
open files. Run it as the user of the server. It writes small files into cache folders and the
shared bucket, and removes them.

The exit code is 1 if there is a fault, which keeps pictures from being served, else 0.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print a list of findings as JSON"},
			&cli.BoolFlag{Name: "strict", Usage: "let warnings be faults for the exit code"},
		},
		Action: examine,
	}
}

// errFaults is the end of a doctor who has found some.
var errFaults = errors.New("doctor: there are faults")

func examine(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	c, warnings, err := loadConfig(cmd)
	var findings []server.Finding
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			findings = append(findings, server.Finding{Level: server.FindingFault, About: "configuration", Text: strings.TrimSpace(line)})
		}
	}
	for _, w := range warnings {
		findings = append(findings, server.Finding{Level: server.FindingWarning, About: "configuration", Text: w.Error()})
	}
	if err == nil {
		limitMemory(slog.New(slog.DiscardHandler)) // as the server does; that there is no limit is a finding
		findings = append(findings, server.Doctor(ctx, c)...)
	}
	if err := printFindings(cmd.Root().Writer, findings, cmd.Bool("json")); err != nil {
		return err
	}
	for _, f := range findings {
		if f.Level == server.FindingFault || f.Level == server.FindingWarning && cmd.Bool("strict") {
			return errFaults
		}
	}
	return nil
}

func printFindings(w io.Writer, findings []server.Finding, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(findings)
	}
	for _, f := range findings {
		if _, err := fmt.Fprintf(w, "%-7s  %s: %s\n", f.Level, f.About, f.Text); err != nil {
			return err
		}
	}
	return nil
}
