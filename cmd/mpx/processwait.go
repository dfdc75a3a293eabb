package main

import (
	"errors"
	"fmt"

	"mpx/internal/server"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
)

const processWaitLong = `Wait until one of the processes has ended, and print its name: of several the one
that ended first. Leave that out the next time, or it is the one again.`

func (a *app) processWait() *cobra.Command {
	w, anyOf := &waitFlags{}, false
	cmd := &cobra.Command{
		Use: "wait --any [--timeout D] NAME...", Short: "Wait until one of them has ended, and print its name", Long: processWaitLong,
		Example: "  first=$(mpx process wait --any a b c) && mpx process join \"$first\"\n  mpx process wait --any --timeout 1m a b || echo 'neither'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !anyOf {
				return usagef("mpx process join NAME waits for one; mpx process wait --any NAME... for the first", "wait is for --any")
			}
			return a.waitAny(cmd, w, args)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&anyOf, "any", false, "wait for the first of them")
	w.addTimeout(cmd.Flags())
	return helped(cmd, "  0     one has ended, its name was printed\n  124   the --timeout ran out\n"+processNone)
}

func (a *app) waitAny(cmd *cobra.Command, w *waitFlags, args []string) error {
	wait, err := w.wait()
	if err != nil {
		return err
	}
	dir, err := a.objects()
	if err != nil {
		return err
	}
	var all []*shm.Process
	defer func() {
		for _, p := range all {
			p.Close()
		}
	}()
	for rest := args; len(rest) > 0 || len(args) == 0; {
		var name string
		if name, rest, err = objectName(cmd, rest); err != nil {
			return err
		}
		p, err := dir.OpenProcess(name)
		if errors.Is(err, shm.ErrNotExist) {
			return processError(name, err)
		}
		if err != nil {
			return objectError(name, err, nil)
		}
		all = append(all, p)
	}
	first, err := server.WaitAny(all, wait)
	if errors.Is(err, shm.ErrTimeout) {
		return &outcome{status: w.status()}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, first.Name)
	return err
}
