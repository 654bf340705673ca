package server

import (
	"mime"
	"path"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// contentDisposition names the file as it would be saved, with the extension of
// what is sent.
func contentDisposition(req request, mediaType string) string {
	kind, name := "inline", path.Base(req.name)
	if d := req.delivery.Download; d != "" {
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
