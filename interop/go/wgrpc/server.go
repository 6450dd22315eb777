package wgrpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"reflect"
	"strings"
	"sync"
	"time"
)

// Server serves registered structs on any number of connections.
type Server struct {
	// Original makes the server behave as the first Go implementation does, defects included.
	Original bool
	// Codecs lists the accepted codec types; empty means all.
	Codecs []string

	services sync.Map // name to *service
}

// invalidRequest is the body of every response that carries an error.
var invalidRequest = struct{}{}

// Register makes the methods of receiver callable as "TypeName.Method".
func (s *Server) Register(receiver interface{}) error {
	svc := newService(receiver)
	if _, taken := s.services.LoadOrStore(svc.name, svc); taken {
		return errors.New("service already defined: " + svc.name)
	}
	return nil
}

// Accept serves every connection of the listener until the listener fails.
func (s *Server) Accept(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go s.ServeConn(conn)
	}
}

// ServeConn speaks the protocol on one connection until its end, then closes it.
func (s *Server) ServeConn(conn io.ReadWriteCloser) {
	defer conn.Close()
	var opt Option
	dec := json.NewDecoder(conn)
	if err := dec.Decode(&opt); err != nil {
		log.Println("option:", err)
		return
	}
	if opt.MagicNumber != MagicNumber {
		log.Printf("magic number %x", opt.MagicNumber)
		return
	}
	if !s.accepts(opt.CodecType) {
		log.Printf("codec type %q", opt.CodecType)
		return
	}
	if !s.Original {
		// The decoder has read ahead; the first implementation forgets those bytes here.
		conn = withUnread(conn, dec.Buffered())
	}
	s.serveCodec(newCodec(opt.CodecType, conn), opt.HandleTimeout)
}

func (s *Server) accepts(codecType string) bool {
	if len(s.Codecs) == 0 {
		return codecType == GobType || codecType == JSONType
	}
	for _, accepted := range s.Codecs {
		if accepted == codecType {
			return true
		}
	}
	return false
}

// withUnread puts what was read ahead, less one line feed, back in front of the connection. The
// line feed may also come later than the rest of the Option, so it is taken off when it arrives.
func withUnread(conn io.ReadWriteCloser, buffered io.Reader) io.ReadWriteCloser {
	ahead, _ := io.ReadAll(buffered)
	in := io.MultiReader(bytes.NewReader(ahead), conn)
	return &resumed{Reader: &skipLineFeed{in: in}, WriteCloser: conn}
}

type resumed struct {
	io.Reader
	io.WriteCloser
}

// skipLineFeed drops the first byte of its input if that is a line feed.
type skipLineFeed struct {
	in   io.Reader
	done bool
}

func (r *skipLineFeed) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if r.done || n == 0 {
		return n, err
	}
	r.done = true
	if p[0] == '\n' {
		n = copy(p, p[1:n])
		if n == 0 && err == nil {
			return r.in.Read(p)
		}
	}
	return n, err
}

// connection is the server's side of one client.
type connection struct {
	codec   Codec
	sending sync.Mutex
	running sync.WaitGroup
}

func (c *connection) respond(header Header, body interface{}) {
	c.sending.Lock()
	defer c.sending.Unlock()
	if err := c.codec.Write(&header, body); err != nil {
		log.Println("write response:", err)
	}
}

func (c *connection) fail(header Header, text string) {
	header.Error = text
	c.respond(header, invalidRequest)
}

// serveCodec reads requests until a header cannot be read, then answers those that are still
// running and closes.
func (s *Server) serveCodec(codec Codec, timeout time.Duration) {
	c := &connection{codec: codec}
	for {
		var header Header
		if err := codec.ReadHeader(&header); err != nil {
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				log.Println("read header:", err)
			}
			break
		}
		header.Error = ""
		m, err := s.find(header.ServiceMethod)
		if err != nil {
			if !s.Original && codec.ReadBody(nil) != nil {
				break
			}
			c.fail(header, err.Error())
			continue
		}
		target, arg := m.newArg()
		if err := codec.ReadBody(target); err != nil {
			c.fail(header, err.Error())
			continue
		}
		c.running.Add(1)
		go s.handle(c, header, m, arg, timeout)
	}
	c.running.Wait()
	codec.Close()
}

func (s *Server) find(serviceMethod string) (*method, error) {
	dot := strings.LastIndex(serviceMethod, ".")
	if dot < 0 {
		return nil, s.errorf("server.Register", "service/method request ill-formed: %s", serviceMethod)
	}
	found, ok := s.services.Load(serviceMethod[:dot])
	if !ok {
		return nil, s.errorf("server.findService", "can't find service: %s", serviceMethod[:dot])
	}
	m := found.(*service).methods[serviceMethod[dot+1:]]
	if m == nil {
		return nil, s.errorf("server.findService", "can't find method: %s", serviceMethod[dot+1:])
	}
	return m, nil
}

// errorf makes an error text, with the name of the function in front if that is the server's way.
func (s *Server) errorf(function, format string, args ...interface{}) error {
	text := fmt.Sprintf(format, args...)
	if s.Original {
		text = function + ": " + text
	}
	return errors.New(text)
}

// handle runs one request and sends exactly one response.
func (s *Server) handle(
	c *connection, header Header, m *method, arg reflect.Value, timeout time.Duration,
) {
	defer c.running.Done()
	reply := m.newReply()
	finished := make(chan error, 1)
	go func() { finished <- m.invoke(arg, reply) }()

	var expired <-chan time.Time
	if timeout != 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-expired:
		err := s.errorf("server.handleRequest", "request handle timeout: expect within %s", timeout)
		c.fail(header, err.Error())
	case err := <-finished:
		if err == nil {
			c.respond(header, reply.Interface())
			return
		}
		text := err.Error()
		if text == "" && !s.Original {
			// An empty text would look like success.
			text = "error"
		}
		c.fail(header, text)
	}
}
