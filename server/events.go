package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"time"

	"s3imageserver/server/events"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// A purger purges the caches when objects in buckets change.
type purger struct {
	server  *Server
	sns     *events.Verifier
	batches chan eventBatch
	remakes chan remake
}

// An eventBatch holds the names of changed objects, by handler.
type eventBatch struct {
	names map[*Handler][]string
	done  chan<- error // has room for one; nil: nobody waits
}

// A remake is a picture that is rendered again after a change, before a client requests
// it.
type remake struct {
	handler     *Handler
	name, query string
}

const (
	// collectFor is how long changes are collected, so that the machines that share a tier
	// get many in one purge.
	collectFor  = 100 * time.Millisecond
	eventWait   = 20 * time.Second // what a sender waits for the purge
	remakeQueue = 4096
)

// newPurger returns the purger of a server, at work until ctx ends.
func newPurger(ctx context.Context, s *Server) *purger {
	e := &purger{server: s, sns: events.NewVerifier(s.config.Events.SNSTopics), batches: make(chan eventBatch, 256), remakes: make(chan remake, remakeQueue)}
	s.background.Go(func() { e.purge(ctx) })
	s.background.Go(func() { e.remake(ctx) })
	for _, h := range s.handlers {
		if h.config.Events.Listen {
			for _, one := range h.sources {
				if w, ok := one.Bucket.(storage.Watcher); ok {
					s.background.Go(func() { e.watch(ctx, h, w) })
				}
			}
		}
	}
	return e
}

// ServeHTTP receives an event: with the secret of webhooks, the token of the operators or
// a signature of SNS. It answers when the purge is done, so that the sender repeats what
// failed.
func (e *purger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		writeText(w, http.StatusMethodNotAllowed, "events are sent by POST")
		return
	}
	trusted := e.trusts(r)
	if !trusted && len(e.sns.Topics) == 0 { // nothing in the message could prove anything
		e.refuse(w, errNoSecret)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAdminBytes))
	if err != nil {
		writeText(w, http.StatusRequestEntityTooLarge, "the message is too large or incomplete")
		return
	}
	var changes []events.Change
	if trusted {
		changes, err = events.Parse(data)
	} else {
		message, fault := e.sns.Verify(r.Context(), data)
		switch {
		case errors.Is(fault, events.ErrNotGenuine):
			e.refuse(w, fault)
			return
		case fault != nil: // SNS sends it again, as it would not after a 403
			e.server.log.Error("signature of an event not checked", "error", fault)
			writeText(w, http.StatusServiceUnavailable, "not checked: send it again")
			return
		case message.Type == events.SubscriptionConfirmation:
			e.confirm(w, r, message)
			return
		}
		changes, err = events.ParseChanges([]byte(message.Message)) // and nothing else: this is what was signed
	}
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := e.apply(r.Context(), changes); err != nil {
		e.server.log.Error("changes of a bucket not applied", "error", err)
		writeText(w, http.StatusServiceUnavailable, "not applied: send it again")
		return
	}
	writeText(w, http.StatusOK, "ok")
}

var errNoSecret = errors.New("the request has no secret, and there are no events.sns_topics")

func (e *purger) refuse(w http.ResponseWriter, why error) {
	e.server.log.Warn("event refused", "error", why)
	writeText(w, http.StatusForbidden, "the request has neither the events secret nor a signature of a known SNS topic")
}

// trusts reports whether a request has one of the secrets, so that its message needs no
// signature.
func (e *purger) trusts(r *http.Request) bool {
	secret := e.server.config.Events.Secret
	return secret != "" && showsBearer(r, secret) || authorized(&e.server.config.Admin, r)
}

func (e *purger) confirm(w http.ResponseWriter, r *http.Request, m *events.Message) {
	if err := e.sns.Confirm(r.Context(), m); err != nil {
		e.server.log.Error("subscription not confirmed", "topic", m.TopicArn, "error", err)
		writeText(w, http.StatusBadGateway, "not confirmed")
		return
	}
	e.server.log.Info("subscription confirmed", "topic", m.TopicArn)
	writeText(w, http.StatusOK, "confirmed")
}

// apply purges what has changed and starts to render it again.
func (e *purger) apply(ctx context.Context, changes []events.Change) error {
	names := map[*Handler][]string{}
	for _, c := range changes {
		for _, h := range e.server.handlers {
			if name, ok := h.nameOf(c); ok {
				names[h] = append(names[h], name)
			}
		}
	}
	return e.changed(ctx, names)
}

// nameOf returns the name that a handler has for an object.
func (o *origin) nameOf(c events.Change) (string, bool) {
	for _, s := range o.sources {
		if name, ok := s.NameOf(c.Bucket, c.Key); ok {
			return name, true
		}
	}
	return "", false
}

func (e *purger) changed(ctx context.Context, names map[*Handler][]string) error {
	if len(names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, eventWait)
	defer cancel()
	done := make(chan error, 1)
	select {
	case e.batches <- eventBatch{names, done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notified queues the name of a changed object for the purge. It waits only while the
// queue is full.
func (e *purger) notified(ctx context.Context, h *Handler, name string) {
	select {
	case e.batches <- eventBatch{names: map[*Handler][]string{h: {name}}}:
	case <-ctx.Done():
	}
}

// remakeAll queues what was purged to be rendered again.
func (e *purger) remakeAll(names map[*Handler][]string) {
	for h, list := range names {
		for _, name := range list {
			for _, query := range h.config.Events.Remake {
				select {
				case e.remakes <- remake{h, name, query}:
				default: // it is made when somebody asks
				}
			}
		}
	}
}

// purge purges what comes in, much of it at once, until ctx ends.
func (e *purger) purge(ctx context.Context) {
	for {
		var batches []eventBatch
		select {
		case b := <-e.batches:
			batches = append(batches, b)
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(collectFor)
	collect:
		for len(batches) < cap(e.batches) {
			select {
			case b := <-e.batches:
				batches = append(batches, b)
			case <-timer.C:
				break collect
			}
		}
		timer.Stop()
		names := map[*Handler][]string{} // each once, however often it changed
		for _, b := range batches {
			for h, list := range b.names {
				names[h] = append(names[h], list...)
			}
		}
		for h, list := range names {
			slices.Sort(list)
			names[h] = slices.Compact(list)
		}
		err := purgeAll(names)
		if err == nil {
			e.remakeAll(names)
		}
		for _, b := range batches {
			if b.done != nil {
				b.done <- err
			}
		}
		if err != nil && slices.ContainsFunc(batches, func(b eventBatch) bool { return b.done == nil }) {
			e.server.log.Error("changes of a bucket not applied everywhere", "error", err)
		}
	}
}

func purgeAll(names map[*Handler][]string) error {
	ctx, cancel := context.WithTimeout(context.Background(), eventWait)
	defer cancel()
	var errs []error
	for h, list := range names {
		purges := make([]cache.Purge, len(list))
		for i, name := range list {
			purges[i] = cache.Purge{Group: h.id, Name: name}
		}
		_, err := h.purge(ctx, purges...)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// remake renders pictures again, one at a time, until ctx ends.
func (e *purger) remake(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-e.remakes:
			if err := m.make(ctx); err != nil && ctx.Err() == nil {
				m.handler.log.Warn("not rendered again", "name", m.name, "query", m.query, "error", err)
			}
		}
	}
}

func (m remake) make(ctx context.Context) error {
	u := url.URL{Path: path.Join("/", m.handler.config.Prefix, m.name), RawQuery: m.query}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req, err := m.handler.parse(r)
	if err != nil {
		return err
	}
	_, _, err = m.handler.picture(ctx, &req)
	return err
}

const (
	firstWatchPause   = time.Second
	longestWatchPause = 30 * time.Second
)

// watch listens to the notifications of a bucket of a handler until ctx ends. Changes
// during an interruption are missed: revalidate finds them.
func (e *purger) watch(ctx context.Context, h *Handler, watcher storage.Watcher) {
	pause := firstWatchPause
	for {
		began := time.Now()
		err := watcher.Watch(ctx, func(name string) { e.notified(ctx, h, name) })
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > longestWatchPause {
			pause = firstWatchPause
		}
		h.log.Warn("not listening to the bucket: changes are not noticed", "again_in", pause.String(), "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		pause = min(2*pause, longestWatchPause)
	}
}
