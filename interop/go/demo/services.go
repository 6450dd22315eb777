package demo

import (
	"errors"
	"fmt"
	"time"

	"wgrpc/interop/wgrpc"
)

// Arith computes.
type Arith struct{}

// Multiply returns A times B.
func (Arith) Multiply(args Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

// Divide returns quotient and remainder.
func (Arith) Divide(args *Args, reply *Quotient) error {
	if args.B == 0 {
		return errors.New("divide by zero")
	}
	reply.Quo, reply.Rem = args.A/args.B, args.A%args.B
	return nil
}

// Sleep waits that many milliseconds and returns them.
func (Arith) Sleep(milliseconds int, reply *int) error {
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	*reply = milliseconds
	return nil
}

// Fail fails with the given text.
func (Arith) Fail(text string, _ *int) error { return errors.New(text) }

// Echo returns what it is given.
type Echo struct{}

// Bytes returns the bytes.
func (Echo) Bytes(args []byte, reply *[]byte) error {
	*reply = args
	return nil
}

// Blobs returns the lists of bytes.
func (Echo) Blobs(args map[string][][]byte, reply *map[string][][]byte) error {
	*reply = args
	return nil
}

// String returns the string.
func (Echo) String(args string, reply *string) error {
	*reply = args
	return nil
}

// Record returns the record.
func (Echo) Record(args Record, reply *Record) error {
	*reply = args
	return nil
}

// Any returns the value, whatever it is.
func (Echo) Any(args Any, reply *Any) error {
	*reply = args
	return nil
}

// Large moves bulk.
type Large struct{}

// Size returns Want bytes, each of them its index modulo 251, if the payload is made likewise.
func (Large) Size(args SizeArgs, reply *[]byte) error {
	for i, b := range args.Payload {
		if b != byte(i%251) {
			return fmt.Errorf("payload byte %d is %d", i, b)
		}
	}
	*reply = Pattern(args.Want)
	return nil
}

// Pattern returns that many bytes, each of them its index modulo 251.
func Pattern(size int) []byte {
	pattern := make([]byte, size)
	for i := range pattern {
		pattern[i] = byte(i % 251)
	}
	return pattern
}

// NewServer returns a server of all the services.
func NewServer() *wgrpc.Server {
	server := new(wgrpc.Server)
	for _, receiver := range []interface{}{Arith{}, Echo{}, Large{}} {
		if err := server.Register(receiver); err != nil {
			panic(err)
		}
	}
	return server
}
