package ipc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// A heldDisk is one whose syncs wait, and end as fails says.
type heldDisk struct {
	realDisk
	begun chan string // the path, of each
	end   chan error  // how it is to end
	syncs atomic.Int64
}

func (d *heldDisk) sync(f *os.File) error {
	d.syncs.Add(1)
	d.begun <- f.Name()
	if err := <-d.end; err != nil {
		return err
	}
	return d.realDisk.sync(f)
}

// lasting returns a queue that lasts, as so many processes have it open.
func lasting(t testing.TB, n int) []*Queue {
	d, place := testDir(t), testDir(t)
	all := make([]*Queue, n)
	for i := range all {
		var err error
		if i == 0 {
			all[i], err = MakeQueue(d, "q", 0, place.Path())
		} else {
			all[i], err = OpenQueue(d, "q")
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { all[i].Close() })
	}
	return all
}

// hold has the disk be held; patience is how long a process waits for its turn.
func hold(t testing.TB, patience time.Duration) *heldDisk {
	before := turnPatience
	turnPatience = patience
	t.Cleanup(func() { turnPatience = before })
	d := &heldDisk{begun: make(chan string), end: make(chan error)}
	onDisk = d
	t.Cleanup(func() { onDisk = realDisk{} })
	return d
}

// putAsync puts an item; that it is on the disk comes through the channel.
func putAsync(q *Queue, text string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := q.Put([]Item{{b: []byte(text)}}, shm.Wait{})
		done <- err
	}()
	return done
}

// awaitPut waits until so many items have been put.
func awaitPut(t testing.TB, q *Queue, n uint64) {
	for deadline := time.Now().Add(20 * time.Second); q.t.Word(wordPut) != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d items, want %d", q.t.Word(wordPut), n)
		}
	}
}

// Of many who put together, one writes through for all that have written when he begins.
func TestQueueThroughTogether(t *testing.T) {
	const many = 8
	qs := lasting(t, many+1)
	disk := hold(t, time.Hour)
	first := putAsync(qs[many], "first")
	if path := <-disk.begun; filepath.Base(path) != "log.0" {
		t.Error(path)
	}
	var others []<-chan error
	for i := range many {
		others = append(others, putAsync(qs[i], fmt.Sprint(i)))
	}
	awaitPut(t, qs[0], many+1)
	for _, done := range append(others, first) {
		select {
		case err := <-done:
			t.Fatal("a put has ended before it was on the disk: ", err)
		default:
		}
	}
	disk.end <- nil
	<-disk.begun
	disk.end <- nil
	for _, done := range append(others, first) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := disk.syncs.Load(); n != 2 {
		t.Errorf("%d syncs", n)
	}
}

// The disk cannot write: all who had written then are told, though it says so only once,
// and those that come later are not.
func TestQueueThroughFails(t *testing.T) {
	for _, fault := range []error{unix.EIO, unix.ENOSPC} {
		const many = 4
		qs := lasting(t, many+1)
		disk := hold(t, time.Hour)
		dones := []<-chan error{putAsync(qs[many], "first")}
		<-disk.begun
		for i := range many {
			dones = append(dones, putAsync(qs[i], fmt.Sprint(i)))
		}
		awaitPut(t, qs[0], many+1)
		disk.end <- fault
		for _, done := range dones {
			if err := <-done; !errors.Is(err, ErrThrough) {
				t.Error(err)
			}
		}
		later := putAsync(qs[0], "later")
		<-disk.begun
		disk.end <- nil
		if err := <-later; err != nil {
			t.Error(err)
		}
		if n := disk.syncs.Load(); n != 2 {
			t.Errorf("%d syncs", n)
		}
		onDisk = realDisk{}
	}
}

// So it is of items that were done, and of what is said of the queue.
func TestQueueAckFails(t *testing.T) {
	qs := lasting(t, 1)
	q := qs[0]
	put(t, q, "a", "b", "c")
	for i, f := range []func(*Lease) error{(*Lease).Done, (*Lease).Take, func(l *Lease) error { return errors.Join(l.Return(), q.SetClosed()) }} {
		l, _ := get(t, q)
		disk := hold(t, time.Hour)
		done := make(chan error, 1)
		go func() { done <- f(l) }()
		if path := <-disk.begun; filepath.Base(path) != "acks.0" {
			t.Error(path)
		}
		disk.end <- unix.EIO
		if err := <-done; !errors.Is(err, ErrThrough) {
			t.Error(i, err)
		}
		onDisk = realDisk{}
	}
}

// Who has the turn is stopped: another does it himself, after some patience.
func TestQueueThroughStopped(t *testing.T) {
	qs := lasting(t, 2)
	disk := hold(t, time.Millisecond)
	stopped := putAsync(qs[0], "a")
	<-disk.begun
	other := putAsync(qs[1], "b")
	<-disk.begun
	disk.end <- nil
	disk.end <- nil
	for _, done := range []<-chan error{stopped, other} {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	// Who has done it himself has not kept the turn.
	turnPatience = time.Hour
	for i := range qs {
		done := putAsync(qs[i], "c")
		<-disk.begun
		disk.end <- nil
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkQueueThrough is what a put costs of a queue on disk, and of one that is in
// memory; of items put together; of several who put at once; and a get. TMPDIR is the disk.
func BenchmarkQueueThrough(b *testing.B) {
	lines := func(n int) []Item { return items(bytes.Repeat([]byte("x"), 24), n) }
	for _, place := range []string{"memory", "disk"} {
		for _, c := range []struct {
			name          string
			each, putters int
			get           bool
		}{{"put 1", 1, 1, false}, {"put 1000", 1000, 1, false}, {"put 1, by 8", 1, 8, false}, {"put and get 1", 1, 1, true}} {
			b.Run(place+"/"+c.name, func(b *testing.B) {
				dir := ""
				if place == "disk" {
					dir = filepath.Join(b.TempDir(), "q")
				}
				d := testDir(b)
				q, err := MakeQueue(d, "q", 0, dir)
				if err != nil {
					b.Fatal(err)
				}
				defer q.Close()
				var all sync.WaitGroup
				work := make(chan bool, c.putters)
				for range c.putters {
					q, err := OpenQueue(d, "q")
					if err != nil {
						b.Fatal(err)
					}
					all.Go(func() {
						defer q.Close()
						for range work {
							_, err := q.Put(lines(c.each), shm.Wait{})
							if err == nil && c.get {
								var l *Lease
								if l, err = q.Lease(shm.Wait{}); err == nil {
									err = l.Done()
								}
							}
							if err != nil {
								b.Error(err)
							}
						}
					})
				}
				for b.Loop() {
					work <- true
				}
				close(work)
				all.Wait()
			})
		}
	}
}

func items(text []byte, n int) (all []Item) {
	for range n {
		all = append(all, Item{b: text})
	}
	return all
}
