package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"mpx/internal/ipc"
	"mpx/internal/shm"

	"github.com/spf13/pflag"
)

// A putter puts what mpx queue put was given.
type putter struct {
	waitFlags
	null, whole bool
}

func (a *app) queuePut() objectVerb {
	p := &putter{}
	return objectVerb{
		use: "put [--timeout D|--nonblock] [-0|--whole] NAME [ITEM]...", short: "Put items: ITEMs, or lines of stdin",
		long: `Put items into a queue: each ITEM, or else each line of stdin, without its newline.
It ends when they are in the queue. Where the queue is full it waits, and those that
there was room for are in it.`,
		examples: "  mpx queue put jobs a.wav b.wav\n  find . -name '*.wav' -print0 | mpx queue put -0 jobs\n  mpx queue put --whole pages < page.html\n  mpx queue put jobs -- -x",
		status:   "  0     all are in the queue\n" + statusWait + "  3     the queue is closed\n" + statusNone,
		wait:     &p.waitFlags, first: true, max: anyNumber,
		flags: func(f *pflag.FlagSet) {
			f.BoolVarP(&p.null, "null", "0", false, "the items of stdin end in a NUL byte")
			f.BoolVar(&p.whole, "whole", false, "all of stdin is one item")
		},
		run: func(d *shm.Dir, name string, words []string) error {
			w, err := p.wait()
			switch {
			case err != nil:
				return err
			case p.whole && p.null:
				return usagef("--whole has no ends of items", "-0 and --whole exclude each other")
			case len(words) > 0 && (p.whole || p.null):
				return usagef("leave the items away, or the flag", "-0 and --whole are about stdin, which is not read: there are ITEMs")
			}
			return onQueue(func(q *ipc.Queue) error {
				n, err := p.put(a, q, words, w)
				if err != nil && n > 0 {
					fmt.Fprintf(a.stderr, "mpx: %s: %d items are in the queue, the others are not\n", name, n)
				}
				return err
			})(d, name, nil)
		},
	}
}

// put puts the words, or what stdin has, and returns how many items it has put.
func (p *putter) put(a *app, q *ipc.Queue, words []string, w shm.Wait) (int, error) {
	switch {
	case len(words) > 0:
		var all [][]byte
		for _, word := range words {
			all = append(all, []byte(word))
		}
		return putAll(q, all, w)
	case p.whole:
		i, err := q.Item(a.stdin)
		if err != nil {
			return 0, err
		}
		defer i.Close()
		return q.Put([]ipc.Item{i}, w)
	}
	if isTerminal(a.stdin) {
		fmt.Fprintln(a.stderr, "mpx: hint: reading items from the terminal, a line each; ^D ends them")
	}
	return p.putRecords(q, a.stdin, w)
}

// putRecords puts the records of r, as they come: each of what one read has brought.
func (p *putter) putRecords(q *ipc.Queue, r io.Reader, w shm.Wait) (n int, err error) {
	end := byte('\n')
	if p.null {
		end = 0
	}
	in := bufio.NewReaderSize(r, 256<<10)
	for {
		var batch [][]byte
		for in.Buffered() > 0 || len(batch) == 0 {
			record, rerr := in.ReadBytes(end)
			if rerr != nil && !errors.Is(rerr, io.EOF) {
				return n, fmt.Errorf("read stdin: %w", rerr)
			}
			if rerr == nil || len(record) > 0 {
				batch = append(batch, bytes.TrimSuffix(record, []byte{end}))
			}
			if rerr != nil {
				k, err := putAll(q, batch, w)
				return n + k, err
			}
			if b, _ := in.Peek(in.Buffered()); bytes.IndexByte(b, end) < 0 {
				break // the rest of a record: what is there must not wait for it
			}
		}
		k, err := putAll(q, batch, w)
		if n += k; err != nil {
			return n, err
		}
	}
}

func putAll(q *ipc.Queue, all [][]byte, w shm.Wait) (int, error) {
	items := make([]ipc.Item, 0, len(all))
	defer func() {
		for i := range items {
			items[i].Close()
		}
	}()
	for _, b := range all {
		i, err := q.ItemOf(b)
		if err != nil {
			return 0, err
		}
		items = append(items, i)
	}
	return q.Put(items, w)
}
