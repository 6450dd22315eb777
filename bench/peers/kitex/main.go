// kitex with Thrift, multiplexed: it shares a connection between calls as WgRPC does.
//
// A module of its own: what it depends on is not always to be had, and the others shall not wait
// for that. The mode is `mux`.
package main

import (
	"context"
	"net"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/server"

	"wgrpc/bench/peers/kitex/kitex_gen/bench"
	service "wgrpc/bench/peers/kitex/kitex_gen/bench/bench"
	"wgrpc/bench/peers/load"
)

// What is made of ../volo/idl/bench.thrift is checked in, since not everybody has the tool: the
// command tool/cmd/kitex of kitex v0.12.0.
//go:generate kitex -module wgrpc/bench/peers/kitex ../volo/idl/bench.thrift

type handler struct{ delay time.Duration }

func (h *handler) Multiply(_ context.Context, a, b int32) (int32, error) {
	if h.delay > 0 {
		time.Sleep(h.delay)
	}
	return a * b, nil
}

func (h *handler) Echo(_ context.Context, record *bench.Rec) (*bench.Rec, error) {
	return record, nil
}

func serve(l net.Listener, delay time.Duration) error {
	return service.NewServer(&handler{delay}, server.WithListener(l), server.WithMuxTransport()).Run()
}

type caller struct{ client service.Client }

func dial(addr string) (load.Caller, error) {
	c, err := service.NewClient("bench", client.WithHostPorts(addr), client.WithMuxConnection(1))
	return caller{c}, err
}

func (c caller) Multiply(ctx context.Context, a, b int32) (int32, error) {
	return c.client.Multiply(ctx, a, b)
}

func (c caller) Echo(ctx context.Context, id uint64, payload []byte) (uint64, int, error) {
	echo, err := c.client.Echo(ctx, &bench.Rec{Id: int64(id), Name: load.Name, Payload: payload})
	if err != nil {
		return 0, 0, err
	}
	return uint64(echo.Id), len(echo.Payload), nil
}

func main() {
	klog.SetLevel(klog.LevelFatal)
	load.Main(map[string]load.Contender{"mux": {Serve: serve, Dial: dial}})
}
