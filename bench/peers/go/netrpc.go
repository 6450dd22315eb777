package main

import (
	"context"
	"io"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"time"

	"wgrpc/bench/peers/load"
)

// Bench is the service.
type Bench struct{ delay time.Duration }

// Multiply takes its time.
func (b *Bench) Multiply(args *load.Args, product *int32) error {
	if b.delay > 0 {
		time.Sleep(b.delay)
	}
	*product = args.A * args.B
	return nil
}

// Echo returns the record.
func (b *Bench) Echo(record *load.Record, echo *load.Record) error {
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

func dialGob(addr string) (load.Caller, error) {
	client, err := rpc.Dial("tcp", addr)
	return netrpc{client}, err
}

func dialJSON(addr string) (load.Caller, error) {
	client, err := jsonrpc.Dial("tcp", addr)
	return netrpc{client}, err
}

func (c netrpc) Multiply(_ context.Context, a, b int32) (product int32, err error) {
	err = c.client.Call("Bench.Multiply", &load.Args{A: a, B: b}, &product)
	return product, err
}

func (c netrpc) Echo(_ context.Context, id uint64, payload []byte) (uint64, int, error) {
	var echo load.Record
	err := c.client.Call("Bench.Echo", &load.Record{ID: id, Name: load.Name, Payload: payload}, &echo)
	return echo.ID, len(echo.Payload), err
}
