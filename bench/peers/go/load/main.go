package load

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"
)

// Name is what the record of an echo carries as its name.
const Name = "benchmark-name16"

// Args are multiplied.
type Args struct{ A, B int32 }

// Record comes back.
type Record struct {
	ID      uint64
	Name    string
	Payload []byte
}

// Caller is a connected client.
type Caller interface {
	Multiply(ctx context.Context, a, b int32) (int32, error)
	// Echo returns the id and the length of the payload of the record that came back.
	Echo(ctx context.Context, id uint64, payload []byte) (uint64, int, error)
}

// Contender is a framework.
type Contender struct {
	Serve func(l net.Listener, delay time.Duration) error
	Dial  func(addr string) (Caller, error)
}

// Main runs the contender that the command line names, by its mode, as a server or a client.
func Main(contenders map[string]Contender) {
	log.SetFlags(0)
	if err := run(contenders, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(contenders map[string]Contender, args []string) error {
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
		return it.Serve(l, time.Duration(*delay)*time.Microsecond)
	case "client":
		var load load
		load.flags(flags)
		flags.Parse(args[3:])
		return load.drive(func() (Caller, error) { return it.Dial(*addr) })
	}
	return fmt.Errorf("no such side: %s", args[2])
}
