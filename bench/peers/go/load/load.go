// Package load makes the calls of a contender in Go, and counts them.
//
// It keeps the same contract as the contenders in Rust.
package load

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how many failures it takes until a Caller gives up.
const patience = 100

// drain is how long calls may take to end after the window.
const drain = 10 * time.Second

// beat is how often calls begin that are made at a steady rate.
const beat = 50 * time.Microsecond

// load is what a client does.
type load struct {
	workload                    string
	conns, outstanding, payload int
	secs, warmup, rate          float64
	calls                       int64
}

func (l *load) flags(flags *flag.FlagSet) {
	flags.StringVar(&l.workload, "workload", "", "multiply, echo or idle")
	flags.IntVar(&l.conns, "conns", 1, "how many connections")
	flags.IntVar(&l.outstanding, "outstanding", 1, "how many calls are outstanding on each")
	flags.IntVar(&l.payload, "payload", 0, "how many bytes an echo carries")
	flags.Float64Var(&l.secs, "secs", 1, "how long to measure")
	flags.Float64Var(&l.warmup, "warmup", 0.3, "how long to run before that")
	flags.Int64Var(&l.calls, "calls", 0, "make exactly so many calls")
	flags.Float64Var(&l.rate, "rate", 0, "begin so many calls a second")
}

// drive connects, makes the calls, and prints what came of them.
func (l *load) drive(dial func() (Caller, error)) error {
	clients := make([]Caller, l.conns)
	for i := range clients {
		client, err := dial()
		if err != nil {
			return err
		}
		if l.workload == "idle" {
			if product, err := client.Multiply(context.Background(), 6, 7); product != 42 {
				return fmt.Errorf("a wrong product: %v", err)
			}
		}
		clients[i] = client
	}
	if l.workload == "idle" {
		say(event{"event": "ready"})
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
	w := &window{load: l, payload: bytesOf(l.payload)}
	w.left.Store(l.calls)
	if l.calls > 0 {
		w.phase.Store(measured)
	}
	w.run(clients)
	return nil
}

const (
	warmUp = iota
	measured
	over
)

// window says when calls are made and which of them count; it is shared by all callers.
type window struct {
	*load
	payload []byte
	phase   atomic.Int32
	// left is how many calls may still begin, if they are counted.
	left    atomic.Int64
	callers sync.WaitGroup

	mutex     sync.Mutex
	latencies []time.Duration
	errors    int
	err       error
}

func (w *window) run(clients []Caller) {
	start := time.Now()
	if w.rate > 0 {
		w.callers.Add(1)
		go w.pace(clients)
	} else {
		for i := range len(clients) * w.outstanding {
			w.callers.Add(1)
			go w.keepCalling(clients[i/w.outstanding], uint64(i)<<32)
		}
	}
	if w.calls > 0 {
		w.callers.Wait()
		w.report(time.Since(start))
		return
	}
	time.Sleep(seconds(w.warmup))
	w.phase.Store(measured)
	start = time.Now()
	say(event{"event": "start"})
	time.Sleep(seconds(w.secs))
	w.phase.Store(over)
	took := time.Since(start)
	say(event{"event": "end"})
	done := make(chan struct{})
	go func() {
		w.callers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(drain):
		w.fail(errors.New("calls did not end after the window"))
	}
	w.report(took)
}

// admits says whether one more call may begin.
func (w *window) admits() bool {
	if w.calls > 0 {
		return w.left.Add(-1) >= 0
	}
	return w.phase.Load() != over
}

// keepCalling begins a call as soon as the one before has ended.
func (w *window) keepCalling(client Caller, number uint64) {
	defer w.callers.Done()
	var latencies []time.Duration
	for failures := 0; failures < patience && w.admits(); {
		number++
		start := time.Now()
		if err := w.call(client, number); err != nil {
			w.fail(err)
			failures++
		} else if w.phase.Load() == measured {
			latencies = append(latencies, time.Since(start))
		}
	}
	w.count(latencies...)
}

// pace begins calls at a steady rate, by turns on each connection.
func (w *window) pace(clients []Caller) {
	defer w.callers.Done()
	start := time.Now()
	// Go's own timer has a grain of 1 ms when there is nothing else to do.
	rest := syscall.NsecToTimespec(int64(beat))
	for begun := 0; w.phase.Load() != over; syscall.Nanosleep(&rest, nil) {
		for due := int(time.Since(start).Seconds() * w.rate); begun < due; begun++ {
			at := start.Add(seconds(float64(begun) / w.rate))
			w.callers.Add(1)
			go w.callOnce(clients[begun%len(clients)], uint64(begun), at)
		}
	}
}

func (w *window) callOnce(client Caller, number uint64, due time.Time) {
	defer w.callers.Done()
	if err := w.call(client, number); err != nil {
		w.fail(err)
	} else if w.phase.Load() == measured {
		w.count(time.Since(due))
	}
}

func (w *window) call(client Caller, number uint64) error {
	if w.workload == "echo" {
		id, length, err := client.Echo(context.Background(), number, w.payload)
		if err == nil && (id != number || length != len(w.payload)) {
			err = errors.New("a wrong echo")
		}
		return err
	}
	a, b := int32(number&0x3fff)+1, int32(7)
	product, err := client.Multiply(context.Background(), a, b)
	if err == nil && product != a*b {
		err = errors.New("a wrong product")
	}
	return err
}

func (w *window) count(latencies ...time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.latencies = append(w.latencies, latencies...)
}

func (w *window) fail(err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.errors++
	if w.err == nil {
		w.err = err
	}
}

func (w *window) report(took time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	all := w.latencies
	slices.Sort(all)
	micros := func(quantile float64) float64 {
		if len(all) == 0 {
			return 0
		}
		at := min(int(quantile*float64(len(all))), len(all)-1)
		return float64(all[at]) / 1e3
	}
	var sum time.Duration
	for _, latency := range all {
		sum += latency
	}
	text := ""
	if w.err != nil {
		text = w.err.Error()
	}
	rate := float64(len(all)) / took.Seconds()
	say(event{
		"event": "result", "calls": len(all), "errors": w.errors, "error": text,
		"secs": took.Seconds(), "calls_per_s": rate, "mb_per_s": rate * float64(w.load.payload) / 1e6,
		"p50_us": micros(0.5), "p90_us": micros(0.9), "p99_us": micros(0.99),
		"p999_us": micros(0.999), "max_us": micros(1),
		"mean_us": float64(sum) / float64(max(len(all), 1)) / 1e3,
	})
}

type event map[string]any

// say prints a line.
func say(e event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// bytesOf are bytes that do not compress into anything.
func bytesOf(length int) []byte {
	bytes, n := make([]byte, length), uint32(1)
	for i := range bytes {
		bytes[i] = byte(n >> 24)
		n = n*1_664_525 + 1_013_904_223
	}
	return bytes
}
