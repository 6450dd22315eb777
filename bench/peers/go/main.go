// Contenders in Go: net/rpc with gob (the original's own foundation) or JSON, and gRPC.
//
// The modes are `gob`, `json` and `grpc`.
package main

import "wgrpc/bench/peers/load"

func main() {
	load.Main(map[string]load.Contender{
		"gob":  {Serve: serveGob, Dial: dialGob},
		"json": {Serve: serveJSON, Dial: dialJSON},
		"grpc": {Serve: serveGRPC, Dial: dialGRPC},
	})
}
