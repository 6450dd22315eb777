package corpus

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/wgrpc"
)

// Conversation has every byte that a Go client and a Go server said to each other, and what the
// calls were.
type Conversation struct {
	Name      string `json:"name"`
	Codec     string `json:"codec"`
	Calls     []Call `json:"calls"`
	ClientHex string `json:"client_hex"`
	ServerHex string `json:"server_hex"`
}

// Call is one call of a conversation, with its values as encoding/json writes them.
type Call struct {
	Seq    uint64          `json:"seq"`
	Method string          `json:"method"`
	Args   json.RawMessage `json:"args"`
	Reply  json.RawMessage `json:"reply,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// line is one call to make: reply is a pointer to receive into.
type line struct {
	method      string
	args, reply interface{}
}

// script is a fresh list of calls, made one after the other.
type script struct {
	name    string
	timeout time.Duration // the server's, for each request
	lines   []line
}

func scripts() []script {
	args := demo.Args{A: 6, B: 7}
	return []script{
		{name: "multiply", lines: []line{
			{"Arith.Multiply", args, new(int)},
			{"Arith.Multiply", demo.Args{A: 1}, new(int)},
			{"Arith.Multiply", demo.Args{A: -1, B: 1 << 40}, new(int)},
		}},
		{name: "errors", lines: []line{
			{"Arith.Divide", demo.Args{A: 17, B: 5}, new(demo.Quotient)},
			{"Arith.Divide", demo.Args{A: 17}, new(demo.Quotient)},
			{"Foo.Bar", args, new(int)},
			{"Arith.Bar", args, new(int)},
			{"Baz", args, new(int)},
			{"Arith.Fail", "100 % größer", new(int)},
			{"Arith.Fail", "", new(int)},
			{"Arith.Multiply", args, new(int)},
		}},
		{name: "types", lines: []line{
			{"Echo.String", "Größe ☃", new(string)},
			{"Echo.String", "", new(string)},
			{"Echo.Bytes", []byte{0, 1, 255}, new([]byte)},
			{"Echo.Bytes", []byte{}, new([]byte)},
			{"Echo.Record", demo.Record{}, new(demo.Record)},
			{"Echo.Record", demo.Record{
				Bool: true, Int: -1, Uint8: 8, Float64: 0.1, String: "s", Bytes: []byte("b"), Char: '☃',
				Ints: []int{1, 0}, Counts: map[string]int{"a": 0}, EmptyCounts: map[string]int{},
				Names: map[int]string{-1: "x"}, Inners: []demo.Inner{{}, {Name: "in", Value: 1.5}},
				InnerPtr: &demo.Inner{}, IntPtr: ref(7), Duration: time.Second, Array: [3]int{1, 0, -1},
				Time: time.Date(2024, 2, 29, 12, 34, 56, 789_000_000, time.FixedZone("", 19800)),
			}, new(demo.Record)},
			{"Echo.Any", demo.Any{V: "text"}, new(demo.Any)},
			{"Echo.Any", demo.Any{V: true}, new(demo.Any)},
			{"Echo.Any", demo.Any{}, new(demo.Any)},
			{"Large.Size", demo.SizeArgs{Payload: demo.Pattern(300), Want: 400}, new([]byte)},
			{"Arith.Sleep", 1, new(int)},
		}},
		{name: "handle-timeout", timeout: 50 * time.Millisecond, lines: []line{
			{"Arith.Sleep", 300, new(int)},
			{"Arith.Multiply", args, new(int)},
		}},
	}
}

// Conversations holds every script over each codec, and one over HTTP.
func Conversations() ([]Conversation, error) {
	var all []Conversation
	for _, protocol := range []string{"tcp", "http"} {
		for _, codecType := range []string{wgrpc.GobType, wgrpc.JSONType} {
			for _, s := range scripts() {
				if protocol == "http" && s.name != "multiply" {
					continue
				}
				c, err := hold(protocol, codecType, s)
				if err != nil {
					return nil, err
				}
				all = append(all, *c)
			}
		}
	}
	return all, nil
}

func hold(protocol, codecType string, s script) (*Conversation, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	server := demo.NewServer()
	if protocol == "http" {
		go server.ServeListener(listener)
	} else {
		go server.Accept(listener)
	}
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return nil, err
	}
	tapped := &tap{Conn: conn}
	if protocol == "http" {
		if err := wgrpc.ConnectHTTP(tapped); err != nil {
			return nil, err
		}
	}
	option := wgrpc.DefaultOption()
	option.CodecType, option.HandleTimeout = codecType, s.timeout
	client, err := wgrpc.NewClient(tapped, option)
	if err != nil {
		return nil, err
	}
	defer client.Close()

	codec := strings.TrimPrefix(codecType, "application/")
	c := &Conversation{Name: protocol + "-" + codec + "/" + s.name, Codec: codecType}
	for i, l := range s.lines {
		call, err := say(client, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		call.Seq = uint64(i + 1)
		c.Calls = append(c.Calls, call)
	}
	c.ClientHex, c.ServerHex = tapped.transcript()
	return c, nil
}

func say(client *wgrpc.Client, l line) (call Call, err error) {
	call.Method = l.method
	if call.Args, err = json.Marshal(l.args); err != nil {
		return call, err
	}
	err = client.Call(context.Background(), l.method, l.args, l.reply)
	var remote wgrpc.ServerError
	switch {
	case err == nil:
		call.Reply, err = json.Marshal(l.reply)
		return call, err
	case errors.As(err, &remote):
		call.Error = string(remote)
		return call, nil
	}
	return call, err
}

// tap keeps what passes through the client's end of a connection.
type tap struct {
	net.Conn
	mutex          sync.Mutex
	sent, received []byte
}

func (t *tap) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.sent = append(t.sent, p[:n]...)
	return n, err
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.received = append(t.received, p[:n]...)
	return n, err
}

func (t *tap) transcript() (sent, received string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return hex.EncodeToString(t.sent), hex.EncodeToString(t.received)
}
