package config

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// AWSConfig is a bucket of any S3-compatible store.
type AWSConfig struct {
	// BucketName is the bucket.
	BucketName string `json:"bucket_name"`
	// FilePath is the folder in the bucket; a slash is added when it is missing.
	FilePath string `json:"file_path"`
	// FilePathRaw uses FilePath as a plain prefix, without a slash behind it.
	FilePathRaw bool `json:"file_path_raw"`
	// AccessKey is the access key; empty means that of the standard chain (the
	// environment, the shared credentials file, a web identity, the machine's role),
	// else anonymous.
	AccessKey string `json:"aws_access"`
	// SecretKey is the secret key.
	SecretKey Secret `json:"aws_secret"`
	// SessionToken is for temporary keys.
	SessionToken Secret `json:"session_token"`
	// Endpoint is the URL, or the host and port, of the store; empty means AWS.
	Endpoint string `json:"endpoint"`
	// Region is the region of the bucket; empty means the one that the store reports.
	Region string `json:"region"`
	// PathStyle puts the bucket's name into the path (true) or the host name
	// (false); absent means by the endpoint.
	PathStyle *bool `json:"path_style"`
	// CredentialsEndpoint is the URL of the service that gives keys for a web
	// identity or the machine's role, for stores that are not AWS; empty means that
	// of AWS.
	CredentialsEndpoint string `json:"credentials_endpoint"`
	// CustomerKey is the key that the objects are encrypted with (SSE-C): 32 bytes
	// in base64; empty means none.
	CustomerKey Secret `json:"sse_customer_key"`
	// RequesterPays says that the requester pays for the requests.
	RequesterPays bool `json:"requester_pays"`
	// Verify is how objects without a checksum of the store are verified: "md5" is their
	// ETag where that is an MD5, which takes as long as a small picture; empty means "md5"
	// over plain HTTP to another machine, else by length only.
	Verify string `json:"verify"`
}

// SourceConfig is a source that is no S3 bucket: Dir, or URL and Hosts.
type SourceConfig struct {
	// Dir is a local folder, instead of a bucket.
	Dir string `json:"dir"`
	// URL is the base URL of a web server, instead of a bucket; names are appended to it.
	// Without it the first segment of a name is the host. See docs/sources.md.
	URL string `json:"url"`
	// Hosts are the hosts that redirects may go to and, without "url", that names may
	// begin with. "*." before one is for its sub-domains.
	Hosts []string `json:"hosts"`
	// Networks are addresses, as in "10.1.0.0/16", that may be fetched from although they
	// are not public; empty means none.
	Networks []string `json:"networks"`
	// Headers are sent to the host of "url".
	Headers map[string]Secret `json:"headers"`
}

// A SourceEntry is one of several sources: either the keys of an [AWSConfig] or
// those of a [SourceConfig].
type SourceEntry struct {
	AWSConfig
	SourceConfig
}

// What a source is.
const (
	kindNone = iota
	KindS3
	KindDir
	kindOrigin
	kindSeveral // which is a fault
)

func (e *SourceEntry) Kind() int {
	kind := kindNone
	for k, given := range map[int]bool{
		KindS3:     e.BucketName != "" || e.Endpoint != "" || e.AccessKey != "",
		KindDir:    e.Dir != "",
		kindOrigin: e.URL != "" || len(e.Hosts) > 0,
	} {
		switch {
		case given && kind == kindNone:
			kind = k
		case given:
			return kindSeveral
		}
	}
	return kind
}

// AllSources returns all sources of a handler that have a configuration, each with
// its key below that of the handler.
func (h *HandlerConfig) AllSources() (entries []SourceEntry, keys []string) {
	if h.AWS != nil {
		entries, keys = append(entries, SourceEntry{AWSConfig: *h.AWS}), append(keys, "aws")
	}
	if (&SourceEntry{SourceConfig: h.Source}).Kind() != kindNone {
		entries, keys = append(entries, SourceEntry{SourceConfig: h.Source}), append(keys, "source")
	}
	for i := range h.Sources {
		entries, keys = append(entries, h.Sources[i]), append(keys, "sources."+strconv.Itoa(i))
	}
	return entries, keys
}

// firstBucket returns the first source that is a bucket of a store, nil if none
// is.
func (h *HandlerConfig) firstBucket() *AWSConfig {
	entries, _ := h.AllSources()
	for i := range entries {
		if entries[i].BucketName != "" {
			return &entries[i].AWSConfig
		}
	}
	return nil
}

func (h *HandlerConfig) validateSources(key string, faults *Faults) {
	var ways []string
	for _, way := range []struct {
		key   string
		given bool
	}{{"aws", h.AWS != nil}, {"source", (&SourceEntry{SourceConfig: h.Source}).Kind() != kindNone}, {"sources", len(h.Sources) > 0}, {"a Bucket", h.Bucket != nil}} {
		if way.given {
			ways = append(ways, way.key)
		}
	}
	switch {
	case len(ways) == 0:
		faults.Add(key, "needs one source of pictures: either aws, source or sources")
	case len(ways) > 1:
		faults.Add(key, "needs one source of pictures, and has %s; sources is a list of several", strings.Join(ways, " and "))
	}
	entries, keys := h.AllSources()
	for i := range entries {
		e, k := &entries[i], key+"."+keys[i]
		switch kind := e.Kind(); {
		case h.AWS != nil && keys[i] == "aws", kind == KindS3:
			e.AWSConfig.validate(k, faults)
		case kind == kindNone:
			faults.Add(k, "names no source: it has neither bucket_name, dir, url nor hosts")
		case kind == kindSeveral:
			faults.Add(k, "names more than one source")
		case kind == kindOrigin:
			e.SourceConfig.validate(k, faults)
		}
	}
}

func (a *AWSConfig) validate(key string, faults *Faults) {
	if a.BucketName == "" {
		faults.Add(key+".bucket_name", "is missing")
	}
	if (a.AccessKey == "") != (a.SecretKey == "") {
		faults.Add(key+".aws_access", "and aws_secret go together")
	}
	if a.Verify != "" && a.Verify != VerifyMD5 {
		faults.Add(key+".verify", "%q is not \"md5\"", a.Verify)
	}
	if _, err := a.CustomerKeyBytes(); err != nil {
		faults.Add(key+".sse_customer_key", "%v", err)
	}
}

func (s *SourceConfig) validate(key string, faults *Faults) {
	if _, err := s.NetworkPrefixes(); err != nil {
		faults.Add(key+".networks", "%v", err)
	}
	for name := range s.Headers {
		if name == "" || strings.ContainsAny(name, " :\r\n") {
			faults.Add(key+".headers", "%q is not the name of a header", name)
		}
	}
	if s.URL == "" && len(s.Headers) > 0 {
		faults.Add(key+".headers", "are sent to the host of url, which is not set")
	}
}

// CustomerKeyBytes returns the bytes of CustomerKey, nil if there is none.
func (a *AWSConfig) CustomerKeyBytes() ([]byte, error) {
	if a.CustomerKey == "" {
		return nil, nil
	}
	key, err := base64.StdEncoding.DecodeString(string(a.CustomerKey))
	if err != nil || len(key) != 32 {
		return nil, errors.New("is not 32 bytes in base64")
	}
	return key, nil
}

// NetworkPrefixes returns Networks as addresses; a single address is a network of one.
func (s *SourceConfig) NetworkPrefixes() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range s.Networks {
		p, err := ParseNetwork(text)
		if err != nil {
			return nil, err
		}
		networks = append(networks, p)
	}
	return networks, nil
}

// PrefixOf returns what stands before a name in the bucket.
func (a *AWSConfig) PrefixOf() string {
	if a.FilePathRaw || a.FilePath == "" {
		return a.FilePath
	}
	folder := strings.Trim(a.FilePath, "/")
	if folder == "" {
		return ""
	}
	return folder + "/"
}
