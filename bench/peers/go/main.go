// Contenders in Go: net/rpc with gob (the original's own foundation) or JSON, and gRPC.
//
// load.go keeps the same contract as the contenders in Rust, netrpc.go and grpc.go are what is
// measured. The modes are `gob`, `json` and `grpc`.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"
)

// name is what the record of an echo carries as its name.
const name = "benchmark-name16"

// caller is a connected client.
type caller interface {
	multiply(ctx context.Context, a, b int32) (int32, error)
	// echo returns the id and the length of the payload of the record that came back.
	echo(ctx context.Context, id uint64, payload []byte) (uint64, int, error)
}

// contender is a framework.
type contender struct {
	serve func(l net.Listener, delay time.Duration) error
	dial  func(addr string) (caller, error)
}

var contenders = map[string]contender{
	"gob":  {serveGob, dialGob},
	"json": {serveJSON, dialJSON},
	"grpc": {serveGRPC, dialGRPC},
}

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	if len(args) < 3 || args[0] != "--mode" {
		return fmt.Errorf("usage: --mode MODE server|client OPTIONS")
	}
	it, ok := contenders[args[1]]
	if !ok {
		return fmt.Errorf("no such mode: %s", args[1])
	}
	flags := flag.NewFlagSet(args[2], flag.ExitOnError)
	addr := flags.String("addr", "", "where to listen, or the server")
	switch args[2] {
	case "server":
		delay := flags.Int64("delay", 0, "how long multiply takes, in microseconds")
		flags.Parse(args[3:])
		l, err := net.Listen("tcp", *addr)
		if err != nil {
			return err
		}
		fmt.Printf("LISTENING %s\n", l.Addr())
		return it.serve(l, time.Duration(*delay)*time.Microsecond)
	case "client":
		var load load
		load.flags(flags)
		flags.Parse(args[3:])
		return load.drive(func() (caller, error) { return it.dial(*addr) })
	}
	return fmt.Errorf("no such side: %s", args[2])
}
