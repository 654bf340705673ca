package events

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Types of messages of Amazon SNS.
const (
	Notification             = "Notification"
	SubscriptionConfirmation = "SubscriptionConfirmation"
)

// A Message is the envelope that SNS puts around a message.
type Message struct {
	Type, MessageId, Token, TopicArn, Subject, Message, Timestamp string
	SignatureVersion, Signature, SigningCertURL, SubscribeURL     string
}

// Signed returns what SNS signs: names and values of some fields, in the order
// of the names, a line each (SNS developer guide, "Verifying the signatures of
// Amazon SNS messages").
func (m *Message) Signed() string {
	fields := [][2]string{{"Message", m.Message}, {"MessageId", m.MessageId}}
	if m.Type == SubscriptionConfirmation {
		fields = append(fields, [][2]string{{"SubscribeURL", m.SubscribeURL}, {"Timestamp", m.Timestamp}, {"Token", m.Token}}...)
	} else {
		if m.Subject != "" {
			fields = append(fields, [2]string{"Subject", m.Subject})
		}
		fields = append(fields, [2]string{"Timestamp", m.Timestamp})
	}
	fields = append(fields, [][2]string{{"TopicArn", m.TopicArn}, {"Type", m.Type}}...)
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(f[0] + "\n" + f[1] + "\n")
	}
	return b.String()
}

// A Verifier checks the signatures of messages. It is safe for concurrent
// use.
type Verifier struct {
	Topics  []string      // ARNs of the known ones
	Client  *http.Client  // asks SNS
	fetches chan struct{} // has a place for each certificate that is asked for

	mu    sync.Mutex
	certs map[string]*x509.Certificate // by URL; guarded by mu
}

const (
	timeout      = 5 * time.Second
	maxCertBytes = 64 << 10
	maxCerts     = 16
	// MaxCertFetches are made at once: who knows the name of a topic can make us ask.
	MaxCertFetches = 4
	// oldest is how old a message may be: SNS goes on trying for hours.
	oldest = 24 * time.Hour
	ahead  = 15 * time.Minute
)

var (
	// ErrNotGenuine is that a message is not one of a known topic, signed by SNS.
	ErrNotGenuine = errors.New("sns: message is not genuine")
	// host has a region in the middle, and nothing else: sns.s3.amazonaws.com and
	// sns.s3-us-west-2.amazonaws.com are a bucket of somebody.
	host     = regexp.MustCompile(`^sns\.[a-z]{2,}(-[a-z]+)+-[0-9]+\.amazonaws\.com(\.cn)?$`)
	certPath = regexp.MustCompile(`^/SimpleNotificationService-[0-9A-Za-z]+\.pem$`)
)

// NewVerifier returns a verifier that knows these topics.
func NewVerifier(topics []string) *Verifier {
	return &Verifier{
		Topics:  topics,
		fetches: make(chan struct{}, MaxCertFetches),
		certs:   map[string]*x509.Certificate{},
		Client: &http.Client{
			Timeout:       timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Verify returns the envelope if it is of a known topic and signed by SNS. An
// error that does not wrap ErrNotGenuine says that this could not be found out.
func (v *Verifier) Verify(ctx context.Context, data []byte) (*Message, error) {
	var m Message
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotGenuine, err)
	}
	if m.Type != Notification && m.Type != SubscriptionConfirmation {
		return nil, fmt.Errorf("%w: no envelope, and no secret was shown", ErrNotGenuine)
	}
	if !slices.Contains(v.Topics, m.TopicArn) {
		return nil, fmt.Errorf("%w: %q is not one of events.sns_topics", ErrNotGenuine, m.TopicArn)
	}
	sent, err := time.Parse(time.RFC3339, m.Timestamp)
	if age := time.Since(sent); err != nil || age > oldest || age < -ahead {
		return nil, fmt.Errorf("%w: sent at %q", ErrNotGenuine, m.Timestamp)
	}
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotGenuine, err)
	}
	cert, err := v.certificate(ctx, m.SigningCertURL)
	if err != nil {
		return nil, err
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: not signed with RSA", ErrNotGenuine)
	}
	switch m.SignatureVersion {
	case "1":
		sum := sha1.Sum([]byte(m.Signed()))
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256([]byte(m.Signed()))
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	default:
		err = fmt.Errorf("signature version %q", m.SignatureVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotGenuine, err)
	}
	return &m, nil
}

// certificate returns the certificate that lies at a URL of SNS.
func (v *Verifier) certificate(ctx context.Context, at string) (*x509.Certificate, error) {
	cert := v.kept(at)
	if cert == nil {
		var err error
		if cert, err = v.fetch(ctx, at); err != nil {
			return nil, err
		}
	}
	if now := time.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return nil, fmt.Errorf("%w: its certificate is not valid now", ErrNotGenuine)
	}
	return cert, nil
}

// kept returns the certificate that came from a URL before, nil if none has.
func (v *Verifier) kept(at string) *x509.Certificate {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.certs[at]
}

// fetch asks SNS for a certificate, and keeps it.
func (v *Verifier) fetch(ctx context.Context, at string) (*x509.Certificate, error) {
	u, err := addressOf(at)
	if err != nil || !certPath.MatchString(u.EscapedPath()) || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: its certificate is said to be at %q", ErrNotGenuine, at)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	select {
	case v.fetches <- struct{}{}:
		defer func() { <-v.fetches }()
	case <-ctx.Done():
		return nil, fmt.Errorf("sns: waiting for the certificate: %w", ctx.Err())
	}
	if cert := v.kept(at); cert != nil {
		return cert, nil
	}
	data, err := v.get(ctx, at)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%w: no certificate at %s", ErrNotGenuine, at)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotGenuine, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.certs) >= maxCerts {
		clear(v.certs)
	}
	v.certs[at] = cert
	return cert, nil
}

// Confirm subscribes to a topic, by asking for the URL in a verified message.
func (v *Verifier) Confirm(ctx context.Context, m *Message) error {
	if _, err := addressOf(m.SubscribeURL); err != nil {
		return err
	}
	_, err := v.get(ctx, m.SubscribeURL)
	return err
}

// addressOf returns a URL that leads to SNS and nowhere else.
func addressOf(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || !host.MatchString(u.Host) {
		return nil, fmt.Errorf("%w: %q is no address of SNS", ErrNotGenuine, text)
	}
	return u, nil
}

func (v *Verifier) get(ctx context.Context, at string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, fmt.Errorf("sns: %w", err)
	}
	resp, err := v.Client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("sns: %w", err)
	}
	defer resp.Body.Close() // only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxCertBytes))
	if err != nil {
		return nil, fmt.Errorf("sns: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("sns: status %d", resp.StatusCode)
	}
	return data, nil
}
