package server

import (
	"maps"
	"net/http"

	"s3imageserver/resize"
	"s3imageserver/server/config"
)

// A requestTrace records what the stages of a request do, for explain=1. It is nil, and
// records nothing, for other requests.
type requestTrace struct {
	operator bool          // who asks is one
	query    *queryTrace   // nil: the URL is one of a dialect
	options  []tracedStage // in the order of the stages
	format   tracedFormat
}

// A tracedStage is the options as a stage has left them.
type tracedStage struct {
	stage   string
	options resize.Options
}

// A tracedFormat says why a format was chosen.
type tracedFormat struct {
	refused resize.Format // that was asked for and is not written; else NoFormat
	accept  []string      // the lines of Accept by which it was negotiated; nil: it was not
}

// newTrace returns the trace of a request that is to be explained.
func (h *reader) newTrace(r *http.Request) *requestTrace {
	return &requestTrace{operator: authorized(h.admin, r) || byOperator(r)}
}

// passed notes the options that a stage has left.
func (t *requestTrace) passed(stage string, o resize.Options) {
	if t != nil {
		t.options = append(t.options, tracedStage{stage, o})
	}
}

// refusedFormat notes that the format is not written that a URL asks for.
func (t *requestTrace) refusedFormat(f resize.Format) {
	if t != nil {
		t.format.refused = f
	}
}

// negotiated notes the lines of Accept by which the format was chosen.
func (t *requestTrace) negotiated(accept []string) {
	if t != nil {
		t.format.accept = append([]string{}, accept...)
	}
}

// mayExplain reports whether a request gets an explanation; err is why it is refused. Only
// operators get explanations of refused requests.
func (t *requestTrace) mayExplain(err error) bool { return t != nil && (t.operator || err == nil) }

// explained begins the trace of a request. An operator asks about the URL without
// that: so it is what the signature is of.
func (r *request) explained(t *requestTrace) {
	r.trace = t
	if t.operator {
		r.query, r.sent = maps.Clone(r.query), maps.Clone(r.sent)
		delete(r.query, config.ExplainParam)
		delete(r.sent, config.ExplainParam)
	}
}

// A queryTrace records how the parameters of a query were read. A nil one records nothing.
// Requests for the same query share it.
type queryTrace struct {
	layers  config.Layers
	ignored []resize.Note          // parameters and presets that do nothing
	read    map[string]resize.Note // options by their names
	unknown map[string]resize.Note // of those, names that the configuration does not have
}

func (t *queryTrace) ignore(n resize.Note) {
	if t != nil {
		t.ignored = append(t.ignored, n)
	}
}

func (t *queryTrace) layered(l config.Layers) {
	if t != nil {
		t.layers = l
	}
}

func (t *queryTrace) option(n resize.Note) {
	if t != nil {
		t.read[n.Name] = n
	}
}

func (t *queryTrace) unknownName(n resize.Note) {
	if t != nil {
		t.unknown[n.Name] = n
	}
}
