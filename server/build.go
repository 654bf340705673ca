package server

import (
	"cmp"
	"crypto/rand"
	"runtime/debug"
)

// A build is what runs; instance tells this process from all others.
type build struct{ version, revision, instance string }

// buildOf returns what the options say of the program, else what go build has
// written into it: the version of the main module, and the revision of the clone
// that it was built in, with "-modified" behind it if that had changes.
func buildOf(o Options) build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	b := buildFrom(o, info)
	b.instance = rand.Text()
	return b
}

func buildFrom(o Options, info *debug.BuildInfo) build {
	b := build{version: o.Version, revision: o.Revision}
	b.version = cmp.Or(b.version, info.Main.Version)
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "-modified"
		}
	}
	if revision != "" {
		b.revision = cmp.Or(b.revision, revision+modified)
	}
	return b
}
