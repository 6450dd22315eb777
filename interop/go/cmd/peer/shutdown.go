package main

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/wgrpc"
)

// How many goroutines call on each connection of the shutdown scenario, and how many calls are
// answered before the server may be ended.
const (
	callers   = 16
	underLoad = 2000
)

// shutdown calls on every connection without a pause, and watches what becomes of the calls when
// somebody ends the server. It says when that may happen.
func (c *checker) shutdown() {
	endings := make([]*ending, c.connections)
	for i := range endings {
		client := c.dial("shutdown", c.option)
		if client == nil {
			return
		}
		defer client.Close()
		// The server has taken the connection on for sure: at its very end the system still
		// takes on some that no server ever sees.
		if err := c.multiply(client, 6, 7); err != nil {
			c.check("shutdown/first-call", err)
			return
		}
		endings[i] = &ending{client: client, answered: 1, lastReply: 1}
	}

	var answered atomic.Int64
	isLoaded, isOver := make(chan struct{}), make(chan struct{})
	var calling sync.WaitGroup
	for _, e := range endings {
		for i := 1; i <= callers; i++ {
			calling.Add(1)
			go func(e *ending, caller int) {
				defer calling.Done()
				for n := 0; e.callOnce(caller, n); n++ {
					if answered.Add(1) == underLoad {
						close(isLoaded)
					}
				}
			}(e, i)
		}
	}
	go func() {
		calling.Wait()
		close(isOver)
	}()
	select {
	case <-isLoaded:
		c.check("shutdown/under-load", nil)
	case <-isOver:
		c.check("shutdown/under-load", errors.New("the calls ended before anybody ended the server"))
	}
	select {
	case <-isOver:
		c.report(endings)
	case <-time.After(2 * c.timeout):
		c.check("shutdown/end", errors.New("some calls have no end"))
	}
}

// ending is what came of the calls of one connection.
type ending struct {
	client *wgrpc.Client

	mutex           sync.Mutex // guards what follows
	answered        int
	refused, unsent int
	unanswered      []uint64 // numbers of the calls that were sent and have no response
	lastReply       uint64   // the highest number of a response
	wrong           error
}

// callOnce makes a call and notes what came of it. It says whether another one makes sense.
func (e *ending) callOnce(caller, n int) bool {
	var reply int
	method, want := "Arith.Multiply", caller*n
	var args interface{} = demo.Args{A: caller, B: n}
	switch {
	case caller == callers:
		// One always has to wait, until everybody else has been refused for long.
		method, want = "Arith.Sleep", 300
		args = want
	case n%32 == 0:
		method, want = "Arith.Sleep", caller%4
		args = want
	}
	call := <-e.client.Go(method, args, &reply, nil).Done

	e.mutex.Lock()
	defer e.mutex.Unlock()
	var remote wgrpc.ServerError
	switch {
	case call.Error == nil:
		e.answered++
		e.wrong = firstError(e.wrong, equal(reply, want))
	case errors.As(call.Error, &remote):
		e.refused++
		e.wrong = firstError(e.wrong, remoteText(call.Error, "the server is shutting down"))
	case call.Error == wgrpc.ErrShutdown:
		e.unsent++
		return false
	default:
		e.unanswered = append(e.unanswered, call.Seq)
		return false
	}
	if call.Seq > e.lastReply {
		e.lastReply = call.Seq
	}
	return call.Error == nil
}

func firstError(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// lost says whether a call has no response that must have one: the server reads the requests of a
// connection in their order, so it has had this one too.
func (e *ending) lost() error {
	for _, seq := range e.unanswered {
		if seq < e.lastReply {
			return fmt.Errorf("call %d has no response, and call %d has one", seq, e.lastReply)
		}
	}
	return nil
}

// report says what came of all calls.
func (c *checker) report(endings []*ending) {
	var answered, refused, unsent, unanswered, unsettled int
	var wrong, lost, end error
	for _, e := range endings {
		answered += e.answered
		refused += e.refused
		unsent += e.unsent
		unanswered += len(e.unanswered)
		if len(e.unanswered) > 0 && e.refused == 0 {
			unsettled++
		}
		wrong = firstError(wrong, e.wrong)
		lost = firstError(lost, e.lost())
		if ended := e.client.Ended(c.timeout); ended != io.EOF {
			end = firstError(end, fmt.Errorf("a connection ended with %v", ended))
		}
	}
	c.check("shutdown/replies", wrong)
	c.check("shutdown/none-lost", lost)
	c.check("shutdown/ends-after-the-last-reply", end)
	c.count("shutdown/answered", answered)
	c.count("shutdown/refused", refused)
	c.count("shutdown/unsent", unsent)
	c.count("shutdown/unanswered", unanswered)
	c.count("shutdown/unsettled", unsettled)
}

// count prints a number for whoever reads the results to judge.
func (c *checker) count(name string, count int) {
	c.out.Encode(result{Name: name, OK: true, Detail: fmt.Sprint(count)})
}
