package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"mpx/internal/proc"

	"github.com/spf13/cobra"
)

const channelLong = `Send messages from one process to another, by each of the ways that there are, in
turn, several times, and say how fast they are:

  memcpy         no other process: what copying once costs, which is the limit
  ring           shared memory with room for several messages: both work at once
  float channel  shared memory with room for one message, the two semaphores' way
  pipe           a pipe with Python's framing of messages
  queue          a named queue (mpx queue), whose items outlast any process
  Python         the float channel as Python's multiprocessing has it, by RawArray
                 and two semaphores, where there is a python3

Each message is copied in at one end and out at the other, from and to buffers that
rotate over 64 MB, so that no cache flatters. The default sizes are 1 double, 128,
8192, 100,000, and 1 and 8 million. The times are medians; half of the runs are
within ± of them.`

const channelExamples = `  mpx bench channel
  mpx bench channel --size 800000 --runs 9      # 100,000 doubles
  mpx bench channel --size 8,64K,1M --json -`

const channelStatus = `  0     the messages were sent and timed
  2     wrong usage
  125   mpx itself failed
  128+N mpx died by signal N`

type channelOptions struct {
	sizes string
	runs  int
	json  string
}

func (a *app) channelCommand() *cobra.Command {
	o := &channelOptions{}
	cmd := &cobra.Command{
		Use:     "channel [flags]",
		Short:   "What a message from one process to another costs",
		Long:    channelLong,
		Example: channelExamples,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("sizes are given by --size; for a command of that name: mpx bench -- channel", "%q is one too many", args[0])
			}
			return a.runChannel(o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.sizes, "size", "8,1K,64K,800000,8M,64M", "a `LIST` of sizes of messages, in bytes, or K, M, G of them: whole doubles, of 8 bytes each")
	f.IntVar(&o.runs, "runs", 5, "time each way `N` times")
	f.StringVar(&o.json, "json", "", "write all times to `FILE`; - is stdout")
	return helped(cmd, channelStatus)
}

// most is the longest message, in bytes: several copies of it are in memory.
const most = 1 << 30

func (o *channelOptions) parse() (sizes []int, err error) {
	if o.runs < 1 {
		return nil, usagef("a number from 1", "--runs %d makes no sense", o.runs)
	}
	for _, text := range strings.Split(o.sizes, ",") {
		n, err := parseSize(text)
		if err != nil || n < 8 || n%8 != 0 || n > most {
			return nil, usagef("a multiple of 8 from 8 to 1G: 8,64K,800000", "--size: %q makes no sense", text)
		}
		if !slices.Contains(sizes, int(n)) {
			sizes = append(sizes, int(n))
		}
	}
	return sizes, nil
}

// A channelBench is a run of mpx bench channel.
type channelBench struct {
	*app
	ctx  context.Context // ends by a signal; its cause is the outcome
	ways []channelWay
}

func (a *app) runChannel(o *channelOptions) error {
	sizes, err := o.parse()
	if err != nil {
		return err
	}
	e := &exports{table: a.stdout}
	file := e.table
	switch {
	case o.json == "-":
		e.table = a.stderr
	case o.json != "":
		if file, err = os.Create(o.json); err != nil {
			return fmt.Errorf("open --json: %w", err)
		}
		defer file.Close()
	}
	b := &channelBench{app: a, ctx: untilSignal()}
	all, err := b.measure(sizes, o.runs, &channelTable{f: e.table, style: styleFor(e.table)})
	if b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	if err != nil || o.json == "" {
		return err
	}
	return stdoutError(writeChannelJSON(file, all))
}

// measure times messages of all sizes.
func (a *channelBench) measure(sizes []int, runs int, table *channelTable) (all []channelResult, err error) {
	if a.ways, err = a.channelWays(); err != nil {
		return nil, err
	}
	for _, size := range sizes {
		results, err := a.timeChannels(size, runs)
		if err != nil {
			return nil, err
		}
		if err := table.write(size, results); err != nil {
			return nil, stdoutError(err)
		}
		all = append(all, results...)
	}
	return all, nil
}

// untilSignal returns a context that a signal ends, so that what was begun is tidied up;
// its cause is the death by that signal. A second signal ends mpx at once.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := make(chan os.Signal, 1)
	proc.Notify(c, endings...)
	go func() {
		s := <-c
		signal.Stop(c)
		cancel(&outcome{signal: s.(syscall.Signal)})
	}()
	return ctx
}
