// Package wgrpc is WgRPC as its first Go implementation speaks it: the other side of the Rust
// project's interoperability tests. It is written from the description of the wire and uses the
// standard library only.
//
// A Server with Original set also has the first implementation's defects that show on the wire
// (it over-reads the handshake, leaves the body of an unservable request unread and puts function
// names in front of its error texts). Without it the server is what a correct one should be.
package wgrpc

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// MagicNumber marks a connection as WgRPC.
const MagicNumber = 0x03719666

// Codec types that an Option can name.
const (
	GobType  = "application/gob"
	JSONType = "application/json"
)

// Option is what a client says first: one JSON object, followed by a line feed. The server never
// answers it.
type Option struct {
	MagicNumber    int32
	CodecType      string
	ConnectTimeout time.Duration // the client's own limit for connecting, 0 for none
	HandleTimeout  time.Duration // the server's limit for each request, 0 for none
}

// DefaultOption is gob, ten seconds to connect and as long as it takes to handle a request.
func DefaultOption() Option {
	return Option{
		MagicNumber:    MagicNumber,
		CodecType:      GobType,
		ConnectTimeout: 10 * time.Second,
	}
}

// Header precedes every body, in both directions.
type Header struct {
	ServiceMethod string
	Seq           uint64
	Error         string
}

// ErrShutdown is the error of a call on a connection that has ended.
var ErrShutdown = errors.New("connection is shut down")

// ServerError is an error text that the server sent, as opposed to a failure of the connection.
type ServerError string

func (e ServerError) Error() string { return string(e) }

// SplitAddress takes "protocol@address" apart.
func SplitAddress(given string) (protocol, address string, err error) {
	parts := strings.Split(given, "@")
	if len(parts) != 2 {
		return "", "", fmt.Errorf("wrong format '%s', expect protocol@addr", given)
	}
	return parts[0], parts[1], nil
}
