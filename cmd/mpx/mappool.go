package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"mpx/internal/report"
	"mpx/internal/server"
	"mpx/internal/shm"
	"mpx/internal/task"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// poolMapFlags are those of map's flags that say something of its input and output;
// the others are the pool's.
var poolMapFlags = []string{
	"pool", "arg-file", "null", "delimiter", "colsep", "csv", "header", "max-args", "no-run-if-empty", "arg-sep",
	"keep-order", "unordered", "tag", "tagstring", "json", "results", "tmpdir",
}

// A poolMap is a run of map whose tasks another's pool runs. It is so many clients of
// that pool, each of which has a task applied, and then the next: the pool serves
// others in between, and when this process is killed it knows at once.
type poolMap struct {
	mapRun
	name    string
	clients []*server.PoolClient
	tasks   chan task.Task
	tokens  chan struct{} // full: so many tasks are under way, or wait for their turn
	failed  chan error    // of one of the clients, or the source
}

// poolMapWindow is how many tasks are under way, or wait for their turn, at most.
const poolMapWindow = 16 << 10

// mapOnPool is mpx map --pool.
func (a *app) mapOnPool(cmd *cobra.Command, o *mapOptions, args []string) error {
	if err := checkPoolMap(cmd.Flags()); err != nil {
		return err
	}
	m := &poolMap{mapRun: mapRun{a: a, o: o}, name: o.pool, tokens: make(chan struct{}, poolMapWindow), failed: make(chan error, 1)}
	if err := shm.CheckName(m.name); err != nil {
		return usagef("mpx ls lists what there is", "--pool: %v", err)
	}
	if err := m.open(args); err != nil {
		return err
	}
	defer m.source.Close()
	m.store = task.NewStore(o.tmpDir)
	defer m.store.Close()
	ro, err := m.reportOptions()
	if err != nil {
		return err
	}
	ro.Command, ro.Display = nil, m.display
	m.report = report.New(ro)
	if err := m.connect(); err != nil {
		return poolError(m.name, err)
	}
	return m.run()
}

// open opens the input. The pool's COMMAND is not known here, but that there is one.
func (m *poolMap) open(args []string) (err error) {
	if err := m.o.check(); err != nil {
		return err
	}
	words, groups := task.SplitArgs(args, m.o.argSep)
	if len(words) > 0 {
		return usagef(fmt.Sprintf("mpx map --pool %s ::: VALUE…, or values on stdin", m.name), "--pool has the pool's own COMMAND, and %s is another", task.Quote(words[0]))
	}
	src := m.o.sourceSpec(m.a, []string{m.name}, groups)
	m.a.hintTerminal(&src)
	m.source, m.spec, _, err = m.o.openTasks(src, []string{m.name})
	return err
}

func checkPoolMap(f *pflag.FlagSet) (err error) {
	f.Visit(func(f *pflag.Flag) {
		if !slices.Contains(poolMapFlags, f.Name) {
			err = usagef("mpx pool start has the flags of the pool; with --pool there are those of input and output", "--%s and --pool exclude each other", f.Name)
		}
	})
	return err
}

// display is what is known of a task's command: its values.
func (m *poolMap) display(t *task.Task, _ int) string { return task.QuoteWords(valuesOf(t)) }

func valuesOf(t *task.Task) (vs []string) {
	for i := range t.Values.Len() {
		vs = append(vs, string(t.Values.At(i)))
	}
	return vs
}

// connect makes as many clients as keep the pool's workers at work.
func (m *poolMap) connect() error {
	dir, err := m.a.objects()
	if err != nil {
		return err
	}
	for n := 1; len(m.clients) < n; {
		c, err := server.DialPool(dir, m.name)
		if err != nil {
			return err
		}
		m.clients = append(m.clients, c)
		if n == 1 {
			st, err := c.Status()
			if err != nil {
				return err
			}
			if n = min(2*st.Jobs+1, 256); st.Jobs == 0 {
				n = 64
			}
		}
	}
	return nil
}

// run has all tasks run. A signal ends it at once, and thereby its clients: the pool
// takes back what no worker has.
func (m *poolMap) run() error {
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	m.tasks = make(chan task.Task)
	var all sync.WaitGroup
	for _, c := range m.clients {
		all.Go(func() {
			if err := m.work(c); err != nil {
				m.fail(err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		m.feed()
		all.Wait()
		close(done)
	}()
	select {
	case s := <-signals:
		return &outcome{signal: s.(syscall.Signal)}
	case err := <-m.failed:
		return m.conclude(err)
	case <-done:
	}
	select {
	case err := <-m.failed:
		return m.conclude(err)
	default:
		return m.conclude(nil)
	}
}

// fail ends the run; the first error stands.
func (m *poolMap) fail(err error) {
	select {
	case m.failed <- err:
	default:
	}
}

// feed hands the tasks of the input to the clients.
func (m *poolMap) feed() {
	defer close(m.tasks)
	for {
		tasks, err := m.source.Next()
		for _, t := range tasks {
			m.tokens <- struct{}{}
			m.tasks <- t
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				m.fail(err)
			}
			return
		}
	}
}

// work has c run one task after another.
func (m *poolMap) work(c *server.PoolClient) error {
	for t := range m.tasks {
		var stdout, stderr task.Output
		o, err := c.Apply(valuesOf(&t), storeWriter{m.store, &stdout}, storeWriter{m.store, &stderr})
		if err != nil {
			return poolError(m.name, err)
		}
		r := o.Result(t)
		r.Stdout, r.Stderr = stdout, stderr
		n, err := m.report.Add([]task.Result{r})
		for range n {
			<-m.tokens
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// conclude says how the run went and turns it into an exit status.
func (m *poolMap) conclude(err error) error {
	sum, cerr := m.report.Close()
	if err == nil {
		err = cerr
	}
	if err != nil {
		return m.writeFailed(err)
	}
	text := sum.String()
	if text != "" && m.report.MidLine() {
		text = "\n" + text
	}
	fmt.Fprint(m.a.stderr, text)
	if !sum.Done() {
		return &outcome{status: exitFailed}
	}
	return nil
}

// A storeWriter adds what is written to it to an output.
type storeWriter struct {
	s *task.Store
	o *task.Output
}

func (w storeWriter) Write(p []byte) (int, error) {
	if err := w.o.Append(w.s, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
