// Package metrics has what Prometheus is told: what is counted of answers and of pictures that
// are made, and the state of the server that answers.
package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"s3imageserver/resize"
	"s3imageserver/storage/cache"
)

// Metrics are what Prometheus is told. They outlive a server whose configuration is
// replaced, and are safe for concurrent use. Every label has a bounded set of values: no
// text of a client is one.
type Metrics struct {
	registry *prometheus.Registry
	state    atomic.Pointer[func() State] // of the server that answers now

	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	sent       *prometheus.CounterVec
	inFlight   prometheus.Gauge
	stages     *prometheus.HistogramVec
	fetched    *prometheus.CounterVec
	asked      *prometheus.HistogramVec
	faults     *prometheus.CounterVec
	panics     prometheus.Counter
	reloads    *prometheus.CounterVec
	reloadGood prometheus.Gauge
	reloadTime prometheus.Gauge
}

// Prefix begins the names of all metrics but those of Go and of the process.
const Prefix = "s3imageserver_"

// Upper bounds in seconds: a hit takes microseconds, a large picture from a slow
// store many seconds.
var secondsBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// New returns the metrics of a process that runs this version of the program.
func New(version, revision string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: Prefix + "requests_total", Help: "Answers on the public ports.",
		}, []string{"handler", "status", "format", "cache"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: Prefix + "request_duration_seconds", Help: "Time from a request to the end of its answer.", Buckets: secondsBuckets,
		}, []string{"handler", "cache"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: Prefix + "sent_bytes_total", Help: "Bytes of bodies sent to clients.",
		}, []string{"handler"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: Prefix + "requests_in_flight", Help: "Requests being answered.",
		}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: Prefix + "stage_duration_seconds", Help: "Time of the stages of pictures that were made.", Buckets: secondsBuckets,
		}, []string{"handler", "stage"}),
		fetched: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: Prefix + "source_bytes_total", Help: "Bytes of sources that pictures were made of.",
		}, []string{"handler"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: Prefix + "faults_total", Help: "Requests without a picture, by what was wrong.",
		}, []string{"handler", "kind"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: Prefix + "panics_total", Help: "Requests that ended in a panic.",
		}),
	}
	m.reloads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: Prefix + "config_reloads_total", Help: "Configurations read, the first one included, by result: ok or refused.",
	}, []string{"result"})
	m.reloadGood = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: Prefix + "config_last_reload_successful", Help: "1 when the configuration that was read last is the one in use.",
	})
	m.reloadTime = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: Prefix + "config_last_reload_success_timestamp_seconds", Help: "When the configuration in use was read.",
	})
	m.asked = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: Prefix + "store_request_duration_seconds", Help: "Time until a source answered, without its body; source counts from 1, in the order in which they are asked.", Buckets: secondsBuckets,
	}, []string{"handler", "source"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: Prefix + "build_info", Help: "1, with what runs: its version, the revision of its source, and the version of Go.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.sent, m.inFlight, m.stages, m.fetched, m.asked, m.faults, m.panics, m.reloads, m.reloadGood, m.reloadTime, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), stateCollector{m})
	return m
}

// ToldBy sets what tells the state of the server that answers from now on.
func (m *Metrics) ToldBy(state func() State) { m.state.Store(&state) }

// Begin counts a request that has come; End follows.
func (m *Metrics) Begin() { m.inFlight.Inc() }

// Panicked counts a request that ended in a panic.
func (m *Metrics) Panicked() { m.panics.Inc() }

// Reloaded counts a configuration that was read, and taken if err is nil.
func (m *Metrics) Reloaded(err error) {
	if err != nil {
		m.reloads.WithLabelValues("refused").Inc()
		m.reloadGood.Set(0)
		return
	}
	m.reloads.WithLabelValues("ok").Inc()
	m.reloadGood.Set(1)
	m.reloadTime.SetToCurrentTime()
}

// HTTPHandler answers with all metrics.
func (m *Metrics) HTTPHandler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// An Answer is what is counted of an answer.
type Answer struct {
	Handler   *Handler     // nil: no handler has answered
	Began     time.Time    // when the request came
	Status    int          // of HTTP; 0: the answer was never begun
	Bytes     int64        // of the body
	Answered  bool         // there is a picture, or what was asked for instead: From and MediaType are set
	From      cache.Status // where it came from
	MediaType string
}

// End counts an answer.
func (m *Metrics) End(a Answer) {
	m.inFlight.Dec()
	h := a.Handler
	if h == nil {
		m.requests.WithLabelValues("", statusLabel(a.Status), "none", "none").Inc()
		return
	}
	from, format := noTier, noFormat
	if a.Answered {
		from, format = int(a.From), formatIndex(a.MediaType)
	}
	h.sent.Add(float64(a.Bytes))
	h.seconds(m, from).Observe(time.Since(a.Began).Seconds())
	h.answered(m, a.Status, format, from).Inc()
}

// Labels of answers.
const noTier = int(cache.Collapsed) + 1

var tierNames = func() (names [noTier + 1]string) {
	for s := range noTier {
		names[s] = cache.Status(s).String()
	}
	names[noTier] = "none"
	return names
}()

var formatNames = func() []string {
	names := []string{"none"}
	for f := resize.JPEG; f <= resize.ICO; f++ {
		names = append(names, f.String())
	}
	return append(names, "json", "html")
}()

const (
	noFormat   = int(resize.NoFormat)
	jsonFormat = int(resize.ICO) + 1
	htmlFormat = int(resize.ICO) + 2
	formats    = htmlFormat + 1
)

// formatIndex returns the place of a media type in formatNames, that of "none" for one
// that no answer has.
func formatIndex(mediaType string) int {
	switch {
	case strings.HasPrefix(mediaType, "application/json"):
		return jsonFormat
	case strings.HasPrefix(mediaType, "text/html"):
		return htmlFormat
	}
	return int(resize.FormatByMediaType(mediaType))
}

// FormatName returns the word for the format of a media type, as metrics and traces have it.
func FormatName(mediaType string) string { return formatNames[formatIndex(mediaType)] }

// A Stage is one of those that a picture which is made goes through.
type Stage int

// The stages of a picture, in their order.
const (
	Fetch Stage = iota
	Read
	Queue
	Decode
	Transform
	Encode
	stageCount
)

// String returns the word for the stage.
func (s Stage) String() string { return stageNames[s] }

var stageNames = [stageCount]string{"fetch", "read", "queue", "decode", "transform", "encode"}

// Handler are the metrics of one handler, safe for concurrent use. Those that a hit
// touches are looked up once.
type Handler struct {
	name    string
	faults  *prometheus.CounterVec
	sent    prometheus.Counter
	fetched prometheus.Counter
	stages  [stageCount]prometheus.Observer

	pictures [formats][len(tierNames)]atomic.Pointer[prometheus.Counter] // of status 200
	times    [len(tierNames)]atomic.Pointer[prometheus.Observer]
}

// Of returns the metrics of the handler with this prefix.
func (m *Metrics) Of(handler string) *Handler {
	hm := &Handler{name: handler, faults: m.faults, sent: m.sent.WithLabelValues(handler), fetched: m.fetched.WithLabelValues(handler)}
	for i, name := range stageNames {
		hm.stages[i] = m.stages.WithLabelValues(handler, name)
	}
	return hm
}

func (hm *Handler) answered(m *Metrics, status, format, from int) prometheus.Counter {
	if status != http.StatusOK {
		return m.requests.WithLabelValues(hm.name, statusLabel(status), formatNames[format], tierNames[from])
	}
	at := &hm.pictures[format][from]
	if c := at.Load(); c != nil {
		return *c
	}
	c := m.requests.WithLabelValues(hm.name, "200", formatNames[format], tierNames[from])
	at.Store(&c)
	return c
}

func (hm *Handler) seconds(m *Metrics, from int) prometheus.Observer {
	at := &hm.times[from]
	if o := at.Load(); o != nil {
		return *o
	}
	o := m.seconds.WithLabelValues(hm.name, tierNames[from])
	at.Store(&o)
	return o
}

// statusLabel is the status as text; 0 is an answer that was never begun.
func statusLabel(status int) string {
	if status == 0 {
		return "none"
	}
	return strconv.Itoa(status)
}

// Fault counts a request without a picture, by what was wrong.
func (hm *Handler) Fault(kind string) { hm.faults.WithLabelValues(hm.name, kind).Inc() }

// Fetched counts the time in which a source was fetched.
func (hm *Handler) Fetched(took time.Duration) { hm.stages[Fetch].Observe(took.Seconds()) }

// Store returns what notes how long a source took to answer.
func (m *Metrics) Store(handler string, source int) func(time.Duration) {
	asked := m.asked.WithLabelValues(handler, strconv.Itoa(source+1))
	return func(took time.Duration) { asked.Observe(took.Seconds()) }
}

// Made counts the work of a picture.
func (hm *Handler) Made(t resize.Timing, bytes int64) {
	for i, d := range [...]time.Duration{t.Read, t.Queue, t.Decode, t.Transform, t.Encode} {
		hm.stages[Read+Stage(i)].Observe(d.Seconds())
	}
	hm.fetched.Add(float64(max(bytes, 0)))
}
