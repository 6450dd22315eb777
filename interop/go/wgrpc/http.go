package wgrpc

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
)

const (
	// RPCPath is where the server turns a CONNECT request into an RPC connection.
	RPCPath   = "/_wgprc_"
	connected = "200 Connected to Wg RPC"
)

// ServeHTTP answers CONNECT by speaking the protocol on the same connection from there on.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodConnect {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusMethodNotAllowed)
		io.WriteString(w, "405 must CONNECT\n")
		return
	}
	conn, ahead, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Println("hijack", req.RemoteAddr, err)
		return
	}
	io.WriteString(conn, "HTTP/1.0 "+connected+"\n\n")
	if s.Original {
		// What the client sent right behind its request is in the buffer, and is lost.
		s.ServeConn(conn)
		return
	}
	s.ServeConn(&resumed{Reader: ahead, WriteCloser: conn})
}

// ServeListener serves RPCPath, and nothing else, on every connection of the listener.
func (s *Server) ServeListener(listener net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle(RPCPath, s)
	return http.Serve(listener, mux)
}

// ConnectHTTP asks the server at the other end to turn the connection into an RPC connection.
func ConnectHTTP(conn net.Conn) error {
	if _, err := io.WriteString(conn, "CONNECT "+RPCPath+" HTTP/1.0\n\n"); err != nil {
		return err
	}
	request := &http.Request{Method: http.MethodConnect}
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		return err
	}
	if response.Status != connected {
		return errors.New("unexpected HTTP response: " + response.Status)
	}
	return nil
}
