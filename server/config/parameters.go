package config

import (
	"cmp"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/storage"
)

// Parameters of URLs that change no pixels.
const (
	// PresetParam names presets of the configuration.
	PresetParam = "preset"
	// DownloadParam, maxAgeParam and versionParam are a delivery.
	DownloadParam = "dl"
	maxAgeParam   = "maxage"
	VersionParam  = "versionid"
	// TokenParam carries the token that is verified.
	TokenParam = "t"
	// SignatureParam is the signature of a URL, in base64url without padding.
	SignatureParam = "sig"
	// ExpiryParam is when a signed URL ends, in Unix seconds.
	ExpiryParam = "exp"
	// ExplainParam asks how a request was understood instead of what it asks for:
	// for operators, and for signed URLs.
	ExplainParam = "explain"
	// InfoParam asks for what is known of a picture instead of the picture.
	InfoParam = "info"
	// SrcsetParam asks for a <picture> of the given widths.
	SrcsetParam = "srcset"
	// SizesParam is the attribute sizes of the <picture>.
	SizesParam = "sizes"
	// AsParam says how srcset and info are written.
	AsParam = "as"
	AsHTML  = "html"
	AsJSON  = "json"
	// RefreshParam purges and makes anew one picture; it is for operators and in
	// no reference.
	RefreshParam = "refresh"
)

// MaxParameters is how many parameters a query may have.
const MaxParameters = 32

const groupDelivery = "Delivery"

// policies are the parameters of a URL that change who gets a picture or how,
// but not its pixels; they are never part of the cache key. Those that do
// change pixels are in package resize.
var policies = []resize.Param{
	{Name: PresetParam, Doc: "presets of the configuration, of which later ones win; the parameters of the URL win over all", Values: "names with commas", Group: groupDelivery},
	{Name: DownloadParam, Doc: "save it instead of showing it, under this name; `true` is the name that it has", Values: "file name", Group: groupDelivery},
	{Name: maxAgeParam, Doc: "how long others may keep it, at most as long as the handler says", Values: "seconds", Group: groupDelivery},
	{Name: VersionParam, Doc: "version of the object, of a store that has versions", Values: "as the store names it", Group: groupDelivery},
	{Name: TokenParam, Doc: "token for the verification", Values: "text", Group: groupDelivery},
	{Name: SignatureParam, Doc: "signature of the URL", Values: "base64url", Group: groupDelivery},
	{Name: ExpiryParam, Doc: "when a signed URL ends", Values: "Unix seconds", Group: groupDelivery},
	{Name: ExplainParam, Doc: "JSON about how the URL was understood and what it costs, of operators and signed URLs only", Values: "true, false", Group: groupDelivery},
	{Name: InfoParam, Doc: "JSON about the picture: all of it, or a list of fields; of some only the header is read", Values: "1, " + strings.Join(resize.DetailFields(), ", "), Group: groupDelivery},
	{Name: SrcsetParam, Doc: "a whole `<picture>` of these widths, in the formats that are written", Values: "widths, separated by commas", Group: groupDelivery},
	{Name: SizesParam, Doc: "its attribute `sizes`", Values: "text", Group: groupDelivery},
	{Name: AsParam, Doc: "json: `srcset` as JSON", Values: AsHTML + ", " + AsJSON, Group: groupDelivery},
}

// Params returns all parameters of a URL, for the reference: those that change
// pixels, then the others.
func Params() []resize.Param { return slices.Concat(resize.Params(), policies) }

// longNames are names that parameters have beside their own, as people type them.
var longNames = []struct{ long, name string }{{"width", "w"}, {"height", "h"}, {"quality", "q"}, {"format", "f"}}

// ShortNames returns a query in which parameters with a long name have their short one;
// where both are given the short one counts. A query without long names is returned as
// it is.
func ShortNames(query url.Values) url.Values {
	var short url.Values
	for _, n := range longNames {
		values, ok := query[n.long]
		if !ok {
			continue
		}
		if short == nil {
			short = maps.Clone(query)
		}
		if delete(short, n.long); !query.Has(n.name) {
			short[n.name] = values
		}
	}
	if short == nil {
		return query
	}
	return short
}

// LongName returns the long name of a parameter, "" if it has none.
func LongName(name string) string {
	for _, n := range longNames {
		if n.name == name {
			return n.long
		}
	}
	return ""
}

// otherNames are what other servers and habits call our parameters.
var otherNames = map[string]string{
	"fm": "f", "gravity": "g", "position": "g",
	"rotate": "rot", "rotation": "rot", "background": "bg", "brightness": "bri", "contrast": "con", "saturation": "sat",
	"grayscale": "gray", "grey": "gray", "mode": "fit", "resize": "fit", "watermark": "wm", "text": "txt", "ratio": "ar", "aspect": "ar",
}

// plainName is a name that may be said again to anybody: nothing that a page could
// take for markup.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,32}$`)

// Unknown returns, sorted by name, what is to be said of parameters of a query that
// do not exist: "there is no parameter mode; did you mean fit?". Those that campaigns
// add to every URL ("utm_...") are let be.
func Unknown(query url.Values) (sentences []string) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if resize.KnownParam(name) || name == RefreshParam || strings.HasPrefix(name, "utm_") ||
			slices.ContainsFunc(policies, func(p resize.Param) bool { return p.Name == name }) {
			continue
		}
		text := "there is no parameter of one of the names"
		if plainName.MatchString(name) {
			text = "there is no parameter " + name
		}
		if near := cmp.Or(otherNames[strings.ToLower(name)], nearName(name)); near != "" {
			text += "; did you mean " + near + "?"
		}
		sentences = append(sentences, text)
	}
	return sentences
}

// nearName returns the parameter whose name is at most one letter away from name; ""
// if there is none. Names of two letters are all near each other.
func nearName(name string) string {
	if len(name) < 3 || len(name) > 32 {
		return ""
	}
	var names []string
	for _, p := range Params() {
		names = append(names, p.Name)
	}
	return nearest(name, names, 2)
}

var ErrName = errors.New("not a valid name")

// ObjectName returns the object's name in a URL: the path behind the prefix,
// decoded exactly once.
func ObjectName(u *url.URL, prefix string) (string, error) {
	escaped := strings.TrimPrefix(u.EscapedPath(), "/"+prefix+"/")
	name, err := url.PathUnescape(escaped)
	if err != nil || !storage.ValidName(name) {
		return "", ErrName
	}
	return name, nil
}
