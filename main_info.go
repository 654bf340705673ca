package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"s3imageserver/resize"
)

func infoCommand() *cli.Command {
	return &cli.Command{
		Name:        "info",
		Usage:       "say what is known of pictures, as JSON",
		ArgsUsage:   "FILE ...",
		Description: `One line of JSON for each file, as ?info=1 has it; "-" is the standard input.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "fields", Usage: "`LIST` of what to tell: 1, " + strings.Join(resize.DetailFields(), ", "), Value: "1"},
		},
		Action: info,
	}
}

// A fileInfo is what is told of one file.
type fileInfo struct {
	File string `json:"file"`
	*resize.Details
}

func info(ctx context.Context, cmd *cli.Command) error {
	fields := resize.ParseDetails(cmd.String("fields"))
	if fields == nil {
		return fmt.Errorf("info: -fields %q names none of %s", cmd.String("fields"), strings.Join(resize.DetailFields(), ", "))
	}
	if cmd.NArg() == 0 {
		return errors.New("info: needs a file; see s3imageserver info -h")
	}
	resizer := resize.Resizer{Limits: resize.Limits{Formats: resize.OptInFormats(), Time: convertTime}}
	out := json.NewEncoder(cmd.Root().Writer)
	out.SetEscapeHTML(false)
	var faults []error
	for _, name := range cmd.Args().Slice() {
		source, file, err := openFile(name, cmd.Root().Reader)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		details, err := resizer.Inspect(ctx, source.Body, source.Size, fields)
		_ = file.Close() // only read
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if err := out.Encode(fileInfo{name, details}); err != nil {
			return err
		}
	}
	return errors.Join(faults...)
}
