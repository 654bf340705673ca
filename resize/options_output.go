package resize

import "strings"

var outputParams = []param{
	{"f", "format of the result: " + strings.Join(writableNames, ", ") + ", or auto", groupOutput, "", special{
		read: func(d *draft, v string) Verdict {
			d.Format = parseFormat(v)
			if d.Format == NoFormat {
				return Unreadable
			}
			return Used
		},
		write: func(o *Options) string { return o.Format.String() },
		words: strings.Join(writableNames, ", ") + ", auto",
	}},
}

// writableNames is spelled out since the table of codecs needs params' types;
// a test compares it with the table.
var writableNames = []string{"jpeg", "png", "webp", "gif", "bmp", "tiff", "avif"}

// parseFormat returns NoFormat for a format that cannot be written.
func parseFormat(v string) Format {
	f := FormatByName(v)
	if f == Auto || f.Writable() {
		return f
	}
	return NoFormat
}
