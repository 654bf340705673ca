package server

import (
	"runtime/debug"
	"testing"
)

func TestBuild(t *testing.T) {
	clone := &debug.BuildInfo{
		Main:     debug.Module{Version: "v0.0.0-20260101000000-4f5e6d7c8b9a"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "4f5e6d7c8b9a0123456789012345678901234567"}, {Key: "vcs.modified", Value: "false"}},
	}
	modified := &debug.BuildInfo{Main: clone.Main, Settings: []debug.BuildSetting{clone.Settings[0], {Key: "vcs.modified", Value: "true"}}}
	revision := clone.Settings[0].Value
	for _, tt := range []struct {
		name    string
		options Options
		info    *debug.BuildInfo
		want    build
	}{
		{"a clone", Options{}, clone, build{clone.Main.Version, revision, ""}},
		{"a clone with changes", Options{}, modified, build{clone.Main.Version, revision + "-modified", ""}},
		{"a clone, with a version of the program", Options{Version: "0-4f5e6d7c8b9a"}, clone, build{"0-4f5e6d7c8b9a", revision, ""}},
		{"a release", Options{Version: "1.2.3", Revision: revision}, &debug.BuildInfo{}, build{"1.2.3", revision, ""}},
		{"nothing is known", Options{}, &debug.BuildInfo{}, build{}},
	} {
		if got := buildFrom(tt.options, tt.info); got != tt.want {
			t.Errorf("%s: %+v; want %+v", tt.name, got, tt.want)
		}
	}
}
