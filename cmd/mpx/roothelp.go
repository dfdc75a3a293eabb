package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const rootHelp = `mpx is Python's multiprocessing for the shell.

It farms tasks out to a pool of worker processes, recycles the workers, keeps
every result apart and in order, and loses nothing when something dies.`

const rootExamples = `  producer | mpx map -j 16 cmd     each line becomes the last argument of cmd
  mpx digest DIR                   checksums of a tree, hashed in parallel
  mpx bench CMD < tasks            what a pool gains over one task after another
  mpx lock NAME CMD                one at a time, whoever starts it
  mpx sem NAME -n 4 CMD            four at a time
  mpx queue get NAME CMD           an item of a queue, leased until CMD succeeds
  mpx process start NAME CMD       in the background, under a name`

const rootStatus = `  0     all went well
  1     a task failed, or the answer is no
  2     wrong usage
  125   mpx itself failed
  128+N mpx ended what it had started and died by signal N`

// showRootHelp is the help of mpx itself. The manual is made from it: its
// commands have a page each.
func showRootHelp(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "%s\n\nUSAGE\n  mpx COMMAND [flags] [ARG]...\n\nCOMMANDS\n", rootHelp)
	for _, cmd := range c.Root().Commands() {
		if cmd.IsAvailableCommand() && cmd.Name() != "help" {
			fmt.Fprintf(w, "  %-11s %s\n", cmd.Name(), cmd.Short)
		}
	}
	fmt.Fprintf(w, "\n  mpx COMMAND --help tells more of one.\n\nEXAMPLES\n%s\n", rootExamples)
	fmt.Fprintf(w, "\nFLAGS\n%s\nEXIT STATUS\n%s\n", c.Root().LocalFlags().FlagUsagesWrapped(100), rootStatus)
}
