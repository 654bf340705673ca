package metrics

import (
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"s3imageserver/resize"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/guard"
)

// State is what a server tells when somebody asks for the metrics.
type State struct {
	Stats        Stats
	Ready        bool                         // new pictures can be made
	LinesLeftOut uint64                       // of the log
	Disks        map[string]cache.DiskStats   // by folder
	Shared       map[string]cache.SharedStats // by bucket and folder
}

// Stats is what a Server tells of itself.
type Stats struct {
	Work     resize.Load             `json:"work"`
	Handlers map[string]HandlerStats `json:"handlers"` // by prefix
}

// HandlerStats is what a Handler tells of itself. Tiers that it has not are nil.
type HandlerStats struct {
	Cache     cache.Stats        `json:"cache"`
	Memory    *cache.MemoryStats `json:"memory,omitempty"`
	Disk      *cache.DiskStats   `json:"disk,omitempty"`
	Originals *cache.DiskStats   `json:"originals,omitempty"`
	Shared    *cache.SharedStats `json:"shared,omitempty"`
	Sources   []guard.Stats      `json:"sources"` // in the order in which they are asked
}

// A stateMetric tells one number of a snapshot T that is taken when somebody
// asks for the metrics.
type stateMetric[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(T) float64
}

func gauge[T any](name, help string, value func(T) float64, labels ...string) stateMetric[T] {
	return stateMetric[T]{prometheus.NewDesc(Prefix+name, help, labels, nil), prometheus.GaugeValue, value}
}

func counter[T any](name, help string, value func(T) float64, labels ...string) stateMetric[T] {
	return stateMetric[T]{prometheus.NewDesc(Prefix+name, help, labels, nil), prometheus.CounterValue, value}
}

func number[T int | int64 | uint64](n T) float64 { return float64(n) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// What the server tells of its state. Counters of caches begin anew when the
// configuration is replaced, those of stores when they change in it.
var (
	workMetrics = []stateMetric[resize.Load]{
		gauge("budget_bytes", "Estimated memory of the pictures being made.", func(l resize.Load) float64 { return number(l.Bytes) }),
		gauge("budget_limit_bytes", "Bound of budget_bytes: memory_budget, or less by the memory limit.", func(l resize.Load) float64 { return number(l.Total) }),
		gauge("queue_length", "Pictures that wait for their turn or for memory.", func(l resize.Load) float64 { return number(l.Waiting) }),
		gauge("slots", "Pictures that may be made at once.", func(l resize.Load) float64 { return number(l.Slots) }),
		gauge("slots_busy", "Pictures being made.", func(l resize.Load) float64 { return number(l.Working) }),
		gauge("slots_abandoned", "Busy slots whose work does not end and that nobody waits for.", func(l resize.Load) float64 { return number(l.Abandoned) }),
	}
	cacheMetrics = []stateMetric[HandlerStats]{
		gauge("fills", "Pictures being fetched or made.", func(h HandlerStats) float64 { return number(h.Cache.Fills) }, "handler"),
		gauge("fills_overdue", "Fills that did not end in time.", func(h HandlerStats) float64 { return number(h.Cache.Overdue) }, "handler"),
		counter("stale_hits_total", "Old results sent while the source was asked.", func(h HandlerStats) float64 { return number(h.Cache.StaleHits) }, "handler"),
		counter("stale_on_error_total", "Old results sent since the source could not be had.", func(h HandlerStats) float64 { return number(h.Cache.StaleOnError) }, "handler"),
		counter("unchanged_total", "Old results that the source confirmed.", func(h HandlerStats) float64 { return number(h.Cache.Unchanged) }, "handler"),
	}
	sourceMetrics = []stateMetric[guard.Stats]{
		counter("store_requests_total", "Requests to a source; source counts from 1, in the order in which they are asked.", func(s guard.Stats) float64 { return number(s.Asked) }, "handler", "source"),
		counter("store_retries_total", "Of store_requests_total, second attempts.", func(s guard.Stats) float64 { return number(s.Retried) }, "handler", "source"),
		counter("store_faults_total", "Of store_requests_total, those that failed by the store's fault.", func(s guard.Stats) float64 { return number(s.Failed) }, "handler", "source"),
		counter("store_refused_total", "Requests not made since the store fails.", func(s guard.Stats) float64 { return number(s.Refused) }, "handler", "source"),
		gauge("store_circuit_open", "1 while the store is not asked, after many failures.", func(s guard.Stats) float64 { return truth(s.Open) }, "handler", "source"),
	}
	memoryMetrics = []stateMetric[cache.MemoryStats]{
		gauge("memory_cache_bytes", "Size of the memory tier.", func(s cache.MemoryStats) float64 { return number(s.Bytes) }, "handler"),
		gauge("memory_cache_entries", "Results in the memory tier.", func(s cache.MemoryStats) float64 { return number(s.Entries) }, "handler"),
		counter("memory_cache_evictions_total", "Results that had to go from the memory tier.", func(s cache.MemoryStats) float64 { return number(s.Evicted) }, "handler"),
	}
	diskMetrics = []stateMetric[cache.DiskStats]{
		gauge("disk_cache_bytes", "Size of the folder, in whole blocks.", func(s cache.DiskStats) float64 { return number(s.Bytes) }, "folder"),
		gauge("disk_cache_limit_bytes", "Bound of disk_cache_bytes as it is now; 0: none.", func(s cache.DiskStats) float64 { return number(s.Bound) }, "folder"),
		gauge("disk_cache_entries", "Files in the folder.", func(s cache.DiskStats) float64 { return number(s.Entries) }, "folder"),
		gauge("disk_cache_ready", "1 when the folder was read after the start.", func(s cache.DiskStats) float64 { return truth(s.Ready) }, "folder"),
		gauge("disk_cache_paused", "1 while nothing is written after a fault of the disk.", func(s cache.DiskStats) float64 { return truth(s.Paused) }, "folder"),
		counter("disk_cache_evictions_total", "Files that had to go for others.", func(s cache.DiskStats) float64 { return number(s.Evicted) }, "folder"),
		counter("disk_cache_expired_total", "Files that went since they were too old.", func(s cache.DiskStats) float64 { return number(s.Expired) }, "folder"),
		counter("disk_cache_faults_total", "Faults of the disk, damaged files included.", func(s cache.DiskStats) float64 { return number(s.Faults) }, "folder"),
	}
	sharedMetrics = []stateMetric[cache.SharedStats]{
		counter("shared_cache_hits_total", "Results that another machine had put into the shared bucket.", func(s cache.SharedStats) float64 { return number(s.Hits) }, "bucket"),
		counter("shared_cache_writes_total", "Results written to the shared bucket.", func(s cache.SharedStats) float64 { return number(s.Writes) }, "bucket"),
		counter("shared_cache_dropped_total", "Results not written since too many waited.", func(s cache.SharedStats) float64 { return number(s.Dropped) }, "bucket"),
		counter("shared_cache_faults_total", "Faults of the shared bucket, damaged results included.", func(s cache.SharedStats) float64 { return number(s.Faults) }, "bucket"),
		gauge("shared_cache_queue_bytes", "Results that wait to be written.", func(s cache.SharedStats) float64 { return number(s.QueuedBytes) }, "bucket"),
		gauge("shared_cache_purges", "Purges that are remembered.", func(s cache.SharedStats) float64 { return number(s.Purges) }, "bucket"),
		gauge("shared_cache_polled_timestamp_seconds", "When the purges of other machines were last looked for; 0: never.", func(s cache.SharedStats) float64 {
			if s.Polled.IsZero() {
				return 0
			}
			return float64(s.Polled.Unix())
		}, "bucket"),
	}
	serverMetrics = []stateMetric[State]{
		gauge("ready", "1 when new pictures can be made, as /readyz says.", func(s State) float64 { return truth(s.Ready) }),
		counter("log_lines_left_out_total", "Warnings and errors that were not written since too many of their kind were.", func(s State) float64 { return number(s.LinesLeftOut) }),
	}
)

// stateCollector tells the state of the server that answers now.
type stateCollector struct{ Metrics *Metrics }

var _ prometheus.Collector = stateCollector{}

// Describe implements [prometheus.Collector].
func (c stateCollector) Describe(out chan<- *prometheus.Desc) {
	describeAll(out, workMetrics)
	describeAll(out, cacheMetrics)
	describeAll(out, sourceMetrics)
	describeAll(out, memoryMetrics)
	describeAll(out, diskMetrics)
	describeAll(out, sharedMetrics)
	describeAll(out, serverMetrics)
}

func describeAll[T any](out chan<- *prometheus.Desc, all []stateMetric[T]) {
	for _, m := range all {
		out <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (c stateCollector) Collect(out chan<- prometheus.Metric) {
	state := c.Metrics.state.Load()
	if state == nil {
		return
	}
	s := (*state)()
	tell(out, workMetrics, s.Stats.Work)
	tell(out, serverMetrics, s)
	for prefix, h := range s.Stats.Handlers {
		tell(out, cacheMetrics, h, prefix)
		for i, source := range h.Sources {
			tell(out, sourceMetrics, source, prefix, strconv.Itoa(i+1))
		}
		if h.Memory != nil {
			tell(out, memoryMetrics, *h.Memory, prefix)
		}
	}
	for folder, d := range s.Disks {
		tell(out, diskMetrics, d, folder)
	}
	for bucket, shared := range s.Shared {
		tell(out, sharedMetrics, shared, bucket)
	}
}

func tell[T any](out chan<- prometheus.Metric, all []stateMetric[T], of T, labels ...string) {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "?")
	}
	for _, m := range all {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(of), labels...)
	}
}
