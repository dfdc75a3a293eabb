package worker_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/shm"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// both are configurations that give each number's double.
func both() map[string]ipc.Config {
	return map[string]ipc.Config{"exec": commands("echo $(($1 * 2))"), "compute": {Function: "double"}}
}

func TestTasksInOrder(t *testing.T) {
	for name, cfg := range both() {
		b := hire(t, cfg)
		b.hello()
		b.send(tasks(1, 60))
		for i := 1; i <= 60; i++ {
			d, out := b.done(i)
			if out != fmt.Sprintln(2*i) || d.Exit != 0 || d.End != ipc.Ended || !d.Timed || d.Used != (name == "exec") {
				t.Errorf("%s: task %d: %q, %+v", name, i, out, d)
			}
		}
		if n := b.board.Done.Load(); n != 60 {
			t.Errorf("%s: the board says %d", name, n)
		}
		b.send(empty(ipc.KindRetire))
		b.bye()
	}
}

// All that a supervisor may say at once: CONFIG, tasks, RETIRE.
func TestAllAtOnce(t *testing.T) {
	for _, cfg := range both() {
		b := hire(t, cfg)
		b.send(tasks(1, 3), empty(ipc.KindRetire))
		b.hello()
		for i := 1; i <= 3; i++ {
			b.done(i)
		}
		b.bye()
	}
}

// Frames may come in any pieces.
func TestByteByByte(t *testing.T) {
	for _, cfg := range both() {
		b := hire(t, cfg)
		b.hello()
		for _, c := range tasks(1, 2) {
			b.send([]byte{c})
		}
		b.done(1)
		b.done(2)
	}
}

// A kind that the worker does not know is skipped.
func TestUnknownKind(t *testing.T) {
	for _, cfg := range both() {
		b := hire(t, cfg)
		b.hello()
		b.send(ipc.AppendFrame(nil, 50, []byte("news")), tasks(1, 1))
		b.done(1)
	}
}

// The pieces of a large task, and its standard input.
func TestPieces(t *testing.T) {
	b := hire(t, commands(`echo ${#1} $(cat | wc -c) $(cat | wc -c)`))
	b.hello()
	data := task.List([]byte(strings.Repeat("x", 100_000))).AppendWire(nil)
	data = append(data, make([]byte, 300_000)...)
	p := ipc.TaskPiece{Seq: 1, Attempt: 1, Stdin: true}
	for len(data) > 0 {
		n := min(len(data), 70_001)
		p.Data, data = data[:n], data[n:]
		p.Last = len(data) == 0
		b.send(p.Append(nil))
	}
	if _, out := b.done(1); out != "100000 300000 0\n" {
		t.Errorf("%q", out)
	}
}

// RECALL gives back what has not started, the newest first, and never more.
func TestRecall(t *testing.T) {
	wait, open := gate(t)
	b := hire(t, commands(wait))
	b.hello()
	b.send(tasks(1, 10))
	recall := func(n int) []uint64 {
		t.Helper()
		b.send(ipc.AppendRecall(nil, n))
		body, _ := b.want(ipc.KindGaveBack)
		seqs, err := ipc.ParseSeqs(body)
		if err != nil {
			t.Fatal(err)
		}
		return seqs
	}
	if got := recall(0); len(got) != 0 {
		t.Errorf("recall 0: %v", got)
	}
	if got := recall(3); !slices.Equal(got, []uint64{8, 9, 10}) {
		t.Errorf("recall 3: %v", got)
	}
	if got := recall(100); !slices.Equal(got, []uint64{2, 3, 4, 5, 6, 7}) {
		t.Errorf("recall 100: %v", got)
	}
	if got := recall(1); len(got) != 0 {
		t.Errorf("recall of nothing: %v", got)
	}
	b.send(tasks(11, 11), empty(ipc.KindRetire))
	open(2)
	b.done(1)
	b.done(11)
	b.bye()
}

// STOP ends what runs and forgets what waits; what comes after it is not
// started.
func TestStop(t *testing.T) {
	b := hire(t, commands("echo x; exec sleep 99"))
	b.hello()
	b.send(tasks(1, 5))
	b.want(ipc.KindOut)
	b.send(ipc.AppendStop(nil, int(unix.SIGTERM), int64(patience)), tasks(6, 9), empty(ipc.KindRetire))
	if d, _ := b.done(1); d.End != ipc.Stopped || d.Signal != int32(unix.SIGTERM) {
		t.Errorf("%+v", d)
	}
	b.bye()
}

// PAUSE holds an idle worker, too: what comes is not started until RESUME.
func TestPauseIdle(t *testing.T) {
	for name, cfg := range both() {
		b := hire(t, cfg)
		b.hello()
		b.send(empty(ipc.KindPause))
		b.want(ipc.KindPaused)
		b.send(tasks(1, 5), ipc.AppendRecall(nil, 1), ipc.AppendRecall(nil, 0))
		if body, _ := b.want(ipc.KindGaveBack); len(body) != 8 {
			t.Errorf("%s: gave back %d", name, len(body)/8)
		}
		b.want(ipc.KindGaveBack)
		if s := b.board.State.Load(); s == shm.Busy {
			t.Errorf("%s: a task runs", name)
		}
		b.send(empty(ipc.KindResume))
		for i := 1; i <= 4; i++ {
			b.done(i)
		}
		b.send(empty(ipc.KindPause), empty(ipc.KindRetire))
		b.want(ipc.KindPaused)
		b.bye()
	}
}

// What is no request ends the worker, and its task with it, and it says why.
func TestFault(t *testing.T) {
	wait, _ := gate(t)
	for want, frames := range map[string][]byte{
		"length 0":                {0, 0, 0, 0},
		"length 4294967295":       {255, 255, 255, 255},
		"malformed frame: TASK":   ipc.AppendFrame(nil, ipc.KindTask, []byte("short")),
		"malformed frame: STOP":   ipc.AppendFrame(nil, ipc.KindStop, nil),
		"malformed frame: RECALL": ipc.AppendFrame(nil, ipc.KindRecall, nil),
		"task 3: malformed":       ipc.TaskPiece{Seq: 3, Attempt: 1, Last: true, Data: []byte{9}}.Append(nil),
		"TASK 4 inside TASK 3": append(ipc.TaskPiece{Seq: 3, Attempt: 1, Data: []byte{1}}.Append(nil),
			ipc.TaskPiece{Seq: 4, Attempt: 1, Data: []byte{1}}.Append(nil)...),
	} {
		b := hire(t, commands("echo $$; "+wait))
		b.hello()
		b.send(tasks(1, 2))
		body, _ := b.want(ipc.KindOut)
		o, _ := ipc.ParseOut(body)
		b.send(frames)
		if body, _ := b.want(ipc.KindFault); !strings.Contains(string(body), want) {
			t.Errorf("FAULT %q, want %q", body, want)
		}
		b.wantExit(125)
		if n := pid(t, string(o.Data)); lives(n) {
			t.Errorf("%s: task %d lives on", want, n)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	for want, cfg := range map[string]ipc.Config{
		`no function named "nosuch"`: {Function: "nosuch"},
		`no algorithm named "crc"`:   {Function: "digest", Args: []byte(`{"algorithm":"crc"}`)},
		"read the command":           {Function: "exec", Args: []byte(`"text"`)},
		"read the command: --shell":  {Function: "exec", Args: spec(task.Spec{NoShell: true, Shell: []string{"sh"}, Words: []string{"x", "y"}})},
	} {
		b := hire(t, cfg)
		b.hello()
		if body, _ := b.want(ipc.KindFault); !strings.Contains(string(body), want) {
			t.Errorf("FAULT %q, want %q", body, want)
		}
		b.wantExit(125)
	}
	for want, frames := range map[string][]byte{
		"before CONFIG":           tasks(1, 1),
		"malformed frame: CONFIG": ipc.AppendFrame(nil, ipc.KindConfig, nil),
		"invalid character":       ipc.AppendConfig(nil, []byte("config")),
	} {
		b := start(t)
		b.send(frames)
		b.hello()
		if body, _ := b.want(ipc.KindFault); !strings.Contains(string(body), want) {
			t.Errorf("FAULT %q, want %q", body, want)
		}
		b.wantExit(125)
	}
}

// Death is end of file: with the request pipe the worker ends its task, at once
// and with all of its processes, even where requests have not been read.
func TestSupervisorGone(t *testing.T) {
	tree := "setsid sh -c 'echo $$; exec sleep 99' & trap '' TERM HUP; read x"
	for name, leave := range map[string]func(*boss){
		"requests": func(b *boss) { b.requests.Close() },
		"results":  func(b *boss) { b.results.Close() },
		"unread requests": func(b *boss) {
			_ = syscall.Kill(b.pid, syscall.SIGSTOP)
			b.send(tasks(2, 1000))
			b.requests.Close()
			_ = syscall.Kill(b.pid, syscall.SIGCONT)
		},
	} {
		wait, _ := gate(t)
		b := hire(t, commands(strings.Replace(tree, "read x", wait, 1)))
		b.hello()
		b.send(tasks(1, 3))
		body, _ := b.want(ipc.KindOut)
		o, _ := ipc.ParseOut(body)
		leader := int(b.board.Group.Load())
		leave(b)
		b.wantExit(0)
		for _, n := range []int{leader, pid(t, string(o.Data))} {
			if lives(n) {
				t.Errorf("%s: %d lives on", name, n)
			}
		}
	}
}

// A supervisor that is gone before it has said anything, or in the midst.
func TestSupervisorGoneEarly(t *testing.T) {
	for _, said := range [][]byte{nil, {1}, ipc.AppendConfig(nil, []byte(`{"function":"double"}`))[:9]} {
		b := start(t)
		b.send(said)
		b.requests.Close()
		b.wantExit(0)
	}
	for _, cfg := range both() {
		b := hire(t, cfg)
		b.send(tasks(1, 1)[:10])
		b.requests.Close()
		b.wantExit(0)
	}
}

// A worker that is killed takes its task's process with it; the board says
// which it was, and its group.
func TestKilled(t *testing.T) {
	wait, _ := gate(t)
	b := hire(t, commands("echo $$; "+wait))
	b.hello()
	b.send(taskOf(77, "x"))
	body, _ := b.want(ipc.KindOut)
	o, _ := ipc.ParseOut(body)
	n := pid(t, string(o.Data))
	if s, seq, g := b.board.State.Load(), b.board.Seq.Load(), b.board.Group.Load(); s != shm.Busy || seq != 77 || int(g) != n {
		t.Errorf("board: state %d, seq %d, group %d; want task 77 of group %d", s, seq, g, n)
	}
	if at := time.Unix(0, int64(b.board.Start.Load())); time.Since(at) > time.Minute {
		t.Errorf("board: started %v", at)
	}
	_ = syscall.Kill(b.pid, syscall.SIGKILL)
	b.end()
	eventually(t, "the task ends", func() bool { return !lives(n) })
}

// A supervisor that does not read holds the task up, and nothing is lost.
func TestSlowSupervisor(t *testing.T) {
	b := hire(t, commands("head -c 3000000 /dev/zero | tr '\\0' $1; echo end >&2"))
	b.hello()
	b.send(tasks(1, 2))
	eventually(t, "the task runs", func() bool { return b.board.State.Load() == shm.Busy })
	for i := 1; i <= 2; i++ {
		_, out := b.done(i)
		if want := strings.Repeat(fmt.Sprint(i), 3_000_000); strings.Replace(out, "end\n", "", 1) != want {
			t.Errorf("task %d: %d bytes", i, len(out))
		}
	}
}

// A worker without its supervisor's things says that it is no command.
func TestMisuse(t *testing.T) {
	for _, args := range [][]string{{}, {"x"}, {"999"}, {"0", "1"}} {
		stderr, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		pid, err := syscall.ForkExec("/proc/self/exe", append([]string{os.Args[0], ipc.WorkerArg}, args...), &syscall.ProcAttr{
			Env: os.Environ(), Files: []uintptr{stderr.Fd(), stderr.Fd(), stderr.Fd()},
		})
		if err != nil {
			t.Fatal(err)
		}
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil {
			t.Fatal(err)
		}
		said, _ := os.ReadFile(stderr.Name())
		stderr.Close()
		if ws.ExitStatus() != 2 || !strings.Contains(string(said), "mpx: worker: ") || !strings.Contains(string(said), "mpx: hint: ") {
			t.Errorf("%v: status %d, %q", args, ws.ExitStatus(), said)
		}
	}
}
