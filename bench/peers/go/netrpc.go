package main

import (
	"context"
	"io"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"time"
)

// Args are multiplied.
type Args struct{ A, B int32 }

// Record comes back.
type Record struct {
	ID      uint64
	Name    string
	Payload []byte
}

// Bench is the service.
type Bench struct{ delay time.Duration }

// Multiply takes its time.
func (b *Bench) Multiply(args *Args, product *int32) error {
	if b.delay > 0 {
		time.Sleep(b.delay)
	}
	*product = args.A * args.B
	return nil
}

// Echo returns the record.
func (b *Bench) Echo(record *Record, echo *Record) error {
	*echo = *record
	return nil
}

func serveGob(l net.Listener, delay time.Duration) error {
	return serveEach(l, delay, func(s *rpc.Server, conn io.ReadWriteCloser) { s.ServeConn(conn) })
}

func serveJSON(l net.Listener, delay time.Duration) error {
	return serveEach(l, delay, func(s *rpc.Server, conn io.ReadWriteCloser) {
		s.ServeCodec(jsonrpc.NewServerCodec(conn))
	})
}

func serveEach(l net.Listener, delay time.Duration, serve func(*rpc.Server, io.ReadWriteCloser)) error {
	server := rpc.NewServer()
	if err := server.Register(&Bench{delay}); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(server, conn)
	}
}

type netrpc struct{ client *rpc.Client }

func dialGob(addr string) (caller, error) {
	client, err := rpc.Dial("tcp", addr)
	return netrpc{client}, err
}

func dialJSON(addr string) (caller, error) {
	client, err := jsonrpc.Dial("tcp", addr)
	return netrpc{client}, err
}

func (c netrpc) multiply(_ context.Context, a, b int32) (product int32, err error) {
	err = c.client.Call("Bench.Multiply", &Args{a, b}, &product)
	return product, err
}

func (c netrpc) echo(_ context.Context, id uint64, payload []byte) (uint64, int, error) {
	var echo Record
	err := c.client.Call("Bench.Echo", &Record{id, name, payload}, &echo)
	return echo.ID, len(echo.Payload), err
}
