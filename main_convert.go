package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v3"

	"s3imageserver/resize"
	"s3imageserver/server"
)

const (
	convertTime    = 10 * time.Minute // for one picture: nobody waits at a browser
	convertWait    = 24 * time.Hour   // for memory
	convertMemory  = 4 << 30          // bytes of the pictures that are worked on at once, if the machine has them
	maxConvertSide = 12000            // pixels
)

func convertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "convert files and folders, with the options of the URLs",
		ArgsUsage: "IN ... OUT [option=value ...]",
		Description: `One file becomes the file OUT, in the format of its extension:

   s3imageserver convert photo.jpg small.webp w=300 h=200 fit=cover

Several files, and all pictures below a folder, go into the folder OUT under
their own names; f=webp gives all of them that format:

   s3imageserver convert photos/ thumbnails/ w=300 f=webp

Qualities and the efforts of WebP and AVIF are those that a server has by default, or with -c
those of its handler.

"-" is the standard input, or output. A file name with "=" needs its folder
before it: ./a=b.jpg`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "handler", Usage: "take presets, qualities and effort of the handler `PREFIX` of the configuration"},
			&cli.StringFlag{Name: "watermark", Usage: "picture `FILE` to lay over the results"},
			&cli.IntFlag{Name: "j", Usage: "`NUMBER` of pictures at once", Value: runtime.GOMAXPROCS(0)},
			&cli.BoolFlag{Name: "skip", Usage: "leave out what is in the folder OUT already"},
		},
		Action: convert,
	}
}

// A conversion is what the command was told.
type conversion struct {
	resizer    resize.Resizer
	get        func(name string) string // value of an option
	skip       bool
	folder     bool // results go into a folder
	stdin      io.Reader
	stdout     io.Writer
	done, left atomic.Int64 // pictures written, and there already
}

// A task is one picture: files, or "-".
type task struct{ from, to string }

func convert(ctx context.Context, cmd *cli.Command) error {
	paths, query, err := splitOptions(cmd.Args().Slice())
	if err != nil {
		return err
	}
	if len(paths) < 2 {
		return errors.New("convert: needs a file or folder, and where to write; see s3imageserver convert -h")
	}
	c := &conversion{skip: cmd.Bool("skip"), stdin: cmd.Root().Reader, stdout: cmd.Root().Writer}
	if err := c.prepare(cmd, query); err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	tasks, err := c.tasks(paths[:len(paths)-1], paths[len(paths)-1])
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	if err := c.run(ctx, cmd, tasks); err != nil {
		return err
	}
	if c.folder {
		fmt.Fprintf(c.stdout, "converted: %d, there already: %d\n", c.done.Load(), c.left.Load())
	}
	return nil
}

// splitOptions tells paths from options.
func splitOptions(args []string) (paths []string, query url.Values, err error) {
	query = url.Values{}
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		switch {
		case !ok || strings.ContainsAny(name, `/\.`):
			paths = append(paths, a)
		default:
			query.Set(name, value)
		}
	}
	query = server.ShortNames(query)
	for name := range query {
		if !resize.KnownParam(name) && name != "preset" {
			return nil, nil, fmt.Errorf("convert: there is no option %q; all are told by s3imageserver docs options", name)
		}
	}
	return paths, query, nil
}

// prepare reads what all pictures have in common, and refuses options that
// would not be obeyed.
func (c *conversion) prepare(cmd *cli.Command, query url.Values) error {
	c.get = query.Get
	config := &server.Config{} // the defaults of a server
	if cmd.IsSet("c") || query.Has("preset") {
		var err error
		if config, _, err = loadConfig(cmd); err != nil {
			return err
		}
		if c.get, err = config.Parameters(cmd.String("handler"), query); err != nil {
			return err
		}
	}
	var err error
	if c.resizer.Quality, err = config.EncodingOf(cmd.String("handler")); err != nil {
		return err
	}
	if name := cmd.String("watermark"); name != "" {
		file, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if c.resizer.Watermark, err = resize.NewOverlay(file); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		inner := c.get
		c.get = func(name string) string {
			if name == "wm" {
				return "file"
			}
			return inner(name)
		}
	} else if c.get("wm") != "" {
		return errors.New("wm needs -watermark FILE")
	}
	c.resizer.Limits = resize.Limits{Formats: resize.OptInFormats(), AVIFPixels: 40e6, LosslessPixels: 2e9, Time: convertTime, Frames: 2000, FramePixels: 2e9}
	limitMemory(slog.New(slog.DiscardHandler)) // without a limit the system has one
	c.resizer.Budget = resize.NewBudget(resize.BudgetConfig{Bytes: min(convertMemory, debug.SetMemoryLimit(-1)/10*6), Slots: cmd.Int("j"), Wait: convertWait, Queue: math.MaxInt32})
	var wrong []error
	resize.ExplainOptions(c.get, maxConvertSide, func(n resize.Note) {
		if n.Verdict != resize.Used {
			wrong = append(wrong, errors.New(n.String()))
		}
	})
	return errors.Join(wrong...)
}

// tasks returns what there is to do.
func (c *conversion) tasks(from []string, to string) ([]task, error) {
	c.folder = len(from) > 1 || isDir(from[0]) || strings.HasSuffix(to, "/") || strings.HasSuffix(to, string(filepath.Separator)) || isDir(to)
	var tasks []task
	taken := map[string]string{}
	add := func(source, name string) error {
		target := filepath.Join(to, c.rename(name))
		if first, ok := taken[target]; ok {
			return fmt.Errorf("%s and %s would both become %s", first, source, target)
		}
		taken[target] = source
		if c.skip {
			if _, err := os.Stat(target); err == nil {
				c.left.Add(1)
				return nil
			}
		}
		tasks = append(tasks, task{source, target})
		return nil
	}
	for _, f := range from {
		if !isDir(f) {
			if !c.folder || to == "-" {
				c.folder = false
				return []task{{f, to}}, nil
			}
			if err := add(f, filepath.Base(f)); err != nil {
				return nil, err
			}
			continue
		}
		err := filepath.WalkDir(f, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !isPicture(path) {
				return err
			}
			name, err := filepath.Rel(f, path)
			if err != nil {
				return err
			}
			return add(path, name)
		})
		if err != nil {
			return nil, err
		}
	}
	if len(tasks) == 0 && c.left.Load() == 0 {
		return nil, errors.New("there is no picture")
	}
	return tasks, nil
}

// rename returns the name of a result in the folder: that of the source, with
// the extension of the format that it will have.
func (c *conversion) rename(name string) string {
	ext := filepath.Ext(name)
	f := resize.FormatByName(c.get("f"))
	if f == resize.NoFormat {
		if f = resize.FormatByName(strings.TrimPrefix(strings.ToLower(ext), ".")); f.Writable() {
			return name
		}
		f = resize.WebP
	}
	return strings.TrimSuffix(name, ext) + "." + f.String()
}

// run does all tasks, goes on after a fault, and returns all faults.
func (c *conversion) run(ctx context.Context, cmd *cli.Command, tasks []task) error {
	var mu sync.Mutex
	var faults []error // guarded by mu
	eachAtOnce(ctx, cmd.Root().ErrWriter, "converting", cmd.Int("j"), len(tasks), slices.Values(tasks), func(t task) {
		if err := c.one(ctx, t); err != nil {
			mu.Lock()
			defer mu.Unlock()
			faults = append(faults, fmt.Errorf("%s: %w", t.from, err))
		}
	})
	if ctx.Err() != nil {
		faults = append(faults, ctx.Err())
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// one converts one picture.
func (c *conversion) one(ctx context.Context, t task) error {
	get := c.get
	if c.get("f") == "" {
		if f := resize.FormatByName(strings.ToLower(strings.TrimPrefix(filepath.Ext(t.to), "."))); f.Writable() {
			get = func(name string) string {
				if name == "f" {
					return f.String()
				}
				return c.get(name)
			}
		} else if t.to != "-" {
			return fmt.Errorf("%s has not the extension of a format that can be written", t.to)
		}
	}
	options := resize.ParseOptions(get, maxConvertSide)
	if options.Format == resize.NoFormat {
		options.Format = resize.WebP
	}
	source, file, err := openFile(t.from, c.stdin)
	if err != nil {
		return err
	}
	defer file.Close() // only read
	result, err := c.resizer.Resize(ctx, source, options)
	if err != nil {
		return err
	}
	if t.to == "-" {
		_, err = c.stdout.Write(result.Body)
	} else {
		err = writeFile(t.to, result.Body)
	}
	if err == nil {
		c.done.Add(1)
	}
	return err
}
