package wgrpc

import (
	"bufio"
	"encoding/gob"
	"encoding/json"
	"io"
)

// Codec reads and writes the pairs of header and body. Reading and writing may go on at the same
// time, but only one goroutine may write.
type Codec interface {
	ReadHeader(*Header) error
	// ReadBody reads one body; with nil it reads the body and drops it.
	ReadBody(body interface{}) error
	// Write sends a pair with one flush. When the pair cannot be encoded the stream is beyond
	// repair, so the connection is closed.
	Write(*Header, interface{}) error
	Close() error
}

// newCodec returns the codec of that type, or nil when there is none.
func newCodec(codecType string, conn io.ReadWriteCloser) Codec {
	switch codecType {
	case GobType:
		out := bufio.NewWriter(conn)
		return &gobCodec{conn, out, gob.NewDecoder(conn), gob.NewEncoder(out)}
	case JSONType:
		out := bufio.NewWriter(conn)
		return &jsonCodec{conn, out, json.NewDecoder(conn), json.NewEncoder(out)}
	}
	return nil
}

type gobCodec struct {
	conn io.Closer
	out  *bufio.Writer
	dec  *gob.Decoder
	enc  *gob.Encoder
}

func (c *gobCodec) ReadHeader(header *Header) error { return c.dec.Decode(header) }

func (c *gobCodec) ReadBody(body interface{}) error { return c.dec.Decode(body) }

func (c *gobCodec) Write(header *Header, body interface{}) error {
	return writePair(c.enc.Encode, c.out, c.conn, header, body)
}

func (c *gobCodec) Close() error { return c.conn.Close() }

// jsonCodec is the plain pair of a decoder and an encoder.
type jsonCodec struct {
	conn io.Closer
	out  *bufio.Writer
	dec  *json.Decoder
	enc  *json.Encoder
}

func (c *jsonCodec) ReadHeader(header *Header) error { return c.dec.Decode(header) }

func (c *jsonCodec) ReadBody(body interface{}) error {
	if body == nil {
		body = new(json.RawMessage)
	}
	return c.dec.Decode(body)
}

func (c *jsonCodec) Write(header *Header, body interface{}) error {
	return writePair(c.enc.Encode, c.out, c.conn, header, body)
}

func (c *jsonCodec) Close() error { return c.conn.Close() }

func writePair(
	encode func(interface{}) error, out *bufio.Writer, conn io.Closer,
	header *Header, body interface{},
) (err error) {
	defer func() {
		if flushErr := out.Flush(); err == nil {
			err = flushErr
		}
		if err != nil {
			conn.Close()
		}
	}()
	if err = encode(header); err != nil {
		return err
	}
	return encode(body)
}
