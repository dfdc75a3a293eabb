package report

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mpx/internal/task"
)

// maxAnnotations is how many errors of a step GitHub shows; it drops the rest.
const maxAnnotations = 10

// What is told of a failure at most, in bytes.
const (
	maxTold       = 1000 // of its command
	maxToldStderr = 2500
	maxToldLines  = 20 // of its stderr
)

// GitHubOptions say what a GitHub is to tell.
type GitHubOptions struct {
	Name string // of what ran, in the heading of the summary: "mpx map"
	// Command returns a task's command for people; nil: it is not told.
	Command func(t *task.Task, slot int) string
	Summary string // the file that $GITHUB_STEP_SUMMARY names; "": none
}

// A GitHub is a Recorder for a job of GitHub Actions: at the end it prints the
// first failures to stderr as annotations and adds a section to the step's
// summary. It belongs to one Report, as its Options.GitHub.
type GitHub struct {
	o     GitHubOptions
	token string
	guard *commandGuard // the Report's
	start time.Time
	told  []toldFailure // the first maxAnnotations
}

// A toldFailure is a task that failed, as text for people without control
// characters but newlines in stderr.
type toldFailure struct {
	Failure
	elapsed time.Duration
	stderr  string // the last lines
}

// NewGitHub returns a GitHub. The error is one of getting random bytes.
func NewGitHub(o GitHubOptions) (*GitHub, error) {
	var random [16]byte
	if _, err := unix.Getrandom(random[:], 0); err != nil {
		return nil, fmt.Errorf("make token: %w", err)
	}
	return &GitHub{o: o, token: hex.EncodeToString(random[:]), start: time.Now()}, nil
}

// Record keeps res if it is one of the first failures. The error is one of
// reading its stderr.
func (g *GitHub) Record(res *task.Result) error {
	switch res.Status {
	case task.OK, task.Skipped, task.Cancelled:
		return nil
	}
	if res.Again || len(g.told) == maxAnnotations {
		return nil
	}
	f := toldFailure{Failure: Failure{Seq: res.Seq, How: kindOf(res).String()}, elapsed: res.Elapsed}
	if g.o.Command != nil {
		f.Command = plain(g.o.Command(&res.Task, res.Slot), maxTold)
	}
	stderr, err := tailOf(&res.Stderr, maxTail)
	if err != nil {
		return fmt.Errorf("record task %d for GitHub: %w", res.Seq, err)
	}
	f.stderr = lastLines(string(stderr))
	g.told = append(g.told, f)
	return nil
}

// lastLines returns the last lines of s for people.
func lastLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, " \t\r\n"), "\n")
	lines = lines[max(0, len(lines)-maxToldLines):]
	for i, line := range lines {
		lines[i] = visible(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    "))
	}
	s = strings.Join(lines, "\n")
	return strings.ToValidUTF8(s[max(0, len(s)-maxToldStderr):], "")
}

// Close lets the runner obey commands again, prints the annotations, and adds
// to the summary. Errors are those of the summary; those of stderr stay there.
func (g *GitHub) Close(sum *Summary) error {
	g.guard.resume()
	for _, line := range g.annotations(sum) {
		g.guard.line(line)
	}
	return g.writeSummary(sum)
}

// annotations returns a line if mpx could not go on, and one for each of the first
// failures. The last place tells of those that have none.
func (g *GitHub) annotations(sum *Summary) (lines []string) {
	failed, most := sum.Failed(), maxAnnotations
	if sum.Broken != "" {
		lines = append(lines, annotation("mpx itself failed", noCommands(plain(sum.Broken, maxTold))))
		most--
	}
	for i, f := range g.told {
		if i == most-1 && failed > most {
			lines = append(lines, annotation(fmt.Sprintf("mpx: and %s more", commas(failed-i)), "the log has them all"))
			break
		}
		text := strings.TrimSpace(f.Command + "\n" + f.stderr)
		lines = append(lines, annotation(fmt.Sprintf("mpx: task %d failed (%s)", f.Seq, f.How), text))
	}
	return lines
}

// As the runner undoes it: ActionCommand.cs.
var (
	escapeData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func annotation(title, text string) string {
	return "::error title=" + escapeProperty.Replace(title) + "::" + escapeData.Replace(text)
}
