package docs_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"s3imageserver/testserver"
)

// The nginx of docs/cdn.md keeps pictures, one for each format that browsers
// ask for, and none for each spelling of Accept.
func TestNginxOfTheGuide(t *testing.T) {
	testserver.Program(t, "nginx", "not tested")
	page, err := os.ReadFile("docs/cdn.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/cdn.md has no configuration of nginx")
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	s := testserver.Start(t, folder, map[string]any{"handlers": []any{map[string]any{
		"name": "h", "source": map[string]any{"dir": filepath.Join(root, "testdata/photos")}, "output_format": "auto",
	}}}, nil)
	base := nginxWith(t, folder, func(port int) string {
		return strings.NewReplacer(
			"/var/cache/nginx/pictures", folder+"/pictures",
			"listen 80;", fmt.Sprintf("listen 127.0.0.1:%d;", port),
			"http://127.0.0.1:8080", s.URL,
		).Replace(string(block[1]))
	})
	ask := func(accept string) (cache, mediaType string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, base+"/h/still-life.jpg?w=300", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		answer, err := testserver.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close() // nothing is lost
		return answer.Header.Get("X-Cache"), answer.Header.Get("Content-Type")
	}
	for _, tt := range []struct{ accept, cache, mediaType string }{
		{"image/webp,image/png,*/*;q=0.8", "MISS", "image/webp"},
		{"image/png,image/webp,*/*;q=0.5", "HIT", "image/webp"},
		{"image/png,*/*;q=0.5", "MISS", "image/jpeg"},
		{"*/*", "HIT", "image/jpeg"},
	} {
		if cache, mediaType := ask(tt.accept); cache != tt.cache || mediaType != tt.mediaType {
			t.Errorf("Accept: %s: %s from the cache: %s; want %s, %s", tt.accept, mediaType, cache, tt.mediaType, tt.cache)
		}
	}
}

// nginxWith starts nginx with what configuration returns inside its http block, for a
// port of this machine, and returns its URL once it answers. It ends with the test.
func nginxWith(t *testing.T, folder string, configuration func(port int) string) (base string) {
	t.Helper()
	port := testserver.Port(t)
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n" // the folder of the test is nobody else's
	}
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, folder, kind)
	}
	file := filepath.Join(folder, "nginx.conf")
	config := user + "daemon off;\nmaster_process off;\npid " + folder + "/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n" + temporary + configuration(port) + "}\n"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log := testserver.Run(t, exec.Command(testserver.Program(t, "nginx", "not tested"), "-p", folder, "-e", "stderr", "-c", file)).Output
	base = fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(testserver.Patience); ; time.Sleep(10 * time.Millisecond) {
		answer, err := testserver.Client.Head(base + "/")
		if err == nil {
			_ = answer.Body.Close() // nothing of it is read
			return base
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not answer: %v\n%s", err, log)
		}
	}
}
