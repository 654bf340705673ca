package config

import (
	"math"
	"path"
	"strconv"
	"strings"
	"unicode"

	"s3imageserver/resize"
)

// A Delivery is how a picture is sent, whatever is in it.
type Delivery struct {
	Download string // file name to be saved under; "": to be shown
	MaxAge   int64  // seconds; negative: the handler's
	Version  string // of the source; "": the newest
	// Misversioned says that a version is asked for that there cannot be: the newest
	// would be another picture.
	Misversioned bool
}

const (
	MaxDownloadBytes = 150
	MaxVersionBytes  = 128
)

// ParseDelivery reads the parameters; what cannot be read counts as absent, and
// is noted.
func ParseDelivery(get func(string) string, note func(resize.Note)) Delivery {
	d := Delivery{MaxAge: -1}
	verdict := func(name, value string, readable bool) {
		v := resize.Used
		if !readable {
			v = resize.Unreadable
		}
		note(resize.Note{Name: name, Value: value, Verdict: v})
	}
	if v := get(DownloadParam); v != "" {
		d.Download = SafeFileName(v)
		verdict(DownloadParam, v, d.Download != "")
	}
	if v := get(maxAgeParam); v != "" {
		f, err := strconv.ParseFloat(v, 64)
		if ok := err == nil && f >= 0; ok {
			d.MaxAge = int64(math.Min(f, ForeverSeconds))
			verdict(maxAgeParam, v, true)
		} else {
			verdict(maxAgeParam, v, false)
		}
	}
	if v := get(VersionParam); v != "" {
		if ValidVersion(v) && namesVersion(v) {
			d.Version = v
		}
		d.Misversioned = !ValidVersion(v)
		verdict(VersionParam, v, d.Version != "")
	}
	return d
}

// ValidVersion reports whether v may be sent to a store as a version: it has the
// characters of the versions of AWS, MinIO, Ceph and Google, and no store that
// takes it for a path is led elsewhere.
func ValidVersion(v string) bool {
	if v == "" || len(v) > MaxVersionBytes {
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

// SafeFileName returns what may be the name of a file on any system: without
// folders, leading dots and characters that mean something to a shell or a file
// system. It is empty if nothing is left.
func SafeFileName(v string) string {
	v = path.Base(strings.ReplaceAll(strings.ToValidUTF8(v, ""), `\`, "/"))
	v = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`/\:*?"<>|%`, r) {
			return -1
		}
		return r
	}, v)
	v = strings.Trim(v, ". ")
	if len(v) > MaxDownloadBytes {
		v = strings.ToValidUTF8(v[:MaxDownloadBytes], "")
	}
	return v
}

// namesVersion reports whether v stands for one version of an object, whose
// bytes never change. "null" and the nil UUID stand for an object that was
// stored without versions, and is replaced in place.
func namesVersion(v string) bool {
	return !strings.EqualFold(v, "null") && v != "00000000-0000-0000-0000-000000000000"
}
