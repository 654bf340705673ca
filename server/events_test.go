package server

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/storage/storagetest"
)

const testTopic = "arn:aws:sns:eu-central-1:123456789012:pictures"

func TestParseEvents(t *testing.T) {
	s3 := func(key string) string {
		return `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"` + key + `","size":1}}}]}`
	}
	quoted := func(message string) string { q, _ := json.Marshal(message); return string(q) }
	tests := []struct {
		name, data string
		want       []change
		bad        bool
	}{
		{"S3", s3("a/b+c%2Bd.jpg"), []change{{"b", "a/b c+d.jpg"}}, false},
		{"MinIO's webhook", `{"EventName":"s3:ObjectRemoved:Delete","Key":"b/x.jpg",` + s3("x.jpg")[1:], []change{{"b", "x.jpg"}}, false},
		{"two records", `{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"1"}}},{"s3":{"bucket":{"name":"c"},"object":{"key":"2"}}}]}`, []change{{"b", "1"}, {"c", "2"}}, false},
		{"EventBridge, whose keys are not escaped", `{"version":"0","source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"a+b %20.jpg"}}}`, []change{{"b", "a+b %20.jpg"}}, false},
		{"SNS", `{"Type":"Notification","Message":` + quoted(s3("x.jpg")) + `}`, []change{{"b", "x.jpg"}}, false},
		{"a test message", `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`, nil, false},
		{"no records", `{"Records":[]}`, nil, false},
		{"an envelope in an envelope", `{"Type":"Notification","Message":` + quoted(`{"Type":"Notification","Message":"{}"}`) + `}`, nil, true},
		{"SNS, told of by a notification of that name", `{"Type":"Notification","Message":` + quoted(`{"Records":[{"s3":{"configurationId":"Notification","bucket":{"name":"b"},"object":{"key":"x.jpg"}}}]}`) + `}`, []change{{"b", "x.jpg"}}, false},
		{"SNS without a message", `{"Type":"Notification","Message":"",` + s3("x.jpg")[1:], nil, true},
		{"another source", `{"source":"aws.ec2","detail":{"bucket":{"name":"b"},"object":{"key":"x"}}}`, nil, true},
		{"a key that is not escaped well", s3("%zz"), nil, true},
		{"no key", s3(""), nil, true},
		{"too many", `{"Records":[` + strings.Repeat(`{"s3":{"bucket":{"name":"b"},"object":{"key":"1"}}},`, maxChanges) + `{}]}`, nil, true},
		{"something else", `{"hello":1}`, nil, true},
		{"no object", `[]`, nil, true},
		{"nothing", ``, nil, true},
	}
	for _, tt := range tests {
		got, err := parseEvents([]byte(tt.data))
		if !slices.Equal(got, tt.want) || (err != nil) != tt.bad || (err != nil && !errors.Is(err, errEvent)) {
			t.Errorf("%s: parseEvents = %v, %v; want %v, an error: %v", tt.name, got, err, tt.want, tt.bad)
		}
	}
}

func FuzzParseEvents(f *testing.F) {
	f.Add([]byte(`{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"a%20b"}}}]}`))
	f.Add([]byte(`{"Type":"Notification","Message":"{\"Records\":[]}"}`))
	f.Add([]byte(`{"source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"x"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		changes, err := parseEvents(data)
		if err != nil && changes != nil || len(changes) > maxChanges {
			t.Errorf("parseEvents = %d changes, %v", len(changes), err)
		}
		for _, c := range changes {
			if c.bucket == "" || c.key == "" {
				t.Errorf("a change without bucket or key: %+v", c)
			}
		}
	})
}

// newEventSite is a server whose handler h has the bucket "pictures", folder
// "large", in memory instead of S3.
func newEventSite(t *testing.T, b *storagetest.Memory, events HandlerEvents) *site {
	t.Helper()
	s := newAdminSite(t, b, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, Events: events})
	s.server.handlers[0].sources[0].aws = &AWSConfig{BucketName: "pictures", FilePath: "large"}
	return s
}

func record(bucket, key string) string {
	return `{"Records":[{"s3":{"bucket":{"name":"` + bucket + `"},"object":{"key":"` + key + `"}}}]}`
}

func TestEventsPurge(t *testing.T) {
	const secret = "Bearer a secret of webhooks"
	tests := []struct {
		name, body, authorization string
		status                    int
		gone                      bool
	}{
		{"a change", record("pictures", "large/photo.jpg"), secret, 200, true},
		{"with the token of operators", record("pictures", "large/photo.jpg"), "Bearer " + testToken, 200, true},
		{"of another folder", record("pictures", "small/photo.jpg"), secret, 200, false},
		{"of another bucket", record("others", "large/photo.jpg"), secret, 200, false},
		{"of another picture", record("pictures", "large/same.jpg"), secret, 200, false},
		{"no secret", record("pictures", "large/photo.jpg"), "", 403, false},
		{"a wrong secret", record("pictures", "large/photo.jpg"), "Bearer a secret of nobody", 403, false},
		{"no event", "{}", secret, 400, false},
		{"too large", strings.Repeat(" ", maxAdminBytes+1), secret, 413, false},
	}
	for _, tt := range tests {
		for _, path := range []string{"/events", "/_events"} {
			s := newEventSite(t, bucket(t), HandlerEvents{})
			s.get("/h/photo.jpg?w=90")
			r := httptest.NewRequest("POST", path, strings.NewReader(tt.body))
			r.Header.Set("Authorization", tt.authorization)
			w := httptest.NewRecorder()
			if path == "/events" {
				s.server.adminHandler().ServeHTTP(w, r)
			} else {
				s.server.ServeHTTP(w, r)
			}
			gone := !strings.Contains(s.get("/h/photo.jpg?w=90").Header.Get("Cache-Status"), "; hit")
			if w.Code != tt.status || gone != tt.gone {
				t.Errorf("%s: POST %s = %d, gone: %v; want %d, %v", tt.name, path, w.Code, gone, tt.status, tt.gone)
			}
		}
	}
	s := newEventSite(t, bucket(t), HandlerEvents{})
	if r := s.get("/_events"); r.StatusCode != 405 || r.Header.Get("Allow") != "POST" {
		t.Errorf("GET /_events = %d, Allow %q; want 405, POST", r.StatusCode, r.Header.Get("Allow"))
	}
}

// A path below the prefix of a handler takes events too.
func TestEventsBelowAHandler(t *testing.T) {
	c := &Config{Events: EventsConfig{Path: "/h/events", Secret: "a secret of webhooks"}, Handlers: []HandlerConfig{{Name: "h", Bucket: bucket(t)}}}
	s, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := httptest.NewRequest("POST", "/h/events", strings.NewReader(record("pictures", "x.jpg")))
	r.Header.Set("Authorization", "Bearer a secret of webhooks")
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("POST /h/events = %d; want 200", w.Code)
	}
}

// What was written is made anew before anybody asks.
func TestEventsRemake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t)
		s := newEventSite(t, b, HandlerEvents{Remake: []string{"w=90", "w=50&f=png"}})
		s.get("/h/photo.jpg?w=90")
		b.Set("photo.jpg", jpegFile(t, 100, 100), modified.Add(time.Hour))
		if w := s.admin("POST", "/events", "application/json", record("pictures", "large/photo.jpg"), "Authorization", "Bearer a secret of webhooks"); w.Code != 200 {
			t.Fatalf("POST /events = %d", w.Code)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for _, target := range []string{"/h/photo.jpg?w=90", "/h/photo.jpg?w=50&f=png"} {
			r := s.get(target)
			if img, _ := picture(t, r); !strings.Contains(r.Header.Get("Cache-Status"), "; hit") || img.Bounds().Dx() != img.Bounds().Dy() {
				t.Errorf("%s: Cache-Status %q, %v; want a hit of the new picture", target, r.Header.Get("Cache-Status"), img.Bounds())
			}
		}
	})
}

// watched is a bucket that tells of changes.
type watched struct {
	*storagetest.Memory
	changes chan string
	breaks  chan error
}

func (w *watched) Watch(ctx context.Context, changed func(string)) error {
	for {
		select {
		case name := <-w.changes:
			changed(name)
		case err := <-w.breaks:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestListening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &watched{bucket(t), make(chan string), make(chan error)}
		s := newAdminSite(t, b, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, Events: HandlerEvents{Listen: true}})
		for i, breaks := range []bool{false, true} {
			s.get("/h/photo.jpg?w=90")
			if breaks {
				b.breaks <- errors.New("the connection broke")
				time.Sleep(2 * time.Second) // until it listens again
			}
			b.changes <- "photo.jpg"
			time.Sleep(time.Second)
			if r := s.get("/h/photo.jpg?w=90"); strings.Contains(r.Header.Get("Cache-Status"), "; hit") {
				t.Errorf("%d: after a change Cache-Status is %q; want no hit", i, r.Header.Get("Cache-Status"))
			}
		}
		if !strings.Contains(s.log.String(), "the connection broke") {
			t.Errorf("log = %q; want the reason of the break", s.log)
		}
	})
}

// An snsKey signs messages as SNS does, and serves its certificate.
type snsKey struct {
	key  *rsa.PrivateKey
	cert []byte

	mu    sync.Mutex
	asked []string // guarded by mu
}

func newSNSKey(t *testing.T, notAfter time.Time) *snsKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &snsKey{key: key, cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (k *snsKey) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, r.URL.String())
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(k.cert)), Request: r}, nil
}

func (k *snsKey) sign(t *testing.T, m snsMessage) []byte {
	t.Helper()
	hash, sum := crypto.SHA256, sha256.New()
	if m.SignatureVersion == "1" {
		hash, sum = crypto.SHA1, sha1.New()
	}
	io.WriteString(sum, m.signed())
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.key, hash, sum.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	m.Signature = base64.StdEncoding.EncodeToString(signature)
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSNS(t *testing.T) {
	const certURL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"
	good := snsMessage{
		Type: snsNotification, MessageId: "1", TopicArn: testTopic, Subject: "Amazon S3 Notification", Message: record("pictures", "large/photo.jpg"),
		Timestamp: time.Now().UTC().Format(time.RFC3339), SignatureVersion: "2", SigningCertURL: certURL,
	}
	with := func(change func(*snsMessage)) snsMessage { m := good; change(&m); return m }
	genuine, stranger := newSNSKey(t, time.Now().Add(time.Hour)), newSNSKey(t, time.Now().Add(time.Hour))
	expired := newSNSKey(t, time.Now().Add(-time.Minute))
	tests := []struct {
		name    string
		signer  *snsKey
		message snsMessage
		forge   func([]byte) []byte
		status  int
	}{
		{"version 2", genuine, good, nil, 200},
		{"version 1", genuine, with(func(m *snsMessage) { m.SignatureVersion = "1" }), nil, 200},
		{"without a subject", genuine, with(func(m *snsMessage) { m.Subject = "" }), nil, 200},
		{"another key", stranger, good, nil, 403},
		{"another topic", genuine, with(func(m *snsMessage) { m.TopicArn += "2" }), nil, 403},
		{"too old", genuine, with(func(m *snsMessage) { m.Timestamp = "2024-01-01T00:00:00Z" }), nil, 403},
		{"from the future", genuine, with(func(m *snsMessage) { m.Timestamp = time.Now().Add(time.Hour).UTC().Format(time.RFC3339) }), nil, 403},
		{"another version", genuine, with(func(m *snsMessage) { m.SignatureVersion = "3" }), nil, 403},
		{"another type", genuine, with(func(m *snsMessage) { m.Type = "UnsubscribeConfirmation" }), nil, 403},
		{"a changed message", genuine, good, func(b []byte) []byte { return bytes.Replace(b, []byte("photo"), []byte("other"), 1) }, 403},
		{"a certificate from elsewhere", genuine, with(func(m *snsMessage) { m.SigningCertURL = "https://sns.example.com/x.pem" }), nil, 403},
		{"a host that only ends so", genuine, with(func(m *snsMessage) { m.SigningCertURL = "https://sns.eu.evil.amazonaws.com.example/x.pem" }), nil, 403},
		{"a user in the URL", genuine, with(func(m *snsMessage) { m.SigningCertURL = "https://sns.eu-central-1.amazonaws.com@example.com/x.pem" }), nil, 403},
		{"a bucket", genuine, with(func(m *snsMessage) { m.SigningCertURL = "https://sns.s3.amazonaws.com/SimpleNotificationService-1.pem" }), nil, 403},
		{"a bucket in a region", genuine, with(func(m *snsMessage) {
			m.SigningCertURL = "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-1.pem"
		}), nil, 403},
		{"no certificate of SNS", genuine, with(func(m *snsMessage) { m.SigningCertURL = "https://sns.eu-central-1.amazonaws.com/x.pem" }), nil, 403},
		{"a question to SNS", genuine, with(func(m *snsMessage) { m.SigningCertURL = certURL + "?Action=Publish" }), nil, 403},
		{"a region with more words", genuine, with(func(m *snsMessage) {
			m.SigningCertURL = "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
		}), nil, 200},
		{"China", genuine, with(func(m *snsMessage) {
			m.SigningCertURL = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem"
		}), nil, 200},
		{"no https", genuine, with(func(m *snsMessage) { m.SigningCertURL = strings.Replace(certURL, "https", "http", 1) }), nil, 403},
		{"no JSON", genuine, good, func([]byte) []byte { return []byte("{") }, 403},
		{"an expired certificate", expired, good, nil, 403},
	}
	for _, tt := range tests {
		s := newEventSite(t, bucket(t), HandlerEvents{})
		served := genuine
		if tt.signer == expired {
			served = expired
		}
		s.server.events.sns.client.Transport = served
		s.get("/h/photo.jpg?w=90")
		data := tt.signer.sign(t, tt.message)
		if tt.forge != nil {
			data = tt.forge(data)
		}
		w := s.admin("POST", "/events", "text/plain", string(data))
		gone := !strings.Contains(s.get("/h/photo.jpg?w=90").Header.Get("Cache-Status"), "; hit")
		if w.Code != tt.status || gone != (tt.status == 200) {
			t.Errorf("%s: %d, gone: %v; want %d\n%s", tt.name, w.Code, gone, tt.status, s.log)
		}
	}
}

// What stands beside the signed message is not believed.
func TestSNSUnsigned(t *testing.T) {
	key := newSNSKey(t, time.Now().Add(time.Hour))
	for _, message := range []string{"", `{"Records":[]}`} {
		s := newEventSite(t, bucket(t), HandlerEvents{})
		s.server.events.sns.client.Transport = key
		s.get("/h/photo.jpg?w=90")
		data := key.sign(t, snsMessage{Type: snsNotification, MessageId: "1", TopicArn: testTopic, Message: message, Timestamp: time.Now().UTC().Format(time.RFC3339),
			SignatureVersion: "2", SigningCertURL: "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"})
		data = append(data[:len(data)-1], []byte(","+record("pictures", "large/photo.jpg")[1:])...)
		w := s.admin("POST", "/events", "text/plain", string(data))
		if r := s.get("/h/photo.jpg?w=90"); !strings.Contains(r.Header.Get("Cache-Status"), "; hit") {
			t.Errorf("records beside the message %q: %d, and they were believed", message, w.Code)
		}
	}
}

// A message that cannot be checked now is to be sent again.
func TestSNSOutOfReach(t *testing.T) {
	key := newSNSKey(t, time.Now().Add(time.Hour))
	s := newEventSite(t, bucket(t), HandlerEvents{})
	s.server.events.sns.client.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") })
	data := string(key.sign(t, snsMessage{Type: snsNotification, MessageId: "1", TopicArn: testTopic, Message: record("pictures", "large/photo.jpg"), Timestamp: time.Now().UTC().Format(time.RFC3339),
		SignatureVersion: "2", SigningCertURL: "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"}))
	if w := s.admin("POST", "/events", "text/plain", data); w.Code != 503 {
		t.Errorf("SNS out of reach: %d; want 503", w.Code)
	}
	s.server.events.sns.client.Transport = key
	var answers sync.WaitGroup
	for range 2 * maxCertFetches {
		answers.Go(func() {
			if w := s.admin("POST", "/events", "text/plain", data); w.Code != 200 {
				t.Errorf("many at once: %d; want 200", w.Code)
			}
		})
	}
	answers.Wait()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Where no message can prove anything, none is read.
func TestEventsOfNobody(t *testing.T) {
	s := newEventSite(t, bucket(t), HandlerEvents{})
	s.server.events.sns.topics = nil
	body := &countedReader{Reader: strings.NewReader(strings.Repeat(" ", 1<<20))}
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, httptest.NewRequest("POST", "/_events", body))
	if w.Code != 403 || body.n != 0 {
		t.Errorf("without a secret: %d, %d bytes read; want 403 and none", w.Code, body.n)
	}
}

// A countedReader counts what is read.
type countedReader struct {
	io.Reader
	n int
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += n
	return n, err
}

// A subscription is confirmed by asking for a URL of SNS, and of nobody else.
func TestSNSSubscription(t *testing.T) {
	const certURL, subscribe = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem", "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=x"
	for url, want := range map[string]int{subscribe: 200, "https://example.com/?Action=ConfirmSubscription": 502, "http://127.0.0.1:1/": 502} {
		key := newSNSKey(t, time.Now().Add(time.Hour))
		s := newEventSite(t, bucket(t), HandlerEvents{})
		s.server.events.sns.client.Transport = key
		m := snsMessage{Type: snsSubscription, MessageId: "1", Token: "x", TopicArn: testTopic, Message: "You have chosen to subscribe",
			SubscribeURL: url, Timestamp: time.Now().UTC().Format(time.RFC3339), SignatureVersion: "1", SigningCertURL: certURL}
		w := s.admin("POST", "/events", "text/plain", string(key.sign(t, m)))
		if asked := slices.Contains(key.asked, url); w.Code != want || asked != (want == 200) {
			t.Errorf("%s: %d, asked for %q; want %d", url, w.Code, key.asked, want)
		}
	}
}

func TestFaultsOfCacheConfigurations(t *testing.T) {
	h := func(change func(*HandlerConfig)) *Config {
		h := HandlerConfig{Name: "h", AWS: &AWSConfig{BucketName: "b", FilePath: "large"}}
		change(&h)
		return &Config{Handlers: []HandlerConfig{h}}
	}
	tests := []struct {
		config *Config
		want   string
	}{
		{h(func(h *HandlerConfig) { h.Cache.OriginalsMB = 1 }), "handlers.0.cache.originals_mb"},
		{h(func(h *HandlerConfig) { h.Cache.Prefix = "x" }), "handlers.0.cache.bucket"},
		{h(func(h *HandlerConfig) { h.Cache.Bucket, h.Cache.Prefix = "b", "large/cache" }), "handlers.0.cache.prefix"},
		{h(func(h *HandlerConfig) { h.Cache.Bucket, h.Cache.Prefix = "c", "a/../b" }), "handlers.0.cache.prefix"},
		{h(func(h *HandlerConfig) { h.Cache.Bucket, h.Cache.Store = "c", &StoreConfig{AccessKey: "x"} }), "handlers.0.cache.store.aws_access"},
		{h(func(h *HandlerConfig) { h.AWS, h.Source.Dir, h.Cache.Bucket = nil, "x", "c" }), "handlers.0.cache.store"},
		{h(func(h *HandlerConfig) { h.AWS, h.Source.Dir, h.Events.Listen = nil, "x", true }), "handlers.0.events.listen"},
		{h(func(h *HandlerConfig) { h.Revalidate = -1 }), "handlers.0.revalidate"},
		{h(func(h *HandlerConfig) { h.StaleWhileRevalidate = -1 }), "handlers.0.stale_while_revalidate"},
		{h(func(h *HandlerConfig) { h.StaleIfError = cacheTime(-1) }), "handlers.0.stale_if_error"},
		{h(func(h *HandlerConfig) { h.NegativeTime = cacheTime(301) }), "handlers.0.negative_time"},
		{h(func(h *HandlerConfig) { h.Limits.Scans = -1 }), "handlers.0.limits.scans"},
		{h(func(h *HandlerConfig) { h.Limits.Side = 1 << 17 }), "handlers.0.limits.side"},
		{h(func(h *HandlerConfig) { h.Limits.OutputSide = 1 << 17 }), "handlers.0.limits.output_side"},
		{h(func(h *HandlerConfig) { h.Limits.Concurrency = config.MostPlaces + 1 }), "handlers.0.limits.concurrency"},
		{&Config{Admin: AdminConfig{Listen: "9090"}}, "admin.listen"},
		{&Config{Admin: AdminConfig{Listen: ":9090"}}, "admin.token"},
		{&Config{Admin: AdminConfig{Listen: "127.0.0.1:9090", Token: "short"}}, "admin.token"},
		{&Config{Events: EventsConfig{Path: "/e"}}, "events.path"},
		{&Config{Events: EventsConfig{Path: "e f", Secret: "a secret of webhooks"}}, "events.path"},
		{&Config{Events: EventsConfig{Secret: "short"}}, "events.secret"},
		{&Config{Events: EventsConfig{SNSTopics: []string{"pictures"}}}, "events.sns_topics"},
		{&Config{Events: EventsConfig{SNSTopics: []string{"arn:aws:sqs:eu-central-1:123456789012:pictures"}}}, "events.sns_topics"},
	}
	for _, tt := range tests {
		if len(tt.config.Handlers) == 0 {
			tt.config.Handlers = []HandlerConfig{{Name: "h", AWS: &AWSConfig{BucketName: "b"}}}
		}
		err := tt.config.Validate()
		if err == nil || !strings.Contains(err.Error(), tt.want+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Validate = %v; want one fault of %s", err, tt.want)
		}
	}
	if err := h(func(h *HandlerConfig) {
		h.Cache.Bucket, h.Cache.Prefix, h.Revalidate = "b", "results", 60
	}).Validate(); err != nil {
		t.Errorf("Validate = %v; want no fault", err)
	}
	if got := fmt.Sprintf("%v %+v %#v", AdminConfig{Token: testToken}, AdminConfig{Token: testToken}, AdminConfig{Token: testToken}); strings.Contains(got, testToken) {
		t.Errorf("printing shows the token: %s", got)
	}
}
