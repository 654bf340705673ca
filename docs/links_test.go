package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"s3imageserver/resize"
	"s3imageserver/server"
)

// pages returns all Markdown files of the repository.
func pages(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == ".work" || d.Name() == "node_modules" || d.Name() == "cache" && filepath.Dir(path) == "."):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d pages: %v", len(files), files)
	}
	return files
}

var (
	fence     = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	linkTo    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)
	heading   = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	externals = regexp.MustCompile(`^(https?|mailto):`)
)

// anchors returns what links to the headings of a page are, as forges make
// them: small letters, hyphens for spaces, no punctuation.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		found[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return found
}

// Every relative link leads to a file of the repository, and to a heading
// where it names one. Links to other sites are not followed.
func TestLinks(t *testing.T) {
	checked := 0
	for _, file := range pages(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		prose := codeSpan.ReplaceAllString(fence.ReplaceAllString(string(text), ""), "")
		for _, m := range linkTo.FindAllStringSubmatch(prose, -1) {
			link := m[1] + m[2]
			if externals.MatchString(link) {
				continue
			}
			checked++
			path, anchor, _ := strings.Cut(link, "#")
			target := filepath.Join(filepath.Dir(file), filepath.FromSlash(path))
			if path == "" {
				target = file
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", file, link, err)
				continue
			}
			if anchor == "" {
				continue
			}
			page, err := os.ReadFile(target)
			if err != nil || !anchors(string(page))[anchor] {
				t.Errorf("%s: %s has no heading for the link %s (%v)", file, target, link, err)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d links were found", checked)
	}
}

// docs/README.md leads to every guide.
func TestIndexOfGuides(t *testing.T) {
	index, err := os.ReadFile("docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob("docs/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatal(guides, err)
	}
	moves, err := filepath.Glob("docs/migration/*.md")
	if err != nil || len(moves) == 0 {
		t.Fatal(moves, err)
	}
	for _, guide := range moves {
		list, err := os.ReadFile("docs/migration/README.md")
		if name := filepath.Base(guide); err != nil || name != "README.md" && !strings.Contains(string(list), "("+name+")") {
			t.Errorf("docs/migration/README.md does not link %s (%v)", name, err)
		}
	}
	for _, guide := range guides {
		if name := filepath.Base(guide); name != "README.md" && !strings.Contains(string(index), "("+name+")") {
			t.Errorf("docs/README.md does not link %s", name)
		}
	}
}

var exampleQuery = regexp.MustCompile("`(?:https?://[^/`]+)?(?:/[^`?\\s]*)?\\?([a-z]+=[^`\\s]*)`")

// URLs in the text, as `/h/photo.jpg?w=300`, have parameters that there are.
func TestParametersInDocs(t *testing.T) {
	known := map[string]bool{"refresh": true} // of operators; docs/cache.md
	for _, p := range server.Params() {
		known[p.Name] = true
	}
	found := 0
	for _, file := range pages(t) {
		if filepath.Dir(file) == filepath.Join("docs", "migration") {
			continue // URLs of others; TestGuidesOfDialects reads ours
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range exampleQuery.FindAllStringSubmatch(string(text), -1) {
			for name := range resize.ParseQuery(m[1]) {
				found++
				if !known[name] {
					t.Errorf("%s: %s has the parameter %q, which there is not", file, m[0], name)
				}
			}
		}
	}
	if found < 60 {
		t.Errorf("only %d parameters were found", found)
	}
}

var (
	testCommand = regexp.MustCompile("go test [^`\n]*")
	testPattern = regexp.MustCompile(`-(run|bench) '?([^\s']+)'?`)
	testPackage = regexp.MustCompile(`(?:^|\s)(\.(?:/[a-z0-9./]+)?)(?:\s|$)`)
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w*)\(`)
)

// Commands of the guides that run some tests or benchmarks name ones that there
// are: go test is content with none.
func TestCommandsNameTests(t *testing.T) {
	found := 0
	for _, file := range pages(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range testCommand.FindAllString(string(text), -1) {
			command, _, _ = strings.Cut(command, "    #")
			var names []string
			for _, m := range testPackage.FindAllStringSubmatch(command, -1) {
				sources, err := filepath.Glob(filepath.Join(m[1], "*_test.go"))
				if err != nil {
					t.Fatal(err)
				}
				for _, source := range sources {
					code, err := os.ReadFile(source)
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range testFunc.FindAllStringSubmatch(string(code), -1) {
						names = append(names, f[1])
					}
				}
			}
			for _, m := range testPattern.FindAllStringSubmatch(command, -1) {
				if m[2] == "^$" || m[2] == "XXX" { // none is meant
					continue
				}
				found++
				kind := map[string]string{"run": "Test", "bench": "Benchmark"}[m[1]]
				wanted := regexp.MustCompile(m[2])
				if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, kind) && wanted.MatchString(name) }) {
					t.Errorf("%s: %s: there is no %s that %s names", file, command, kind, m[2])
				}
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d commands were found", found)
	}
}
