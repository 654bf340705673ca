package dialect

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// A Cause is why there is no picture.
type Cause uint8

const (
	BadURL       Cause = iota // it cannot be read
	BadOption                 // a value cannot be read, or there is no such option
	BadSignature              // it is missing or wrong
	Expired                   // the link is over
	NotAllowed                // the source is none of the handler's
	NoSource                  // there is no such source
	NotPicture                // it is no picture, or a broken one
	TooLarge                  // the source is
	Unwritable                // the result cannot be written in that format
	Slow                      // the source does not answer in time
	Down                      // the source does not answer at all
	NotOffered                // the dialect has it, and we do not
	Loop                      // a URL that names itself
	NotRead                   // it is a picture, of a kind that is not read
	NoOverlay                 // the watermark is not there
	causes
)

// statuses are those that a dialect answers with.
type statuses [causes]int

// A Fault is what is wrong with a request, with the status that the dialect
// gives it.
type Fault struct {
	Cause Cause
	// Status is the dialect's for the cause, if nothing else is said.
	Status int
	// Text is one line for the client. It holds nothing that is not in the URL.
	Text string
}

func (f *Fault) Error() string { return f.Text }

// fault fills in what the dialect says about a cause.
func (d *Dialect) fault(f *Fault) *Fault {
	if f.Status == 0 {
		f.Status = d.row.statuses[f.Cause]
	}
	if f.Text == "" {
		f.Text = texts[f.Cause]
	}
	return f
}

// Fault returns the fault for a cause that came up behind [Dialect.Parse].
func (d *Dialect) Fault(c Cause) *Fault {
	f := &Fault{Cause: c}
	if d.row.name == "nextjs" {
		f.Text = nextTexts[c]
	}
	return d.fault(f)
}

var texts = [causes]string{
	"the URL cannot be read", "an option cannot be read", "the signature is missing or wrong", "the link is over", "the source is not allowed",
	"there is no such source", "the source is no picture", "the source is too large", "the picture cannot be written in that format",
	"the source does not answer in time", "the source does not answer", "this is not offered", "the URL names itself", "pictures of this kind are not read", "there is no such watermark",
}

// An Answer is what is sent in place of a picture.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Answer returns what the dialect sends for a fault.
func (d *Dialect) Answer(f *Fault) Answer {
	d.fault(f)
	a := d.row.body(f)
	a.Status = f.Status
	return a
}

var (
	imgproxyStatuses   = statuses{404, 404, 403, 404, 404, 404, 422, 422, 422, 504, 502, 404, 404, 422, 404}
	thumborStatuses    = statuses{400, 400, 400, 400, 400, 404, 400, 400, 400, 504, 502, 501, 400, 400, 400}
	imagorStatuses     = statuses{400, 400, 403, 410, 403, 404, 406, 422, 400, 408, 502, 501, 400, 406, 400}
	nextStatuses       = statuses{400, 400, 400, 400, 400, 400, 400, 400, 400, 504, 502, 400, 400, 400, 400}
	cloudflareStatuses = statuses{400, 400, 403, 403, 403, 404, 415, 413, 400, 524, 522, 501, 508, 415, 404}
	iiifStatuses       = statuses{400, 400, 403, 403, 403, 404, 415, 413, 400, 503, 503, 501, 400, 415, 404}
	imgixStatuses      = statuses{400, 400, 403, 403, 403, 404, 422, 413, 400, 503, 503, 501, 400, 422, 400}
	weservStatuses     = statuses{400, 400, 400, 400, 400, 404, 404, 404, 400, 404, 404, 501, 400, 404, 404}
)

func plainBody(f *Fault) Answer { return textBody("text/plain; charset=utf-8", f.Text) }

func emptyBody(*Fault) Answer { return Answer{Header: http.Header{}} }

func textBody(mediaType, body string) Answer {
	return Answer{Header: http.Header{"Content-Type": {mediaType}, "X-Content-Type-Options": {"nosniff"}}, Body: []byte(body)}
}

func jsonBody(v any) Answer {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of maps and structs of our own
	}
	return textBody("application/json", string(b))
}

func imagorBody(f *Fault) Answer {
	return jsonBody(struct {
		Message string `json:"message"`
		Status  int    `json:"status"`
	}{f.Text, f.Status})
}

func weservBody(f *Fault) Answer {
	return jsonBody(struct {
		Status  string `json:"status"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{"error", f.Status, f.Text})
}

// cloudflareCodes are the numbers in its header Cf-Resized.
var cloudflareCodes = map[Cause]int{BadURL: 9401, BadOption: 9401, NotAllowed: 9401, BadSignature: 9524, Expired: 9524, NoSource: 9404,
	NotPicture: 9412, TooLarge: 9413, Unwritable: 9520, Slow: 9504, Down: 9502, NotOffered: 9401, Loop: 9403, NotRead: 9412, NoOverlay: 9404}

func cloudflareBody(f *Fault) Answer {
	code := cloudflareCodes[f.Cause]
	a := plainBody(&Fault{Text: fmt.Sprintf("ERROR %d: %s", code, f.Text)})
	a.Header.Set("Cf-Resized", fmt.Sprintf("err=%d", code))
	return a
}
