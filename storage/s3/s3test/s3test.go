// Package s3test starts real S3 servers for tests: MinIO and versitygw as
// processes of their own on the loopback interface, and a scripted fake on raw
// TCP for faults that a good server never shows.
package s3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/notification"

	"s3imageserver/testserver"
)

// A Program is an S3 server that can be started.
type Program struct {
	name    string
	env     string // names a binary to use instead
	install string // argument of go install
	args    func(address, folder string) []string
	keys    func(access, secret string) []string
}

// The servers that tests run against.
var (
	MinIO = Program{
		name:    "minio",
		env:     "MINIO_BIN",
		install: "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c",
		args: func(address, folder string) []string {
			return []string{"server", "--quiet", "--address", address, "--console-address", "127.0.0.1:0", folder}
		},
		keys: func(access, secret string) []string {
			return []string{"MINIO_ROOT_USER=" + access, "MINIO_ROOT_PASSWORD=" + secret, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1"}
		},
	}
	VersityGW = Program{
		name:    "versitygw",
		env:     "VERSITYGW_BIN",
		install: "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
		args: func(address, folder string) []string {
			return []string{"--port", address, "--quiet", "posix", folder}
		},
		keys: func(access, secret string) []string {
			return []string{"ROOT_ACCESS_KEY=" + access, "ROOT_SECRET_KEY=" + secret}
		},
	}
)

// Keys of every started server.
const (
	AccessKey = "test-access-key"
	SecretKey = "test-secret-key"
)

// A Server is a running S3 server. Its methods fail the test on errors.
type Server struct {
	Endpoint string // an http URL on the loopback interface

	program Program
	path    string
	address string
	folder  string
	env     []string
	process *exec.Cmd
	log     *bytes.Buffer
	client  *minio.Client
}

// Start runs the program on a loopback port of its own over a temporary folder, and
// stops it when the test ends. Without the binary the test is skipped; with
// CI=true it is installed once into the user's cache folder, and where that is
// impossible the test fails. env is added to the server's environment.
func Start(t testing.TB, p Program, env ...string) *Server {
	t.Helper()
	path := p.Path(t)
	address := fmt.Sprintf("127.0.0.1:%d", testserver.Port(t))
	s := &Server{
		Endpoint: "http://" + address,
		program:  p, path: path, address: address, folder: t.TempDir(), env: env,
	}
	var err error
	region := "us-east-1"
	for _, e := range env {
		if r, ok := strings.CutPrefix(e, "MINIO_SITE_REGION="); ok {
			region = r
		}
	}
	s.client, err = minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: region})
	if err != nil {
		t.Fatal(err)
	}
	s.Resume(t)
	t.Cleanup(func() { s.Stop(t) })
	return s
}

// Resume starts a stopped server again, on the same port and folder.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.log = new(bytes.Buffer)
	s.process = exec.Command(s.path, s.program.args(s.address, s.folder)...)
	s.process.Env = slices.Concat(os.Environ(), s.program.keys(AccessKey, SecretKey), s.env)
	s.process.Stdout, s.process.Stderr = s.log, s.log
	if err := s.process.Start(); err != nil {
		t.Fatalf("s3test: %v", err)
	}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		_, err := s.client.ListBuckets(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.Stop(t)
			t.Fatalf("s3test: %s does not answer: %v\n%s", s.program.name, err, s.log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Stop ends the server's process; its objects stay. Stopping twice is fine.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill() // may have ended by itself
	_ = s.process.Wait()         // reports the kill
	s.process = nil
}

// Install is what go install is given to build the program.
func (p Program) Install() string { return p.install }

// Path returns where the program is. Without it, it is installed, or the test
// ends, as Start says.
func (p Program) Path(t testing.TB) string {
	t.Helper()
	path, err := p.find()
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "true" {
		t.Skipf("s3test: not tested against %s: %v; it is built by CI=true go test -tags nodynamic -timeout 60m -run TestInstalled ./storage/s3/s3test", p.name, err)
	}
	if path, err = p.build(); err != nil {
		t.Fatalf("s3test: %v", err)
	}
	return path
}

// MakeBucket creates a bucket.
func (s *Server) MakeBucket(t testing.TB, bucket string) {
	t.Helper()
	if err := s.client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatalf("s3test: make bucket %s: %v", bucket, err)
	}
}

// Notify lets the server tell the target of that ARN of every object that is
// written to a bucket or removed from it.
func (s *Server) Notify(t testing.TB, bucket, arn string) {
	t.Helper()
	target, err := notification.NewArnFromString(arn)
	if err != nil {
		t.Fatal(err)
	}
	var c notification.Configuration
	n := notification.NewConfig(target)
	n.AddEvents(notification.ObjectCreatedAll, notification.ObjectRemovedAll)
	c.AddQueue(n)
	if err := s.client.SetBucketNotification(t.Context(), bucket, c); err != nil {
		t.Fatalf("s3test: notifications of %s: %v\n%s", bucket, err, s.log)
	}
}

// Put stores one object.
func (s *Server) Put(t testing.TB, bucket, key string, data []byte) {
	t.Helper()
	s.PutMeta(t, bucket, key, data, nil)
}

// PutMeta is Put with user metadata. It returns the version, "" if the bucket
// keeps none.
func (s *Server) PutMeta(t testing.TB, bucket, key string, data []byte, meta map[string]string) (version string) {
	t.Helper()
	info, err := s.client.PutObject(context.WithoutCancel(t.Context()), bucket, key, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{UserMetadata: meta})
	if err != nil {
		t.Fatalf("s3test: put %s/%s: %v", bucket, key, err)
	}
	return info.VersionID
}

// PutEncoded stores an object with a Content-Encoding.
func (s *Server) PutEncoded(t testing.TB, bucket, key string, data []byte, coding string) {
	t.Helper()
	o := minio.PutObjectOptions{ContentEncoding: coding}
	if _, err := s.client.PutObject(context.WithoutCancel(t.Context()), bucket, key, bytes.NewReader(data), int64(len(data)), o); err != nil {
		t.Fatalf("s3test: put %s/%s: %v", bucket, key, err)
	}
}

// Allow lets everybody, without keys, do these actions in a bucket and nothing
// else, as in s3:GetObject.
func (s *Server) Allow(t testing.TB, bucket string, actions ...string) {
	t.Helper()
	policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["%s"], "Resource": ["arn:aws:s3:::%s", "arn:aws:s3:::%s/*"]}]}`, strings.Join(actions, `", "`), bucket, bucket)
	if err := s.client.SetBucketPolicy(t.Context(), bucket, policy); err != nil {
		t.Fatalf("s3test: policy of %s: %v", bucket, err)
	}
}

// KeepVersions makes a bucket keep the versions of its objects.
func (s *Server) KeepVersions(t testing.TB, bucket string) {
	t.Helper()
	if err := s.client.EnableVersioning(t.Context(), bucket); err != nil {
		t.Fatalf("s3test: versions of %s: %v", bucket, err)
	}
}

// PutFolder stores every file below folder under its slash-separated path.
func (s *Server) PutFolder(t testing.TB, bucket, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		s.Put(t, bucket, filepath.ToSlash(rel), data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// find returns the path of the program's binary: from the environment, the
// PATH, or the user's cache folder.
func (p Program) find() (string, error) {
	if path := os.Getenv(p.env); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath(p.name); err == nil {
		return path, nil
	}
	bin, err := binFolder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(bin, p.name)
	_, err = os.Stat(path)
	return path, err
}

// build installs the program in the user's cache folder, which takes minutes, and
// returns its path.
func (p Program) build() (string, error) {
	bin, err := binFolder()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "s3test: installing %s into %s, once; this takes a few minutes\n", p.install, bin)
	cmd := exec.Command("go", "install", p.install)
	cmd.Dir = os.TempDir() // outside this module
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s: %w\n%s", p.install, err, lastLines(out, 5))
	}
	return filepath.Join(bin, p.name), nil
}

// binFolder is where programs are installed.
func binFolder() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "s3imageserver", "bin"), err
}

func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Fake listens on a loopback port and hands every request to answer, which
// writes what it likes to the connection; the connection is closed after it.
// It returns the server's URL. Fake ends with the test.
func Fake(t testing.TB, answer func(conn net.Conn, r *http.Request)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			go func() {
				defer conn.Close()
				r, err := readRequest(conn)
				if err != nil {
					return // the client went away
				}
				answer(conn, r)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // ends the loop above
		<-done
	})
	return "http://" + l.Addr().String()
}

// Has reports whether there are at least n objects below a prefix of a bucket.
func (s *Server) Has(t testing.TB, bucket, prefix string, n int) bool {
	t.Helper()
	for o := range s.client.ListObjectsIter(t.Context(), bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			t.Fatalf("s3test: list %s: %v", bucket, o.Err)
		}
		if n--; n <= 0 {
			return true
		}
	}
	return n <= 0
}
