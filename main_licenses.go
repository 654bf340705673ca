package main

import (
	_ "embed"
	"io"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v3"
)

// The licenses of the program, and of what is built into it on any system, which ask to
// be handed on with it; TestLicenses writes the last one.
var (
	//go:embed NOTICE
	notice string
	//go:embed LICENSE
	license string
	//go:embed LICENSES.txt
	licensesOfOthers string
)

// printLicenses prints NOTICE, LICENSE and LICENSES.txt without what is about modules
// that are not in this program: those of other systems, or of a build without HEIC.
func printLicenses(cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	inside := modulesInside()
	_, err := io.WriteString(cmd.Root().Writer, noticeOf(notice, inside)+"\n"+license+"\n"+licensesOf(licensesOfOthers, inside))
	return err
}

// modulesInside reports of the path of a module whether it is in this program; of a
// program that does not tell, all are.
func modulesInside() func(module string) bool {
	info, ok := debug.ReadBuildInfo()
	if !ok || len(info.Deps) == 0 {
		return func(string) bool { return true }
	}
	paths := map[string]bool{"Go": true}
	for _, m := range info.Deps {
		paths[m.Path] = true
	}
	return func(module string) bool { return paths[module] }
}

// licensesOf returns the text of LICENSES.txt for the modules inside: a license stays if
// one who has it does, below the names of those. The names are lines such as
// "==== PATH VERSION (FILE)", the further ones after five spaces, then an empty line.
func licensesOf(text string, inside func(module string) bool) string {
	const first, next = "==== ", "     "
	sections := strings.Split(text, "\n"+first)
	var b strings.Builder
	b.WriteString(sections[0])
	for _, s := range sections[1:] {
		names, rest, _ := strings.Cut(s, "\n\n")
		var kept []string
		for name := range strings.SplitSeq(names, "\n"+next) {
			if module, _, _ := strings.Cut(name, " "); inside(module) {
				kept = append(kept, name)
			}
		}
		if kept != nil {
			b.WriteString("\n" + first + strings.Join(kept, "\n"+next) + "\n\n" + rest)
		}
	}
	return b.String()
}

// noticeOf returns the text of NOTICE for the modules inside, without the rows of its
// table that begin with the path of another module, and those of its paragraphs that
// name one.
func noticeOf(text string, inside func(module string) bool) string {
	var kept []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if !strings.HasPrefix(paragraph, "  ") {
			if !namesAnother(paragraph, inside) {
				kept = append(kept, paragraph)
			}
			continue
		}
		var rows []string
		keep := true
		for row := range strings.SplitSeq(paragraph, "\n") {
			if !strings.HasPrefix(row, "   ") { // else it goes on with the module of the row above
				keep = !namesAnother(row, inside)
			}
			if keep {
				rows = append(rows, row)
			}
		}
		kept = append(kept, strings.Join(rows, "\n"))
	}
	return strings.Join(kept, "\n\n")
}

// namesAnother reports whether a text has the path of a module on github.com that is not
// inside.
func namesAnother(text string, inside func(module string) bool) bool {
	for word := range strings.FieldsSeq(text) {
		if word = strings.Trim(word, "().,"); strings.HasPrefix(word, "github.com/") && !inside(word) {
			return true
		}
	}
	return false
}
