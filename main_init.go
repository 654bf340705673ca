package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"text/template"

	"github.com/urfave/cli/v3"
)

//go:embed main_init.tmpl
var initText string

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a configuration with comments, to begin with",
		ArgsUsage: "[FOLDER | s3://BUCKET[/FOLDER]]",
		Description: `Writes config.json, which serves the pictures of the folder or of the bucket, and has what
most sites add to it as comments. Without an argument the folder is ./photos. A file that
exists is left as it is.

   s3imageserver init ./photos
   s3imageserver init s3://photos/2026 -region eu-central-1
   s3imageserver init s3://photos -endpoint http://127.0.0.1:9000 -o - | less`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "o", Usage: "`FILE` to write; \"-\" is the standard output", Value: defaultConfig},
			&cli.StringFlag{Name: "endpoint", Usage: "with a bucket: `URL` of a store that is not AWS"},
			&cli.StringFlag{Name: "region", Usage: "with a bucket: its `REGION` (default: the one that the store names)"},
		},
		Action: initialize,
	}
}

// initialize writes a configuration, but never over a file.
func initialize(_ context.Context, cmd *cli.Command) error {
	if cmd.NArg() > 1 {
		return fmt.Errorf("init: %q is one argument too many", cmd.Args().Get(1))
	}
	s := pictureSource{folder: "./photos"}
	if cmd.NArg() == 1 {
		var err error
		if s, err = sourceOfArguments(cmd); err != nil {
			return fmt.Errorf("init: %w", err)
		}
	}
	text, err := initialConfiguration(&s)
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	name := cmd.String("o")
	if name == "-" {
		_, err := cmd.Root().Writer.Write(text)
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("init: %s is there already; -o says another file", name)
	}
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	_, err = fmt.Fprintf(cmd.Root().Writer, "%s is written; s3imageserver -c %[1]s serves it, s3imageserver doctor -c %[1]s tries its store\n", name)
	return err
}

// initialConfiguration returns the text of a configuration with comments.
func initialConfiguration(s *pictureSource) ([]byte, error) {
	t, err := template.New("config.json").Parse(initText)
	if err != nil {
		return nil, err
	}
	key, value := s.source()
	var source bytes.Buffer
	e := json.NewEncoder(&source)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = t.Execute(&text, struct{ Key, Source string }{key, string(bytes.TrimSpace(source.Bytes()))})
	return text.Bytes(), err
}
