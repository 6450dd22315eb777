package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/wgrpc"
)

// serve prints the address once it listens, and serves until stdin ends or SIGTERM comes.
func serve(args []string) error {
	flags := flag.NewFlagSet("peer serve", flag.ExitOnError)
	network := flags.String("net", "tcp", "tcp or unix")
	address := flags.String("addr", "127.0.0.1:0", "host:port, or the path of a Unix socket")
	http := flags.Bool("http", false, "take connections by HTTP CONNECT")
	original := flags.Bool("original", false,
		"behave as the first Go implementation does, defects included: over-read the handshake, "+
			"leave the body of an unservable request unread, prefix error texts")
	codec := flags.String("codec", "", "accept this codec only: gob or json (default both)")
	registry := flags.String("registry", "", "tell the registry at this URL that the server is alive")
	beat := flags.Duration("beat", 4*time.Minute, "how often to tell it")
	dialect := dialectFlags(flags)
	flags.Parse(args)

	server := demo.NewServer()
	server.Original = *original
	demo.RegisterNames()
	if *codec != "" {
		codecType, err := codecType(*codec)
		if err != nil {
			return err
		}
		server.Codecs = []string{codecType}
	}
	listener, err := net.Listen(*network, *address)
	if err != nil {
		return err
	}
	defer listener.Close()

	protocol, accept := *network, server.Accept
	if *http {
		protocol, accept = "http", server.ServeListener
	}
	if *registry != "" {
		address := fmt.Sprintf("%s@%s", protocol, listener.Addr())
		if err := dialect().Heartbeat(*registry, address, *beat); err != nil {
			return err
		}
	}
	fmt.Printf("LISTENING %s@%s\n", protocol, listener.Addr())

	ended := make(chan error, 2)
	go func() { ended <- accept(listener) }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	select {
	case err := <-ended:
		return err
	case <-stop:
		return nil
	}
}

// codecType turns gob and json into the types that an Option names.
func codecType(name string) (string, error) {
	switch name {
	case "gob", wgrpc.GobType:
		return wgrpc.GobType, nil
	case "json", wgrpc.JSONType:
		return wgrpc.JSONType, nil
	}
	return "", fmt.Errorf("unknown codec %q, expect gob or json", name)
}
