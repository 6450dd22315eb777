package main

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"wgrpc/bench/peers/load"
	"wgrpc/bench/peers/proto"
)

// What is made of ../tonic/proto/bench.proto is checked in, since not everybody has the tools:
// protoc-gen-go v1.36.12 and protoc-gen-go-grpc v1.6.2, both installed by `go install`.
//go:generate protoc -I ../tonic/proto --go_out=proto --go_opt=paths=source_relative --go_opt=Mbench.proto=wgrpc/bench/peers/proto --go-grpc_out=proto --go-grpc_opt=paths=source_relative --go-grpc_opt=Mbench.proto=wgrpc/bench/peers/proto bench.proto

const longest = 64 << 20

type service struct {
	proto.UnimplementedBenchServer
	delay time.Duration
}

func (s *service) Multiply(_ context.Context, args *proto.Args) (*proto.Product, error) {
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	return &proto.Product{Value: args.A * args.B}, nil
}

func (s *service) Echo(_ context.Context, record *proto.Rec) (*proto.Rec, error) {
	return record, nil
}

func serveGRPC(l net.Listener, delay time.Duration) error {
	server := grpc.NewServer(
		grpc.MaxConcurrentStreams(1<<17),
		grpc.MaxRecvMsgSize(longest),
		grpc.MaxSendMsgSize(longest),
	)
	proto.RegisterBenchServer(server, &service{delay: delay})
	return server.Serve(l)
}

type grpcClient struct{ client proto.BenchClient }

func dialGRPC(addr string) (load.Caller, error) {
	sizes := grpc.WithDefaultCallOptions(
		grpc.MaxCallRecvMsgSize(longest),
		grpc.MaxCallSendMsgSize(longest),
	)
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	conn, err := grpc.NewClient("passthrough:///"+addr, plain, sizes)
	if err != nil {
		return nil, err
	}
	return grpcClient{proto.NewBenchClient(conn)}, nil
}

func (c grpcClient) Multiply(ctx context.Context, a, b int32) (int32, error) {
	product, err := c.client.Multiply(ctx, &proto.Args{A: a, B: b})
	return product.GetValue(), err
}

func (c grpcClient) Echo(ctx context.Context, id uint64, payload []byte) (uint64, int, error) {
	echo, err := c.client.Echo(ctx, &proto.Rec{Id: id, Name: load.Name, Payload: payload})
	return echo.GetId(), len(echo.GetPayload()), err
}
