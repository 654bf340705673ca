package server

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"s3imageserver/server/metrics"
	"s3imageserver/storage/cache"
)

// Every metric that the dashboard and the alerts name is exported, and every
// one of ours is in the operator's guide.
func TestDashboardNamesMetrics(t *testing.T) {
	exported := map[string]bool{}
	s := meteredSite(t)
	_, text := adminGet(t, s.server, "/metrics")
	withShared := metrics.New("", "") // of a server with a shared bucket, which this one has not
	withShared.ToldBy(func() metrics.State { return metrics.State{Shared: map[string]cache.SharedStats{"bucket": {}}} })
	w := httptest.NewRecorder()
	withShared.HTTPHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text += w.Body.String()
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		exported[m[1]] = true
		if m[2] == "histogram" {
			exported[m[1]+"_bucket"], exported[m[1]+"_sum"], exported[m[1]+"_count"] = true, true, true
		}
	}
	named := regexp.MustCompile(`\b(s3imageserver|go|process)_[a-z0-9_]+`)
	read := func(file string) string {
		t.Helper()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	dashboard := read("../deploy/grafana.json")
	if err := json.Unmarshal([]byte(dashboard), new(any)); err != nil {
		t.Fatal(err)
	}
	for file, least := range map[string]int{"../deploy/grafana.json": 40, "../deploy/alerts.yml": 9} {
		n := 0
		for _, name := range named.FindAllString(read(file), -1) {
			if n++; !exported[name] {
				t.Errorf("%s names %s, which is not exported", file, name)
			}
		}
		if n < least {
			t.Errorf("only %d metrics found in %s", n, file)
		}
	}
	guide := read("../docs/operations.md")
	for name := range exported {
		if short, ours := strings.CutPrefix(name, metrics.Prefix); ours && !strings.Contains(guide, "`"+short+"`") && !histogramPart.MatchString(name) {
			t.Errorf("docs/operations.md does not say what %s is", name)
		}
	}
}

var histogramPart = regexp.MustCompile(`_seconds_(bucket|sum|count)$`)
