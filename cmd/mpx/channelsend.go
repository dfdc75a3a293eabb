package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"

	"mpx/internal/ipc"
	"mpx/internal/shm"
)

// channelArg makes this program the sender of mpx bench channel. What follows it is
// the way, the size of a message, how many are to be sent first, and how many once
// stdin says so; it ends when stdin does. The far end of the way is descriptor 3.
const channelArg = "mpx-channel-sender"

// channelSender is that sender. It returns its exit status.
func channelSender(args []string) int {
	err := sendChannel(args)
	if err != nil && !isAny(err, shm.ErrClosed, shm.ErrPeerDied, ipc.ErrQueueClosed, syscall.EPIPE) { // the receiver has left
		fmt.Fprintln(os.Stderr, "mpx: the sender of bench channel:", err)
		return exitBroken
	}
	return 0
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
}

func sendChannel(args []string) error {
	var n [3]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(args[i+1]); err != nil {
			return err
		}
	}
	send, closeIt, err := channelTo(args[0])
	if err != nil {
		return err
	}
	defer closeIt()
	begin := make(chan struct{})
	go func() {
		for {
			if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
				leaveChannel(args[0])
			}
			begin <- struct{}{}
		}
	}()
	from := newBuffers(n[0])
	for _, count := range n[1:] {
		for i := range count {
			b := from.at(i)
			binary.LittleEndian.PutUint64(b, uint64(i))
			if err := send(b); err != nil {
				return err
			}
		}
		<-begin // or it is told to leave
	}
	return nil
}

// leaveChannel ends the sender: the receiver has enough, or is dead, and then nobody else
// removes a queue's directory.
func leaveChannel(way string) {
	if path, err := os.Readlink("/proc/self/fd/3"); err == nil && way == wayQueue {
		_ = os.RemoveAll(path)
	}
	os.Exit(0)
}

// channelTo opens the way name to send by.
func channelTo(name string) (send func([]byte) error, closeIt func(), err error) {
	switch name {
	case wayPipe:
		c := ipc.NewConnection(os.NewFile(3, name), false, true)
		return c.Send, func() { c.Close() }, nil
	case wayQueue:
		return queueTo()
	}
	r, err := shm.OpenRing(3)
	if err != nil {
		return nil, nil, err
	}
	s, err := r.Sender()
	if err != nil {
		return nil, nil, err
	}
	s.Expect(os.Getppid())
	return func(b []byte) error { return s.Send(b, shm.Wait{}) }, s.Close, nil
}

// queueTo opens the queue in the directory that is descriptor 3.
func queueTo() (send func([]byte) error, closeIt func(), err error) {
	path, err := os.Readlink("/proc/self/fd/3")
	if err != nil {
		return nil, nil, err
	}
	d, err := shm.OpenDir(path)
	if err != nil {
		return nil, nil, err
	}
	q, err := ipc.OpenQueue(d, wayQueue)
	if err != nil {
		return nil, nil, err
	}
	return func(b []byte) error {
		i, err := q.ItemOf(b)
		if err != nil {
			return err
		}
		defer i.Close()
		_, err = q.Put([]ipc.Item{i}, shm.Wait{})
		return err
	}, func() { q.Close() }, nil
}
