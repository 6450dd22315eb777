package corpus

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"wgrpc/interop/dynamic"
)

// Go refuses the hostile streams as well, but for those that only limits can refuse, which shows
// that they are what they are meant to be.
func TestGoRefusesHostileStreams(t *testing.T) {
	Build() // registers the names
	for _, h := range HostileStreams() {
		if h.fatal {
			continue
		}
		data, err := hex.DecodeString(h.Hex)
		if err != nil {
			t.Fatal(err)
		}
		beyondLimits := strings.HasPrefix(h.Name, "limit/")
		if err = skipAll(data); err == nil && !beyondLimits {
			_, err = dynamic.Decode(data)
		}
		if (err == nil) != beyondLimits {
			t.Errorf("%s: Go says %v", h.Name, err)
		}
	}
}

func skipAll(data []byte) error {
	in := bytes.NewReader(data)
	dec := gob.NewDecoder(in)
	for in.Len() > 0 {
		if err := dec.DecodeValue(reflect.Value{}); err != nil {
			return err
		}
	}
	return nil
}
