package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"wgrpc/interop/registry"
)

// serveRegistry prints the URL once it listens, and is a registry until stdin ends.
func serveRegistry(args []string) error {
	flags := flag.NewFlagSet("peer registry", flag.ExitOnError)
	address := flags.String("addr", "127.0.0.1:0", "host:port")
	timeout := flags.Duration("timeout", 5*time.Minute, "how long a server lives; 0 is for ever")
	flags.Parse(args)

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(registry.Path, &registry.Registry{Timeout: *timeout})
	fmt.Printf("LISTENING http://%s%s\n", listener.Addr(), registry.Path)
	ended := make(chan error, 2)
	go func() { ended <- http.Serve(listener, mux) }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	return <-ended
}

// listServers prints who is alive, as one JSON object.
func listServers(args []string) error {
	flags := flag.NewFlagSet("peer servers", flag.ExitOnError)
	dialect := dialectFlags(flags)
	flags.Parse(args)
	all, one, err := dialect().Servers(flags.Arg(0))
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"all": all, "one": one})
}

// dialectFlags adds the flags for how to spell headers; call what it returns once they are parsed.
func dialectFlags(flags *flag.FlagSet) func() registry.Dialect {
	later := flags.Bool("later", false, "spell headers as later versions do")
	name := flags.String("name", "", "the service's name in later versions")
	return func() registry.Dialect { return registry.Dialect{Later: *later, Name: *name} }
}

// probe sends requests to a registry and prints everything of the answers that a Go program can
// see, but for the date: a line of JSON for each.
func probe(args []string) error {
	flags := flag.NewFlagSet("peer probe", flag.ExitOnError)
	flags.Parse(args)
	const server = "X-Wgrpc-Server"
	out := json.NewEncoder(os.Stdout)
	for _, r := range []struct{ method, name, value string }{
		{"GET", "", ""},
		{"POST", "", ""},
		{"POST", server, ""},
		{"POST", server, "tcp@10.0.0.2:9001"},
		{"POST", server, "tcp@10.0.0.1:9001"},
		{"POST", server, "tcp@10.0.0.1:9001"},
		{"POST", "x-wgrpc-server", "tcp@[::]:41234"},
		{"POST", server, "http@arith.internal:80"},
		{"GET", "", ""},
		{"HEAD", "", ""},
		{"PUT", server, "tcp@10.0.0.3:9001"},
		{"PATCH", "", ""},
		{"OPTIONS", "", ""},
		{"TRACE", "", ""},
		{"GET", "X-Forwarded-For", "10.0.0.9"},
	} {
		request, err := http.NewRequest(r.method, flags.Arg(0), nil)
		if err != nil {
			return err
		}
		if r.name != "" {
			request.Header.Set(r.name, r.value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		response.Body.Close()
		response.Header.Del("Date")
		err = out.Encode(map[string]interface{}{
			"request": r.method + " " + r.value,
			"status":  response.Status,
			"proto":   response.Proto,
			"length":  response.ContentLength,
			"servers": response.Header.Values("X-Wgrpc-Servers"),
			"body":    string(body),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
