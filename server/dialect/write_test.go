package dialect

import (
	"strings"
	"testing"

	"s3imageserver/resize"
)

// What is written asks for what it should, in the words of each dialect; "" where
// there are none.
func TestWrite(t *testing.T) {
	for _, tt := range []struct{ dialect, query, want string }{
		{"imgproxy", "", "/unsigned/plain/a/b.jpg"},
		{"imgproxy", "w=300", "/unsigned/rs:fit:300:/plain/a/b.jpg"},
		{"imgproxy", "w=300&h=200&g=nw&f=webp&q=60", "/unsigned/rs:fill:300:200/g:nowe/q:60/plain/a/b.jpg@webp"},
		{"imgproxy", "w=400&padding=10,20,10,20&bg=ff0000", "/unsigned/rs:fit:400:/bg:ff0000/pd:10:20:10:20/plain/a/b.jpg"},
		{"imgproxy", "crop=10,20,300,200&blur=2&w=150", "/unsigned/c:300:200:nowe:10:20/rs:fit:150:/bl:2/plain/a/b.jpg"},
		{"imgproxy", "rot=90&flip=h", "/unsigned/rot:90/fl:1:0/plain/a/b.jpg"},
		{"imgproxy", "txt=hello", ""},
		{"imgproxy", "gray=true", ""},
		{"thumbor", "w=300&h=200&enlarge=true&g=smart", "/unsafe/300x200/smart/a/b.jpg"},
		{"thumbor", "w=300&h=200&fit=contain&gray=true&q=70", "/unsafe/fit-in/300x200/filters:quality(70):grayscale()/a/b.jpg"},
		{"thumbor", "trim=20,se&w=50&h=50&f=png", "/unsafe/trim:bottom-right:20/50x50/filters:no_upscale():format(png)/a/b.jpg"},
		{"thumbor", "hue=90", ""},
		{"imagor", "w=300&h=200&fit=stretch&enlarge=true&hue=90", "/unsafe/stretch/300x200/filters:hue(90)/a/b.jpg"},
		{"nextjs", "w=640", "/_next/image?url=%2Fa%2Fb.jpg&w=640&q=75"},
		{"nextjs", "w=641", ""},
		{"nextjs", "w=640&h=640", ""},
		{"cloudflare", "w=300&h=200&fit=contain", "/cdn-cgi/image/width=300,height=200,fit=scale-down/a/b.jpg"},
		{"cloudflare", "w=300&h=200&f=jpeg&bg=ff0000", "/cdn-cgi/image/width=300,height=200,fit=crop,format=jpeg,background=%23ff0000/a/b.jpg"},
		{"iiif", "w=300", "/a%2Fb.jpg/full/300,/0/default.jpg"},
		{"iiif", "w=300&h=300&bitonal=true&f=png", "/a%2Fb.jpg/square/300,300/0/bitonal.png"},
		{"iiif", "crop=10,20,300,200&rot=90", "/a%2Fb.jpg/10,20,300,200/max/90/default.jpg"},
		{"iiif", "w=300&blur=2", ""},
		{"imgix", "w=300&h=200&enlarge=true&g=se&blur=2", "/a/b.jpg?w=300&h=200&fit=crop&crop=bottom,right&blur=20"},
		{"imgix", "w=300&bg=11223380&f=jpeg", "/a/b.jpg?w=300&fit=max&bg=80112233&fm=jpg"},
		{"weserv", "w=300&h=200&g=ne", "/?url=http%3A//example.org/a/b.jpg&w=300&h=200&fit=cover&we&a=top-right"},
		{"weserv", "w=100&sepia=100&f=png", "/?url=http%3A//example.org/a/b.jpg&w=100&fit=inside&we&output=png&filt=sepia"},
	} {
		d := open(t, tt.dialect)
		o := resize.ParseOptions(resize.ParseQuery(tt.query).Get, 3064)
		got, ok := d.Write("a/b.jpg", o, Picture{Width: 4000, Height: 3000, Format: resize.JPEG})
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: Write(%s) = %q, %v; want %q", tt.dialect, tt.query, got, ok, tt.want)
		}
	}
}

// URLs of dialects with keys are signed, and names are escaped so that they are
// read again.
func TestWriteSignedAndEscaped(t *testing.T) {
	p := Picture{Width: 4000, Height: 3000, Format: resize.JPEG}
	o := resize.Options{Width: 640}
	for _, s := range []Settings{
		{Name: "imgproxy", Keys: []KeyPair{{"00ff", "11"}}, SignatureSize: 20}, {Name: "imgproxy", TrustedSignatures: []string{"trusted"}},
		{Name: "thumbor", Secret: "s"}, {Name: "imagor", Secret: "s", Signer: "sha256", SignerTruncate: 40}, {Name: "imgix", Token: "t"},
		{Name: "cloudflare", Secret: "s"}, {Name: "cloudflare"}, {Name: "nextjs"}, {Name: "iiif"}, {Name: "weserv"},
	} {
		for _, name := range []string{"a.jpg", "Ärger/ein Bild (1).jpg", "50%.jpg", "a@2x.jpg", "a?b#c&d=e+f.jpg", "a,b;c:d.jpg", "smart/a.jpg"} {
			s.SourceMap = []Mapping{{"https://cdn.example.org/p/", ""}}
			d, err := New(s, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			text, ok := d.Write(name, o, p)
			if !ok {
				t.Errorf("%s: no URL for %q", s.Name, name)
				continue
			}
			path, query, _ := strings.Cut(text, "?")
			r, err := d.Parse(Call{Path: path, Query: query})
			if err != nil || r.Source.Name != name {
				t.Errorf("%s: %s is %v, %v; want %q", s.Name, text, r, err, name)
			}
		}
	}
}
