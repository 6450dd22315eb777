// Command peer is the Go side of the interoperability tests: a server, a client that checks a
// server, and the writer and reader of the gob vectors.
package main

import (
	"fmt"
	"os"
)

const usage = `usage: peer COMMAND [flags]

  serve     serve the demo services until stdin ends or SIGTERM comes
  call      check a server by scenarios
  registry  be a registry until stdin ends
  servers   print which servers a registry lists
  probe     print how a registry answers all kinds of requests
  vectors   write the checked-in gob streams and conversations
  verify    say what Go reads in gob streams that are given on stdin

Run "peer COMMAND -h" for a command's flags.
`

func main() {
	commands := map[string]func(args []string) error{
		"serve":    serve,
		"call":     call,
		"registry": serveRegistry,
		"servers":  listServers,
		"probe":    probe,
		"vectors":  vectors,
		"verify":   verify,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
