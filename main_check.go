package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"s3imageserver/server"
)

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
