package main

import (
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Senders, receivers, and who asks and who closes are killed. No message is lost of a
// sender that has ended well; none comes by half, twice or late, but those that the
// killed had; and who receives learns of the end.
func TestKillPipe(t *testing.T) {
	againAlone(t, func() int {
		q := &traffic{dir: t.TempDir()}
		create := []string{"pipe", "create", "p"}
		if rand.IntN(2) == 0 {
			create = append(create, "--simplex")
		}
		if out, err := mpxIn(q.dir, create...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var senders, receivers sync.WaitGroup
		for i := range 3 {
			receivers.Go(func() { q.receive(t, i == 0) })
			senders.Go(func() { q.sendAll(t) })
		}
		senders.Wait()
		q.closed.Store(true)
		q.close(t)
		receivers.Wait()
		wantNoObjects(t, q.dir)
		q.check(t)
		return int(q.kills.Load())
	})
}

// sendAll sends the items of a run, each by a process of its own, until one is killed.
func (q *traffic) sendAll(t *testing.T) {
	run := q.runs.Add(1)
	well := true
	for n := 0; n < itemsEach && well; n++ {
		cmd := mpxIn(q.dir, "pipe", "send", "p:2")
		cmd.Stdin = strings.NewReader(item(run, n))
		limit := patience
		if rand.IntN(2*itemsEach) == 0 {
			limit = rand.N(20 * time.Millisecond)
		}
		status, killed, said := q.run(t, "a sender", cmd, limit)
		if !killed && status != 0 {
			t.Errorf("a sender ended with %d: %s", status, said)
		}
		well = !killed
	}
	q.producers.Store(run, well)
}

// receive receives, each message by a process of its own, until the end. If it asks, it
// polls before.
func (q *traffic) receive(t *testing.T, asks bool) {
	for over := false; !over && !t.Failed(); {
		limit := rand.N(2 * time.Millisecond << rand.IntN(11))
		if q.closed.Load() {
			limit = patience
		}
		if asks {
			if _, killed, _ := q.run(t, "who polls", mpxIn(q.dir, "pipe", "poll", "--timeout", "20", "p:1"), limit); killed {
				continue
			}
		}
		out, err := os.CreateTemp(q.dir, "got.")
		if err != nil {
			t.Error(err)
			return
		}
		cmd := mpxIn(q.dir, "pipe", "recv", "--raw", "p:1")
		cmd.Stdout = out
		status, killed, said := q.run(t, "a receiver", cmd, limit)
		out.Close()
		over = !killed && status == exitEnd
		switch {
		case killed:
			q.takers.Add(1)
		case status != 0 && status != exitEnd:
			t.Errorf("a receiver ended with %d: %s", status, said)
		}
	}
}

// close closes the sending end, at last.
func (q *traffic) close(t *testing.T) {
	for killed := true; killed; {
		var status int
		var said string
		status, killed, said = q.run(t, "who closes", mpxIn(q.dir, "pipe", "close", "p:2"), sometimes(20*time.Millisecond))
		if !killed && status != 0 {
			t.Errorf("close ended with %d: %s", status, said)
		}
	}
}
