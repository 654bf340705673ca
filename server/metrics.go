package server

import (
	"net/http"
	"runtime"
	"strconv"
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
	server   atomic.Pointer[Server] // whose state is told

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

func newMetrics(b build) *metrics {
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
		ConstLabels: prometheus.Labels{"version": b.version, "revision": b.revision, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.sent, m.inFlight, m.stages, m.fetched, m.asked, m.faults, m.panics, m.reloads, m.reloadGood, m.reloadTime, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), stateCollector{m})
	return m
}

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

// end counts an answer.
func (m *metrics) end(x *exchange) {
	m.inFlight.Dec()
	elapsed := time.Since(x.began).Seconds()
	h := x.handler
	if h == nil {
		m.requests.WithLabelValues("", statusLabel(x.status), "none", "none").Inc()
		return
	}
	from, format := noTier, noFormat
	if x.answered {
		from, format = int(x.from), formatIndex(x.mediaType)
	}
	h.meters.sent.Add(float64(x.bytes))
	h.meters.seconds(m, from).Observe(elapsed)
	h.meters.answered(m, x.status, format, from).Inc()
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

func formatIndex(mediaType string) int {
	switch mediaType {
	case jsonType:
		return jsonFormat
	case htmlType:
		return htmlFormat
	}
	return int(resize.FormatByMediaType(mediaType))
}

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

// fault counts a request without a picture.
func (a *answerer) fault(kind string) {
	a.meters.faults.WithLabelValues(a.meters.name, kind).Inc()
}

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
