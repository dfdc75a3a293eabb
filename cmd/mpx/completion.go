package main

import (
	_ "embed" // the scripts
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mpx/internal/shm"

	"golang.org/x/sys/unix"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const completionLong = `Print a script by which a shell completes mpx's commands, flags and values.

The script asks mpx at each TAB. It evaluates nothing that is typed: no command
of the line is run, no file is opened.`

const completionExamples = `  source <(mpx completion bash)          # in ~/.bashrc
  source <(mpx completion zsh)           # in ~/.zshrc, after compinit
  mpx completion fish > ~/.config/fish/completions/mpx.fish`

const completionStatus = `  0     the script was written
  2     wrong usage
  125   the script cannot be written`

// The scripts are mpx's own. cobra's evaluate the line, as far as it is typed:
// harmless where arguments are names, but mpx's are commands, and TAB after
// mpx map 'a | tee b' must not run tee. For bash, cobra's also needs another
// package.
var (
	//go:embed completion.bash
	bashScript string
	//go:embed completion.zsh
	zshScript string
	//go:embed completion.fish
	fishScript string
)

func (a *app) completionCommand() *cobra.Command {
	return helped(&cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "Print a script for completion in a shell",
		Long:      completionLong,
		Example:   completionExamples,
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE:      func(_ *cobra.Command, args []string) error { return a.printCompletion(args) },
	}, completionStatus)
}

func (a *app) printCompletion(args []string) error {
	const hint = "mpx completion bash, mpx completion zsh or mpx completion fish"
	if len(args) != 1 {
		return usagef(hint, "completion wants the name of one shell")
	}
	script := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[args[0]]
	if script == "" {
		return usagef(hint, "there is no completion for %s", args[0])
	}
	_, err := io.WriteString(a.stdout, script)
	return err
}

// completing reports whether the command line asks how another goes on. Only
// then are completions worth their time.
func completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// What a flag's value may be, beside a choice of words.
const (
	aFile    = "FILE"
	aDir     = "DIR"
	aCommand = "COMMAND"
	aName    = "NAME" // of a shared object
)

// flagCompletions says how the value of a flag completes, in every command that
// has the flag: a|b is a choice. A flag that is not here takes numbers, times or
// text, which nobody can complete.
func flagCompletions() map[string]string {
	return map[string]string{
		"algorithm":   "sha512|sha256|sha1|md5",
		"arg-file":    aFile,
		"check":       aFile,
		"chunksize":   "auto",
		"dir":         aDir,
		"events":      aFile,
		"for":         aCommand,
		"halt":        "never|soon,fail=1|now,fail=1|soon,fail=10%|now,success=1",
		"initializer": aCommand,
		"jobs":        "100%|50%|0",
		"joblog":      aFile,
		"json":        aFile,
		"junit":       aFile,
		"leftovers":   "keep|kill",
		"worker":      "exec|shell|filter",
		"pool":        aName,
		"protocol":    "lines|json",
		"markdown":    aFile,
		"max-args":    "max|0",
		"progress":    "auto|always|plain|never",
		"report":      aFile,
		"results":     aDir,
		"shell":       aCommand,
		"svg":         aFile,
		"tmpdir":      aDir,
		"trace":       aFile,
		"type":        typeChoice,
	}
}

// addCompletions tells cobra how the commands' arguments complete.
func addCompletions(root *cobra.Command) {
	values := flagCompletions()
	for _, cmd := range allCommands(root) {
		switch cmd.Name() {
		case "map", "bench":
			cmd.ValidArgsFunction = completeCommand
		case "lock", "sem":
			cmd.ValidArgsFunction = completeNameThenCommand
		case "ls", "rm":
			cmd.ValidArgsFunction = completeName
		case "cpu-count":
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		switch {
		case cmd.HasSubCommands() && cmd.Name() != "bench": // which complete without being asked
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		case cmd.Name() == "channel":
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		case cmd.Parent() != root:
			cmd.ValidArgsFunction = completionOfVerb(cmd)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			_, f.Usage = pflag.UnquoteUsage(f)
			_ = cmd.RegisterFlagCompletionFunc(f.Name, completeValue(values[f.Name])) // an error: it has one
		})
	}
}

// completionOfVerb returns how the arguments of a command of a command complete.
func completionOfVerb(cmd *cobra.Command) cobra.CompletionFunc {
	switch cmd.Parent().Name() + " " + cmd.Name() {
	case "process start":
		return completeNewThenCommand
	case "pool start":
		return completeNewThenCommand
	case "pool apply", "pool submit":
		return completeNameThenFiles
	case "process wait":
		return completeName // any number
	case "process ls":
		return cobra.NoFileCompletions
	}
	return completeNameThenNothing
}

// allCommands returns the commands of cmd, and theirs.
func allCommands(cmd *cobra.Command) (all []*cobra.Command) {
	for _, c := range cmd.Commands() {
		all = append(append(all, c), allCommands(c)...)
	}
	return all
}

// completeValue returns how one of flagCompletions completes.
func completeValue(what string) cobra.CompletionFunc {
	switch what {
	case aFile:
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	case aDir:
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case aCommand:
		return completeCommand
	case aName:
		return completeName
	case "":
		return cobra.NoFileCompletions
	}
	return cobra.FixedCompletions(strings.Split(what, "|"), cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder)
}

// completeCommand completes the first word of a command by the executables of
// PATH; the shell completes paths, and what follows, as files.
func completeCommand(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || strings.Contains(typed, "/") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var found []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		entries, _ := os.ReadDir(dir) // a directory of PATH need not be there
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), typed) && isExecutable(filepath.Join(dir, e.Name())) {
				found = append(found, e.Name())
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), cobra.ShellCompDirectiveDefault
}

// completeName completes the name of a shared object that is there.
func completeName(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	d, err := shm.OpenDir(shm.DefaultDir())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, _ := d.Names() // none if it cannot be read
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNameThenFiles completes a name, and files behind it.
func completeNameThenFiles(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeName(cmd, args, typed)
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// completeNameThenCommand completes a name, and the command behind it.
func completeNameThenCommand(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeName(cmd, args, typed)
	}
	return completeCommand(cmd, args[1:], typed)
}

// completeNewThenCommand completes the command behind a name that nobody can know, or
// behind --.
func completeNewThenCommand(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 && !strings.Contains(typed, "/") && os.Args[len(os.Args)-2] != "--" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeCommand(cmd, args[min(1, len(args)):], typed)
}

// completeNameThenNothing completes a name; behind it stand numbers.
func completeNameThenNothing(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeName(cmd, args, typed)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func isExecutable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && unix.Access(path, unix.X_OK) == nil
}
