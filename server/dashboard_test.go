package server

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"
)

// Every metric that the dashboard names is exported.
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
	data, err := os.ReadFile("../deploy/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard any
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range named.FindAllString(string(data), -1) {
		if n++; !exported[name] {
			t.Errorf("deploy/grafana.json names %s, which is not exported", name)
		}
	}
	if n < 40 {
		t.Errorf("only %d metrics found in deploy/grafana.json", n)
	}
}
