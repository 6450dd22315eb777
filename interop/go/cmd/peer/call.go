package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strings"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/wgrpc"
)

// scenario checks one side of a server's behaviour.
type scenario struct {
	name    string
	run     func(*checker)
	applies func(*checker) bool // whether "all" includes it
}

func always(*checker) bool { return true }

func overHTTP(c *checker) bool { return strings.HasPrefix(c.address, "http@") }

var scenarios = []scenario{
	{"basic", (*checker).basic, always},
	{"concurrent", (*checker).concurrent, always},
	{"large", (*checker).large, always},
	{"bytes", (*checker).bytes, func(c *checker) bool { return !c.prefixes }},
	{"unicode", (*checker).unicode, always},
	{"record", (*checker).record, always},
	{"handle-timeout", (*checker).handleTimeout, always},
	{"half-close", (*checker).halfClose, always},
	// The first implementation cannot pass it.
	{"sticky", (*checker).sticky, func(c *checker) bool { return !c.prefixes }},
	{"http", (*checker).http, overHTTP},
	// Only for servers that know the registered names.
	{"any", (*checker).any, func(*checker) bool { return false }},
	// Only for the URL of a registry.
	{"balance", (*checker).balance, func(*checker) bool { return false }},
	// Only for servers that somebody ends.
	{"shutdown", (*checker).shutdown, func(*checker) bool { return false }},
}

// checker runs scenarios against one server and prints what came of them.
type checker struct {
	address     string
	option      wgrpc.Option
	prefixes    bool
	connections int
	calls       int
	timeout     time.Duration

	out    *json.Encoder
	failed int
}

// result is one line of output.
type result struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func call(args []string) error {
	flags := flag.NewFlagSet("peer call", flag.ExitOnError)
	c := &checker{option: wgrpc.DefaultOption(), out: json.NewEncoder(os.Stdout)}
	flags.StringVar(&c.address, "addr", "", "protocol@address: tcp, unix or http")
	codec := flags.String("codec", "gob", "gob or json")
	flags.BoolVar(&c.prefixes, "prefixes", false,
		"expect the error texts and the defects of the first Go implementation")
	flags.IntVar(&c.connections, "connections", 200, "connections of the scenarios sticky and shutdown")
	flags.IntVar(&c.calls, "calls", 1000, "calls of the concurrent scenario")
	flags.DurationVar(&c.timeout, "timeout", 20*time.Second, "limit of one call")
	flags.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: peer call -addr PROTOCOL@ADDRESS [flags] SCENARIO...|all")
		fmt.Fprintln(os.Stderr, "scenarios:", strings.Join(scenarioNames(), " "))
		flags.PrintDefaults()
	}
	flags.Parse(args)
	var err error
	if c.option.CodecType, err = codecType(*codec); err != nil {
		return err
	}
	if c.address == "" || flags.NArg() == 0 {
		flags.Usage()
		os.Exit(2)
	}
	demo.RegisterNames()
	for _, name := range flags.Args() {
		if err := c.run(name); err != nil {
			return err
		}
	}
	if c.failed > 0 {
		return fmt.Errorf("%d checks failed", c.failed)
	}
	return nil
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	sort.Strings(names)
	return names
}

func (c *checker) run(name string) error {
	found := false
	for _, s := range scenarios {
		if s.name == name || name == "all" && s.applies(c) {
			s.run(c)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("no scenario %q", name)
	}
	return nil
}

// check prints one result; a nil error is a success.
func (c *checker) check(name string, err error) {
	r := result{Name: name, OK: err == nil}
	if err != nil {
		r.Detail = clip(err.Error())
		c.failed++
	}
	c.out.Encode(r)
}

// clip keeps a result readable when it quotes something long.
func clip(text string) string {
	const limit = 600
	if len(text) <= limit {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:limit], ""), len(text))
}

// dial connects, or reports under that name that it could not and returns nil.
func (c *checker) dial(name string, option wgrpc.Option) *wgrpc.Client {
	client, err := wgrpc.XDial(c.address, option)
	if err != nil {
		c.check(name+"/connect", err)
		return nil
	}
	if c.prefixes {
		// The first implementation loses a request that arrives together with the Option.
		time.Sleep(50 * time.Millisecond)
	}
	return client
}

// call calls with the checker's limit.
func (c *checker) call(client *wgrpc.Client, method string, args, reply interface{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	return client.Call(ctx, method, args, reply)
}

// multiply is the good call that shows that a connection still works.
func (c *checker) multiply(client *wgrpc.Client, a, b int) error {
	var product int
	if err := c.call(client, "Arith.Multiply", demo.Args{A: a, B: b}, &product); err != nil {
		return err
	}
	return equal(product, a*b)
}

func equal(got, want interface{}) error {
	if got != want {
		text := func(value interface{}) string { return clip(fmt.Sprintf("%#v", value)) }
		return fmt.Errorf("got %s, want %s", text(got), text(want))
	}
	return nil
}

func equalBytes(got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	for i := 0; i < len(got) && i < len(want); i++ {
		if got[i] != want[i] {
			return fmt.Errorf("byte %d is %d, want %d", i, got[i], want[i])
		}
	}
	return fmt.Errorf("got %d bytes, want %d", len(got), len(want))
}

// remoteText checks that the error is the server's and has that text.
func remoteText(err error, want string) error {
	var remote wgrpc.ServerError
	if !errors.As(err, &remote) {
		return fmt.Errorf("got %v, want the server's error %q", err, clip(want))
	}
	return equal(string(remote), want)
}

// text is an error text of the framework, with the function in front if the peer does that.
func (c *checker) text(function, text string) string {
	if c.prefixes {
		return function + ": " + text
	}
	return text
}

func (c *checker) basic() {
	client := c.dial("basic", c.option)
	if client == nil {
		return
	}
	defer func() { client.Close() }()

	c.check("basic/multiply", c.multiply(client, 6, 7))
	c.check("basic/multiply-zero", c.multiply(client, 0, 0))
	c.check("basic/multiply-negative", c.multiply(client, -3, 1<<40))

	var quotient demo.Quotient
	err := c.call(client, "Arith.Divide", demo.Args{A: 17, B: 5}, &quotient)
	if err == nil {
		err = equal(quotient, demo.Quotient{Quo: 3, Rem: 2})
	}
	c.check("basic/divide", err)
	err = c.call(client, "Arith.Divide", demo.Args{A: 1}, &quotient)
	c.check("basic/divide-by-zero", remoteText(err, "divide by zero"))

	if !c.prefixes {
		// The first implementation sends an empty text, which its clients take for success.
		err = c.call(client, "Arith.Fail", "", new(int))
		c.check("basic/empty-error-text", remoteText(err, "error"))
	}

	unservable := []struct{ name, method, function, text string }{
		{"unknown-service", "Foo.Bar", "server.findService", "can't find service: Foo"},
		{"unknown-dotted-service", "a.b.Foo.Bar", "server.findService", "can't find service: a.b.Foo"},
		{"unknown-method", "Arith.Bar", "server.findService", "can't find method: Bar"},
		{"empty-service", ".Bar", "server.findService", "can't find service: "},
		{"empty-method", "Arith.", "server.findService", "can't find method: "},
		{"ill-formed", "Baz", "server.Register", "service/method request ill-formed: Baz"},
		{"empty-name", "", "server.Register", "service/method request ill-formed: "},
	}
	for _, u := range unservable {
		if c.prefixes {
			// The unread body ruins the first implementation's stream: take a new connection.
			client.Close()
			if client = c.dial("basic/"+u.name, c.option); client == nil {
				return
			}
		}
		err = c.call(client, u.method, demo.Args{A: 6, B: 7}, new(int))
		c.check("basic/"+u.name, remoteText(err, c.text(u.function, u.text)))
		if !c.prefixes {
			c.check("basic/"+u.name+"/then-good", c.multiply(client, 8, 9))
		}
	}

	if c.prefixes {
		client.Close()
		if client = c.dial("basic/wrong-type", c.option); client == nil {
			return
		}
	}
	err = c.call(client, "Arith.Multiply", "not arguments", new(int))
	var remote wgrpc.ServerError
	if !errors.As(err, &remote) || remote == "" {
		err = fmt.Errorf("got %v, want an error of the server", err)
	} else {
		err = nil
	}
	c.check("basic/wrong-type", err)
	c.check("basic/wrong-type/then-good", c.multiply(client, 8, 9))
	c.check("basic/no-surplus-response", equal(client.Unclaimed(), uint64(0)))
	if c.check("basic/close", client.Close()); client.Close() != wgrpc.ErrShutdown {
		c.check("basic/close-twice", errors.New("the second close succeeded"))
	}
}

func (c *checker) concurrent() {
	client := c.dial("concurrent", c.option)
	if client == nil {
		return
	}
	defer client.Close()
	c.check("concurrent/multiply", c.parallel(func(i int) error {
		return c.multiply(client, i, i+1)
	}))
	c.check("concurrent/mixed", c.parallel(func(i int) error {
		switch i % 4 {
		case 0:
			want := demo.Pattern(16 * i)
			var got []byte
			if err := c.call(client, "Echo.Bytes", want, &got); err != nil {
				return err
			}
			return equalBytes(got, want)
		case 1:
			want := fmt.Sprintf("no. %d ☃", i)
			var got string
			if err := c.call(client, "Echo.String", want, &got); err != nil {
				return err
			}
			return equal(got, want)
		case 2:
			err := c.call(client, "Arith.Divide", demo.Args{A: i}, new(demo.Quotient))
			return remoteText(err, "divide by zero")
		default:
			var slept int
			if err := c.call(client, "Arith.Sleep", i%50, &slept); err != nil {
				return err
			}
			return equal(slept, i%50)
		}
	}))
	c.check("concurrent/no-surplus-response", equal(client.Unclaimed(), uint64(0)))
}

// parallel runs the calls all at once and returns the first error.
func (c *checker) parallel(run func(i int) error) error {
	errs := make(chan error)
	for i := 0; i < c.calls; i++ {
		go func(i int) {
			err := run(i)
			if err != nil {
				err = fmt.Errorf("call %d: %w", i, err)
			}
			errs <- err
		}(i)
	}
	var first error
	for i := 0; i < c.calls; i++ {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

func (c *checker) large() {
	client := c.dial("large", c.option)
	if client == nil {
		return
	}
	defer client.Close()

	var reply []byte
	args := demo.SizeArgs{Payload: demo.Pattern(271_828), Want: 314_159}
	err := c.call(client, "Large.Size", args, &reply)
	if err == nil {
		err = equalBytes(reply, demo.Pattern(314_159))
	}
	c.check("large/271828-to-314159", err)

	reply = nil
	mebibyte := demo.Pattern(1 << 20)
	if err = c.call(client, "Echo.Bytes", mebibyte, &reply); err == nil {
		err = equalBytes(reply, mebibyte)
	}
	c.check("large/echo-1-mib", err)

	reply = nil
	if err = c.call(client, "Echo.Bytes", []byte{}, &reply); err == nil {
		err = equal(len(reply), 0)
	}
	c.check("large/echo-nothing", err)

	text := strings.Repeat("100 % größer: %s %d %! ☃ 日本語 ", 100_000/40+1)
	err = c.call(client, "Arith.Fail", text, new(int))
	c.check(fmt.Sprintf("large/error-text-%d", len(text)), remoteText(err, text))
	c.check("large/then-good", c.multiply(client, 8, 9))
}

// bytes checks that bytes which are no field of a struct travel like those that are.
func (c *checker) bytes() {
	client := c.dial("bytes", c.option)
	if client == nil {
		return
	}
	defer client.Close()

	want := map[string][][]byte{"a": {{0, 1, 255}, {}}, "b": {}, "": {[]byte("x")}}
	var got map[string][][]byte
	err := c.call(client, "Echo.Blobs", want, &got)
	if err == nil {
		err = equal(fmt.Sprint(got), fmt.Sprint(want))
	}
	c.check("bytes/nested", err)
	if c.option.CodecType == wgrpc.JSONType {
		// Go reads bytes from a list of numbers too, a string not.
		var text string
		err = c.call(client, "Echo.Bytes", []byte{0, 1, 255}, &text)
		if err == nil {
			err = equal(text, "AAH/")
		}
		c.check("bytes/as-base64", err)
	}
}

func (c *checker) unicode() {
	client := c.dial("unicode", c.option)
	if client == nil {
		return
	}
	defer func() { client.Close() }()
	samples := []struct{ name, text string }{
		{"empty", ""},
		{"latin", "Größe: naïve café"},
		{"cjk", "日本語のテキスト 中文 한국어"},
		{"right-to-left", "שלום عالم"},
		{"emoji", "👩‍👩‍👧‍👦 🏳️‍🌈 🎉"},
		{"combining", "e\u0301 n\u0303 Z\u0351\u036b"},
		{"last-scalar", "\U0010ffff \ufffd \ufffe \ufeff"},
		{"controls", "\x00\x01\x1f\x7f\r\n\t\b\f\v"},
		{"separators", "\u2028\u2029\u0085"},
		{"markup", `<script>"a" & 'b' \ / </script>`},
		{"format", "%s %d %v %% %!"},
	}
	for _, s := range samples {
		var got string
		err := c.call(client, "Echo.String", s.text, &got)
		if err == nil {
			err = equal(got, s.text)
		}
		c.check("unicode/echo-"+s.name, err)
		if s.text != "" {
			err = c.call(client, "Arith.Fail", s.text, new(int))
			c.check("unicode/error-"+s.name, remoteText(err, s.text))
		}
	}
	err := c.call(client, "Дом.Multiply", demo.Args{}, new(int))
	c.check("unicode/unknown-service",
		remoteText(err, c.text("server.findService", "can't find service: Дом")))
}

func (c *checker) handleTimeout() {
	option := c.option
	option.HandleTimeout = 50 * time.Millisecond
	client := c.dial("handle-timeout", option)
	if client == nil {
		return
	}
	defer client.Close()
	started := time.Now()
	err := c.call(client, "Arith.Sleep", 500, new(int))
	c.check("handle-timeout/text", remoteText(err,
		c.text("server.handleRequest", "request handle timeout: expect within 50ms")))
	if waited := time.Since(started); waited > 400*time.Millisecond {
		c.check("handle-timeout/early", fmt.Errorf("the answer took %s", waited))
	}
	c.check("handle-timeout/then-good", c.multiply(client, 8, 9))
	// By then a second answer would have come too.
	time.Sleep(time.Until(started.Add(700 * time.Millisecond)))
	c.check("handle-timeout/later-good", c.multiply(client, 8, 9))
	c.check("handle-timeout/no-surplus-response", equal(client.Unclaimed(), uint64(0)))
}

func (c *checker) halfClose() {
	client := c.dial("half-close", c.option)
	if client == nil {
		return
	}
	defer client.Close()
	const requests = 100
	done := make(chan *wgrpc.Call, requests)
	var slept [requests]int
	for i := range slept {
		client.Go("Arith.Sleep", i*3, &slept[i], done)
	}
	c.check("half-close/close-write", client.CloseWrite())
	expired := time.After(c.timeout)
	var err error
	for answered := 0; answered < requests; answered++ {
		select {
		case call := <-done:
			if call.Error != nil && err == nil {
				err = fmt.Errorf("request %d: %w", call.Seq, call.Error)
			}
		case <-expired:
			c.check("half-close/answers", fmt.Errorf("only %d of %d requests were answered",
				answered, requests))
			return
		}
	}
	for i := range slept {
		if err == nil {
			err = equal(slept[i], i*3)
		}
	}
	c.check("half-close/answers", err)
}

// held collects what is written until release, which sends it with one write.
type held struct {
	net.Conn
	data    []byte
	flowing bool
}

func (h *held) Write(p []byte) (int, error) {
	if h.flowing {
		return h.Conn.Write(p)
	}
	h.data = append(h.data, p...)
	return len(p), nil
}

func (h *held) release() error {
	h.flowing = true
	_, err := h.Conn.Write(h.data)
	return err
}

// sticky sends the Option and the first requests in one write, on many fresh connections.
func (c *checker) sticky() {
	err := c.stickyConnections(func() (net.Conn, error) {
		return wgrpc.Connect(c.address, c.option.ConnectTimeout)
	})
	c.check(fmt.Sprintf("sticky/%d-connections", c.connections), err)
}

func (c *checker) stickyConnections(connect func() (net.Conn, error)) error {
	const atOnce = 32
	limit := make(chan struct{}, atOnce)
	errs := make(chan error)
	for i := 0; i < c.connections; i++ {
		go func(requests int) {
			limit <- struct{}{}
			defer func() { <-limit }()
			errs <- c.stickyConnection(connect, requests)
		}(1 + i%64)
	}
	failures := 0
	var first error
	for i := 0; i < c.connections; i++ {
		if err := <-errs; err != nil {
			failures++
			if first == nil {
				first = err
			}
		}
	}
	if failures > 0 {
		return fmt.Errorf("%d of %d connections failed, the first: %w", failures, c.connections, first)
	}
	return nil
}

func (c *checker) stickyConnection(connect func() (net.Conn, error), requests int) error {
	conn, err := connect()
	if err != nil {
		return err
	}
	outgoing := &held{Conn: conn}
	client, err := wgrpc.NewClient(outgoing, c.option)
	if err != nil {
		return err
	}
	defer client.Close()
	products := make([]int, requests)
	done := make(chan *wgrpc.Call, requests)
	for i := range products {
		client.Go("Arith.Multiply", demo.Args{A: i, B: 3}, &products[i], done)
	}
	if err := outgoing.release(); err != nil {
		return err
	}
	expired := time.After(c.timeout)
	for answered := range products {
		select {
		case call := <-done:
			if call.Error != nil {
				return fmt.Errorf("request %d of %d: %w", call.Seq, requests, call.Error)
			}
		case <-expired:
			return fmt.Errorf("only %d of %d requests were answered", answered, requests)
		}
	}
	for i, product := range products {
		if product != i*3 {
			return equal(product, i*3)
		}
	}
	return nil
}

// http checks the texts around the CONNECT request.
func (c *checker) http() {
	exchange := func(request string, size int) (string, error) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.address, "http@"))
		if err != nil {
			return "", err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(c.timeout))
		if _, err := io.WriteString(conn, request); err != nil {
			return "", err
		}
		answer, err := io.ReadAll(io.LimitReader(conn, int64(size)))
		return string(answer), err
	}

	const connected = "HTTP/1.0 200 Connected to Wg RPC\n\n"
	for _, r := range []struct{ name, request string }{
		{"connect", "CONNECT /_wgprc_ HTTP/1.0\n\n"},
		{"connect-crlf", "CONNECT /_wgprc_ HTTP/1.0\r\n\r\n"},
		{"connect-1.1", "CONNECT /_wgprc_ HTTP/1.1\r\nHost: localhost\r\n\r\n"},
	} {
		answer, err := exchange(r.request, len(connected))
		if err == nil {
			err = equal(answer, connected)
		}
		c.check("http/"+r.name, err)
	}

	answer, err := exchange("GET /_wgprc_ HTTP/1.0\r\nHost: localhost\r\n\r\n", 1<<16)
	if err == nil {
		err = methodNotAllowed(answer)
	}
	c.check("http/405", err)

	if !c.prefixes {
		// CONNECT, Option and requests in one write: the first implementation loses the last two.
		c.check(fmt.Sprintf("http/pipelined-%d-connections", c.connections),
			c.stickyConnections(c.connectPipelined))
	}
}

func methodNotAllowed(answer string) error {
	head, body := answer, ""
	if end := strings.Index(answer, "\r\n\r\n"); end >= 0 {
		head, body = answer[:end], answer[end+4:]
	}
	if fields := strings.Fields(head); len(fields) < 2 || fields[1] != "405" {
		return fmt.Errorf("the answer is %q, not a 405", clip(answer))
	}
	if !strings.Contains(strings.ToLower(head), "content-type: text/plain; charset=utf-8") {
		return fmt.Errorf("the head %q lacks the content type", clip(head))
	}
	return equal(body, "405 must CONNECT\n")
}

// connectPipelined returns a connection that sends CONNECT with whatever is written first, and
// takes the answer to it off what it reads first.
func (c *checker) connectPipelined() (net.Conn, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.address, "http@"))
	if err != nil {
		return nil, err
	}
	return &pipelined{Conn: conn}, nil
}

type pipelined struct {
	net.Conn
	asked, answered bool
}

func (p *pipelined) Write(data []byte) (int, error) {
	if p.asked {
		return p.Conn.Write(data)
	}
	p.asked = true
	n, err := p.Conn.Write(append([]byte("CONNECT /_wgprc_ HTTP/1.0\n\n"), data...))
	if n > len(data) {
		n = len(data)
	}
	return n, err
}

func (p *pipelined) Read(data []byte) (int, error) {
	if !p.answered {
		p.answered = true
		want := []byte("HTTP/1.0 200 Connected to Wg RPC\n\n")
		got := make([]byte, len(want))
		if _, err := io.ReadFull(p.Conn, got); err != nil {
			return 0, err
		}
		if !bytes.Equal(got, want) {
			return 0, fmt.Errorf("the answer to CONNECT is %q", got)
		}
	}
	return p.Conn.Read(data)
}
