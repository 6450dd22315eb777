package wgrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Call is one call that is on its way, or finished once it is in Done.
type Call struct {
	Seq           uint64
	ServiceMethod string
	Args, Reply   interface{}
	Error         error
	Done          chan *Call
}

// Client is one connection. Any number of goroutines may call on it at the same time.
type Client struct {
	conn    net.Conn
	codec   Codec
	sending sync.Mutex // held while a request is written

	mutex   sync.Mutex // guards what follows
	seq     uint64
	pending map[uint64]*Call
	closing bool  // Close was called
	ended   error // why the connection ended, nil while it lives

	unclaimed uint64 // responses whose Seq nobody waited for
}

// XDial connects to "protocol@address", where the protocol is http, tcp or unix.
func XDial(address string, option Option) (*Client, error) {
	conn, err := Connect(address, option.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	return NewClient(conn, option)
}

// Dial connects without HTTP.
func Dial(network, address string, option Option) (*Client, error) {
	return XDial(network+"@"+address, option)
}

// DialHTTP connects over TCP and an HTTP CONNECT.
func DialHTTP(address string, option Option) (*Client, error) {
	return XDial("http@"+address, option)
}

// Connect does everything that comes before the handshake, within the timeout (0 for none).
func Connect(address string, timeout time.Duration) (net.Conn, error) {
	protocol, rest, err := SplitAddress(address)
	if err != nil {
		return nil, err
	}
	network := protocol
	if protocol == "http" {
		network = "tcp"
	}
	conn, err := net.DialTimeout(network, rest, timeout)
	if err != nil {
		return nil, err
	}
	if protocol == "http" {
		if timeout != 0 {
			conn.SetDeadline(time.Now().Add(timeout))
		}
		if err := ConnectHTTP(conn); err != nil {
			conn.Close()
			return nil, err
		}
		conn.SetDeadline(time.Time{})
	}
	return conn, nil
}

// NewClient sends the Option and serves calls on the connection from then on.
func NewClient(conn net.Conn, option Option) (*Client, error) {
	codec := newCodec(option.CodecType, conn)
	if codec == nil {
		conn.Close()
		return nil, fmt.Errorf("invalid codec type %q", option.CodecType)
	}
	if err := json.NewEncoder(conn).Encode(option); err != nil {
		conn.Close()
		return nil, err
	}
	c := &Client{conn: conn, codec: codec, seq: 1, pending: make(map[uint64]*Call)}
	go c.receive()
	return c, nil
}

// Go starts a call. Without a channel for its end it makes one.
func (c *Client) Go(serviceMethod string, args, reply interface{}, done chan *Call) *Call {
	if done == nil {
		done = make(chan *Call, 1)
	}
	call := &Call{ServiceMethod: serviceMethod, Args: args, Reply: reply, Done: done}
	c.send(call)
	return call
}

// Call calls and waits for the reply or the end of the context.
func (c *Client) Call(ctx context.Context, serviceMethod string, args, reply interface{}) error {
	call := c.Go(serviceMethod, args, reply, make(chan *Call, 1))
	select {
	case <-ctx.Done():
		c.take(call.Seq)
		return errors.New("call failed: " + ctx.Err().Error())
	case <-call.Done:
		return call.Error
	}
}

// CloseWrite tells the server that no request follows; replies still arrive.
func (c *Client) CloseWrite() error {
	c.sending.Lock()
	defer c.sending.Unlock()
	half, ok := c.conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("%T cannot be closed for writing only", c.conn)
	}
	return half.CloseWrite()
}

// Close ends the connection and with it every pending call; closing twice is an error.
func (c *Client) Close() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closing {
		return ErrShutdown
	}
	c.closing = true
	return c.codec.Close()
}

// IsAvailable says whether a call could still be sent.
func (c *Client) IsAvailable() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return !c.closing && c.ended == nil
}

// Ended waits until the connection has ended, and says why: io.EOF if the server has closed it
// after a whole response. It is nil when the connection still lives after that time.
func (c *Client) Ended(timeout time.Duration) error {
	for limit := time.Now().Add(timeout); ; time.Sleep(time.Millisecond) {
		c.mutex.Lock()
		ended := c.ended
		c.mutex.Unlock()
		if ended != nil || time.Now().After(limit) {
			return ended
		}
	}
}

// Unclaimed counts the responses that nobody waited for: late ones, doubled ones, wrong ones.
func (c *Client) Unclaimed() uint64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.unclaimed
}

func (c *Client) send(call *Call) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mutex.Lock()
	if c.closing || c.ended != nil {
		c.mutex.Unlock()
		call.Error = ErrShutdown
		call.Done <- call
		return
	}
	call.Seq = c.seq
	c.seq++
	c.pending[call.Seq] = call
	c.mutex.Unlock()

	header := Header{ServiceMethod: call.ServiceMethod, Seq: call.Seq}
	if err := c.codec.Write(&header, call.Args); err != nil {
		if c.take(call.Seq) != nil {
			call.Error = err
			call.Done <- call
		}
	}
}

// take removes a pending call and returns it, or nil when it is not pending.
func (c *Client) take(seq uint64) *Call {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	call := c.pending[seq]
	delete(c.pending, seq)
	return call
}

func (c *Client) receive() {
	var err error
	for err == nil {
		var header Header
		if err = c.codec.ReadHeader(&header); err != nil {
			break
		}
		call := c.take(header.Seq)
		switch {
		case call == nil:
			c.mutex.Lock()
			c.unclaimed++
			c.mutex.Unlock()
			err = c.codec.ReadBody(nil)
		case header.Error != "":
			call.Error = ServerError(header.Error)
			err = c.codec.ReadBody(nil)
			call.Done <- call
		default:
			if err = c.codec.ReadBody(call.Reply); err != nil {
				call.Error = errors.New("reading body " + err.Error())
			}
			call.Done <- call
		}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.ended = err
	for seq, call := range c.pending {
		delete(c.pending, seq)
		call.Error = err
		call.Done <- call
	}
}
