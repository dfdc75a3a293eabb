package worker

import (
	"time"

	"mpx/internal/ipc"

	"golang.org/x/sys/unix"
)

// report says how the task ended.
func (c *running) report() ipc.Done {
	d := ipc.Done{
		Seq: c.job.Seq, Attempt: c.job.Attempt, End: c.end,
		Timed: true, Start: c.start.UnixNano(), Elapsed: int64(c.ended.Sub(c.start)),
		Used: true, User: c.ru.Utime.Nano(), System: c.ru.Stime.Nano(), MaxRSS: c.ru.Maxrss << 10,
	}
	if c.pidfd >= 0 { // it could not be killed
		d.Used, d.Signal, d.Elapsed = false, int32(unix.SIGKILL), int64(time.Since(c.start))
		d.Note = "a process of another user, or one stuck in the kernel, could not be killed"
	} else if c.ws.Signaled() {
		d.Signal = int32(c.ws.Signal())
	} else {
		d.Exit = int32(c.ws.ExitStatus())
	}
	return d
}
