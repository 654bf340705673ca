package server

import (
	"math"
	"path"
	"strconv"
	"strings"
	"unicode"

	"s3imageserver/resize"
)

// A delivery is how a picture is sent, whatever is in it.
type delivery struct {
	download string // file name to be saved under; "": to be shown
	maxAge   int64  // seconds; negative: the handler's
	version  string // of the source; "": the newest
	// misversioned says that a version is asked for that there cannot be: the newest
	// would be another picture.
	misversioned bool
}

const (
	maxDownloadBytes = 150
	maxVersionBytes  = 128
)

// parseDelivery reads the parameters; what cannot be read counts as absent, and
// is noted.
func parseDelivery(get func(string) string, note func(resize.Note)) delivery {
	d := delivery{maxAge: -1}
	verdict := func(name, value string, readable bool) {
		v := resize.Used
		if !readable {
			v = resize.Unreadable
		}
		note(resize.Note{Name: name, Value: value, Verdict: v})
	}
	if v := get(downloadParam); v != "" {
		d.download = safeFileName(v)
		verdict(downloadParam, v, d.download != "")
	}
	if v := get(maxAgeParam); v != "" {
		f, err := strconv.ParseFloat(v, 64)
		if ok := err == nil && f >= 0; ok {
			d.maxAge = int64(math.Min(f, foreverSeconds))
			verdict(maxAgeParam, v, true)
		} else {
			verdict(maxAgeParam, v, false)
		}
	}
	if v := get(versionParam); v != "" {
		if validVersion(v) && namesVersion(v) {
			d.version = v
		}
		d.misversioned = !validVersion(v)
		verdict(versionParam, v, d.version != "")
	}
	return d
}

// validVersion reports whether v may be sent to a store as a version: it has the
// characters of the versions of AWS, MinIO, Ceph and Google, and no store that
// takes it for a path is led elsewhere.
func validVersion(v string) bool {
	if v == "" || len(v) > maxVersionBytes {
		return false
	}
	for i := range len(v) {
		switch c := v[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("._~+/=-", c) >= 0:
		default:
			return false
		}
	}
	for segment := range strings.SplitSeq(v, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// safeFileName returns what may be the name of a file on any system: without
// folders, leading dots and characters that mean something to a shell or a file
// system. It is empty if nothing is left.
func safeFileName(v string) string {
	v = path.Base(strings.ReplaceAll(strings.ToValidUTF8(v, ""), `\`, "/"))
	v = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`/\:*?"<>|%`, r) {
			return -1
		}
		return r
	}, v)
	v = strings.Trim(v, ". ")
	if len(v) > maxDownloadBytes {
		v = strings.ToValidUTF8(v[:maxDownloadBytes], "")
	}
	return v
}

// namesVersion reports whether v stands for one version of an object, whose
// bytes never change. "null" and the nil UUID stand for an object that was
// stored without versions, and is replaced in place.
func namesVersion(v string) bool {
	return !strings.EqualFold(v, "null") && v != "00000000-0000-0000-0000-000000000000"
}
