package server

import (
	"cmp"
	"runtime/debug"
)

// A build is what runs.
type build struct{ version, revision string }

// buildOf returns what the options say of the program, else what go build has
// written into it: the version of the main module, and the revision of the clone
// that it was built in, with "-modified" behind it if that had changes.
func buildOf(o Options) build {
	b := build{o.Version, o.Revision}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
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
