package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tailscale/hujson"
)

// Load reads and validates the configuration file: JSON with // and /* */
// comments, trailing commas, and in strings ${NAME} or ${NAME:-default} for
// environment variables and ${file:PATH} for what a file holds.
// The error joins all faults, each with its place; warnings are unknown keys,
// those that are written twice, references to variables that are written in
// another way, and variables of the environment that stand for
// none, which do not stop a server.
func Load(file string) (c *Config, warnings []*Fault, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("configuration: %w", err)
	}
	return parse(file, data, nil)
}

// LoadEmbedded is [Load] of a configuration inside the binary: name is
// what errors call it, and files holds the files that it names, for those that
// are not in the working directory.
func LoadEmbedded(name string, data []byte, files fs.FS) (*Config, []*Fault, error) {
	return parse(name, data, files)
}

func parse(file string, data []byte, files fs.FS) (*Config, []*Fault, error) {
	// A byte order mark is what some editors leave.
	src := &document{file: file, raw: data, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}
	root, err := hujson.Parse(src.data)
	if err != nil {
		return nil, nil, src.syntaxFault(err)
	}
	src.root = root
	expanded := root.Clone()
	c := &Config{files: files, doc: src}
	if files == nil {
		c.base = filepath.Dir(file)
	}
	found, lookalikes := expandEnv(&expanded, c.referenced)
	found = append(found, decode(expanded, c)...)
	overridden := override(c, &found)
	unread := found[:len(found):len(found)]
	var invalid *joinedFaults
	if errors.As(c.Validate(), &invalid) {
		for _, f := range invalid.faults {
			// What could not be read is missing now: that is no second fault.
			if !slices.ContainsFunc(unread, func(first *Fault) bool { return covers(first.Key, f.Key) }) {
				if slices.Contains(overridden, f.Key) {
					f.Text += " (" + envName(f.Key) + " is set)"
				}
				found = append(found, f)
			}
		}
	}
	warnings := append(unknownKeys(src.root, reflect.TypeFor[Config](), ""), lookalikes...)
	for _, w := range warnings {
		src.locate(w)
	}
	warnings = append(warnings, strayVariables(c, src.data)...)
	if len(found) > 0 {
		return nil, warnings, src.place(found.Join())
	}
	return c, warnings, nil
}

// covers reports whether the value at key holds the one at inner, or is it.
func covers(key, inner string) bool {
	return key == inner || key == "" || strings.HasPrefix(inner, key+".")
}

// A document is a configuration's text, for finding places in it, and what else
// a Server of it was made of.
type document struct {
	file string
	raw  []byte // the whole file
	data []byte
	root hujson.Value

	mu      sync.Mutex
	depends map[string]func() bool // guarded by mu
}

// decode reads v into c and returns a fault for every value of a wrong type,
// which is taken as absent.
func decode(v hujson.Value, c *Config) Faults {
	var found Faults
	for {
		v.Standardize()
		text := v.Pack()
		err := json.Unmarshal(text, c)
		var typeErr *json.UnmarshalTypeError
		if err == nil {
			return found
		}
		if !errors.As(err, &typeErr) {
			return append(found, &Fault{Text: err.Error()})
		}
		// The offset is that of the end of the value in text.
		again, err := hujson.Parse(text)
		if err != nil {
			return append(found, &Fault{Text: err.Error()})
		}
		key := keyAt(again, int(typeErr.Offset), "")
		found = append(found, &Fault{Key: key, Text: fmt.Sprintf("%s cannot be %s", article(typeErr.Value), describe(typeErr.Type)) + listHint(typeErr)})
		node, _ := lookUp(&again, key)
		if node == nil || key == "" || node.Value.Kind() == 'n' {
			return found
		}
		node.Value = hujson.Literal("null")
		v = again
	}
}

// lookUp returns the value below v at a path of keys, and where it begins in the
// text: the name of a member, the value of an element. It is nil if there is
// none.
func lookUp(v *hujson.Value, key string) (value *hujson.Value, offset int) {
	offset = v.StartOffset
	for part := range strings.SplitSeq(key, ".") {
		switch t := v.Value.(type) {
		case *hujson.Object:
			m := findMember(t, part)
			if m == nil {
				return nil, 0
			}
			v, offset = &m.Value, m.Name.StartOffset
		case *hujson.Array:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(t.Elements) {
				return nil, 0
			}
			v = &t.Elements[i]
			offset = v.StartOffset
		default:
			return nil, 0
		}
	}
	return v, offset
}

// article puts "a" or "an" before a kind of JSON value.
func article(kind string) string {
	if strings.HasPrefix(kind, "array") || strings.HasPrefix(kind, "object") {
		return "an " + kind
	}
	return "a " + kind
}

// listHint says how a list of objects is written, where one object stands.
func listHint(err *json.UnmarshalTypeError) string {
	if err.Value == "object" && err.Type.Kind() == reflect.Slice {
		return ": put brackets around it, as in [{…}, {…}]"
	}
	return ""
}

func describe(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

// place gives the faults that are joined in err their place in the file, and
// that order.
func (d *document) place(err error) error {
	var joined *joinedFaults
	if errors.As(err, &joined) {
		for _, f := range joined.faults {
			d.locate(f)
		}
		slices.SortStableFunc(joined.faults, func(a, b *Fault) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
	}
	return err
}

// Place gives every fault of a joined error its place in the file that the
// configuration was read from, if there is one.
func (c *Config) Place(err error) error {
	if c.doc == nil {
		return err
	}
	return c.doc.place(err)
}

// locate sets file, line and column of f from its key, or from the nearest
// enclosing key that is in the file.
func (d *document) locate(f *Fault) {
	f.File = d.file
	key := f.Key
	for {
		if value, offset := lookUp(&d.root, key); value != nil {
			f.Line, f.Column = d.position(offset)
			return
		}
		i := strings.LastIndexByte(key, '.')
		if i < 0 {
			f.Line, f.Column = 1, 1
			return
		}
		key = key[:i]
	}
}

// findMember returns the last member of that name, as encoding/json does, in
// any case of its letters.
func findMember(o *hujson.Object, name string) *hujson.ObjectMember {
	for i := len(o.Members) - 1; i >= 0; i-- {
		if strings.EqualFold(memberName(&o.Members[i]), name) {
			return &o.Members[i]
		}
	}
	return nil
}

func memberName(m *hujson.ObjectMember) string {
	return m.Name.Value.(hujson.Literal).String()
}

func (d *document) position(offset int) (line, column int) {
	before := d.data[:min(offset, len(d.data))]
	return 1 + bytes.Count(before, []byte("\n")), 1 + len(before) - (bytes.LastIndexByte(before, '\n') + 1)
}

var hujsonPlace = regexp.MustCompile(`^hujson: line (\d+), column (\d+): `)

// syntaxFault makes a Fault of the parser's error, which names its place in
// words.
func (d *document) syntaxFault(err error) error {
	f := &Fault{File: d.file, Text: strings.TrimPrefix(err.Error(), "hujson: ")}
	if m := hujsonPlace.FindStringSubmatch(err.Error()); m != nil {
		f.Line, _ = strconv.Atoi(m[1]) // digits, as the expression says
		f.Column, _ = strconv.Atoi(m[2])
		f.Text = strings.TrimPrefix(err.Error(), m[0])
	}
	return f
}

// keyAt returns the path of the innermost value that holds offset.
func keyAt(v hujson.Value, offset int, path string) string {
	inside := func(c hujson.Value) bool { return c.StartOffset <= offset && offset <= c.EndOffset }
	switch t := v.Value.(type) {
	case *hujson.Object:
		for i := range t.Members {
			if m := &t.Members[i]; inside(m.Value) {
				return keyAt(m.Value, offset, join(path, memberName(m)))
			}
		}
	case *hujson.Array:
		for i := range t.Elements {
			if inside(t.Elements[i]) {
				return keyAt(t.Elements[i], offset, join(path, strconv.Itoa(i)))
			}
		}
	}
	return path
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// envReference matches ${NAME}, ${NAME:-default} and ${file:PATH}; envLookalike what
// other programs would replace too, and we do not.
var (
	envReference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?|file:[^{}]+)\}`)
	envLookalike = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(:?[-+=?]|[#%/^,@:])[^{}]*\}`)
)

// fileReference begins a reference to a file, as ${file:/run/secrets/key} is.
const fileReference = "${file:"

// mostReferenced is how long a file may be that stands in a string, in bytes.
const mostReferenced = 64 << 10

// expandEnv replaces ${NAME} in every string value below v, and returns a fault
// for every name that is not set. ${NAME:-default} is the default where the
// variable is not set, or empty, as in shells; ${file:PATH} is what the file holds,
// as read returns it. Any other "$" stays as it is; a warning is what looks like a
// reference of another kind.
func expandEnv(v *hujson.Value, read func(file string) (string, error)) (faults, warnings Faults) {
	var walk func(v *hujson.Value, path string)
	walk = func(v *hujson.Value, path string) {
		switch t := v.Value.(type) {
		case *hujson.Object:
			for i := range t.Members {
				walk(&t.Members[i].Value, join(path, memberName(&t.Members[i])))
			}
		case *hujson.Array:
			for i := range t.Elements {
				walk(&t.Elements[i], join(path, strconv.Itoa(i)))
			}
		case hujson.Literal:
			if t.Kind() != '"' {
				return
			}
			for _, ref := range envLookalike.FindAllString(t.String(), -1) {
				if !envReference.MatchString(ref) {
					warnings.Add(path, "%s is taken literally: only ${NAME}, ${NAME:-default} and ${file:PATH} are replaced", ref)
				}
			}
			v.Value = hujson.String(envReference.ReplaceAllStringFunc(t.String(), func(ref string) string {
				if file, ok := strings.CutPrefix(ref, fileReference); ok {
					text, err := read(strings.TrimSuffix(file, "}"))
					if err != nil {
						faults.Add(path, "%v", err)
					}
					return text
				}
				name, otherwise, optional := strings.Cut(ref[2:len(ref)-1], ":-")
				value, ok := os.LookupEnv(name)
				switch {
				case optional && value == "":
					return otherwise
				case !ok:
					faults.Add(path, "the environment variable %s is not set", name)
				}
				return value
			}))
		}
	}
	walk(v, "")
	return faults, warnings
}

// unknownKeys returns a fault for every key below v that t has no field for, and
// for every one that is there a second time.
func unknownKeys(v hujson.Value, t reflect.Type, path string) []*Fault {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var found []*Fault
	switch value := v.Value.(type) {
	case *hujson.Array:
		if t.Kind() == reflect.Slice {
			for i := range value.Elements {
				found = append(found, unknownKeys(value.Elements[i], t.Elem(), join(path, strconv.Itoa(i)))...)
			}
		}
	case *hujson.Object:
		seen := map[string]bool{}
		for i := range value.Members {
			name := memberName(&value.Members[i])
			same := name
			if t.Kind() == reflect.Struct {
				same = strings.ToLower(name)
			}
			if seen[same] {
				found = append(found, &Fault{Key: join(path, name), Text: "is written twice"})
			}
			seen[same] = true
		}
		if t.Kind() == reflect.Map {
			for i := range value.Members {
				found = append(found, unknownKeys(value.Members[i].Value, t.Elem(), join(path, memberName(&value.Members[i])))...)
			}
			return found
		}
		if t.Kind() != reflect.Struct {
			return found
		}
		known := map[string]reflect.Type{}
		for _, field := range reflect.VisibleFields(t) {
			if name := field.Tag.Get("json"); name != "" && name != "-" {
				known[name] = field.Type
			}
		}
		for i := range value.Members {
			name := memberName(&value.Members[i])
			if path == "" && name == "$schema" {
				continue // for editors
			}
			field, ok := known[strings.ToLower(name)]
			if !ok {
				found = append(found, &Fault{Key: join(path, name), Text: "unknown key" + suggestion(name, slices.Sorted(maps.Keys(known)))})
				continue
			}
			found = append(found, unknownKeys(value.Members[i].Value, field, join(path, name))...)
		}
	}
	return found
}

// suggestion names the one of the known names that is nearest to name, if it is near:
// at most a third of its letters are others.
func suggestion(name string, known []string) string {
	if near := nearest(name, known, len(strings.TrimPrefix(name, envPrefix))/3+1); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// nearest returns the known name that fewer than least letters tell from name, in
// capitals or not, and as few as can be; "" if there is none.
func nearest(name string, known []string, least int) (near string) {
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			near, least = k, d
		}
	}
	return near
}

// HandlerKey returns the key of a handler.
func HandlerKey(i int) string { return "handlers." + strconv.Itoa(i) }
