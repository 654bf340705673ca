package server

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/storage"
)

// Parameters of URLs that change no pixels.
const (
	// presetParam names presets of the configuration.
	presetParam = "preset"
	// downloadParam, maxAgeParam and versionParam are a delivery.
	downloadParam = "dl"
	maxAgeParam   = "maxage"
	versionParam  = "versionid"
	// tokenParam carries the token that is verified.
	tokenParam = "t"
	// signatureParam is the signature of a URL, in base64url without padding.
	signatureParam = "sig"
	// expiryParam is when a signed URL ends, in Unix seconds.
	expiryParam = "exp"
	// explainParam asks how a request was understood instead of what it asks for:
	// for operators, and for signed URLs.
	explainParam = "explain"
	// infoParam asks for what is known of a picture instead of the picture.
	infoParam = "info"
	// srcsetParam asks for a <picture> of the given widths.
	srcsetParam = "srcset"
	// sizesParam is the attribute sizes of the <picture>.
	sizesParam = "sizes"
	// asParam says how srcset and info are written.
	asParam = "as"
	asHTML  = "html"
	asJSON  = "json"
	// refreshParam purges and makes anew one picture; it is for operators and in
	// no reference.
	refreshParam = "refresh"
)

// maxParameters is how many parameters a query may have.
const maxParameters = 32

const groupDelivery = "Delivery"

// policies are the parameters of a URL that change who gets a picture or how,
// but not its pixels; they are never part of the cache key. Those that do
// change pixels are in package resize.
var policies = []resize.Param{
	{Name: presetParam, Doc: "presets of the configuration, of which later ones win; the parameters of the URL win over all", Values: "names with commas", Group: groupDelivery},
	{Name: downloadParam, Doc: "save it instead of showing it, under this name; `true` is the name that it has", Values: "file name", Group: groupDelivery},
	{Name: maxAgeParam, Doc: "how long others may keep it, at most as long as the handler says", Values: "seconds", Group: groupDelivery},
	{Name: versionParam, Doc: "version of the object, of a store that has versions", Values: "as the store names it", Group: groupDelivery},
	{Name: tokenParam, Doc: "token for the verification", Values: "text", Group: groupDelivery},
	{Name: signatureParam, Doc: "signature of the URL", Values: "base64url", Group: groupDelivery},
	{Name: expiryParam, Doc: "when a signed URL ends", Values: "Unix seconds", Group: groupDelivery},
	{Name: explainParam, Doc: "JSON about how the URL was understood and what it costs, of operators and signed URLs only", Values: "true, false", Group: groupDelivery},
	{Name: infoParam, Doc: "JSON about the picture: all of it, or a list of fields; of some only the header is read", Values: "1, " + strings.Join(resize.DetailFields(), ", "), Group: groupDelivery},
	{Name: srcsetParam, Doc: "a whole `<picture>` of these widths, in the formats that are written", Values: "widths, separated by commas", Group: groupDelivery},
	{Name: sizesParam, Doc: "its attribute `sizes`", Values: "text", Group: groupDelivery},
	{Name: asParam, Doc: "json: `srcset` as JSON", Values: asHTML + ", " + asJSON, Group: groupDelivery},
}

// Params returns all parameters of a URL, for the reference: those that change
// pixels, then the others.
func Params() []resize.Param { return slices.Concat(resize.Params(), policies) }

var errName = errors.New("not a valid name")

// objectName returns the object's name in a URL: the path behind the prefix,
// decoded exactly once.
func objectName(u *url.URL, prefix string) (string, error) {
	escaped := strings.TrimPrefix(u.EscapedPath(), "/"+prefix+"/")
	name, err := url.PathUnescape(escaped)
	if err != nil || !storage.ValidName(name) {
		return "", errName
	}
	return name, nil
}
