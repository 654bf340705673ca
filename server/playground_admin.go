package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	sessionCookie = "s3imageserver_admin"
	sessionTime   = 12 * time.Hour
	loginPath     = "/login"
	maxLoginBytes = 4 << 10
)

// operatorPages is the playground on the listener for operators, with the pictures of all
// handlers. If there is a token, a login page asks for it once.
type operatorPages struct {
	server *Server
	page   http.Handler
}

func newOperatorPages(s *Server) *operatorPages {
	return &operatorPages{s, newPlayground(s, true)}
}

// has reports whether a request is for one of the pages, or a picture of one.
func (p *operatorPages) has(r *http.Request) bool {
	if c := &p.server.config.Admin; c.Playground != nil && !*c.Playground {
		return false
	}
	path := r.URL.Path
	if path == "/" || path == loginPath || strings.HasPrefix(path, playgroundPath) {
		return true
	}
	// The page makes no URLs of a dialect; a handler of one may have all paths, those
	// of this listener too.
	h := p.server.handlerOf(r)
	return !strings.HasPrefix(path, "/debug/pprof/") && h != nil && h.dialect == nil
}

// ServeHTTP implements [http.Handler] for requests that has accepts.
func (p *operatorPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &p.server.config.Admin
	switch {
	case r.URL.Path == loginPath:
		p.login(w, r)
	case r.URL.Path == playgroundPath+"style.css": // the form needs it too
		p.page.ServeHTTP(w, r)
	case c.Token != "" && !authorized(c, r) && !hasSession(c, r, time.Now()):
		p.askForToken(w, r)
	case r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, playgroundPath):
		p.page.ServeHTTP(w, r)
	default:
		p.server.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), operatorKey{}, true)))
	}
}

// operatorKey marks the context of a request by an operator.
type operatorKey struct{}

// byOperator reports whether a request came from the playground of operators.
func byOperator(r *http.Request) bool { return r.Context().Value(operatorKey{}) != nil }

func localHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "localhost" || net.ParseIP(strings.Trim(name, "[]")).IsLoopback()
}

func (p *operatorPages) askForToken(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		writeText(w, http.StatusUnauthorized, "admin.token is required: open / in a browser")
		return
	}
	serveLogin(w, http.StatusUnauthorized, "")
}

// serveLogin answers with the form that takes the token.
func serveLogin(w http.ResponseWriter, status int, fault string) {
	servePage(w, status, "login.html", page{Title: "Playground", Base: "_playground/", Fault: fault})
}

// login takes the token from the form and gives a session for it.
func (p *operatorPages) login(w http.ResponseWriter, r *http.Request) {
	c := &p.server.config.Admin
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		writeText(w, http.StatusMethodNotAllowed, "the token is sent by POST")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLoginBytes)
	if c.Token == "" || !hmac.Equal([]byte(strings.TrimSpace(r.PostFormValue("token"))), []byte(c.Token)) {
		p.server.log.Warn("playground: a wrong token", "client", r.RemoteAddr)
		serveLogin(w, http.StatusForbidden, "This is not the token.")
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: sessionUntil(c, time.Now().Add(sessionTime)), Path: "/", MaxAge: int(sessionTime / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	http.Redirect(w, r, "./", http.StatusSeeOther)
}

// sessionUntil returns the value of the session cookie: the end of the session, and a MAC
// of it by the token.
func sessionUntil(a *AdminConfig, ends time.Time) string {
	end := strconv.FormatInt(ends.Unix(), 10)
	sum := hmac.New(sha256.New, []byte(a.Token))
	_, _ = sum.Write([]byte("session until " + end)) // a hash never fails
	return end + "." + hex.EncodeToString(sum.Sum(nil))
}

// hasSession reports whether a request has the cookie of a session that has not ended.
func hasSession(a *AdminConfig, r *http.Request, now time.Time) bool {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return false
	}
	end, _, _ := strings.Cut(cookie.Value, ".")
	seconds, err := strconv.ParseInt(end, 10, 64)
	if err != nil || now.Unix() >= seconds || time.Unix(seconds, 0).After(now.Add(sessionTime)) {
		return false
	}
	return hmac.Equal([]byte(cookie.Value), []byte(sessionUntil(a, time.Unix(seconds, 0))))
}
