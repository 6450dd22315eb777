package main

import (
	"fmt"

	"wgrpc/interop/registry"
	"wgrpc/interop/wgrpc"
)

// balance calls all servers of the registry at c.address in turn, over one connection each.
func (c *checker) balance() {
	all, _, err := registry.Dialect{}.Servers(c.address)
	if err == nil && len(all) < 2 {
		err = fmt.Errorf("only %d servers are registered", len(all))
	}
	c.check("balance/servers", err)
	if err != nil {
		return
	}
	clients := make([]*wgrpc.Client, len(all))
	for i, address := range all {
		if clients[i], err = wgrpc.XDial(address, c.option); err != nil {
			c.check("balance/connect", fmt.Errorf("%s: %w", address, err))
			return
		}
		defer clients[i].Close()
	}
	for n := 0; n < 100; n++ {
		at := n % len(all)
		if err := c.multiply(clients[at], n, 7); err != nil {
			c.check("balance/multiply", fmt.Errorf("%s: %w", all[at], err))
			return
		}
	}
	c.check("balance/multiply", nil)
}
