//go:build linux

// Servers measures whole image servers that are already running, one after the
// other, round by round: CPU time, answers, waiting, memory and bytes. See
// bench/README.md.
//
// Usage, from the root of the module:
//
//	go run -tags nodynamic ./bench/servers [flags] FILE
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"io"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"s3imageserver/bench/meter"
	"s3imageserver/storage/s3"
)

// A plan is what FILE says.
type plan struct {
	// Servers are asked in this order; the others are compared with the first one.
	Servers []target `json:"servers"`
	Jobs    []job    `json:"jobs"`
	// Copies is how many there are of each object with "{n}" in its name; 0: 32.
	Copies int64 `json:"copies"`
	// Store, if there is one, gets the Objects first.
	Store *store `json:"store"`
}

type target struct {
	Name string `json:"name"`
	// Pid is the process whose CPU time and memory count.
	Pid int `json:"pid"`
}

type job struct {
	Name string `json:"name"`
	// URLs are what the servers are asked for, by their names. "{n}" in one is a
	// number from 1 to Copies, another one for each request: servers make a picture
	// once for all who wait for it.
	URLs map[string]string `json:"urls"`
	// Reference is a PNG file of what the result should look like; "": nobody looks.
	Reference string `json:"reference"`
	// Header goes with each request.
	Header map[string]string `json:"header"`
	// Requests and Connections stand for those of the flags.
	Requests    int `json:"requests"`
	Connections int `json:"connections"`

	copies int64
}

type store struct {
	Endpoint  string            `json:"endpoint"`
	Bucket    string            `json:"bucket"`
	AccessKey string            `json:"access_key"`
	SecretKey string            `json:"secret_key"`
	Objects   map[string]string `json:"objects"` // files by the names of objects
}

func main() {
	rounds := flag.Int("rounds", 5, "rounds of measurements; medians are taken")
	requests := flag.Int("n", 100, "requests of a job to a server in a round")
	connections := flag.Int("c", 8, "connections")
	only := flag.String("jobs", "", "only jobs whose name matches this expression")
	photo := flag.String("inputs", "", "a photograph of 12 megapixels: makes the sources and references of the table in bench/README.md of it, in the folder FILE, and ends")
	flag.Parse()
	if *photo != "" {
		if err := inputs(*photo, flag.Arg(0)); err != nil {
			fmt.Fprintln(os.Stderr, "servers:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(flag.Arg(0), *rounds, *requests, *connections, *only); err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		os.Exit(1)
	}
}

func run(file string, rounds, requests, connections int, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var p plan
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if p.Copies == 0 {
		p.Copies = 32
	}
	if p.Store != nil {
		if err := p.Store.fill(p.Copies); err != nil {
			return err
		}
	}
	fmt.Println("| job | server | CPU ms/request | requests/s | p50 ms | p99 ms | peak memory MB | bytes | PSNR | SSIM | CPU ratio |")
	fmt.Println("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, j := range p.Jobs {
		if !pattern.MatchString(j.Name) {
			continue
		}
		j.copies = p.Copies
		if j.Requests == 0 {
			j.Requests = requests
		}
		if j.Connections == 0 {
			j.Connections = connections
		}
		if err := j.compare(p.Servers, rounds); err != nil {
			return fmt.Errorf("%s: %w", j.Name, err)
		}
	}
	return nil
}

// fill puts the objects into the store.
func (s *store) fill(copies int64) error {
	b, err := s3.Open(s3.Config{Endpoint: s.Endpoint, Bucket: s.Bucket, AccessKey: s.AccessKey, SecretKey: s.SecretKey})
	if err != nil {
		return err
	}
	for name, file := range s.Objects {
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for n := range copies {
			if err := b.Put(context.Background(), numbered(name, n+1), body); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if numbered(name, n) == name {
				break // of one without a number there is one
			}
		}
	}
	return nil
}

// A sample is what one round of a job has told of a server.
type sample struct{ cpu, rate, p50, p99, memory, bytes float64 }

// compare runs a job on all servers that have a URL for it, in turn, and prints the
// medians.
func (j *job) compare(servers []target, rounds int) error {
	samples := map[string][]sample{}
	for range rounds {
		for _, s := range servers {
			if j.URLs[s.Name] == "" {
				continue
			}
			m, err := j.measure(s)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			samples[s.Name] = append(samples[s.Name], m)
		}
	}
	var first []sample
	for _, s := range servers {
		all := samples[s.Name]
		if all == nil {
			continue
		}
		if first == nil {
			first = all
		}
		likeness, err := j.likeness(j.URLs[s.Name])
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		of := func(f func(sample) float64) float64 { return meter.MedianOf(all, f) }
		ratios := make([]float64, rounds)
		for i := range ratios {
			ratios[i] = first[i].cpu / all[i].cpu
		}
		fmt.Printf("| %s | %s | %.1f | %.0f | %.1f | %.1f | %.0f | %.0f | %s | %.3f |\n", j.Name, s.Name,
			of(func(s sample) float64 { return s.cpu }), of(func(s sample) float64 { return s.rate }),
			of(func(s sample) float64 { return s.p50 }), of(func(s sample) float64 { return s.p99 }),
			of(func(s sample) float64 { return s.memory }), of(func(s sample) float64 { return s.bytes }), likeness, meter.Median(ratios))
	}
	return nil
}

func numbered(text string, n int64) string {
	return strings.ReplaceAll(text, "{n}", strconv.FormatInt(n, 10))
}

// number counts the requests of all jobs and rounds.
var number atomic.Int64

// measure asks one server.
func (j *job) measure(s target) (sample, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: j.Connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	if _, err := j.ask(client, j.URLs[s.Name], io.Discard); err != nil { // it is awake
		return sample{}, err
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.Pid), []byte("5"), 0); err != nil { // the peak of its memory begins anew
		return sample{}, err
	}
	before, err := meter.CPUTimeOf(s.Pid)
	if err != nil {
		return sample{}, err
	}
	var (
		mu    sync.Mutex
		waits []time.Duration
		size  int64
		fault error
		left  atomic.Int64
		all   sync.WaitGroup
	)
	left.Store(int64(j.Requests))
	began := time.Now()
	for range j.Connections {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				asked := time.Now()
				n, err := j.ask(client, j.URLs[s.Name], io.Discard)
				wait := time.Since(asked)
				mu.Lock()
				waits, size = append(waits, wait), size+n
				if err != nil {
					fault = err
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	if fault != nil {
		return sample{}, fault
	}
	after, err := meter.CPUTimeOf(s.Pid)
	if err != nil {
		return sample{}, err
	}
	memory, err := peakOf(s.Pid)
	if err != nil {
		return sample{}, err
	}
	slices.Sort(waits)
	n := float64(j.Requests)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return sample{
		cpu: ms(after-before) / n, rate: n / took.Seconds(), p50: ms(waits[len(waits)/2]), p99: ms(waits[len(waits)*99/100]),
		memory: float64(memory) / 1e6, bytes: float64(size) / n,
	}, nil
}

// ask makes one request, writes its body and returns how long that is.
func (j *job) ask(client *http.Client, url string, body io.Writer) (int64, error) {
	url = numbered(url, number.Add(1)%j.copies+1)
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	for name, value := range j.Header {
		r.Header.Set(name, value)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close() // only read
	n, err := io.Copy(body, answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, answer.Status)
	}
	return n, err
}

// likeness returns the columns of PSNR, in dB, and SSIM: both of luma, of the
// result beside the reference. Where their sizes differ by a pixel, what both have
// is compared.
func (j *job) likeness(url string) (string, error) {
	if j.Reference == "" {
		return "- | -", nil
	}
	var luma [2]*image.Gray
	file, err := os.ReadFile(j.Reference)
	if err != nil {
		return "", err
	}
	if luma[0], err = meter.Luma(file); err != nil {
		return "", fmt.Errorf("%s: %w", j.Reference, err)
	}
	var body bytes.Buffer
	if _, err := j.ask(http.DefaultClient, url, &body); err != nil {
		return "", err
	}
	if luma[1], err = meter.Luma(body.Bytes()); err != nil {
		return "", fmt.Errorf("%s: %w", url, err)
	}
	size := luma[0].Rect.Intersect(luma[1].Rect)
	if d := luma[0].Rect.Union(luma[1].Rect).Size().Sub(size.Size()); max(d.X, d.Y) > 1 {
		return "", fmt.Errorf("%s: result of %v, reference of %v", url, luma[1].Rect, luma[0].Rect)
	}
	for i := range luma {
		luma[i] = luma[i].SubImage(size).(*image.Gray)
	}
	sum := 0.0
	for y := range size.Dy() {
		for x := range size.Dx() {
			d := float64(luma[0].GrayAt(x, y).Y) - float64(luma[1].GrayAt(x, y).Y)
			sum += d * d
		}
	}
	psnr := 10 * math.Log10(255*255*float64(size.Dx()*size.Dy())/sum)
	return fmt.Sprintf("%.2f | %.4f", psnr, meter.SSIM(luma[0], luma[1])), nil
}

// peakOf returns the most memory that a process had, in bytes: VmHWM.
func peakOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("process %d has no VmHWM", pid)
	}
	kb, err := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10, err
}
