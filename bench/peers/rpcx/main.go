// rpcx, the most used of the frameworks in Go that are neither gRPC nor Thrift, with MessagePack.
//
// A module of its own: what it depends on is not always to be had, and the others shall not wait
// for that. The mode is `msgpack`.
package main

import (
	"context"
	"net"
	"time"

	"github.com/smallnest/rpcx/client"
	"github.com/smallnest/rpcx/server"

	"wgrpc/bench/peers/load"
)

// Bench is the service.
type Bench struct{ delay time.Duration }

// Multiply takes its time.
func (b *Bench) Multiply(_ context.Context, args *load.Args, product *int32) error {
	if b.delay > 0 {
		time.Sleep(b.delay)
	}
	*product = args.A * args.B
	return nil
}

// Echo returns the record.
func (b *Bench) Echo(_ context.Context, record *load.Record, echo *load.Record) error {
	*echo = *record
	return nil
}

func serve(l net.Listener, delay time.Duration) error {
	s := server.NewServer()
	if err := s.RegisterName("Bench", &Bench{delay}, ""); err != nil {
		return err
	}
	return s.ServeListener("tcp", l)
}

type caller struct{ client *client.Client }

func dial(addr string) (load.Caller, error) {
	// MessagePack, as it is unless told otherwise.
	c := client.NewClient(client.DefaultOption)
	return caller{c}, c.Connect("tcp", addr)
}

func (c caller) Multiply(ctx context.Context, a, b int32) (product int32, err error) {
	err = c.client.Call(ctx, "Bench", "Multiply", &load.Args{A: a, B: b}, &product)
	return product, err
}

func (c caller) Echo(ctx context.Context, id uint64, payload []byte) (uint64, int, error) {
	var echo load.Record
	record := &load.Record{ID: id, Name: load.Name, Payload: payload}
	err := c.client.Call(ctx, "Bench", "Echo", record, &echo)
	return echo.ID, len(echo.Payload), err
}

func main() {
	load.Main(map[string]load.Contender{"msgpack": {Serve: serve, Dial: dial}})
}
