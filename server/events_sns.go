package server

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
	snsNotification = "Notification"
	snsSubscription = "SubscriptionConfirmation"
)

// An snsMessage is the envelope that SNS puts around a message.
type snsMessage struct {
	Type, MessageId, Token, TopicArn, Subject, Message, Timestamp string
	SignatureVersion, Signature, SigningCertURL, SubscribeURL     string
}

// signed returns what SNS signs: names and values of some fields, in the order
// of the names, a line each (SNS developer guide, "Verifying the signatures of
// Amazon SNS messages").
func (m *snsMessage) signed() string {
	fields := [][2]string{{"Message", m.Message}, {"MessageId", m.MessageId}}
	if m.Type == snsSubscription {
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

// An snsVerifier checks the signatures of messages. It is safe for concurrent
// use.
type snsVerifier struct {
	topics  []string
	client  *http.Client
	fetches chan struct{} // has a place for each certificate that is asked for

	mu    sync.Mutex
	certs map[string]*x509.Certificate // by URL; guarded by mu
}

const (
	snsTimeout   = 5 * time.Second
	maxCertBytes = 64 << 10
	maxCerts     = 16
	// maxCertFetches are made at once: who knows the name of a topic can make us ask.
	maxCertFetches = 4
	// snsOldest is how old a message may be: SNS goes on trying for hours.
	snsOldest = 24 * time.Hour
	snsAhead  = 15 * time.Minute
)

var (
	errSNS = errors.New("sns: message is not genuine")
	// snsHost has a region in the middle, and nothing else: sns.s3.amazonaws.com and
	// sns.s3-us-west-2.amazonaws.com are a bucket of somebody.
	snsHost = regexp.MustCompile(`^sns\.[a-z]{2,}(-[a-z]+)+-[0-9]+\.amazonaws\.com(\.cn)?$`)
	snsCert = regexp.MustCompile(`^/SimpleNotificationService-[0-9A-Za-z]+\.pem$`)
)

func newSNSVerifier(topics []string) *snsVerifier {
	return &snsVerifier{
		topics:  topics,
		fetches: make(chan struct{}, maxCertFetches),
		certs:   map[string]*x509.Certificate{},
		client: &http.Client{
			Timeout:       snsTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// verify returns the envelope if it is of a known topic and signed by SNS. An
// error that does not wrap errSNS says that this could not be found out.
func (v *snsVerifier) verify(ctx context.Context, data []byte) (*snsMessage, error) {
	var m snsMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", errSNS, err)
	}
	if m.Type != snsNotification && m.Type != snsSubscription {
		return nil, fmt.Errorf("%w: no envelope, and no secret was shown", errSNS)
	}
	if !slices.Contains(v.topics, m.TopicArn) {
		return nil, fmt.Errorf("%w: %q is not one of events.sns_topics", errSNS, m.TopicArn)
	}
	sent, err := time.Parse(time.RFC3339, m.Timestamp)
	if age := time.Since(sent); err != nil || age > snsOldest || age < -snsAhead {
		return nil, fmt.Errorf("%w: sent at %q", errSNS, m.Timestamp)
	}
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSNS, err)
	}
	cert, err := v.certificate(ctx, m.SigningCertURL)
	if err != nil {
		return nil, err
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: not signed with RSA", errSNS)
	}
	switch m.SignatureVersion {
	case "1":
		sum := sha1.Sum([]byte(m.signed()))
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256([]byte(m.signed()))
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	default:
		err = fmt.Errorf("signature version %q", m.SignatureVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSNS, err)
	}
	return &m, nil
}

// certificate returns the certificate that lies at a URL of SNS.
func (v *snsVerifier) certificate(ctx context.Context, at string) (*x509.Certificate, error) {
	cert := v.kept(at)
	if cert == nil {
		var err error
		if cert, err = v.fetch(ctx, at); err != nil {
			return nil, err
		}
	}
	if now := time.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return nil, fmt.Errorf("%w: its certificate is not valid now", errSNS)
	}
	return cert, nil
}

// kept returns the certificate that came from a URL before, nil if none has.
func (v *snsVerifier) kept(at string) *x509.Certificate {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.certs[at]
}

// fetch asks SNS for a certificate, and keeps it.
func (v *snsVerifier) fetch(ctx context.Context, at string) (*x509.Certificate, error) {
	u, err := snsURL(at)
	if err != nil || !snsCert.MatchString(u.EscapedPath()) || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: its certificate is said to be at %q", errSNS, at)
	}
	ctx, cancel := context.WithTimeout(ctx, snsTimeout)
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
		return nil, fmt.Errorf("%w: no certificate at %s", errSNS, at)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSNS, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.certs) >= maxCerts {
		clear(v.certs)
	}
	v.certs[at] = cert
	return cert, nil
}

// confirm subscribes to a topic, by asking for the URL in a verified message.
func (v *snsVerifier) confirm(ctx context.Context, m *snsMessage) error {
	if _, err := snsURL(m.SubscribeURL); err != nil {
		return err
	}
	_, err := v.get(ctx, m.SubscribeURL)
	return err
}

// snsURL returns a URL that leads to SNS and nowhere else.
func snsURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || !snsHost.MatchString(u.Host) {
		return nil, fmt.Errorf("%w: %q is no address of SNS", errSNS, text)
	}
	return u, nil
}

func (v *snsVerifier) get(ctx context.Context, at string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, fmt.Errorf("sns: %w", err)
	}
	resp, err := v.client.Do(r)
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
