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
It ends when they are in the queue, and of one on disk when they are on the disk: else
it is 125, and they may not outlast the machine's stop. Where the queue is full it waits,
and those that there was room for are in it.`,
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
			return a.onQueue(func(q *ipc.Queue) error {
				n, err := p.put(a, q, words, w)
				if err != nil && n > 0 {
					fmt.Fprintf(a.says, "mpx: %s: %d put, the others not\n", name, n)
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
		items, err := itemsOf(q, words)
		if err != nil {
			return 0, err
		}
		return putItems(q, items, w)
	case p.whole:
		i, err := q.Item(a.stdin)
		if err != nil {
			return 0, err
		}
		return putItems(q, []ipc.Item{i}, w)
	}
	if isTerminal(a.stdin) {
		fmt.Fprintln(a.says, "mpx: hint: reading items from the terminal, a line each; ^D ends them")
	}
	return p.putRecords(q, a.stdin)
}

func itemsOf(q *ipc.Queue, words []string) (items []ipc.Item, err error) {
	for _, word := range words {
		i, err := q.ItemOf([]byte(word))
		if err != nil {
			return nil, err // which ends this process, and so closes the files of the others
		}
		items = append(items, i)
	}
	return items, nil
}

// putRecords puts the records of r, as they come: each of what one read has brought.
// Each may wait for room as long as --timeout says.
func (p *putter) putRecords(q *ipc.Queue, r io.Reader) (n int, err error) {
	end := byte('\n')
	if p.null {
		end = 0
	}
	in := bufio.NewReaderSize(r, 256<<10)
	for {
		items, rerr := readItems(q, in, end)
		w, err := p.wait()
		if err == nil {
			var k int
			k, err = putItems(q, items, w)
			n += k
		}
		switch {
		case err != nil:
			return n, err
		case errors.Is(rerr, io.EOF):
			return n, nil
		case rerr != nil:
			return n, fmt.Errorf("read stdin: %w", rerr)
		}
	}
}

// readItems reads items that end in end: one, and those that have come with it. Their
// bytes are good until the next read. An error comes with those that were read before.
func readItems(q *ipc.Queue, in *bufio.Reader, end byte) (items []ipc.Item, err error) {
	for whole := true; whole; {
		i, err := readItem(q, in, end)
		if err != nil {
			return items, err
		}
		items = append(items, i)
		b, _ := in.Peek(in.Buffered())
		whole = bytes.IndexByte(b, end) >= 0 // else what there is must not wait for the rest
	}
	return items, nil
}

// readItem reads an item that ends in end, or where all ends. io.EOF: there is none.
func readItem(q *ipc.Queue, in *bufio.Reader, end byte) (ipc.Item, error) {
	b, err := in.ReadSlice(end)
	switch {
	case err == nil:
		return q.ItemOf(b[:len(b)-1])
	case errors.Is(err, bufio.ErrBufferFull): // a long one, and nothing comes with it
		return q.Item(io.MultiReader(bytes.NewReader(bytes.Clone(b)), &upTo{r: in, end: end}))
	case errors.Is(err, io.EOF) && len(b) > 0:
		return q.ItemOf(b)
	}
	return ipc.Item{}, err
}

// upTo reads what r has before the byte end, and passes that.
type upTo struct {
	r    *bufio.Reader
	end  byte
	over bool
}

func (u *upTo) Read(b []byte) (int, error) {
	if u.over {
		return 0, io.EOF
	}
	if _, err := u.r.Peek(1); err != nil {
		return 0, err
	}
	have, _ := u.r.Peek(min(len(b), u.r.Buffered()))
	i := bytes.IndexByte(have, u.end)
	if u.over = i >= 0; u.over {
		n := copy(b, have[:i])
		_, err := u.r.Discard(i + 1)
		return n, err
	}
	n := copy(b, have)
	_, err := u.r.Discard(n)
	return n, err
}

// putItems puts items and closes them.
func putItems(q *ipc.Queue, items []ipc.Item, w shm.Wait) (int, error) {
	defer func() {
		for i := range items {
			items[i].Close()
		}
	}()
	return q.Put(items, w)
}
