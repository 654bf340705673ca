package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/urfave/cli/v3"
)

func translateCommand() *cli.Command {
	return &cli.Command{
		Name:      "translate",
		Usage:     "print URLs of our own for those of another image server",
		ArgsUsage: "URL ...",
		Description: `Reads URLs, whole or from the path on, as the handler of the configuration does that
has their dialect, and prints for each a path that asks for the same, one a line. It is
that of a handler without a dialect that has the same pictures, if there is one:

   s3imageserver translate -c FILE '/unsafe/rs:fit:300:200/plain/photo.jpg'

Where the size of the picture decides, -size is needed. Signatures have to be right; what
is printed has none: "sign" gives it one.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "size", Usage: "upright size of the picture, `WxH` in pixels (default: what does the same for all sizes, if that can be said)"},
			&cli.StringFlag{Name: "accept", Usage: "the Accept `HEADER`, for URLs that leave the format to it"},
		},
		Action: translate,
	}
}

func translate(_ context.Context, cmd *cli.Command) error {
	if cmd.NArg() == 0 {
		return errors.New("translate: no URL; see s3imageserver translate -h")
	}
	width, height, err := parseSize(cmd.String("size"))
	if err != nil {
		return err
	}
	c, _, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	header := http.Header{}
	if a := cmd.String("accept"); a != "" {
		header.Set("Accept", a)
	}
	var faults []error
	told := false
	for _, text := range cmd.Args().Slice() {
		t, err := c.Translate(text, header)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		own, err := t.URL(width, height, "")
		if err != nil {
			faults = append(faults, fmt.Errorf("%w (%s)", err, text))
			continue
		}
		if !t.Answered && !told {
			told = true
			fmt.Fprintf(cmd.Root().ErrWriter, "no handler of the configuration reads URLs of our own for these pictures: /%s/ is the name of the one with the dialect\n", t.Prefix)
		}
		fmt.Fprintln(cmd.Root().Writer, own)
	}
	return errors.Join(faults...)
}

// parseSize reads a size as 4000x3000; 0 and 0 of an empty text.
func parseSize(text string) (width, height int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	if n, err := fmt.Sscanf(text, "%dx%d", &width, &height); n != 2 || err != nil || fmt.Sprintf("%dx%d", width, height) != text || min(width, height) < 1 || max(width, height) > 1<<16 {
		return 0, 0, fmt.Errorf("translate: -size %s is no size as 4000x3000", text)
	}
	return width, height, nil
}
