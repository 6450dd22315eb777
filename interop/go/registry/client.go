package registry

import (
	"net/http"
	"strings"
	"time"
)

// Dialect is how a program spells its headers.
type Dialect struct {
	// Later has the names of later versions, with a Name for the service.
	Later bool
	Name  string
}

// Heartbeat tells the registry at once that the server is alive, and then every interval, until
// that fails once: the first implementation never tries again.
func (d Dialect) Heartbeat(url, address string, interval time.Duration) error {
	if err := d.beat(url, address); err != nil {
		return err
	}
	go func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for range ticker.C {
			if d.beat(url, address) != nil {
				return
			}
		}
	}()
	return nil
}

func (d Dialect) beat(url, address string) error {
	request, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	if d.Later {
		request.Header.Set(laterServerHeader, address)
		request.Header.Set(laterNameHeader, d.Name)
	} else {
		request.Header.Set(serverHeader, address)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Servers asks the registry who is alive, and which one server it names for a caller that gives a
// name; that is empty if it names none.
func (d Dialect) Servers(url string) (all []string, one string, err error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	if d.Later {
		request.Header.Set(laterNameHeader, d.Name)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	all = []string{}
	for _, address := range strings.Split(response.Header.Get(serversHeader), ",") {
		if address = strings.TrimSpace(address); address != "" {
			all = append(all, address)
		}
	}
	return all, response.Header.Get(laterServerHeader), nil
}
