//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/disintegration/imaging"

	"s3imageserver/bench/meter"
	"s3imageserver/resize"
)

const (
	quality = 75
	// finest is the quality at which the encoder hides least.
	finest = 100
)

// A task is what every engine is asked for.
type task struct {
	in            *input
	width, height int // height 0: as the ratio has it; else the rest is cut
}

// An engine makes small pictures.
type engine interface {
	// measure does the task some times and returns the CPU time of one.
	measure(t task) (time.Duration, error)
	// make does the task once and returns the JPEG file.
	make(t task, quality int) ([]byte, error)
}

// measureSelf returns the CPU time of one call of f, garbage collection
// included.
func measureSelf(times int, f func() error) (time.Duration, error) {
	runtime.GC() // what others left behind
	before := meter.CPUTime()
	for range times {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return (meter.CPUTime() - before) / time.Duration(times), nil
}

// ours is this server's engine, called as the server calls it.
type ours struct {
	times int
	fast  bool // FastScaling
}

func (e *ours) measure(t task) (time.Duration, error) {
	return measureSelf(e.times, func() error { _, err := e.make(t, quality); return err })
}

func (e *ours) make(t task, quality int) ([]byte, error) {
	o := resize.Options{Width: t.width, Height: t.height, Format: resize.JPEG}
	resizer := resize.Resizer{Quality: resize.Quality{Quality: quality}, FastScaling: e.fast}
	r, err := resizer.Resize(context.Background(), resize.Source{Body: bytes.NewReader(t.in.data), Size: int64(len(t.in.data))}, o)
	if err != nil {
		return nil, err
	}
	return r.Body, nil
}

// allocated returns the bytes that a request allocates, buffers that are used
// again not counted.
func (e *ours) allocated(t task) (int64, error) {
	const times = 20
	if _, err := e.make(t, quality); err != nil { // warm up
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		if _, err := e.make(t, quality); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc-before.TotalAlloc) / times, nil
}

// plain is what a Go program does that uses the usual libraries.
type plain struct{ times int }

func (e *plain) measure(t task) (time.Duration, error) {
	return measureSelf(e.times, func() error { _, err := e.make(t, quality); return err })
}

func (e *plain) make(t task, quality int) ([]byte, error) {
	img, err := jpeg.Decode(bytes.NewReader(t.in.data))
	if err != nil {
		return nil, err
	}
	var small image.Image
	if t.height == 0 {
		small = imaging.Resize(img, t.width, 0, imaging.Lanczos)
	} else {
		small = imaging.Fill(img, t.width, t.height, imaging.Center, imaging.Lanczos)
	}
	var out bytes.Buffer
	err = jpeg.Encode(&out, small, &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}

//go:embed sharp.mjs
var sharpScript []byte

// sharpEngine is sharp, in a node process that stays running.
type sharpEngine struct {
	process     *sharpProcess
	times       int
	concurrency int
}

type sharpProcess struct {
	work    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

func startSharp(work string) (*sharpProcess, error) {
	script := filepath.Join(work, "sharp.mjs")
	if err := os.WriteFile(script, sharpScript, 0o644); err != nil {
		return nil, err
	}
	p := &sharpProcess{work: work, cmd: exec.Command("node", script)}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.answers = in, bufio.NewScanner(out)
	return p, p.cmd.Start()
}

// stop ends the process, which ends with its input.
func (p *sharpProcess) stop() error {
	p.in.Close()
	return p.cmd.Wait()
}

// run does one task and returns the CPU time of one picture.
func (e *sharpEngine) run(t task, times, quality int, out string) (time.Duration, error) {
	ask, err := json.Marshal(map[string]any{
		"file": t.in.path, "width": t.width, "height": t.height, "quality": quality,
		"times": times, "concurrency": e.concurrency, "out": out,
	})
	if err != nil {
		return 0, err
	}
	p := e.process
	if _, err := p.in.Write(append(ask, '\n')); err != nil {
		return 0, fmt.Errorf("sharp: %w", err)
	}
	if !p.answers.Scan() {
		return 0, fmt.Errorf("sharp: no answer: %v", p.answers.Err())
	}
	var answer struct{ Micros float64 }
	if err := json.Unmarshal(p.answers.Bytes(), &answer); err != nil {
		return 0, fmt.Errorf("sharp: %w", err)
	}
	return time.Duration(answer.Micros * float64(time.Microsecond)), nil
}

func (e *sharpEngine) measure(t task) (time.Duration, error) { return e.run(t, e.times, quality, "") }

func (e *sharpEngine) make(t task, quality int) ([]byte, error) {
	out := filepath.Join(e.process.work, "sharp.out")
	if _, err := e.run(t, 1, quality, out); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// vips is vipsthumbnail. Its start is left out by taking the difference
// between many pictures in a process and one.
type vips struct {
	work  string
	times int
}

// run makes a task's picture that many times in one process and returns the
// CPU time of all.
func (e *vips) run(t task, times, quality int) (time.Duration, error) {
	args := []string{"--vips-cache-max=0", "--size", strconv.Itoa(t.width) + "x"}
	if t.height > 0 {
		args[2] += strconv.Itoa(t.height)
		args = append(args, "--smartcrop", "centre")
	}
	args = append(args, "-o", fmt.Sprintf("%s[Q=%d,strip]", e.out(), quality))
	for range times {
		args = append(args, t.in.path)
	}
	cmd := exec.Command("vipsthumbnail", args...)
	cmd.Env = append(os.Environ(), "VIPS_CONCURRENCY=1")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("vipsthumbnail: %w", err)
	}
	return meter.Used(cmd.ProcessState.SysUsage().(*syscall.Rusage)), nil
}

func (e *vips) measure(t task) (time.Duration, error) {
	one, err := e.run(t, 1, quality)
	if err != nil {
		return 0, err
	}
	many, err := e.run(t, 1+e.times, quality)
	if err != nil {
		return 0, err
	}
	return (many - one) / time.Duration(e.times), nil
}

func (e *vips) make(t task, quality int) ([]byte, error) {
	if _, err := e.run(t, 1, quality); err != nil {
		return nil, err
	}
	return os.ReadFile(e.out())
}

func (e *vips) out() string { return filepath.Join(e.work, "vips.jpg") }
