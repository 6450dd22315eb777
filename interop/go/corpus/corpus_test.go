package corpus

import (
	"encoding/hex"
	"testing"

	"wgrpc/interop/lossless"
)

// What Go reads back from its own vectors is described by the same text.
func TestEveryVectorReadsBack(t *testing.T) {
	c := Build()
	if len(c.Vectors) < 500 {
		t.Errorf("only %d vectors", len(c.Vectors))
	}
	exceptions := map[string]bool{
		"big-int/slice-with-nil": true, // Go reads an empty payload as 0
		"field/gob-slice/1":      true, // left out before Go 1.21
	}
	for _, vector := range c.Vectors {
		if exceptions[vector.Name] {
			continue
		}
		data, err := hex.DecodeString(vector.Hex)
		if err != nil {
			t.Fatal(err)
		}
		values, err := c.Decode(data, vector.GoType)
		if err != nil || len(values) != len(vector.Values) {
			t.Errorf("%s: %d values, %v", vector.Name, len(values), err)
			continue
		}
		for i, want := range vector.Values {
			if got := lossless.Sent(values[i]); got != string(want) {
				t.Errorf("%s: got %s, want %s", vector.Name, got, want)
			}
		}
	}
	c.Accepted() // panics when Go does not accept one
}
