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

	"s3imageserver/server/events"
	"s3imageserver/storage/storagetest"
)

const testTopic = "arn:aws:sns:eu-central-1:123456789012:pictures"

// newEventSite is a server whose handler h has the bucket "pictures", folder
// "large", in memory instead of S3.
func newEventSite(t *testing.T, b *storagetest.Memory, events HandlerEvents) *site {
	t.Helper()
	s := newAdminSite(t, b, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, Events: events})
	s.server.handlers[0].sources[0].AWS = &AWSConfig{BucketName: "pictures", FilePath: "large"}
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

func (k *snsKey) sign(t *testing.T, m events.Message) []byte {
	t.Helper()
	hash, sum := crypto.SHA256, sha256.New()
	if m.SignatureVersion == "1" {
		hash, sum = crypto.SHA1, sha1.New()
	}
	io.WriteString(sum, m.Signed())
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
	good := events.Message{
		Type: events.Notification, MessageId: "1", TopicArn: testTopic, Subject: "Amazon S3 Notification", Message: record("pictures", "large/photo.jpg"),
		Timestamp: time.Now().UTC().Format(time.RFC3339), SignatureVersion: "2", SigningCertURL: certURL,
	}
	with := func(change func(*events.Message)) events.Message { m := good; change(&m); return m }
	genuine, stranger := newSNSKey(t, time.Now().Add(time.Hour)), newSNSKey(t, time.Now().Add(time.Hour))
	expired := newSNSKey(t, time.Now().Add(-time.Minute))
	tests := []struct {
		name    string
		signer  *snsKey
		message events.Message
		forge   func([]byte) []byte
		status  int
	}{
		{"version 2", genuine, good, nil, 200},
		{"version 1", genuine, with(func(m *events.Message) { m.SignatureVersion = "1" }), nil, 200},
		{"without a subject", genuine, with(func(m *events.Message) { m.Subject = "" }), nil, 200},
		{"another key", stranger, good, nil, 403},
		{"another topic", genuine, with(func(m *events.Message) { m.TopicArn += "2" }), nil, 403},
		{"too old", genuine, with(func(m *events.Message) { m.Timestamp = "2024-01-01T00:00:00Z" }), nil, 403},
		{"from the future", genuine, with(func(m *events.Message) { m.Timestamp = time.Now().Add(time.Hour).UTC().Format(time.RFC3339) }), nil, 403},
		{"another version", genuine, with(func(m *events.Message) { m.SignatureVersion = "3" }), nil, 403},
		{"another type", genuine, with(func(m *events.Message) { m.Type = "UnsubscribeConfirmation" }), nil, 403},
		{"a changed message", genuine, good, func(b []byte) []byte { return bytes.Replace(b, []byte("photo"), []byte("other"), 1) }, 403},
		{"a certificate from elsewhere", genuine, with(func(m *events.Message) { m.SigningCertURL = "https://sns.example.com/x.pem" }), nil, 403},
		{"a host that only ends so", genuine, with(func(m *events.Message) { m.SigningCertURL = "https://sns.eu.evil.amazonaws.com.example/x.pem" }), nil, 403},
		{"a user in the URL", genuine, with(func(m *events.Message) { m.SigningCertURL = "https://sns.eu-central-1.amazonaws.com@example.com/x.pem" }), nil, 403},
		{"a bucket", genuine, with(func(m *events.Message) {
			m.SigningCertURL = "https://sns.s3.amazonaws.com/SimpleNotificationService-1.pem"
		}), nil, 403},
		{"a bucket in a region", genuine, with(func(m *events.Message) {
			m.SigningCertURL = "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-1.pem"
		}), nil, 403},
		{"no certificate of SNS", genuine, with(func(m *events.Message) { m.SigningCertURL = "https://sns.eu-central-1.amazonaws.com/x.pem" }), nil, 403},
		{"a question to SNS", genuine, with(func(m *events.Message) { m.SigningCertURL = certURL + "?Action=Publish" }), nil, 403},
		{"a region with more words", genuine, with(func(m *events.Message) {
			m.SigningCertURL = "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
		}), nil, 200},
		{"China", genuine, with(func(m *events.Message) {
			m.SigningCertURL = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem"
		}), nil, 200},
		{"no https", genuine, with(func(m *events.Message) { m.SigningCertURL = strings.Replace(certURL, "https", "http", 1) }), nil, 403},
		{"no JSON", genuine, good, func([]byte) []byte { return []byte("{") }, 403},
		{"an expired certificate", expired, good, nil, 403},
	}
	for _, tt := range tests {
		s := newEventSite(t, bucket(t), HandlerEvents{})
		served := genuine
		if tt.signer == expired {
			served = expired
		}
		s.server.purger.sns.Client.Transport = served
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
		s.server.purger.sns.Client.Transport = key
		s.get("/h/photo.jpg?w=90")
		data := key.sign(t, events.Message{Type: events.Notification, MessageId: "1", TopicArn: testTopic, Message: message, Timestamp: time.Now().UTC().Format(time.RFC3339),
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
	s.server.purger.sns.Client.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") })
	data := string(key.sign(t, events.Message{Type: events.Notification, MessageId: "1", TopicArn: testTopic, Message: record("pictures", "large/photo.jpg"), Timestamp: time.Now().UTC().Format(time.RFC3339),
		SignatureVersion: "2", SigningCertURL: "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"}))
	if w := s.admin("POST", "/events", "text/plain", data); w.Code != 503 {
		t.Errorf("SNS out of reach: %d; want 503", w.Code)
	}
	s.server.purger.sns.Client.Transport = key
	var answers sync.WaitGroup
	for range 2 * events.MaxCertFetches {
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
	s.server.purger.sns.Topics = nil
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
		s.server.purger.sns.Client.Transport = key
		m := events.Message{Type: events.SubscriptionConfirmation, MessageId: "1", Token: "x", TopicArn: testTopic, Message: "You have chosen to subscribe",
			SubscribeURL: url, Timestamp: time.Now().UTC().Format(time.RFC3339), SignatureVersion: "1", SigningCertURL: certURL}
		w := s.admin("POST", "/events", "text/plain", string(key.sign(t, m)))
		if asked := slices.Contains(key.asked, url); w.Code != want || asked != (want == 200) {
			t.Errorf("%s: %d, asked for %q; want %d", url, w.Code, key.asked, want)
		}
	}
}
