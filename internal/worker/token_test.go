package worker_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// A jobserver is a make's, with no token at first.
type jobserver struct {
	t    *testing.T
	auth string
	r, w int
}

// jobservers are one of each style. The pipe's ends are inherited by workers.
func jobservers(t *testing.T) map[string]*jobserver {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	pipe := &jobserver{t: t}
	for i, fd := range fds {
		n, err := proc.HandDown(uintptr(fd))
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		t.Cleanup(func() { proc.TakeBack(n) })
		fds[i] = n
	}
	pipe.r, pipe.w, pipe.auth = fds[0], fds[1], fmt.Sprintf("%d,%d", fds[0], fds[1])

	path := t.TempDir() + "/fifo"
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return map[string]*jobserver{"pipe": pipe, "fifo": {t, "fifo:" + path, fd, fd}}
}

func (j *jobserver) put(tokens string) {
	j.t.Helper()
	if _, err := unix.Write(j.w, []byte(tokens)); err != nil {
		j.t.Fatal(err)
	}
}

// free returns how many tokens are free.
func (j *jobserver) free() int {
	j.t.Helper()
	n, err := unix.IoctlGetInt(j.r, unix.TIOCINQ)
	if err != nil {
		j.t.Fatal(err)
	}
	return n
}

// want waits until as many tokens are free and expects them to be those.
func (j *jobserver) want(tokens string) {
	j.t.Helper()
	for end := time.Now().Add(patience); j.free() < len(tokens); {
		// Awake as soon as there is one: what must have come before it has.
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(j.r), Events: unix.POLLIN}}, 1000)
		if time.Now().After(end) {
			j.t.Fatalf("%d tokens are free, want %q", j.free(), tokens)
		}
	}
	b := make([]byte, j.free())
	if _, err := unix.Read(j.r, b); err != nil || string(b) != tokens {
		j.t.Fatalf("tokens %q, %v; want %q", b, err, tokens)
	}
}

// below hires a worker of cfg below j.
func below(t *testing.T, j *jobserver, cfg ipc.Config) *boss {
	t.Helper()
	cfg.Jobserver = j.auth
	b := hire(t, cfg)
	b.hello()
	return b
}

func token(number uint32) []byte { return ipc.AppendToken(nil, number) }

// got expects GOT of number; the board shows the token.
func (b *boss) got(number uint32, want byte) {
	b.t.Helper()
	body, _ := b.want(ipc.KindGot)
	if n, err := ipc.ParseToken(body); n != number || err != nil {
		b.t.Fatalf("GOT %d, %v; want %d", n, err, number)
	}
	if c, held := b.board.Token(); c != want || !held {
		b.t.Fatalf("the board shows token %q, %v; want %q", c, held, want)
	}
}

// sync returns when the worker has done all that it was told, and expects it to
// have said nothing.
func (b *boss) sync() {
	b.t.Helper()
	b.send(ipc.AppendRecall(nil, 0))
	b.want(ipc.KindGaveBack)
}

// each runs f for workers of either sort below jobservers of either style, each
// busy with a task.
func each(t *testing.T, f func(t *testing.T, j *jobserver, b *boss)) {
	wait, _ := gate(t)
	for _, style := range []string{"pipe", "fifo"} {
		t.Run(style+" exec", func(t *testing.T) {
			j := jobservers(t)[style]
			b := below(t, j, commands(wait))
			b.send(tasks(1, 1))
			f(t, j, b)
		})
		t.Run(style+" compute", func(t *testing.T) {
			j := jobservers(t)[style]
			cfg, path := computing(t)
			b := below(t, j, cfg)
			b.send(taskOf(1, path))
			f(t, j, b)
		})
	}
}

func (b *boss) busy() {
	b.t.Helper()
	eventually(b.t, "a task runs", func() bool { return b.board.State.Load() == shm.Busy })
}

// A worker takes a token when it wants one and one is free, a single one, and
// gives back that very byte; all the same while a task runs.
func TestToken(t *testing.T) {
	each(t, func(t *testing.T, j *jobserver, b *boss) {
		b.busy()
		j.put("z")
		b.sync()
		j.want("z") // not told to, it takes none

		for number, c := range []byte{'+', 0, 'x'} {
			b.send(token(uint32(number)))
			b.sync()
			j.put(string(c) + "2")
			b.got(uint32(number), c)
			b.sync()
			j.want("2")
			b.send(empty(ipc.KindDrop))
			j.want(string(c))
			b.send(empty(ipc.KindDrop)) // of nothing
			b.sync()
			if _, held := b.board.Token(); held || j.free() != 0 {
				t.Errorf("held %v, %d free after DROP", held, j.free())
			}
		}
	})
}

// DROP ends the waiting, too; what answers the next TOKEN bears its number.
func TestTokenNotWanted(t *testing.T) {
	each(t, func(t *testing.T, j *jobserver, b *boss) {
		b.send(token(1), empty(ipc.KindDrop))
		b.sync()
		j.put("x")
		b.sync()
		j.want("x")
		b.send(token(2), empty(ipc.KindDrop), token(3))
		j.put("y")
		b.got(3, 'y')
	})
}

// Nobody needs a token for a pool that stands still.
func TestTokenPaused(t *testing.T) {
	each(t, func(t *testing.T, j *jobserver, b *boss) {
		b.send(empty(ipc.KindPause), token(1))
		b.want(ipc.KindPaused)
		j.put("x")
		b.sync()
		if j.free() != 1 {
			t.Error("a token was taken in spite of PAUSE")
		}
		b.send(empty(ipc.KindResume))
		b.got(1, 'x')
		b.send(empty(ipc.KindDrop))
		j.want("x")
	})
}

// Of several that wait for a token one gets it, and the others wait on.
func TestTokenForOne(t *testing.T) {
	j := jobservers(t)["pipe"]
	var waiting []*boss
	for range 3 {
		b := below(t, j, words("true"))
		b.send(token(1))
		b.sync()
		waiting = append(waiting, b)
	}
	for _, c := range []byte("abc") {
		j.put(string(c))
		var holds *boss
		eventually(t, "one gets the token", func() bool {
			for i, b := range waiting {
				if _, held := b.board.Token(); held {
					holds, waiting = b, append(waiting[:i], waiting[i+1:]...)
					return true
				}
			}
			return false
		})
		holds.got(1, c)
		for _, b := range waiting {
			b.sync()
		}
	}
}

// A worker that leaves, for whatever reason, gives its token back.
func TestTokenOfOneThatLeaves(t *testing.T) {
	wait, open := gate(t)
	for name, leave := range map[string]func(b *boss){
		"retires": func(b *boss) {
			b.send(tasks(1, 1), empty(ipc.KindRetire))
			open(1)
			b.done(1)
			b.bye()
		},
		"cannot go on": func(b *boss) {
			b.send(tasks(1, 1), []byte{0, 0, 0, 0})
			b.want(ipc.KindFault)
			b.wantExit(125)
		},
		"is left alone": func(b *boss) {
			b.requests.Close()
			b.wantExit(0)
		},
		"has no room for a process": func(b *boss) {
			few := unix.Rlimit{Cur: 4, Max: 4}
			if err := unix.Prlimit(b.pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
				t.Fatal(err)
			}
			b.send(tasks(1, 1))
			b.want(ipc.KindNoStart)
			b.bye()
		},
	} {
		for _, style := range []string{"pipe", "fifo"} {
			t.Run(name+" "+style, func(t *testing.T) {
				j := jobservers(t)[style]
				b := below(t, j, commands(wait))
				j.put("x")
				b.send(token(1))
				b.got(1, 'x')
				leave(b)
				if _, held := b.board.Token(); held {
					t.Error("the board still shows it")
				}
				j.want("x")
			})
		}
	}
	t.Run("ends with its computation", func(t *testing.T) {
		cfg, path := computing(t)
		cfg.Timeout = int64(50 * time.Millisecond)
		j := jobservers(t)["pipe"]
		b := below(t, j, cfg)
		j.put("x")
		b.send(token(1))
		b.got(1, 'x')
		b.send(taskOf(1, path))
		b.done(1)
		b.bye()
		j.want("x")
	})
}

// When the supervisor is gone the token is back only after the task's processes
// are dead: they are what it stands for.
func TestTokenWithoutSupervisor(t *testing.T) {
	wait, _ := gate(t)
	for _, style := range []string{"pipe", "fifo"} {
		t.Run(style, func(t *testing.T) {
			j := jobservers(t)[style]
			b := below(t, j, commands("setsid sh -c 'echo $$; exec sleep 99' & trap '' TERM HUP; "+wait))
			j.put("x")
			b.send(token(1))
			b.got(1, 'x')
			b.send(tasks(1, 1))
			body, _ := b.want(ipc.KindOut)
			o, _ := ipc.ParseOut(body)
			pids := []int{int(b.board.Group.Load()), pid(t, string(o.Data))}
			b.requests.Close()
			j.want("x")
			for _, n := range pids {
				if lives(n) {
					t.Errorf("the token is back, and %d lives on", n)
				}
			}
			b.wantExit(0)
		})
	}
}

// The board tells which token a killed worker held.
func TestTokenOfOneKilled(t *testing.T) {
	each(t, func(t *testing.T, j *jobserver, b *boss) {
		b.busy()
		j.put("x")
		b.send(token(1))
		b.got(1, 'x')
		_ = syscall.Kill(b.pid, syscall.SIGKILL)
		b.end()
		if j.free() != 0 {
			t.Error("given back by the dead")
		}
		give, err := proc.OpenJobserver(j.auth)
		if err != nil {
			t.Fatal(err)
		}
		defer give.Close()
		for range 2 {
			if err := b.board.ReturnToken(give.Give); err != nil {
				t.Error(err)
			}
		}
		j.want("x")
	})
}

func TestTokenFaults(t *testing.T) {
	j := jobservers(t)["fifo"]
	for want, frames := range map[string][]byte{
		"TOKEN after TOKEN":                 append(token(1), token(2)...),
		"malformed frame: TOKEN or GOT":     ipc.AppendFrame(nil, ipc.KindToken, nil),
		"malformed frame: a body where the": ipc.AppendFrame(nil, ipc.KindDrop, []byte{1}),
	} {
		b := below(t, j, words("true"))
		b.send(frames)
		if body, _ := b.want(ipc.KindFault); !strings.Contains(string(body), want) {
			t.Errorf("FAULT %q, want %q", body, want)
		}
	}
	for auth, want := range map[string]string{
		"": "TOKEN without a jobserver", "998,999": "open make's jobserver: /proc/self/fd/998: no such file", "x": "neither R,W nor",
		"fifo:/no/such": "open make's jobserver: /no/such: no such file", "fifo:/dev/null": "neither a pipe nor a FIFO",
	} {
		cfg := words("true")
		cfg.Jobserver = auth
		b := hire(t, cfg)
		b.hello()
		if auth == "" {
			b.send(token(1))
		}
		if body, _ := b.want(ipc.KindFault); !strings.Contains(string(body), want) {
			t.Errorf("%q: FAULT %q, want %q", auth, body, want)
		}
	}
}

// A task gets none of the worker's own descriptors, the jobserver's among them.
func TestTokenFilesAreTheWorkers(t *testing.T) {
	j := jobservers(t)["fifo"]
	b := below(t, j, words("sh", "-c", "readlink /proc/self/fd/*; :"))
	b.send(tasks(1, 1))
	if _, out := b.done(1); strings.Contains(out, strings.TrimPrefix(j.auth, "fifo:")) {
		t.Errorf("%q", out)
	}
}
