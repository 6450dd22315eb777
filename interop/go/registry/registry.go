// Package registry is the registry of the first Go implementation, its heartbeat and what its
// clients ask: everything in HTTP headers, by net/http as Go programs use it.
package registry

import (
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"
)

// Path is where a registry is found unless something else is said.
const Path = "/wgrpc/registry"

// The headers, and those that later versions send.
const (
	serverHeader      = "X-Wgrpc-Server"
	serversHeader     = "X-Wgrpc-Servers"
	laterServerHeader = "X-WgRPC-Server-Addr"
	laterNameHeader   = "X-WgRPC-Server-Name"
)

// Registry knows who has posted an address within the last Timeout, or ever if that is 0.
type Registry struct {
	Timeout time.Duration

	mutex sync.Mutex
	seen  map[string]time.Time // by address
}

// ServeHTTP answers GET with the servers that are alive, and takes POST as a sign of life.
func (r *Registry) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	switch request.Method {
	case http.MethodGet:
		w.Header().Set(serversHeader, strings.Join(r.alive(), ","))
	case http.MethodPost:
		address := request.Header.Get(serverHeader)
		if address == "" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		r.note(address)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (r *Registry) note(address string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.seen == nil {
		r.seen = make(map[string]time.Time)
	}
	r.seen[address] = time.Now()
}

func (r *Registry) alive() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var addresses []string
	for address, at := range r.seen {
		if r.Timeout != 0 && time.Since(at) >= r.Timeout {
			delete(r.seen, address)
			continue
		}
		addresses = append(addresses, address)
	}
	sort.Strings(addresses)
	return addresses
}
