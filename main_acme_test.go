package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3imageserver/testserver"

	"golang.org/x/net/dns/dnsmessage"
)

const pebbleModule = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1"

// pebble returns the binary of the test authority: from the environment, the
// PATH, or the user's cache folder, where it is installed if it is missing.
func pebble(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("PEBBLE_BIN"); path != "" {
		return path
	}
	if path, err := exec.LookPath("pebble"); err == nil {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(cache, "s3imageserver", "bin")
	path := filepath.Join(bin, "pebble")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command("go", "install", pebbleModule)
	cmd.Dir = os.TempDir() // outside this module
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("go install %s: %v\n%s", pebbleModule, err, out)
		}
		t.Skipf("certificates by ACME are not tested: go install %s: %v\n%s", pebbleModule, err, out)
	}
	return path
}

// everythingIsHere is a name server to whom every name is 127.0.0.1. It is asked
// by TCP (RFC 1035, section 4.2.2).
func everythingIsHere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for answerName(conn) == nil {
				}
			}()
		}
	}()
	return l.Addr().String()
}

// answerName reads one question and answers it.
func answerName(conn net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	question := make([]byte, int(length[0])<<8|int(length[1]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return err
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			})
		}
	}
	answer, err := m.Pack()
	if err != nil {
		return err
	}
	_, err = conn.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...))
	return err
}

// startPebble starts the authority, which looks for proofs on these ports, and
// returns the URL of its directory and the file with its certificate.
func startPebble(t *testing.T, httpPort, httpsPort int) (directory, caFile string) {
	t.Helper()
	binary, folder := pebble(t), t.TempDir()
	writeCertificate(t, folder, "cert.pem", "key.pem")
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	port := testserver.Port(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprintf("127.0.0.1:%d", port), "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", testserver.Port(t)),
		"certificate": certFile, "privateKey": keyFile, "httpPort": httpPort, "tlsPort": httpsPort,
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"description": "for tests", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-config", file, "-dnsserver", everythingIsHere(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	log := testserver.Run(t, cmd).Output
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("pebble:\n%s", log)
		}
	})
	for deadline := time.Now().Add(testserver.Patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("pebble does not answer:\n%s", log)
		}
	}
	return fmt.Sprintf("https://127.0.0.1:%d/dir", port), certFile
}

// The server gets its certificate by itself, by either kind of proof, before a
// client comes; keeps it over a restart; and gets none for other names.
func TestACME(t *testing.T) {
	for _, proof := range []string{"tls-alpn-01", "http-01"} {
		t.Run(proof, func(t *testing.T) {
			httpPort, httpsPort := testserver.Port(t), testserver.Port(t)
			seenHTTPS := httpsPort
			if proof == "http-01" {
				seenHTTPS = testserver.Port(t) // where nobody listens
			}
			directory, caFile := startPebble(t, httpPort, seenHTTPS)
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "photo.jpg"), testserver.Photo(t, 60, 40), 0o644); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(map[string]any{
				"http_port": httpPort, "https_port": httpsPort, "https_enabled": true, "https_strict": true, "listen": "127.0.0.1",
				"handlers": []any{map[string]any{"name": "h", "source": map[string]any{"dir": folder}}},
				"log":      map[string]any{"level": "debug"},
				"acme":     map[string]any{"hosts": []string{"img.example.test"}, "accept_terms": true, "email": "operator@example.test", "cache": filepath.Join(folder, "acme"), "directory_url": directory, "ca_file": caFile},
			})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(folder, "config.json")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			serial := func() string {
				cmd := exec.Command(testserver.Binary(t), "-c", file)
				cmd.Dir = folder
				p := testserver.Run(t, cmd)
				defer p.Kill() // the test is done with it
				log := p.Output
				for deadline := time.Now().Add(testserver.Patience); !strings.Contains(log.String(), "host=img.example.test"); time.Sleep(20 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("no certificate:\n%s", log)
					}
				}
				config := &tls.Config{ServerName: "img.example.test", InsecureSkipVerify: true} // its root is made anew each time
				conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", httpsPort), config)
				if err != nil {
					t.Fatalf("%v\n%s", err, log)
				}
				defer conn.Close()
				leaf := conn.ConnectionState().PeerCertificates[0]
				if leaf.VerifyHostname("img.example.test") != nil || !strings.Contains(leaf.Issuer.CommonName, "Pebble") {
					t.Errorf("certificate for %v by %s", leaf.DNSNames, leaf.Issuer)
				}
				if _, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", httpsPort), &tls.Config{ServerName: "other.example.test", InsecureSkipVerify: true}); err == nil {
					t.Error("a client of another name gets a certificate")
				}
				client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: testserver.Patience}
				r, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/h/photo.jpg?w=30", httpsPort))
				if err != nil {
					t.Fatal(err)
				}
				r.Body.Close()
				if r.StatusCode != 200 {
					t.Errorf("picture by HTTPS = %d", r.StatusCode)
				}
				return leaf.SerialNumber.String()
			}
			first := serial()
			if again := serial(); again != first {
				t.Error("the certificate was not kept over a restart")
			}
		})
	}
}

// writeCertificate makes a self-signed certificate for 127.0.0.1 in folder.
func writeCertificate(t *testing.T, folder, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(folder, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
