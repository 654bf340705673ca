package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/config"
)

// tokens lets in who shows a JSON Web Token (RFC 7519) that was signed with one
// of the keys.
type tokens struct {
	config *config.JWTConfig
	keys   keyrings
	parser *jwt.Parser
}

const (
	maxTokenBytes = 8 << 10
	// maxTokenYears is how far in the future a token may end.
	maxTokenYears = 100
)

func newTokens(c *config.JWTConfig, keys keyrings) *tokens {
	options := []jwt.ParserOption{
		jwt.WithLeeway(config.Seconds(int64(*c.Leeway))),
		jwt.WithStrictDecoding(),
		jwt.WithIssuedAt(),
	}
	if *c.RequireExp {
		options = append(options, jwt.WithExpirationRequired())
	}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	return &tokens{c, keys, jwt.NewParser(options...)}
}

// claims are what a token says.
type claims struct {
	jwt.RegisteredClaims
	Img *Policy `json:"img"`
}

// GetExpirationTime takes an end at 0 for none, as the first tokens of this
// server were read.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) {
	if c.ExpiresAt != nil && c.ExpiresAt.Unix() == 0 {
		return nil, nil
	}
	return c.ExpiresAt, nil
}

// Authorize implements [scheme].
func (t *tokens) Authorize(r *http.Request, u URL) (Grant, error) {
	text, header := t.shown(r, u)
	if text == "" {
		return Grant{}, fmt.Errorf("%w: no token", ErrVerification)
	}
	c, err := t.verify(r.Context(), text)
	if errors.Is(err, ErrNoKeys) {
		return Grant{}, err // it may be good: that is for nobody to say now
	}
	if err != nil {
		return Grant{}, fmt.Errorf("%w: %w", ErrVerification, err)
	}
	g := Grant{By: "token", Private: true, Client: c.Subject, Policy: c.Img}
	if header != "" {
		g.Vary = []string{header}
	}
	if g.Client == "" {
		hash := sha256.Sum256([]byte(text))
		g.Client = hex.EncodeToString(hash[:8])
	}
	if end, _ := c.GetExpirationTime(); end != nil { // it has no error
		g.Expires = end.Time
	}
	return g, nil
}

// shown returns the token that a request shows: in the URL, else as a bearer,
// else in the cookie; and the header that it was in.
func (t *tokens) shown(r *http.Request, u URL) (text, header string) {
	if text := u.Parameters().Get(config.TokenParam); text != "" {
		return text, ""
	}
	if scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(text), "Authorization"
	}
	if t.config.Cookie != "" {
		if cookie, err := r.Cookie(t.config.Cookie); err == nil {
			return cookie.Value, "Cookie"
		}
	}
	return "", ""
}

// What is wrong with a token. Nothing of the token itself is said: it would be
// in the log.
var (
	errTokenForm     = errors.New("not a token of three parts and at most 8 kB")
	errTokenCritical = errors.New("the token has critical extensions (crit)")
	errTokenLifetime = errors.New("the token lasts longer than max_lifetime")
)

// verify returns what a token says, if it holds.
func (t *tokens) verify(ctx context.Context, text string) (*claims, error) {
	if len(text) > maxTokenBytes || strings.Count(text, ".") != 2 || !objectInside(text) {
		return nil, errTokenForm
	}
	c, missing := new(claims), false
	token, err := t.parser.ParseWithClaims(text, c, func(token *jwt.Token) (any, error) {
		if _, ok := token.Header["crit"]; ok {
			return nil, errTokenCritical
		}
		keys, some, err := t.keys.find(ctx, token)
		missing = some
		return keys, err
	})
	if missing && errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		return nil, ErrNoKeys
	}
	if err != nil {
		return nil, tokenFault(err)
	}
	if !token.Valid { // it is where there was no error
		return nil, jwt.ErrTokenUnverifiable
	}
	return c, t.lasts(c, time.Now())
}

// lasts checks for how long a token holds.
func (t *tokens) lasts(c *claims, now time.Time) error {
	end, _ := c.GetExpirationTime() // it has no error
	if end == nil {
		return nil
	}
	if end.After(now.AddDate(maxTokenYears, 0, 0)) {
		return errTokenLifetime
	}
	most := config.Seconds(t.config.MaxLifetime)
	if most == 0 {
		return nil
	}
	begin := now
	if c.IssuedAt != nil && c.IssuedAt.Before(begin) {
		begin = c.IssuedAt.Time
	}
	if end.Sub(begin) > most+config.Seconds(int64(*t.config.Leeway)) {
		return errTokenLifetime
	}
	return nil
}

// objectInside reports whether the second part of a token is a JSON object, as
// far as its first byte says.
func objectInside(token string) bool {
	_, rest, _ := strings.Cut(token, ".")
	part, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{"))
}

// tokenFault returns the reason without the words of the token that the library
// puts in.
func tokenFault(err error) error {
	for _, reason := range []error{
		errTokenCritical, errKey, ErrNoKeys, jwt.ErrTokenMalformed, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet,
		jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenRequiredClaimMissing, jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer,
	} {
		if errors.Is(err, reason) {
			return reason
		}
	}
	return jwt.ErrTokenUnverifiable
}
