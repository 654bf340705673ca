package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"s3imageserver/resize"
	"s3imageserver/server"
)

const (
	replayTimeout  = time.Minute // for one request
	maxReplayBytes = 100 << 20   // of one answer
	maxLogLine     = 1 << 20
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "send the requests of an access log to two servers and compare the answers",
		ArgsUsage: "LOG ...",
		Description: `Reads the GET requests of access logs, in the common or combined format, as lines of
JSON, or as bare paths; "-" is the standard input. The most frequent ones are sent
to both servers, and status, size, bytes and similarity (SSIM) stand side by side:

   s3imageserver replay access.log -old http://old:8080 -new http://new:8080

Logs of imgproxy and thumbor are read too. Where the new server has the paths elsewhere,
-rewrite says where. With -dialect the old server is asked with the URLs of the log, and
the new one in its own, as "translate" prints them for the size of the picture; lines that
the dialect does not read are left out.

The exit code is 1 if a status, a media type, a size or a picture differs.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "old", Usage: "`URL` of the server in place", Required: true},
			&cli.StringFlag{Name: "new", Usage: "`URL` of the server to be", Required: true},
			&cli.StringSliceFlag{Name: "rewrite", Usage: "ask the new server for paths that begin with TO where those of the log begin with FROM, as `FROM=TO`; the first that fits counts"},
			&cli.StringFlag{Name: "dialect", Usage: "`NAME` of the server whose URLs the log has: a handler of the configuration (-c) reads them, and the new server is asked in its own"},
			&cli.IntFlag{Name: "n", Usage: "at most this `NUMBER` of different requests, the most frequent ones", Value: 1000},
			&cli.IntFlag{Name: "j", Usage: "`NUMBER` of requests at once", Value: 2},
			&cli.StringFlag{Name: "accept", Usage: "the Accept `HEADER`", Value: "image/webp,*/*"},
			&cli.FloatFlag{Name: "similar", Usage: "below this `SSIM` pictures count as different", Value: 0.9},
			&cli.BoolFlag{Name: "all", Usage: "show every request, not only those with a difference"},
			&cli.BoolFlag{Name: "json", Usage: "one line of JSON for each request"},
		},
		Action: replay,
	}
}

// An answer is what one server gave.
type answer struct {
	Status  int     `json:"status"` // 0: none
	Bytes   int     `json:"bytes"`
	Type    string  `json:"type"`
	Width   int     `json:"width,omitempty"`
	Height  int     `json:"height,omitempty"`
	Seconds float64 `json:"seconds"`
	Fault   string  `json:"fault,omitempty"`
	body    []byte
}

// A pair is a request with both answers.
type pair struct {
	Path       string  `json:"path"`
	NewPath    string  `json:"new_path,omitempty"` // empty: Path
	Count      int     `json:"count"`              // in the log
	Old        answer  `json:"old"`
	New        answer  `json:"new"`
	Similarity float64 `json:"similarity"` // 0: not two pictures of one size
	Same       bool    `json:"same"`
}

func replay(ctx context.Context, cmd *cli.Command) error {
	if cmd.NArg() == 0 {
		return errors.New("replay: needs an access log; see s3imageserver replay -h")
	}
	counts := map[string]int{}
	unread := 0 // lines that are no request that is known
	for _, name := range cmd.Args().Slice() {
		err := eachLine(name, cmd.Root().Reader, maxLogLine, func(line string) {
			switch path, ok := pathOf(line); {
			case path != "":
				counts[path]++
			case !ok:
				unread++
			}
		})
		if err != nil {
			return fmt.Errorf("replay: %s: %w", name, err)
		}
	}
	if len(counts) == 0 {
		return errors.New("replay: the log has no GET request")
	}
	if n := cmd.Int("n"); n < 1 {
		return fmt.Errorf("replay: -n %d compares nothing", n)
	}
	for _, flag := range []string{"old", "new"} {
		if u, err := url.Parse(cmd.String(flag)); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("replay: -%s %q is not the URL of a server, as in http://localhost:8080", flag, cmd.String(flag))
		}
	}
	r := &replayer{
		old: strings.TrimRight(cmd.String("old"), "/"), new: strings.TrimRight(cmd.String("new"), "/"),
		accept: cmd.String("accept"), similar: cmd.Float("similar"),
		client: &http.Client{Timeout: replayTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	r.resizer.Limits = resize.Limits{Formats: resize.OptInFormats()}
	var err error
	if r.rewrites, err = parseRewrites(cmd.StringSlice("rewrite")); err != nil {
		return err
	}
	if name := cmd.String("dialect"); name != "" {
		if r.config, _, err = loadConfig(cmd); err != nil {
			return err
		}
		if r.dialect = name; !speaks(r.config, name) {
			return fmt.Errorf("replay: -dialect %s: no handler of the configuration has it", name)
		}
		for path, count := range counts {
			if t, err := r.config.Translate(path, r.header()); err != nil || t.Dialect != name {
				unread += count
				delete(counts, path)
			}
		}
		if len(counts) == 0 {
			return fmt.Errorf("replay: the log has no URL of %s that the configuration reads", name)
		}
	}
	pairs := mostFrequent(counts, cmd.Int("n"))
	eachAtOnce(ctx, cmd.Root().ErrWriter, "comparing", cmd.Int("j"), len(pairs), slices.Values(pairs), func(p *pair) { r.one(ctx, p) })
	if err := ctx.Err(); err != nil {
		return err
	}
	out := cmd.Root().Writer
	if cmd.Bool("json") {
		err = writeLines(out, pairs, cmd.Bool("all"))
	} else {
		err = writeTable(out, pairs, cmd.Bool("all"))
	}
	if err != nil {
		return err
	}
	if unread > 0 {
		if cmd.Bool("json") {
			out = cmd.Root().ErrWriter
		}
		fmt.Fprintf(out, "%d lines of the log are no requests%s and were left out\n", unread, orOf(r.dialect))
	}
	if slices.ContainsFunc(pairs, func(p *pair) bool { return !p.Same }) {
		return errors.New("replay: the servers differ")
	}
	return nil
}

// completedLine is the last line of a request in the log of imgproxy, and
// tornadoLine one of thumbor's.
var (
	completedLine = regexp.MustCompile(`Completed in \S+ (/\S*?)"?(?:\s|$)`)
	tornadoLine   = regexp.MustCompile(`\b[1-5]\d\d GET (/\S*) \(`)
)

// requestLine is the request in the common log format.
var requestLine = regexp.MustCompile(`"GET (/\S*) HTTP/[0-9.]+"`)

// pathKeys are the names that servers have for the path in logs of JSON lines.
var pathKeys = []string{"request_uri", "uri", "path", "url", "request", "message", "msg"}

// methodLine is the request in the common log format by any method.
var methodLine = regexp.MustCompile(`"[A-Z]+ /\S* HTTP/[0-9.]+"`)

// pathOf returns the path and query of a GET request, "" if the line has none. It
// reports whether the line is a request at all, or empty.
func pathOf(line string) (path string, ok bool) {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "/") {
		return strings.Fields(line)[0], true
	}
	if strings.HasPrefix(line, "{") {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) != nil {
			return "", false
		}
		if m, ok := fields["method"].(string); ok && m != "GET" {
			return "", true
		}
		for _, key := range pathKeys {
			if v, ok := fields[key].(string); ok && strings.HasPrefix(v, "/") {
				return strings.Fields(v)[0], true
			} else if m := completedLine.FindStringSubmatch(v); ok && m != nil {
				return m[1], true
			} else if m := requestLine.FindStringSubmatch(`"` + v + `"`); ok && m != nil {
				return m[1], true
			} else if ok && methodLine.MatchString(`"`+v+`"`) {
				return "", true
			}
		}
		return "", false
	}
	for _, form := range []*regexp.Regexp{requestLine, completedLine, tornadoLine} {
		if m := form.FindStringSubmatch(line); m != nil {
			return m[1], true
		}
	}
	return "", line == "" || methodLine.MatchString(line)
}

func mostFrequent(counts map[string]int, n int) []*pair {
	var pairs []*pair
	for path, count := range counts {
		pairs = append(pairs, &pair{Path: path, Count: count})
	}
	slices.SortFunc(pairs, func(a, b *pair) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Path, b.Path))
	})
	return pairs[:min(n, len(pairs))]
}

type replayer struct {
	old, new, accept string
	similar          float64
	client           *http.Client
	resizer          resize.Resizer
	rewrites         [][2]string
	dialect          string         // of the log; empty: both servers are asked the same
	config           *server.Config // with dialect
}

// speaks reports whether a handler has a dialect.
func speaks(c *server.Config, name string) bool {
	return slices.ContainsFunc(c.Handlers, func(h server.HandlerConfig) bool { return h.Dialect != nil && h.Dialect.Name == name })
}

func orOf(dialect string) string {
	if dialect == "" {
		return ""
	}
	return ", or none that " + dialect + " reads,"
}

// parseRewrites reads FROM=TO.
func parseRewrites(texts []string) (rewrites [][2]string, err error) {
	for _, text := range texts {
		from, to, ok := strings.Cut(text, "=")
		if !ok || !strings.HasPrefix(from, "/") || !strings.HasPrefix(to, "/") {
			return nil, fmt.Errorf("replay: -rewrite %q is not FROM=TO with two paths, as /=/img/", text)
		}
		rewrites = append(rewrites, [2]string{from, to})
	}
	return rewrites, nil
}

// rewrite returns the path by which the new server has what the log has.
func (r *replayer) rewrite(path string) string {
	for _, w := range r.rewrites {
		if rest, ok := strings.CutPrefix(path, w[0]); ok {
			return w[1] + rest
		}
	}
	return path
}

func (r *replayer) header() http.Header { return http.Header{"Accept": {r.accept}} }

// translated returns what the new server is asked in its own words: it is asked
// for the size of the picture first.
func (r *replayer) translated(ctx context.Context, path string) (string, error) {
	t, err := r.config.Translate(path, r.header())
	if err != nil {
		return "", err
	}
	var d resize.Details
	a := r.ask(ctx, r.new+r.rewrite(t.Path())+"?info=size,format")
	switch {
	case a.Fault != "":
		return "", errors.New(a.Fault)
	case a.Status != http.StatusOK: // the answer to the picture is the same
		return t.Path(), nil
	}
	if err := json.Unmarshal(a.body, &d); err != nil {
		return "", fmt.Errorf("%s: ?info=size: %w", t.Path(), err)
	}
	return t.URL(d.Width, d.Height, d.Format)
}

// one asks both servers and compares.
func (r *replayer) one(ctx context.Context, p *pair) {
	path, err := p.Path, error(nil)
	if r.dialect != "" {
		path, err = r.translated(ctx, p.Path)
	}
	if path = r.rewrite(path); path != p.Path {
		p.NewPath = path
	}
	p.Old = r.ask(ctx, r.old+p.Path)
	if p.New = (answer{}); err != nil {
		p.New.Fault = err.Error()
	} else {
		p.New = r.ask(ctx, r.new+path)
	}
	p.Same = p.Old.Status == p.New.Status && p.Old.Status != 0 && (p.Old.Status != http.StatusOK || mediaType(p.Old.Type) == mediaType(p.New.Type))
	if p.Old.Status == http.StatusOK && p.New.Status == http.StatusOK {
		c, err := r.resizer.Compare(ctx, p.Old.body, p.New.body)
		if err != nil {
			p.New.Fault, p.Same = err.Error(), false
		} else {
			p.Old.setSize(c.Sizes[0])
			p.New.setSize(c.Sizes[1])
			p.Similarity = c.Similarity
			p.Same = p.Same && c.Sizes[0] == c.Sizes[1] && c.Similarity >= r.similar
		}
	}
	p.Old.body, p.New.body = nil, nil
}

// mediaType returns the media type of a header without its parameters.
func mediaType(header string) string {
	t, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

func (a *answer) setSize(p image.Point) { a.Width, a.Height = p.X, p.Y }

func (r *replayer) ask(ctx context.Context, url string) (a answer) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{Fault: err.Error()}
	}
	req.Header.Set("Accept", r.accept)
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{Fault: err.Error()}
	}
	defer resp.Body.Close() // only read
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxReplayBytes))
	if err != nil {
		return answer{Fault: err.Error()}
	}
	a.Status, a.Bytes, a.Type, a.Seconds = resp.StatusCode, len(a.body), resp.Header.Get("Content-Type"), time.Since(began).Seconds()
	return a
}

func writeLines(w io.Writer, pairs []*pair, all bool) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, p := range pairs {
		if p.Same && !all {
			continue
		}
		if err := out.Encode(p); err != nil {
			return err
		}
	}
	return nil
}

// writeTable writes the requests side by side, and what they have in common.
func writeTable(w io.Writer, pairs []*pair, all bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows := 0
	status, similar := 0, 0
	var oldBytes, newBytes int
	var similarities []float64
	for _, p := range pairs {
		if p.Old.Status == p.New.Status && p.Old.Status != 0 {
			status++
		}
		if p.Same {
			similar++
		}
		if p.Similarity > 0 {
			similarities = append(similarities, p.Similarity)
			oldBytes, newBytes = oldBytes+p.Old.Bytes, newBytes+p.New.Bytes
		}
		if p.Same && !all {
			continue
		}
		if rows++; rows == 1 {
			fmt.Fprintln(t, "status\tsize\ttype\tbytes\tms\tSSIM\trequests\tpath")
		}
		fmt.Fprintf(t, "%d | %d\t%s | %s\t%s | %s\t%d | %d\t%.1f | %.1f\t%.3f\t%d\t%s\n", p.Old.Status, p.New.Status, p.Old.size(), p.New.size(),
			p.Old.kind(), p.New.kind(), p.Old.Bytes, p.New.Bytes, 1000*p.Old.Seconds, 1000*p.New.Seconds, p.Similarity, p.Count, p.Path)
		if p.NewPath != "" {
			fmt.Fprintf(t, "\t\t\t\t\t\t\t%s\n", p.NewPath)
		}
		for _, a := range []answer{p.Old, p.New} {
			if a.Fault != "" {
				fmt.Fprintf(t, "\t\t\t\t\t\t\t%s\n", a.Fault)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if rows > 0 {
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintf(w, "%d requests; %d with the same status; %d without a difference\n", len(pairs), status, similar)
	if len(similarities) > 0 && err == nil {
		slices.Sort(similarities)
		_, err = fmt.Fprintf(w, "%d pictures of the same size: SSIM %.3f in the middle, %.3f at the worst; %.2f of the bytes\n",
			len(similarities), similarities[len(similarities)/2], similarities[0], float64(newBytes)/float64(max(1, oldBytes)))
	}
	return err
}

func (a answer) size() string {
	if a.Width == 0 {
		return "-"
	}
	return fmt.Sprintf("%dx%d", a.Width, a.Height)
}

func (a answer) kind() string {
	return strings.TrimPrefix(cmp.Or(a.Type, "-"), "image/")
}
