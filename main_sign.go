package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"
)

func signCommand() *cli.Command {
	return &cli.Command{
		Name:        "sign",
		Usage:       "sign URLs",
		ArgsUsage:   "URL ...",
		Description: "Prints URLs, whole or from the path on, with a signature, one a line. The keys are those of\nauth.hmac in the configuration. What a signature does not mend is warned about: an end that has\npassed, parameters that do not exist, an extension that is not allowed.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "key", Usage: "`ID` of the key (default: the first one of the handler)"},
			&cli.StringFlag{Name: "exp", Usage: "when the URLs end: after a `TIME` as in 1h30m or 7d, or at one as in 2030-12-31T00:00:00Z (default: as they say, else never)"},
		},
		Action: sign,
	}
}

func sign(_ context.Context, cmd *cli.Command) error {
	if cmd.NArg() == 0 {
		return errors.New("sign: no URL; see s3imageserver sign -h")
	}
	expires, err := parseEnd(cmd.String("exp"), time.Now())
	if err != nil {
		return err
	}
	c, _, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	for _, url := range cmd.Args().Slice() {
		signed, err := c.SignURL(url, cmd.String("key"), expires)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.Root().Writer, signed)
		for _, doubt := range c.Doubts(signed, time.Now()) {
			fmt.Fprintf(cmd.Root().ErrWriter, "warning: %s: %s\n", url, doubt)
		}
	}
	return nil
}

// parseEnd reads a moment, or a time from now; the zero time if text is empty.
func parseEnd(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && fmt.Sprintf("%dd", days) == text && days > 0 {
		return now.AddDate(0, 0, days), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("sign: -exp %s is neither a time as in 1h30m or 7d, nor a moment as in 2030-12-31T00:00:00Z", text)
	}
	return now.Add(d), nil
}
