package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// documents are the guides, as they lie in the source.
//
//go:embed README.md CHANGELOG.md docs/*.md docs/howto/*.md docs/migration/*.md docs/config.schema.json
var documents embed.FS

func docsCommand() *cli.Command {
	return &cli.Command{
		Name:      "docs",
		Usage:     "print a page of the documents, or say which there are",
		ArgsUsage: "[PAGE]",
		Description: `The documents of this very version are inside the program, as Markdown:

   s3imageserver docs
   s3imageserver docs configuration | less
   s3imageserver docs howto/purge

A word that is the name of no page lists the headings that have it.`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.NArg() > 1 {
				return fmt.Errorf("docs: one page at a time; see s3imageserver docs -h")
			}
			if cmd.NArg() == 0 {
				return listDocuments(cmd.Root().Writer)
			}
			return printDocument(cmd.Root().Writer, cmd.Args().First())
		},
	}
}

// documentNames returns the files of the documents, those of docs without its name:
// README.md first, docs/README.md, which lists the others, not at all.
func documentNames() []string {
	var names []string
	for _, pattern := range []string{"README.md", "docs/*", "docs/howto/*", "docs/migration/*", "CHANGELOG.md"} {
		found, _ := fs.Glob(documents, pattern) // the patterns are right
		for _, name := range found {
			if name = strings.TrimPrefix(name, "docs/"); path.Ext(name) != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// document returns the text of a file of documentNames.
func document(name string) ([]byte, error) {
	if name != "README.md" && name != "CHANGELOG.md" {
		name = "docs/" + name
	}
	return documents.ReadFile(name)
}

// headings returns the headings of Markdown, without what stands in code.
func headings(text []byte) []string {
	var found []string
	code := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if level, heading, ok := strings.Cut(line, " "); ok && !code && level != "" && strings.Trim(level, "#") == "" {
			found = append(found, heading)
		}
	}
	return found
}

// listDocuments prints the name and the title of every page.
func listDocuments(w io.Writer) error {
	var b strings.Builder
	for _, name := range documentNames() {
		text, err := document(name)
		if err != nil {
			return err
		}
		title := "the schema of the configuration, for editors"
		if found := headings(text); found != nil {
			title = found[0]
		}
		fmt.Fprintf(&b, "%-24s %s\n", strings.TrimSuffix(name, ".md"), title)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printDocument prints the page of a name as documentNames has it, with or without its
// folders and its extension.
func printDocument(w io.Writer, name string) error {
	wanted := strings.TrimSuffix(strings.TrimPrefix(path.Clean(name), "docs/"), ".md")
	names := documentNames()
	i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(strings.TrimSuffix(n, ".md"), wanted) })
	if i < 0 {
		i = slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(strings.TrimSuffix(path.Base(n), ".md"), wanted) })
	}
	if i >= 0 {
		text, err := document(names[i])
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	}
	var found strings.Builder
	for _, n := range names {
		text, err := document(n)
		if err != nil {
			return err
		}
		for _, heading := range headings(text) {
			if strings.Contains(strings.ToLower(heading), strings.ToLower(name)) {
				fmt.Fprintf(&found, "\n   %-24s %s", strings.TrimSuffix(n, ".md"), heading)
			}
		}
	}
	if found.Len() > 0 {
		return fmt.Errorf("docs: there is no page %q; headings with it:%s", name, &found)
	}
	return fmt.Errorf("docs: there is no page %q; s3imageserver docs lists all", name)
}
