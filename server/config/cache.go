package config

import (
	"math"
	"net"
	"path"
	"regexp"
	"strings"
	"time"

	"s3imageserver/resize"
)

// CacheConfig bounds the tiers of a cache.
type CacheConfig struct {
	// MemoryMB is the size of the memory cache of the handler, in MB; 0 means none.
	MemoryMB int64 `json:"memory_mb"`
	// DiskMB is the largest size of the folder CachePath, in MB; handlers that share it
	// must have the same. 0 means any: MinFree bounds it.
	DiskMB int64 `json:"disk_mb"`
	// MinFree is the fraction of the file system that stays free, below 1: results are
	// evicted when other programs need space. 0 means 0.1 without DiskMB, else none.
	MinFree float64 `json:"min_free"`
	// OriginalsMB is the largest size of the originals that are kept in CachePath too, in
	// MB: further sizes of a picture need no request to the store; 0 means none.
	OriginalsMB int64 `json:"originals_mb"`
	// Bucket is a bucket that several machines share as their last cache tier; empty means
	// none.
	Bucket string `json:"bucket"`
	// Prefix is the folder of the results in it.
	Prefix string `json:"prefix"`
	// Store is how to reach that bucket, with keys as those of "aws"; absent means as
	// the sources of the handler.
	Store *StoreConfig `json:"store"`
}

// StoreConfig is how to reach a store; the fields are those of [AWSConfig].
type StoreConfig struct {
	// Endpoint is the URL, or the host and port, of the store; empty means AWS.
	Endpoint string `json:"endpoint"`
	// Region is the region of the bucket.
	Region string `json:"region"`
	// PathStyle puts the bucket's name into the path (true) or the host name
	// (false); absent means by the endpoint.
	PathStyle *bool `json:"path_style"`
	// AccessKey is the access key.
	AccessKey string `json:"aws_access"`
	// SecretKey is the secret key.
	SecretKey Secret `json:"aws_secret"`
	// SessionToken is for temporary keys.
	SessionToken Secret `json:"session_token"`
}

func (c *CacheConfig) validate(key string, h *HandlerConfig, faults *Faults) {
	if c.MemoryMB < 0 || c.DiskMB < 0 || c.OriginalsMB < 0 {
		faults.Add(key, "memory_mb, disk_mb and originals_mb are 0 or more")
	}
	if c.MinFree < 0 || c.MinFree >= 1 {
		faults.Add(key+".min_free", "%v is not a part from 0 to below 1", c.MinFree)
	}
	if c.OriginalsMB > 0 && h.CachePath == "" {
		faults.Add(key+".originals_mb", "originals are kept in cache_path, which is not set")
	}
	if c.Bucket == "" {
		if c.Prefix != "" || c.Store != nil {
			faults.Add(key+".bucket", "is missing: prefix and store say where results lie in it")
		}
		return
	}
	if c.Store == nil && h.firstBucket() == nil {
		faults.Add(key+".store", "is missing: it has endpoint and keys of the bucket")
	}
	if s := c.Store; s != nil && (s.AccessKey == "") != (s.SecretKey == "") {
		faults.Add(key+".store.aws_access", "and aws_secret go together")
	}
	if p := strings.Trim(c.Prefix, "/"); p != "" && path.Clean(p) != p {
		faults.Add(key+".prefix", "%q is not a path", c.Prefix)
	}
	entries, _ := h.AllSources()
	for i := range entries {
		if a := &entries[i]; c.Store == nil && a.BucketName == c.Bucket && strings.HasPrefix(c.Folder(), a.PrefixOf()) {
			faults.Add(key+".prefix", "results would lie among the sources: everybody could ask for them by name")
		}
	}
}

// Folder returns what stands before the name of a result in the bucket.
func (c *CacheConfig) Folder() string {
	p := strings.Trim(c.Prefix, "/")
	if p == "" {
		return ""
	}
	return p + "/"
}

// SharedStore returns the connection to the shared bucket.
func (h *HandlerConfig) SharedStore() *AWSConfig {
	a := AWSConfig{}
	if first := h.firstBucket(); first != nil {
		a = *first
	}
	if s := h.Cache.Store; s != nil {
		a = AWSConfig{Endpoint: s.Endpoint, Region: s.Region, PathStyle: s.PathStyle, AccessKey: s.AccessKey, SecretKey: s.SecretKey, SessionToken: s.SessionToken}
	}
	a.CustomerKey = "" // results are not encrypted with it
	a.BucketName, a.FilePath, a.FilePathRaw = h.Cache.Bucket, h.Cache.Folder(), true
	return &a
}

// Freshness are times in seconds.
type Freshness struct {
	// Revalidate is after how many seconds the server checks whether the source has
	// changed; 0 means after CacheTime.
	Revalidate int64 `json:"revalidate"`
	// StaleWhileRevalidate is for how many seconds after that a stale result is still sent
	// at once, while the source is checked; "Cache-Control" tells other caches too. 0
	// means not at all.
	StaleWhileRevalidate int64 `json:"stale_while_revalidate"`
	// StaleIfError is for how many seconds after CacheTime a stale result is sent when the
	// source cannot be fetched; other caches are told only if it is set. Absent means
	// 86400.
	StaleIfError *int64 `json:"stale_if_error"`
	// NegativeTime is how many seconds it is cached that a picture does not exist, at most
	// 300, negative is not at all; absent means 10.
	NegativeTime *int64 `json:"negative_time"`
}

const (
	defaultStaleIfError = 24 * 60 * 60 // seconds
	defaultNegativeTime = 10           // seconds
	longestNegativeTime = 300          // seconds
)

func (f *Freshness) validate(key string, faults *Faults) {
	for name, v := range map[string]int64{"revalidate": f.Revalidate, "stale_while_revalidate": f.StaleWhileRevalidate} {
		if v < 0 {
			faults.Add(key+"."+name, "%d seconds are negative", v)
		}
	}
	if f.StaleIfError != nil && *f.StaleIfError < 0 {
		faults.Add(key+".stale_if_error", "%d seconds are negative", *f.StaleIfError)
	}
	if f.NegativeTime == nil {
		f.NegativeTime = new(int64(defaultNegativeTime))
	}
	if *f.NegativeTime > longestNegativeTime {
		faults.Add(key+".negative_time", "%d seconds are more than %d: a new picture would stay missing", *f.NegativeTime, longestNegativeTime)
	}
}

func (f *Freshness) Grace() time.Duration {
	if f.StaleIfError == nil {
		return Seconds(defaultStaleIfError)
	}
	return Seconds(*f.StaleIfError)
}

// Seconds returns a configured time; what a Duration does not hold is 0, which
// everywhere means for ever.
func Seconds(n int64) time.Duration {
	if n > math.MaxInt64/int64(time.Second) {
		return 0
	}
	return time.Duration(n) * time.Second
}

// LimitsConfig bounds what one picture may cost. Zero fields mean the default.
type LimitsConfig struct {
	// Pixels is the largest source, in pixels; 0 means 100000000.
	Pixels int64 `json:"pixels"`
	// OutputPixels is the largest result, in pixels; 0 means 40000000.
	OutputPixels int64 `json:"output_pixels"`
	// FramePixels are the pixels of all frames of an animation together; beyond them only
	// the first frame is used. 0 means 100000000.
	FramePixels int64 `json:"frame_pixels"`
	// LosslessPixels is the largest lossless WebP, as the sum of the pixels of its frames:
	// each million takes about 0.2 s and 30 MB, with a webp_method of 5 or 6 seconds and
	// 230 MB. A larger one gets status 422. 0 means 2500000.
	LosslessPixels int64 `json:"lossless_pixels"`
	// Frames are the frames of an animation, however small they are; beyond them only the
	// first one is used. 0 means 5000.
	Frames int `json:"frames"`
	// Side is the longest side of a source, in pixels; 0 means 65535.
	Side int `json:"side"`
	// OutputSide is the longest side of a result, in pixels; 0 means 12000.
	OutputSide int `json:"output_side"`
	// Scans are the scans of a progressive JPEG; 0 means 100.
	Scans int `json:"scans"`
	// WorkSeconds is the time for decoding, resizing and encoding; 0 means 20.
	WorkSeconds int `json:"work_seconds"`
	// FetchSeconds is how many seconds a cache miss waits for its sources, all attempts
	// and whole bodies included; 0 means 5.
	FetchSeconds int `json:"fetch_seconds"`
	// RequestSeconds is the time for a whole cache miss; 0 means 30.
	RequestSeconds int `json:"request_seconds"`
	// Concurrency is how many pictures are fetched and made at once, and as many AVIF
	// without loss apart, at most 256: more wait, 256 of them for 10 seconds. One whose store lets
	// it wait for more than a tenth of a second does not count until bytes come; of
	// those there are 256 at most. 0 means 12 for each processor.
	Concurrency int `json:"concurrency"`
}

func (l *LimitsConfig) validate(key string, faults *Faults) {
	for name, v := range map[string]int64{
		"pixels": l.Pixels, "output_pixels": l.OutputPixels, "frame_pixels": l.FramePixels, "lossless_pixels": l.LosslessPixels, "frames": int64(l.Frames),
		"side": int64(l.Side), "output_side": int64(l.OutputSide), "scans": int64(l.Scans),
		"work_seconds": int64(l.WorkSeconds), "fetch_seconds": int64(l.FetchSeconds), "request_seconds": int64(l.RequestSeconds),
		"concurrency": int64(l.Concurrency),
	} {
		if v < 0 || v > 1<<40 {
			faults.Add(key+"."+name, "%d is not a limit", v)
		}
	}
	if l.Concurrency > MostPlaces {
		faults.Add(key+".concurrency", "%d is more than %d, the connections to a store", l.Concurrency, MostPlaces)
	}
	if l.Side > math.MaxUint16 {
		faults.Add(key+".side", "%d is more than 65535, the longest that is read", l.Side)
	}
	if l.OutputSide > LargestDimension {
		faults.Add(key+".output_side", "%d is more than %d, the longest that is made", l.OutputSide, LargestDimension)
	}
}

// ResizeLimits returns the limits in the words of package resize.
func (l *LimitsConfig) ResizeLimits(formats []resize.Format, avifPixels int64) resize.Limits {
	return resize.Limits{
		Pixels: l.Pixels, Side: l.Side, Frames: l.Frames, FramePixels: l.FramePixels,
		OutputPixels: l.OutputPixels, OutputSide: l.OutputSide, Scans: l.Scans, AVIFPixels: avifPixels, LosslessPixels: l.LosslessPixels,
		Time: time.Duration(l.WorkSeconds) * time.Second, Formats: formats,
	}
}

// AdminConfig is the listener for operators.
type AdminConfig struct {
	// Listen is the address and port of the listener for operators, as in
	// "127.0.0.1:9090"; empty means off.
	Listen string `json:"listen"`
	// Token is the bearer token for operators, "Authorization: Bearer", at least 16 bytes:
	// for purges, and for everything where "listen" is not a loopback address. Empty means
	// no purges.
	Token Secret `json:"token"`
	// Playground is the page for trying URLs of all handlers, at "/" of that listener;
	// absent means true.
	Playground *bool `json:"playground"`
}

// LeastToken is how many bytes a token has at least.
const LeastToken = 16

func (a *AdminConfig) validate(_ *Config, faults *Faults) {
	if a.Token != "" && len(a.Token) < LeastToken {
		faults.Add("admin.token", "is shorter than %d bytes", LeastToken)
	}
	if a.Listen == "" {
		return
	}
	if _, port, err := net.SplitHostPort(a.Listen); err != nil || port == "" {
		faults.Add("admin.listen", "%q is not an address with a port, as in 127.0.0.1:9090", a.Listen)
		return
	}
	if a.Token == "" && !a.Loopback() {
		faults.Add("admin.token", "is missing: admin.listen can be reached from outside")
	}
}

// Loopback reports whether only this machine reaches the listener.
func (a *AdminConfig) Loopback() bool {
	host, _, err := net.SplitHostPort(a.Listen)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// EventsConfig is how stores tell of changes: by POST /events on the listener
// for operators, and on the public ports where Path is set.
type EventsConfig struct {
	// Secret is the token that webhooks of stores send as "Authorization: Bearer", at
	// least 16 bytes.
	Secret Secret `json:"secret"`
	// SNSTopics are the ARNs of the SNS topics whose signed messages are accepted.
	SNSTopics []string `json:"sns_topics"`
	// Path is the path for events on the public ports, as in "/_events"; on the listener
	// for operators it is "/events". Empty means nowhere.
	Path string `json:"path"`
}

var snsTopic = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[0-9A-Za-z_.-]+$`)

func (e *EventsConfig) validate(c *Config, faults *Faults) {
	if e.Secret != "" && len(e.Secret) < LeastToken {
		faults.Add("events.secret", "is shorter than %d bytes", LeastToken)
	}
	for _, arn := range e.SNSTopics {
		if !snsTopic.MatchString(arn) {
			faults.Add("events.sns_topics", "%q is not the ARN of a topic, as in arn:aws:sns:eu-central-1:123456789012:pictures", arn)
		}
	}
	if e.Path == "" {
		return
	}
	if e.Secret == "" && len(e.SNSTopics) == 0 {
		faults.Add("events.path", "takes events from everybody: set events.secret or events.sns_topics")
	}
	if !strings.HasPrefix(e.Path, "/") || !validPrefix(strings.TrimPrefix(e.Path, "/")) {
		faults.Add("events.path", "%q is not a path of letters, digits and - . _ ~ /", e.Path)
	}
}

// HandlerEvents says what a handler does about changes of its bucket.
type HandlerEvents struct {
	// Listen subscribes to notifications of the store, as MinIO has them.
	Listen bool `json:"listen"`
	// Remake are queries, as in `["w=300&h=200"]`, that are rendered again for every
	// picture that was written.
	Remake []string `json:"remake"`
}

func (e *HandlerEvents) validate(key string, h *HandlerConfig, faults *Faults) {
	if e.Listen && h.firstBucket() == nil && h.Bucket == nil {
		faults.Add(key+".listen", "only a bucket has notifications")
	}
	if len(e.Remake) > 32 {
		faults.Add(key+".remake", "has %d queries; the most is 32", len(e.Remake))
	}
}

// FetchTime returns for how long a request waits for its sources.
func (h *HandlerConfig) FetchTime() time.Duration {
	if h.Limits.FetchSeconds > 0 {
		return Seconds(int64(h.Limits.FetchSeconds))
	}
	return DefaultFetchTime
}

// DefaultFetchTime is that of limits.fetch_seconds.
const DefaultFetchTime = 5 * time.Second

const (
	// PlacesPerProcessor is how many pictures of a handler are in the making at
	// once, for each that can be worked at: the others are on their way from the
	// store. More would only lie in memory, and what reads them would stand in the
	// way of answers from the cache: in an overload those take a second where 128
	// are read for each processor.
	PlacesPerProcessor = 12
	// MostPlaces is how many objects of a store are open at once.
	MostPlaces = 256
)
