package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"s3imageserver/server"
	"s3imageserver/storage/s3/s3test"
	"s3imageserver/testserver"
)

// notRun are the commands of the guides that no test runs, by how they begin.
var notRun = []struct{ begins, why string }{
	{"go install github.com/minio/minio@", "TestInstalled of s3test does that, of the same version"},
	{"go vet ", "a step of .ci/run"},
	{"go test ", "a step of .ci/run, this test among them"},
	{"CI=true go test ", "as before"},
	{"CORPUS=full go test ", "an hour; .ci/run does a part of it"},
	{".ci/fuzz ", "a step of .ci/run"},
	{"go run -tags nodynamic ./bench/", "minutes to half an hour, some need rivals from npm; .ci/run does a part of it"},
	{"aws s3api put-bucket-lifecycle-configuration", "needs the command line of AWS"},
	{"s3imageserver check -c FILE", "FILE stands for any"},
	{"s3imageserver init ", "its folder and bucket stand for any; TestInit writes"},
	{"s3imageserver serve ", "its folder and bucket stand for any; TestServeFolder and TestServeBucket serve"},
	{"s3imageserver translate -c FILE", "as before; TestGuidesOfDialects translates"},
	{"CGO_ENABLED=0 go build -tags nodynamic,noheic ", "TestBuildWithoutHEIC builds it, and looks inside"},
	{"docker build ", "needs a container engine; the binary runs in an empty root instead"},
	{"docker run ", "as before"},
	{"docker compose ", "as before; the three nodes run as processes"},
	{"ADMIN_TOKEN=$(openssl rand -hex 16) S3_SECRET_KEY=$(openssl rand -hex 16) docker compose ", "as before"},
	{"kubectl apply ", "needs a cluster; the files are checked"},
	{"systemctl ", "needs a machine with systemd, and root; the unit is checked"},
	{".ci/arm64", "a step of .ci/run"},
	{"go generate ", "needs the modules of the generators; .ci/arm64 runs those of arm64"},
	{"GOARCH=arm64 ", "a step of .ci/arm64"},
	{"deploy/release ", "a step of .ci/run, for one system"},
}

// notAsked are URLs of the guides that are not those of a server here: a
// collector of traces, the console of MinIO in a container, and a stand-in.
var notAsked = []string{"http://127.0.0.1:4318", "http://localhost:9001", "http://localhost:8080/h/NAME?w=300"}

// A walk goes through a page from top to bottom, as a reader does, in a folder
// of its own: it writes the configurations, starts the servers, runs the
// commands and asks for the URLs.
type walk struct {
	t      *testing.T
	page   string
	folder string
	ports  map[string]int      // by those of the page
	server *testserver.Process // the last one that was started; nil: none
	signed []string            // URLs that the server has to answer at the end
	done   map[string]int      // how many of each kind of step
}

var (
	localURL  = regexp.MustCompile(`https?://(?:localhost|127\.0\.0\.1)[^\s<>"')\x60]*`)
	pagePort  = regexp.MustCompile(`\b(8080|8081|9000|9090)\b`)
	namedFile = regexp.MustCompile("Write `([a-z]+\\.json)`")
	startsOne = regexp.MustCompile(`^((?:[A-Z0-9_]+=\S+ )*)(?:\./)?s3imageserver(?: -c \S+| serve testdata/photos)?$`)
	inShell   = regexp.MustCompile("`((?:[A-Z0-9_]+=\\S+ )*(?:\\./)?s3imageserver (?:-c|[a-z]+ )[^`]*)`")
	variable  = regexp.MustCompile(`\$\{([A-Z0-9_]+)\}`)
)

// here rewrites hosts and ports of the page to those of the test.
func (w *walk) here(text string) string {
	text = regexp.MustCompile(`https?://(?:img\.example\.com|old:8080|new:808[01]|localhost:8080)`).ReplaceAllString(text, "http://127.0.0.1:8080")
	return pagePort.ReplaceAllStringFunc(text, func(p string) string {
		if w.ports[p] == 0 {
			if p == "8081" {
				p = "8080"
			}
			if w.ports[p] == 0 {
				w.ports[p] = testserver.Port(w.t)
			}
		}
		return strconv.Itoa(w.ports[p])
	})
}

// shell returns a command that runs in the folder, with what earlier ones have
// exported. Commands of Go run in the repository, as in a clone.
func (w *walk) shell(script string) *exec.Cmd {
	root, err := os.Getwd()
	if err != nil {
		w.t.Fatal(err)
	}
	script = w.here(script)
	inClone := w.page == "README.md" && strings.Contains(script, "go build ")
	if inClone {
		script = strings.Replace(script, "go build ", "go build -o "+w.folder+"/ ", 1)
	}
	script = strings.ReplaceAll(script, "=../s3imageserver", "="+root)
	if strings.Contains(script, "$(go env GOPATH)/bin/minio") {
		script = strings.ReplaceAll(script, "$(go env GOPATH)/bin/minio", s3test.MinIO.Path(w.t))
	}
	cmd := exec.Command("bash", "-c", "set -eo pipefail\n. ./.state\n"+script)
	cmd.Dir = w.folder
	if inClone {
		cmd = exec.Command("bash", "-c", "set -eo pipefail\n"+script)
	}
	cmd.Env = append(os.Environ(), "PATH="+w.folder+":"+os.Getenv("PATH"), "CURL_HOME="+w.folder,
		"S3IMAGESERVER_LISTEN=127.0.0.1", "S3IMAGESERVER_HTTP_PORT="+w.here("8080"),
		"ADMIN_TOKEN=a token of the operators", "SIGN_KEY=a key of the signatures", "SECRET=a secret of sixteen bytes",
		"MINIO_BROWSER=off", "MINIO_UPDATE=off", "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

// background starts a program that ends with the test.
func (w *walk) background(script string) *testserver.Process {
	w.t.Helper()
	return testserver.Run(w.t, w.shell("exec env "+script))
}

// serve starts a server in place of the last one.
func (w *walk) serve(script string) {
	w.t.Helper()
	if w.server != nil {
		w.server.Kill()
	}
	w.server = w.background(script)
	w.server.Listens(w.t, 1)
}

// run does what a line of the shell says.
func (w *walk) run(script string) {
	w.t.Helper()
	for i, n := range notRun {
		if strings.HasPrefix(script, n.begins) {
			w.done["not run "+strconv.Itoa(i)]++
			return
		}
	}
	w.done["command"]++
	plain := strings.TrimSpace(strings.SplitN(script, "    #", 2)[0])
	if flags, ok := strings.CutPrefix(plain, "CGO_ENABLED=0 go run "); ok { // which would not end its child when it is killed
		w.run("CGO_ENABLED=0 go build " + flags)
		w.serve("./s3imageserver")
		return
	}
	if startsOne.MatchString(plain) {
		w.serve(plain)
		return
	}
	if program, ok := strings.CutSuffix(plain, " &"); ok {
		w.background(program)
		return
	}
	cmd := w.shell(script)
	if cmd.Dir != "" {
		cmd.Args[2] += "\nexport -p >.state"
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Errorf("%s: %s: %v\n%s", w.page, script, err, out)
		return
	}
	if strings.Contains(script, " sign ") { // what is signed has to open
		for _, line := range strings.Fields(string(out)) {
			if strings.HasPrefix(line, "/") {
				line = "http://127.0.0.1:8080" + line
			}
			if strings.Contains(line, "sig=") {
				w.signed = append(w.signed, w.here(line))
			}
		}
		if len(w.signed) == 0 {
			w.t.Errorf("%s: %s printed no signed URL:\n%s", w.page, script, out)
		}
	}
}

// ask asks for a URL of the page.
func (w *walk) ask(url string) {
	w.t.Helper()
	w.done["url"]++
	r, err := testserver.Client.Get(w.here(url))
	if err != nil {
		w.t.Errorf("%s: %s: %v", w.page, url, err)
		return
	}
	_ = r.Body.Close() // nothing is lost
	if r.StatusCode != http.StatusOK {
		w.t.Errorf("%s: %s: status %d", w.page, url, r.StatusCode)
	}
}

// configure loads a configuration, or a part of one in the place where it
// belongs, without a warning. name is the file to write; "" for a passing one.
func (w *walk) configure(name, text string) {
	w.t.Helper()
	w.done["configuration"]++
	if strings.HasPrefix(text, `{"aud"`) { // the claims of a token
		if !json.Valid([]byte(text)) {
			w.t.Errorf("%s: not JSON: %s", w.page, text)
		}
		return
	}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		w.t.Setenv(m[1], "account-of-16-byte")
		defer os.Unsetenv(m[1]) // the commands of the page have to set their own
	}
	handler := `"name": "h"`
	places := []string{text}
	if !strings.HasPrefix(text, "{") {
		places = []string{
			`{"handlers": [{` + handler + `, "source": {"dir": "photos"}}], ` + text + `}`,
			`{"handlers": [{` + handler + `, ` + text + `}]}`,
			`{"handlers": [{` + handler + `, "source": {"dir": "photos"}}], "auth": {"hmac": {` + text + `}}}`,
		}
	}
	var faults []string
	for _, place := range places {
		file := filepath.Join(w.folder, "part.json")
		if name != "" {
			file = filepath.Join(w.folder, name)
		}
		if err := os.WriteFile(file, []byte(w.here(place)), 0o600); err != nil {
			w.t.Fatal(err)
		}
		_, warnings, err := server.Load(file)
		if err == nil && len(warnings) == 0 {
			return
		}
		faults = append(faults, fmt.Sprint(err, warnings))
	}
	w.t.Errorf("%s: a configuration does not load:\n%s\n%s", w.page, text, strings.Join(faults, "\n"))
}

// line does what a line of the text says, outside of what is fenced.
func (w *walk) line(text string) {
	for _, m := range inShell.FindAllStringSubmatch(text, -1) {
		w.run(m[1])
	}
	for _, url := range localURL.FindAllString(text, -1) {
		if !slices.Contains(notAsked, url) {
			w.ask(url)
		}
	}
}

// read walks through the page.
func (w *walk) read() {
	text, err := os.ReadFile(w.page)
	if err != nil {
		w.t.Fatal(err)
	}
	name, language, block := "", "", []string(nil)
	for _, line := range strings.Split(string(text), "\n") {
		mark, fenced := strings.CutPrefix(line, "```")
		switch {
		case fenced && block == nil:
			language, block = mark, []string{}
		case fenced:
			w.fenced(name, language, block)
			name, block = "", nil
		case block != nil:
			block = append(block, line)
		default:
			if m := namedFile.FindStringSubmatch(line); m != nil {
				name = m[1]
			}
			w.line(line)
		}
	}
}

// fenced does what a block says.
func (w *walk) fenced(name, language string, lines []string) {
	switch language {
	case "json":
		w.configure(name, strings.Join(lines, "\n"))
	case "sh":
		for script := range strings.SplitSeq(strings.ReplaceAll(strings.Join(lines, "\n"), "\\\n", " "), "\n") {
			if script != "" {
				w.run(script)
			}
		}
	case "": // help of commands, with examples
		for _, line := range lines {
			if script, ok := strings.CutPrefix(line, "      s3imageserver "); ok && strings.HasPrefix(w.page, "docs/") {
				w.run("s3imageserver " + script)
			}
		}
	case "go": // built by the commands of the page
	case "nginx": // TestNginxOfTheGuide
	default:
		w.t.Errorf("%s: nothing is known of blocks in %s", w.page, language)
	}
}

// fixture is what the pages take for granted: a server with pictures, whose
// operators have a listener, and names of files.
func (w *walk) fixture() {
	w.t.Helper()
	photo, err := os.ReadFile("testdata/photos/balloons.jpg")
	if err != nil {
		w.t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"photos/photo.jpg": photo, "photos/folder/photo.jpg": photo, "photo.jpg": photo, "photos/2026/my photo.jpg": photo,
		"names.txt": []byte("photo.jpg\n"), "access.log": []byte("/h/photo.jpg?w=300\n"),
		"verification.key": []byte("a secret of sixteen bytes"),
	} {
		w.put(name, data)
	}
	auth := ""
	if w.page == "docs/security.md" {
		auth = `"auth": {"hmac": {"keys": [{"id": "2026", "secret": "${SIGN_KEY}"}]}},`
	}
	w.put("config.json", []byte(w.here(`{
		"handlers": [{"name": "h", "source": {"dir": "photos"}, "cache_path": "cache", "cache": {"disk_mb": 64}}],
		"presets": {"card": "w=300&h=200"}, "admin": {"listen": "127.0.0.1:9090", "token": "${ADMIN_TOKEN}"}, `+auth+`
		"http_port": 8080}`)))
}

func (w *walk) put(name string, data []byte) {
	w.t.Helper()
	path := filepath.Join(w.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// Every command, configuration and local URL of the guides works, or is in
// notRun with the reason.
func TestGuides(t *testing.T) {
	if testing.Short() {
		t.Skip("the guides are not walked through: that takes a minute")
	}
	for _, program := range []string{"bash", "curl", "python3", "openssl"} {
		testserver.Program(t, program, "not tested")
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	moves, err := filepath.Glob("docs/migration/*.md")
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]int{}
	for _, page := range append(append(guides, moves...), "README.md", "CONTRIBUTING.md") {
		t.Run(page, func(t *testing.T) {
			w := &walk{t: t, page: filepath.ToSlash(page), folder: t.TempDir(), ports: map[string]int{}, done: done}
			for _, name := range []string{"testdata", "docs"} {
				if err := os.Symlink(filepath.Join(root, name), filepath.Join(w.folder, name)); err != nil {
					t.Fatal(err)
				}
			}
			if w.page != "README.md" { // which builds its own
				if err := os.Symlink(testserver.Binary(t), filepath.Join(w.folder, "s3imageserver")); err != nil {
					t.Fatal(err)
				}
			}
			w.put(".state", nil)
			w.put(".curlrc", []byte("fail\nsilent\nshow-error\n"))
			switch w.page {
			case "README.md": // a clone
				data, err := os.ReadFile("config.json")
				if err != nil {
					t.Fatal(err)
				}
				w.put("config.json", data)
			case "docs/library.md":
				w.program()
			default:
				w.fixture()
				w.serve("s3imageserver -c config.json")
			}
			w.read()
			if w.server != nil {
				for _, url := range w.signed {
					w.ask(url)
				}
			}
		})
	}
	for i, n := range notRun {
		if done["not run "+strconv.Itoa(i)] == 0 && !t.Failed() {
			t.Errorf("no guide has the command %q any more", n.begins)
		}
	}
	if done["command"] < 30 || done["configuration"] < 15 || done["url"] < 6 {
		t.Errorf("too little was found: %v", done)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil || !bytes.Contains(readme, []byte("go install "+s3test.MinIO.Install()+" ")) {
		t.Errorf("README.md installs another MinIO than the tests, %s (%v)", s3test.MinIO.Install(), err)
	}
}

// program writes the Go program of docs/library.md as a module of its own.
func (w *walk) program() {
	w.t.Helper()
	page, err := os.ReadFile(w.page)
	if err != nil {
		w.t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(page)
	if m == nil {
		w.t.Fatalf("%s has no program", w.page)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		w.t.Fatal(err)
	}
	w.put("main.go", m[1])
	w.put("go.mod", []byte("module site\n\ngo 1.26.6\n"))
	w.put("go.sum", sums)
}
