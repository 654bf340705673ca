package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// A request is what a URL asks a handler for.
type request struct {
	name       string // of the object, decoded once
	options    resize.Options
	unhinted   resize.Options // what they would be without the hints of the client
	negotiated bool           // the format was chosen by the Accept header
	delivery   delivery
	key        cache.Key            // of what is asked for; set when it is looked up
	watermark  watermark            // that the options name
	marks      map[string]watermark // that the object may name; nil: it may not
	info       []string             // fields that are asked for instead of the picture
	widths     []int                // of the <picture> that is asked for instead
	refresh    bool                 // the picture is to be made anew
	query      url.Values           // all parameters of the URL, known and others
	explain    bool                 // what is asked for is what became of it
	operator   bool                 // and an operator asks
	steps      []step               // of the options, if explain
	grant      grant                // by which it is answered
	understood *understood          // what the query says
	foreign    *foreign             // what a dialect's URL asks for; nil: it is our own
}

var (
	errName      = errors.New("not a valid name")
	errOption    = errors.New("parameter out of range or not readable")
	errVersion   = errors.New("this store has no versions of its objects")
	errNoVersion = fmt.Errorf("%w: versionid is not of the characters of versions", errOption)
	errExtension = errors.New("extension is not allowed")
)

// tokenParam carries the token that Options.Verify is asked about.
const tokenParam = "t"

// refreshParam purges and makes anew one picture.
const refreshParam = "refresh"

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

// parse reads name and options. The request is usable for an error image even
// when there is an error, which wraps errName,
// errOption, errVersion or errExtension.
func (h *Handler) parse(r *http.Request) (request, error) {
	if h.dialect != nil {
		return h.parseForeign(r)
	}
	u := h.understand(r.URL.RawQuery)
	req := request{understood: u, query: u.query, options: u.options, delivery: u.delivery, info: u.info, widths: slices.Clone(u.widths)}
	if u.explain {
		h.explained(&req, r)
	}
	name, err := objectName(r.URL, h.config.Prefix)
	req.name = name
	if err == nil && len(u.wrong) > 0 && h.config.StrictOptions {
		err = fmt.Errorf("%w: %s", errOption, strings.Join(u.wrong, ", "))
	}
	if err == nil && req.delivery.misversioned {
		err = errNoVersion
	}
	if err == nil && req.delivery.version != "" && !h.sources.versioned() {
		err = errVersion
	}
	req.refresh = u.refresh && h.admin.authorized(r)
	h.chooseFormat(&req, r)
	req.unhinted = req.options
	req.step("parameters")
	if req.info == nil && req.widths == nil { // what is asked for has no size, or all of them
		h.obeyHints(&req, r)
	}
	req.step("client hints")
	if e := h.bounds.settle(&req, req.unhinted, u.used, h.config.MaxDimension); err == nil {
		err = e
	}
	req.step("snap")
	h.settleUnhinted(&req)
	if err == nil && u.used.Has(srcsetParam) && len(u.widths) == 0 {
		err = fmt.Errorf("%w: srcset has no width, as in 320,640", errOption)
	}
	if req.info != nil || req.widths != nil {
		req.negotiated = false
	}
	if err == nil && !h.allowed(name) {
		err = errExtension
	}
	return req, err
}

// settleUnhinted settles the options without hints as those with them were.
func (h *Handler) settleUnhinted(req *request) {
	if !h.config.ClientHints {
		req.unhinted = req.options
		return
	}
	plain := *req
	plain.options, plain.widths = req.unhinted, nil
	_ = h.bounds.settle(&plain, req.unhinted, req.understood.used, h.config.MaxDimension) // its error is that of the request
	req.unhinted = plain.options
}

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

// allowed reports whether the extension of name is one of the handler's.
func (h *Handler) allowed(name string) bool {
	if slices.Contains(h.config.AllowedFormats, anyName) {
		return true
	}
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	return ext != "" && slices.Contains(h.config.AllowedFormats, ext)
}

// anyName stands for all names in AllowedFormats.
const anyName = "*"

// readFormats returns the formats that a handler reads: those that extensions
// name, and where all names are allowed the usual ones too.
func (c *HandlerConfig) readFormats() []resize.Format {
	formats := formatsOf(c.AllowedFormats)
	if slices.Contains(c.AllowedFormats, anyName) {
		formats = append(formats, formatsOf(defaultAllowedFormats)...)
		if c.Dialect != nil { // other servers read these by themselves
			formats = append(formats, resize.TIFF, resize.BMP, resize.ICO, resize.AVIF)
		}
	}
	return formats
}

// formatsOf returns the formats that extensions name.
func formatsOf(extensions []string) []resize.Format {
	var formats []resize.Format
	for _, ext := range extensions {
		if f := resize.FormatByName(ext); f != resize.NoFormat && !f.IsAuto() {
			formats = append(formats, f)
		}
	}
	return formats
}
