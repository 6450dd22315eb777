// Package corpus makes the gob vectors: values of every type that gob has, as real Go encodes them,
// each with a description of what was sent.
//
// Go numbers types in the order in which a process first uses them, so a vector depends on those
// before it. Everything is built in one fixed order, which makes the result reproducible.
package corpus

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"sort"
	"strings"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/lossless"
	"wgrpc/interop/wgrpc"
)

// Vector is one complete gob stream and what it says.
type Vector struct {
	Name string `json:"name"`
	Hex  string `json:"hex"`
	// GoType is the type of all values, or one type a value, separated by " | ".
	GoType string `json:"go_type"`
	// Values has the lossless form of each value.
	Values []json.RawMessage `json:"values"`
	// Seen has the values as Go reads them, zero fields included, and Why says what is special, both
	// only for streams that Go accepts but would not write.
	Seen []json.RawMessage `json:"seen,omitempty"`
	Why  string            `json:"why,omitempty"`
}

// Corpus is the collection while it grows.
type Corpus struct {
	Vectors []Vector
	types   map[string]reflect.Type
	names   map[string]bool
}

// Build makes the whole corpus.
func Build() *Corpus {
	registerNames()
	c := &Corpus{types: make(map[string]reflect.Type), names: make(map[string]bool)}
	c.scalars()
	c.structs()
	c.fields()
	c.composites()
	c.recursive()
	c.opaque()
	c.interfaces()
	c.streams()
	c.largeIDs()
	for _, value := range others {
		c.note(reflect.TypeOf(value))
	}
	return c
}

// others are values of types that no vector has, for streams from elsewhere.
var others = []interface{}{
	demo.Inner{}, demo.SizeArgs{}, wgrpc.Option{},
	[]wgrpc.Header{}, []demo.Args{}, []demo.Quotient{}, []demo.Record{}, map[string]demo.Record{},
	[]Shape{}, map[string]Shape{}, []Any{}, map[string]Any{}, []*Tree{}, []List{}, []Event{},
	map[string]string{}, map[string]bool{}, map[string]float64{}, map[string]uint{},
	map[int]int{}, map[int]string{}, map[uint]int{}, map[uint]uint{},
	[]time.Duration{}, []url.URL{}, []big.Int{}, []netip.Addr{}, []Tree{},
	[2]int{}, [2]string{}, [4]int{}, [4]uint{}, [16]byte{}, [32]byte{},
	Mid[*[]Point]{}, Pair[int, string]{}, Pair[string, string]{}, Pair[int, int]{}, Pair[string, int]{},
}

// add encodes the values on a stream of their own. Values whose type marshals itself by a pointer
// method have to be given as pointers.
func (c *Corpus) add(name string, values ...interface{}) {
	if c.names[name] {
		panic("two vectors are named " + name)
	}
	c.names[name] = true
	vector := Vector{Name: name, Hex: hex.EncodeToString(encode(values))}
	var types []string
	same := true
	for _, value := range values {
		vector.Values = append(vector.Values, json.RawMessage(lossless.Sent(addressable(value))))
		t := c.note(reflect.TypeOf(value))
		types = append(types, t)
		same = same && t == types[0]
	}
	if same {
		types = types[:1]
	}
	vector.GoType = strings.Join(types, " | ")
	c.Vectors = append(c.Vectors, vector)
}

// addressable returns a pointer to the value, so that pointer methods are in reach, as they are
// when gob finds the value in a slice or behind a pointer.
func addressable(value interface{}) interface{} {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Ptr {
		return value
	}
	pointer := reflect.New(v.Type())
	pointer.Elem().Set(v)
	return pointer.Interface()
}

// note remembers the type under its text, without pointers, and returns the text.
func (c *Corpus) note(t reflect.Type) string {
	for t.Kind() == reflect.Ptr {
		t = t.Elem()
	}
	text := TypeText(t)
	if known, ok := c.types[text]; ok && known != t {
		panic("two types are written " + text)
	}
	c.types[text] = t
	return text
}

// Decode has real gob decode a stream into values of the given types (one for all values or one a
// value, separated by " | ") and returns pointers to them, up to the first error.
func (c *Corpus) Decode(data []byte, goType string) ([]interface{}, error) {
	types := strings.Split(goType, " | ")
	in := bytes.NewReader(data)
	dec := gob.NewDecoder(in) // reads no further than it must, since in reads single bytes
	var values []interface{}
	for in.Len() > 0 {
		text := types[0]
		if len(types) > 1 {
			if len(values) == len(types) {
				return values, fmt.Errorf("more than %d values", len(types))
			}
			text = types[len(values)]
		}
		t, ok := c.types[strings.TrimLeft(text, "*")]
		if !ok {
			return values, fmt.Errorf("no type is called %q", text)
		}
		value := reflect.New(t)
		if err := dec.DecodeValue(value); err != nil {
			return values, err
		}
		values = append(values, value.Interface())
	}
	return values, nil
}

// Types returns the texts of all types that Decode knows.
func (c *Corpus) Types() []string {
	var texts []string
	for text := range c.types {
		texts = append(texts, text)
	}
	sort.Strings(texts)
	return texts
}

// TypeText is Go's spelling without the packages of this module.
func TypeText(t reflect.Type) string {
	return strings.NewReplacer(
		"wgrpc/interop/corpus.", "", "wgrpc/interop/demo.", "", "wgrpc/interop/wgrpc.", "",
		"corpus.", "", "demo.", "", "wgrpc.", "",
	).Replace(t.String())
}

// encode writes the values on a fresh stream. Go writes the entries of a map in random order: with
// several entries the smallest of many encodings is taken, which is always the same one.
func encode(values []interface{}) []byte {
	attempts := 1
	for _, value := range values {
		if hasLargeMap(reflect.ValueOf(value)) {
			attempts = 500
		}
	}
	var smallest []byte
	for i := 0; i < attempts; i++ {
		var out bytes.Buffer
		enc := gob.NewEncoder(&out)
		for _, value := range values {
			if err := enc.Encode(value); err != nil {
				panic(fmt.Sprintf("encode %T: %v", value, err))
			}
		}
		if smallest == nil || bytes.Compare(out.Bytes(), smallest) < 0 {
			smallest = out.Bytes()
		}
	}
	return smallest
}

// hasLargeMap says whether a map with more than one entry is in the value.
func hasLargeMap(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Ptr, reflect.Interface:
		return !v.IsNil() && hasLargeMap(v.Elem())
	case reflect.Slice, reflect.Array:
		switch v.Type().Elem().Kind() {
		case reflect.Ptr, reflect.Interface, reflect.Slice, reflect.Array, reflect.Struct, reflect.Map:
			for i := 0; i < v.Len(); i++ {
				if hasLargeMap(v.Index(i)) {
					return true
				}
			}
		}
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			if hasLargeMap(v.Field(i)) {
				return true
			}
		}
	case reflect.Map:
		if v.Len() > 1 {
			return true
		}
		for i := v.MapRange(); i.Next(); {
			if hasLargeMap(i.Key()) || hasLargeMap(i.Value()) {
				return true
			}
		}
	}
	return false
}
