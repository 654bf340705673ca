package dialect

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"

	"s3imageserver/resize"
)

func unescape(text string) (string, error) { return url.PathUnescape(text) }

// fromBase64 reads base64url with or without its padding.
func fromBase64(text string) (string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	return string(b), err == nil
}

func word(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

func orText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// hexByte returns a part of one as two hexadecimal digits.
func hexByte(f float64) string { return fmt.Sprintf("%02x", int(math.Round(f*255))) }

var hexDigits = regexp.MustCompile(`^#?[0-9A-Fa-f]+$`)

// hexColor reads rgb, rgba, rrggbb or rrggbbaa and returns rrggbb or rrggbbaa,
// without an alpha that is full.
func hexColor(text string) (string, bool) {
	if !hexDigits.MatchString(text) {
		return "", false
	}
	text = strings.ToLower(strings.TrimPrefix(text, "#"))
	if len(text) == 3 || len(text) == 4 {
		var b strings.Builder
		for _, c := range text {
			b.WriteString(strings.Repeat(string(c), 2))
		}
		text = b.String()
	}
	if len(text) != 6 && len(text) != 8 {
		return "", false
	}
	if text[6:] == "ff" {
		text = text[:6]
	}
	return text, true
}

// argbColor is hexColor of digits whose alpha stands first.
func argbColor(text string) (string, bool) {
	digits := strings.TrimPrefix(text, "#")
	switch len(digits) {
	case 4:
		text = digits[1:] + digits[:1]
	case 8:
		text = digits[2:] + digits[:2]
	}
	return hexColor(text)
}

var rgbFunction = regexp.MustCompile(`^rgba?\(([^()]*)\)$`)

// cssColor reads a name, digits or rgb(), as CSS writes them (CSS Color 4,
// sections 5 and 6).
func cssColor(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if c, ok := namedColor(text); ok {
		return c, true
	}
	m := rgbFunction.FindStringSubmatch(text)
	if m == nil {
		return hexColor(text)
	}
	parts := strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' || r == '/' })
	if len(parts) != 3 && len(parts) != 4 {
		return "", false
	}
	var b strings.Builder
	for i, p := range parts {
		most := 255.0
		if i == 3 {
			most = 1
		}
		number, percent := strings.CutSuffix(p, "%")
		f, err := strconv.ParseFloat(number, 64)
		if err != nil || math.IsNaN(f) {
			return "", false
		}
		if percent {
			f *= most / 100
		}
		b.WriteString(hexByte(max(0, min(1, f/most))))
	}
	return hexColor(b.String())
}

func namedColor(name string) (string, bool) {
	switch name {
	case "transparent":
		return "ffffff00", true
	case "rebeccapurple":
		return "663399", true
	}
	c, ok := colornames.Map[name]
	return fmt.Sprintf("%02x%02x%02x", c.R, c.G, c.B), ok
}

// qualities writes qualities by format in a fixed order.
func qualities(by map[string]int) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if by[name] > 0 {
			list = append(list, name+":"+strconv.Itoa(by[name]))
		}
	}
	return strings.Join(list, ",")
}

// qualityOf reads them; 0: none.
func qualityOf(by, name string) int {
	for part := range strings.SplitSeq(by, ",") {
		if n, ok := strings.CutPrefix(part, name+":"); ok {
			v, _ := strconv.Atoi(n) // qualities wrote it
			return v
		}
	}
	return 0
}

// negotiated returns the newest of the formats that a client names in Accept
// and a handler writes, NoFormat if there is none. Ranges as image/* name
// nothing. vary says that another client might get another one.
func negotiated(accept []string, l *Limits, on bool) (f resize.Format, vary bool) {
	if !on {
		return resize.NoFormat, false
	}
	weights := map[string]float64{}
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			t, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			weights[t] = 1
			if q, ok := params["q"]; ok {
				weights[t], _ = strconv.ParseFloat(q, 64) // what cannot be read is not wanted
			}
		}
	}
	avif, webp := weights[resize.AVIF.MediaType()], weights[resize.WebP.MediaType()]
	switch {
	case avif > 0 && avif >= webp && l.writes(resize.AVIF):
		return resize.AutoAVIF, true
	case webp > 0 && l.writes(resize.WebP):
		return resize.AutoWebP, true
	}
	return resize.NoFormat, true
}

// trimOf returns the parameter of edges that differ by so little.
func trimOf(tolerance float64) string {
	if tolerance < 1 {
		return "exact"
	}
	return strconv.Itoa(int(min(255, tolerance)))
}
