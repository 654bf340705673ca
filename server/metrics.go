package server

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

// metrics are what Prometheus is told. They outlive a Server whose
// configuration is replaced. Every label has a bounded set of values: no text of
// a client is one.
type metrics struct {
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

const metricPrefix = "s3imageserver_"

// Upper bounds in seconds: a hit takes microseconds, a large picture from a slow
// store many seconds.
var secondsBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// newMetrics returns the metrics of a process that runs this version of the program.
func newMetrics(version, revision string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricPrefix + "requests_total", Help: "Answers on the public ports.",
		}, []string{"handler", "status", "format", "cache"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: metricPrefix + "request_duration_seconds", Help: "Time from a request to the end of its answer.", Buckets: secondsBuckets,
		}, []string{"handler", "cache"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricPrefix + "sent_bytes_total", Help: "Bytes of bodies sent to clients.",
		}, []string{"handler"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: metricPrefix + "requests_in_flight", Help: "Requests being answered.",
		}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: metricPrefix + "stage_duration_seconds", Help: "Time of the stages of pictures that were made.", Buckets: secondsBuckets,
		}, []string{"handler", "stage"}),
		fetched: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricPrefix + "source_bytes_total", Help: "Bytes of sources that pictures were made of.",
		}, []string{"handler"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricPrefix + "faults_total", Help: "Requests without a picture, by what was wrong.",
		}, []string{"handler", "kind"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: metricPrefix + "panics_total", Help: "Requests that ended in a panic.",
		}),
	}
	m.reloads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricPrefix + "config_reloads_total", Help: "Configurations read, the first one included, by result: ok or refused.",
	}, []string{"result"})
	m.reloadGood = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: metricPrefix + "config_last_reload_successful", Help: "1 when the configuration that was read last is the one in use.",
	})
	m.reloadTime = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: metricPrefix + "config_last_reload_success_timestamp_seconds", Help: "When the configuration in use was read.",
	})
	m.asked = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: metricPrefix + "store_request_duration_seconds", Help: "Time until a source answered, without its body; source counts from 1, in the order in which they are asked.", Buckets: secondsBuckets,
	}, []string{"handler", "source"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: metricPrefix + "build_info", Help: "1, with what runs: its version, the revision of its source, and the version of Go.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.sent, m.inFlight, m.stages, m.fetched, m.asked, m.faults, m.panics, m.reloads, m.reloadGood, m.reloadTime, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), stateCollector{m})
	return m
}

// ToldBy sets what tells the state of the server that answers from now on.
func (m *metrics) ToldBy(state func() State) { m.state.Store(&state) }

// Begin counts a request that has come; End follows.
func (m *metrics) Begin() { m.inFlight.Inc() }

// Panicked counts a request that ended in a panic.
func (m *metrics) Panicked() { m.panics.Inc() }

// reloaded counts a configuration that was read, and taken if err is nil.
func (m *metrics) reloaded(err error) {
	if err != nil {
		m.reloads.WithLabelValues("refused").Inc()
		m.reloadGood.Set(0)
		return
	}
	m.reloads.WithLabelValues("ok").Inc()
	m.reloadGood.Set(1)
	m.reloadTime.SetToCurrentTime()
}

// handler answers with all metrics.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// An Answer is what is counted of an answer.
type Answer struct {
	Handler   *handlerMeters // nil: no handler has answered
	Began     time.Time      // when the request came
	Status    int            // of HTTP; 0: the answer was never begun
	Bytes     int64          // of the body
	Answered  bool           // there is a picture, or what was asked for instead: From and MediaType are set
	From      cache.Status   // where it came from
	MediaType string
}

// end counts an answer.
func (m *metrics) end(a Answer) {
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

// A stage is one of those that a picture which is made goes through.
type stage int

const (
	stageFetch stage = iota
	stageRead
	stageQueue
	stageDecode
	stageTransform
	stageEncode
	stageCount
)

// String returns the word for the stage.
func (s stage) String() string { return stageNames[s] }

var stageNames = [stageCount]string{"fetch", "read", "queue", "decode", "transform", "encode"}

// handlerMeters are the metrics of one handler. Those that a hit touches are
// looked up once.
type handlerMeters struct {
	name    string
	faults  *prometheus.CounterVec
	sent    prometheus.Counter
	fetched prometheus.Counter
	stages  [stageCount]prometheus.Observer

	pictures [formats][len(tierNames)]atomic.Pointer[prometheus.Counter] // of status 200
	times    [len(tierNames)]atomic.Pointer[prometheus.Observer]
}

func (m *metrics) of(handler string) *handlerMeters {
	hm := &handlerMeters{name: handler, faults: m.faults, sent: m.sent.WithLabelValues(handler), fetched: m.fetched.WithLabelValues(handler)}
	for i, name := range stageNames {
		hm.stages[i] = m.stages.WithLabelValues(handler, name)
	}
	return hm
}

func (hm *handlerMeters) answered(m *metrics, status, format, from int) prometheus.Counter {
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

func (hm *handlerMeters) seconds(m *metrics, from int) prometheus.Observer {
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

// fault counts a request without a picture, by what was wrong.
func (hm *handlerMeters) fault(kind string) { hm.faults.WithLabelValues(hm.name, kind).Inc() }

// Fetched counts the time in which a source was fetched.
func (hm *handlerMeters) Fetched(took time.Duration) { hm.stages[stageFetch].Observe(took.Seconds()) }

// store returns what notes how long a source took to answer.
func (m *metrics) store(handler string, source int) func(time.Duration) {
	asked := m.asked.WithLabelValues(handler, strconv.Itoa(source+1))
	return func(took time.Duration) { asked.Observe(took.Seconds()) }
}

// made counts the work of a picture.
func (hm *handlerMeters) made(t resize.Timing, bytes int64) {
	for i, d := range [...]time.Duration{t.Read, t.Queue, t.Decode, t.Transform, t.Encode} {
		hm.stages[stageRead+stage(i)].Observe(d.Seconds())
	}
	hm.fetched.Add(float64(max(bytes, 0)))
}
