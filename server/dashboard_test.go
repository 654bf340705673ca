package server

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every metric that the dashboard and the alerts name is exported, and every
// one of ours is in the operator's guide.
func TestDashboardNamesMetrics(t *testing.T) {
	exported := map[string]bool{}
	s := meteredSite(t)
	_, text := adminGet(t, s.server, "/metrics")
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		exported[m[1]] = true
		if m[2] == "histogram" {
			exported[m[1]+"_bucket"], exported[m[1]+"_sum"], exported[m[1]+"_count"] = true, true, true
		}
	}
	for _, m := range sharedMetrics { // exported where there is a shared bucket
		exported[regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(m.desc.String())[1]] = true
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
		if short, ours := strings.CutPrefix(name, metricPrefix); ours && !strings.Contains(guide, "`"+short+"`") && !histogramPart.MatchString(name) {
			t.Errorf("docs/operations.md does not say what %s is", name)
		}
	}
}

var histogramPart = regexp.MustCompile(`_seconds_(bucket|sum|count)$`)
