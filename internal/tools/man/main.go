// Command man writes mpx's manual pages: man -o DIR [-version V] [-date EPOCH] MPX.
//
// They are made from the help that the program MPX prints, so that the two
// cannot disagree. It is a program of its own, and knows nothing of cobra: what
// writes manuals there would make every start of mpx slower.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	dir := flag.String("o", ".", "write the pages to `DIR`")
	version := flag.String("version", "", "the `VERSION` that the pages tell")
	epoch := flag.String("date", os.Getenv("SOURCE_DATE_EPOCH"), "their date, in `SECONDS` since 1970; default: $SOURCE_DATE_EPOCH, or now")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	date, err := day(*epoch)
	if err == nil {
		err = write(flag.Arg(0), *dir, source{date: date, version: *version})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

// day returns the date of epoch as pages tell it.
func day(epoch string) (string, error) {
	t := time.Now()
	if epoch != "" {
		sec, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return "", fmt.Errorf("read date: %w", err)
		}
		t = time.Unix(sec, 0)
	}
	return t.UTC().Format(time.DateOnly), nil
}

// write makes the page of mpx and of each of its commands.
func write(mpx, dir string, src source) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := helpOf(mpx)
	if err != nil {
		return err
	}
	commands := root.commands()
	if len(commands) == 0 {
		return errors.New("mpx's help lists no commands")
	}
	pages := []page{rootPage(root, commands)}
	for _, c := range commands {
		h, err := helpOf(mpx, c.name)
		if err != nil {
			return err
		}
		p := commandPage(c, h, commands)
		if p.verbs, err = verbsOf(mpx, c, h); err != nil {
			return err
		}
		pages = append(pages, p)
	}
	for _, p := range pages {
		if err := os.WriteFile(filepath.Join(dir, p.name+".1"), []byte(p.roff(src)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// verbsOf returns the commands of a command, with their flags. That each has --help
// needs no saying.
func verbsOf(mpx string, c command, h help) ([]verb, error) {
	verbs := h.verbs()
	for i, v := range verbs {
		h, err := helpOf(mpx, c.name, v.name)
		if err != nil {
			return nil, err
		}
		verbs[i].flags = slices.DeleteFunc(h.section("FLAGS"), func(line string) bool {
			return strings.HasPrefix(line, "  -h, --help ")
		})
	}
	return verbs, nil
}

// helpOf returns what mpx says of the command.
func helpOf(mpx string, command ...string) (help, error) {
	out, err := exec.Command(mpx, append(command, "--help")...).Output()
	if err != nil {
		return help{}, fmt.Errorf("%s %s --help: %w", mpx, strings.Join(command, " "), err)
	}
	return parse(string(out)), nil
}
