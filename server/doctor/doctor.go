// Package doctor says in words what is wrong with a configuration and with the
// world around it: keys, stores, clocks, folders, certificates, limits.
package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/storage"
)

// A Finding is one thing that [Examine] looked at.
type Finding struct {
	Level string `json:"level"` // ok, note, warning or fault
	About string `json:"about"` // a key of the configuration, or what else it is about
	Text  string `json:"text"`
}

// Levels of findings: a fault keeps pictures from being served, a warning will
// some day or makes them slow or unsafe, a note is good to know.
const (
	FindingOK      = "ok"
	FindingNote    = "note"
	FindingWarning = "warning"
	FindingFault   = "fault"
)

// Means are what the doctor examines with, beside what the configuration says.
type Means struct {
	// Check looks at what a server would open; the error joins all faults.
	Check func(*config.Config) error
	// Watermark reads a watermark of a bucket, and says what is wrong with it.
	Watermark func(ctx context.Context, b storage.Bucket, name string) error
	// Connections returns how many files the process may have open, and how many
	// connections a port takes then; ok is false if there is no bound.
	Connections func() (files uint64, connections int, ok bool)
}

// A doctor collects findings.
type doctor struct {
	config   *config.Config
	means    Means
	findings []Finding
}

func (d *doctor) add(level, about, format string, args ...any) {
	d.findings = append(d.findings, Finding{level, about, fmt.Sprintf(format, args...)})
}

// Examine says in words what is wrong with a configuration, which Load has read,
// and with the world around it: stores, disks, certificates, clocks, limits. It
// reads, writes small files into cache folders and shared buckets and removes
// them, and changes nothing else. No finding shows a secret.
func Examine(ctx context.Context, c *config.Config, m Means) []Finding {
	d := &doctor{config: c, means: m}
	if err := m.Check(c); err != nil {
		for line := range strings.Lines(err.Error()) {
			d.add(FindingFault, "configuration", "%s", strings.TrimSpace(line))
		}
	} else {
		d.add(FindingOK, "configuration", "is valid; handlers: %d", len(c.Handlers))
	}
	d.file()
	d.secrets()
	for i := range c.Handlers {
		d.sources(ctx, i)
		d.watermarks(ctx, i)
		d.cache(ctx, i)
	}
	d.tokenKeys(ctx)
	d.certificate()
	d.memory()
	d.files()
	running := d.admin(ctx)
	d.ports(running)
	d.public()
	return d.findings
}

// Stores returns what keeps the stores of a configuration from giving pictures: none
// but faults. It reads, and changes nothing.
func Stores(ctx context.Context, c *config.Config) []Finding {
	d := &doctor{config: c}
	for i := range c.Handlers {
		entries, keys := c.Handlers[i].AllSources()
		for j := range entries {
			if e := &entries[j]; c.Handlers[i].Bucket == nil && e.Kind() == config.KindS3 {
				d.store(ctx, config.HandlerKey(i)+"."+keys[j], &e.AWSConfig)
			}
		}
	}
	return filter(d.findings, func(f Finding) bool { return f.Level == FindingFault })
}

// file looks at who may read the configuration.
func (d *doctor) file() {
	if why := d.config.Exposed(); why != "" {
		d.add(FindingWarning, "configuration", "%s", why)
	}
}

// knownSecrets are those that are tried first.
var knownSecrets = []string{"minioadmin", "password", "changeme", "secret", "admin", "test", "example", "token", "12345678", "aws_secret_key"}

// secrets looks for such as can be guessed.
func (d *doctor) secrets() {
	values := d.config.SecretValues()
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	weak := 0
	for _, key := range keys {
		if why := weakness(key, values[key]); why != "" {
			weak++
			d.add(FindingWarning, key, "%s", why)
		}
	}
	if weak == 0 && len(keys) > 0 {
		d.add(FindingOK, "secrets", "none of %d can be guessed easily", len(keys))
	}
}

// weakness says why a secret can be guessed, "" if it cannot. Keys of stores are
// made by the store, so their length says nothing.
func weakness(key, secret string) string {
	lower := strings.ToLower(secret)
	for _, known := range knownSecrets {
		if lower == known || strings.HasPrefix(lower, known) && len(secret) < len(known)+6 {
			return "is a word that everybody tries first: use openssl rand -base64 32"
		}
	}
	if strings.HasSuffix(key, "aws_secret") || strings.HasSuffix(key, "session_token") || strings.Contains(key, ".headers.") || strings.HasSuffix(key, "jwt.key") {
		return ""
	}
	different := map[rune]bool{}
	for _, r := range secret {
		different[r] = true
	}
	switch {
	case len(secret) < config.LeastToken:
		return fmt.Sprintf("has only %d bytes: use openssl rand -base64 32", len(secret))
	case len(different) < 8:
		return fmt.Sprintf("has only %d different characters: use openssl rand -base64 32", len(different))
	}
	return ""
}

// tokenKeys asks for the keys that tokens are signed with.
func (d *doctor) tokenKeys(ctx context.Context) {
	asked := map[string]bool{}
	ask := func(about string, a *config.AuthConfig) {
		if a == nil || a.JWT == nil || a.JWT.JWKSURL == "" || asked[a.JWT.JWKSURL] {
			return
		}
		asked[a.JWT.JWKSURL] = true
		about += "auth.jwt.jwks_url"
		n, err := access.CountKeys(ctx, a.JWT.JWKSURL)
		if err != nil {
			d.add(FindingFault, about, "no token can be checked: %v", err)
			return
		}
		d.add(FindingOK, about, "answers with %d keys", n)
	}
	ask("", d.config.Auth)
	for i := range d.config.Handlers {
		ask(config.HandlerKey(i)+".", d.config.Handlers[i].Auth)
	}
}

// memory compares what is promised with what there is.
func (d *doctor) memory() {
	limit := debug.SetMemoryLimit(-1)
	if limit > 1<<50 {
		d.add(FindingWarning, "memory", "there is no memory limit: set GOMEMLIMIT, or limit the container")
		return
	}
	budget, tiers := d.config.MemoryBudget<<20, int64(0)
	for i := range d.config.Handlers {
		tiers += d.config.Handlers[i].Cache.MemoryMB << 20
	}
	most := limit / 10 * 6
	switch {
	case budget+tiers > limit*9/10:
		d.add(FindingWarning, "memory_budget", "memory_budget (%d MB) and the memory tiers (%d MB) are more than the memory limit of %d MB leaves: the process may be killed", budget>>20, tiers>>20, limit>>20)
	case budget > most:
		d.add(FindingWarning, "memory_budget", "%d MB are above 60 %% of the memory limit: %d MB are used", budget>>20, most>>20)
	default:
		d.add(FindingOK, "memory", "limit %d MB; memory_budget %d MB, memory tiers %d MB", limit>>20, budget>>20, tiers>>20)
	}
}

// leastFiles are enough for a few hundred clients.
const leastFiles = 4096

func (d *doctor) files() {
	n, connections, ok := d.means.Connections()
	switch {
	case !ok:
	case n < leastFiles:
		d.add(FindingWarning, "open files", "the process may have %d open files: each port takes %d connections, further clients wait. Raise it (ulimit -n, LimitNOFILE)", n, connections)
	default:
		d.add(FindingOK, "open files", "%d: %d connections for each port", n, connections)
	}
}

// admin asks the listener for operators, and reports whether a server runs.
func (d *doctor) admin(ctx context.Context) (running bool) {
	a := &d.config.Admin
	if a.Listen == "" {
		d.add(FindingNote, "admin.listen", "is off: no metrics, no purges, no readiness")
		return false
	}
	host, port, _ := net.SplitHostPort(a.Listen) // Validate has seen it
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		d.add(FindingFault, "admin.listen", "%v", err)
		return false
	}
	r.Header.Set("Authorization", "Bearer "+string(a.Token))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		d.add(FindingNote, "admin.listen", "nothing answers there: no server is running")
		return false
	}
	_ = resp.Body.Close() // only the status is wanted
	switch resp.StatusCode {
	case http.StatusOK:
		d.add(FindingOK, "admin.listen", "a server is running, and ready")
	case http.StatusServiceUnavailable:
		d.add(FindingFault, "admin.listen", "a server is running, but cannot make pictures: see /readyz")
	case http.StatusUnauthorized:
		d.add(FindingFault, "admin.token", "the running server has another token")
	default:
		d.add(FindingFault, "admin.listen", "what answers there is another program: status %d", resp.StatusCode)
	}
	return true
}

// ports looks whether the server could listen.
func (d *doctor) ports(running bool) {
	c := d.config
	type port struct {
		key    string
		number int
	}
	var all []port
	if c.HTTPPort > 0 {
		all = append(all, port{"http_port", c.HTTPPort})
	}
	if c.HTTPSEnabled {
		all = append(all, port{"https_port", c.HTTPSPort})
	}
	for _, p := range all {
		l, err := net.Listen("tcp", net.JoinHostPort(c.Listen, strconv.Itoa(p.number)))
		switch {
		case err == nil:
			_ = l.Close() // nobody has come
			d.add(FindingOK, p.key, "%d can be listened on", p.number)
		case running && !os.IsPermission(err):
		case os.IsPermission(err):
			d.add(FindingFault, p.key, "this user may not listen on %d: use a port above 1023, or give the binary CAP_NET_BIND_SERVICE", p.number)
		default:
			d.add(FindingWarning, p.key, "%d is taken: by a server that runs already, or by another program", p.number)
		}
	}
}

// public says what anybody may ask for without a signature or a token.
func (d *doctor) public() {
	for i := range d.config.Handlers {
		h := &d.config.Handlers[i]
		open := h.Auth == nil && d.config.Auth == nil || h.Auth != nil && h.Auth.Open
		if open && !h.PresetsOnly && !h.Snap && len(h.AllowedSizes) == 0 && h.Misses.PerSecond == 0 {
			d.add(FindingNote, config.HandlerKey(i), "anybody may ask for any size of any picture: auth, snap, presets_only or misses would keep floods out")
		}
	}
}
