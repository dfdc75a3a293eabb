package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"mpx/internal/pool"
	"mpx/internal/task"
	"mpx/internal/worker"

	"github.com/spf13/cobra"
)

const digestLong = `Print the checksum of every regular file below DIR (default: .), in the format
of sha512sum, so that sha512sum -c checks it.

The files are hashed in parallel, inside the workers: no command is started.
The lines come in path order, a directory sorting as NAME/. Symbolic links are
not followed; devices, FIFOs and sockets are passed over. A file that cannot be
read is reported on stderr and makes the status 1; the rest goes on.

--check takes what sha512sum -c takes: lines of sha512sum, also of its --tag, that end
in LF or CR-LF, and comments (#). Unlike sha512sum it fails for a line that is neither.`

const digestExamples = `  mpx digest src > src.sha512 && sha512sum -c --quiet src.sha512
  find . -name '*.iso' -print0 | mpx digest -0 -a - --algorithm sha256
  mpx digest --check src.sha512`

const digestStatus = `  0     every file was read (--check: and is as it was)
  1     a file could not be read (--check: or differs; or a line of FILE could not be
        read, or it has none)
  2     wrong usage
  125   mpx itself failed: I/O, or its workers
  128+N mpx ended its workers and died by signal N`

type digestOptions struct {
	mapOptions // of which digest has a few flags
	algorithm  string
	zero       bool
	check      string
}

func (a *app) digestCommand() *cobra.Command {
	o := &digestOptions{}
	cmd := &cobra.Command{
		Use:     "digest [flags] [DIR|FILE]...",
		Short:   "Checksums of a tree, hashed in parallel",
		Long:    digestLong,
		Example: digestExamples,
		RunE:    func(_ *cobra.Command, args []string) error { return a.runDigest(o, args) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.algorithm, "algorithm", "sha512", "`NAME`: sha512, sha256, sha1 or md5")
	f.StringVarP(&o.jobs, "jobs", "j", "100%", "hash `N` files at a time; N%, +N, -N of the processors")
	f.StringVar(&o.chunkSize, "chunksize", "20", "hand `N` files to a worker at a time")
	f.BoolVar(&o.unordered, "unordered", false, "print lines as they come")
	f.StringArrayVarP(&o.argFiles, "arg-file", "a", nil, "read paths from `FILE`, a line each; repeatable; - is stdin")
	f.BoolVarP(&o.null, "null", "0", false, "paths in FILE end with a NUL byte")
	f.BoolVarP(&o.zero, "zero", "z", false, "end lines with NUL, and escape nothing")
	f.StringVar(&o.check, "check", "", "check the files against the lines of `FILE`; - is stdin")
	return helped(cmd, digestStatus)
}

// prepare reads the flags' values; those that digest has not are as map has
// them.
func (o *digestOptions) prepare(args []string) error {
	o.maxArgs, o.argSep, o.okStatus, o.killAfter, o.leftovers = "1", ":::", "0", "1s", "keep"
	if err := o.mapOptions.check(); err != nil {
		return err
	}
	if worker.Algorithms[o.algorithm] == nil {
		return usagef("sha512, sha256, sha1 or md5", "--algorithm %s is not known", o.algorithm)
	}
	if o.null && len(o.argFiles) == 0 {
		return usagef("-0 -a - reads paths from stdin", "-0 says how paths in -a FILE end")
	}
	if o.check != "" && (len(args) > 0 || len(o.argFiles) > 0) {
		return usagef("give the list alone", "--check takes its paths from its FILE")
	}
	if len(args) > 0 && len(o.argFiles) > 0 {
		return usagef("choose one", "paths come from -a FILE or from the command line")
	}
	return nil
}

func (a *app) runDigest(o *digestOptions, args []string) error {
	if err := o.prepare(args); err != nil {
		return err
	}
	d := &digestRun{a: a, o: o, out: bufio.NewWriterSize(a.stdout, 64<<10)}
	src, closer, err := d.source(args)
	if err != nil {
		return err
	}
	defer closer.Close()
	store := task.NewStore("")
	defer store.Close()
	p, err := pool.New(pool.Config{
		Function: "digest", Args: worker.DigestArgs{Algorithm: o.algorithm},
		Jobs: o.jobsN, ChunkSize: o.chunkN, RetryLost: 2, Store: store, Notice: d.notice,
	})
	if err != nil {
		return err
	}
	signals := catch(p, o.killAfterDur, endingWhatRuns, d.notice, nil)
	watchReader(a.stdout, signals)
	imap := p.Imap
	if o.unordered {
		imap = p.ImapUnordered
	}
	it, err := imap(src)
	p.Close()
	if err == nil {
		err = d.print(it)
	}
	if err != nil {
		p.Terminate()
	}
	if errors.Is(err, pool.ErrClosed) || errors.Is(err, pool.ErrTerminated) { // by a signal
		err = nil
	}
	if jerr := p.Join(); err == nil {
		err = jerr
	}
	return d.conclude(err, signals)
}

// A digestRun is one run of digest.
type digestRun struct {
	a    *app
	o    *digestOptions
	out  *bufio.Writer
	good int

	mu     sync.Mutex // guards the following, and stderr
	failed int        // files that could not be read
	differ int        // files that are not what --check says
	bad    int        // lines of --check that are none
	likely string     // the algorithm that one of them is of; "": none that is known
}

// source returns the paths to digest: from the command line, -a, or --check.
func (d *digestRun) source(args []string) (pool.Source, io.Closer, error) {
	if d.o.check == "" && len(d.o.argFiles) == 0 {
		if len(args) == 0 {
			args = []string{"."}
		}
		return newWalk(args, d.complain), io.NopCloser(nil), nil
	}
	files := d.o.argFiles
	delim := d.o.delim
	if d.o.check != "" {
		files = []string{d.o.check}
		if d.o.zero {
			delim = []byte{0}
		}
	}
	src, err := task.OpenSource(task.SourceSpec{Stdin: d.a.stdin, Files: files, Delim: delim, SkipEmpty: true, Jobs: 1})
	if err != nil {
		return nil, nil, err
	}
	if d.o.check != "" {
		return &checkSource{src: src, d: d}, src, nil
	}
	return &listed{src: src, walk: newWalk(nil, d.complain)}, src, nil
}

// conclude says how the run went.
func (d *digestRun) conclude(err error, signals *interrupter) error {
	signals.release()
	sig := signals.received()
	switch {
	case isBrokenPipe(err):
		return &outcome{signal: sigPipe}
	case sig != 0:
		return &outcome{signal: sig}
	case err != nil:
		return err
	}
	if d.differ > 0 {
		d.notice(fmt.Sprintf("%d of %d files differ", d.differ, d.good+d.failed), "")
	}
	if d.failed > 0 {
		d.notice(fmt.Sprintf("%d of %d files could not be read", d.failed, d.good+d.failed), "")
	}
	return d.concludeCheck()
}

// concludeCheck is conclude for what --check has found.
func (d *digestRun) concludeCheck() error {
	hint := ""
	if d.likely != "" {
		hint = "--algorithm " + d.likely + " is what these lines look like"
	}
	none := d.o.check != "" && d.good+d.failed == 0
	switch {
	case none:
		d.notice(task.Quote(d.o.check)+": no line is a checksum by "+d.o.algorithm+" and a name", hint)
	case d.bad > 0:
		d.notice(fmt.Sprintf("%d lines could not be read", d.bad), hint)
	}
	if none || d.failed+d.differ+d.bad > 0 {
		return &outcome{status: exitFailed}
	}
	return nil
}
