package server

import (
	"math"
	"mime"
	"path"
	"strconv"
	"strings"
	"unicode"

	"s3imageserver/resize"
)

const (
	downloadParam = "dl"
	maxAgeParam   = "maxage"
	versionParam  = "versionid"
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

// contentDisposition names the file as it would be saved, with the extension of
// what is sent.
func contentDisposition(req request, mediaType string) string {
	kind, name := "inline", path.Base(req.name)
	if d := req.delivery.download; d != "" {
		kind = "attachment"
		if on, err := strconv.ParseBool(d); err != nil || !on {
			name = d
		}
	}
	if ext := strings.TrimPrefix(path.Ext(name), "."); kind == "inline" || isExtension(ext) {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	name += "." + extension(mediaType)
	if isToken(name) { // as most are: no quotes and no other characters to think of
		return kind + "; filename=" + name
	}
	if v := mime.FormatMediaType(kind, map[string]string{"filename": name}); v != "" {
		return v
	}
	return kind
}

// isToken reports whether a name is one of letters, digits and what may stand
// beside them without quotes (RFC 9110, section 5.6.2).
func isToken(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return name != ""
}

// isExtension reports whether an extension is that of a picture.
func isExtension(ext string) bool {
	f := resize.FormatByName(ext)
	return f != resize.NoFormat && !f.IsAuto()
}

func extension(mediaType string) string {
	switch mediaType {
	case jsonType:
		return "json"
	case htmlType:
		return "html"
	}
	f := resize.FormatByMediaType(mediaType)
	if f == resize.JPEG {
		return "jpg"
	}
	return f.String()
}
