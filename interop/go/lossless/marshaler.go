package lossless

import (
	"encoding"
	"encoding/gob"
	"reflect"
)

// marshaler is how a type makes its own payload: gob calls such a type opaque.
type marshaler struct {
	kind string // "gob" or "binary"
	// climb is how many pointers to follow from the type to the receiver of the method; -1 means
	// that the receiver is a pointer to the value.
	climb   int
	marshal func(receiver interface{}) ([]byte, error)
}

var (
	gobEncoder      = reflect.TypeOf((*gob.GobEncoder)(nil)).Elem()
	binaryMarshaler = reflect.TypeOf((*encoding.BinaryMarshaler)(nil)).Elem()
)

// marshalerOf returns nil for types that gob encodes itself, which includes those that can only
// marshal themselves as text.
func marshalerOf(t reflect.Type) *marshaler {
	if climb, ok := implements(t, gobEncoder); ok {
		return &marshaler{"gob", climb, func(receiver interface{}) ([]byte, error) {
			return receiver.(gob.GobEncoder).GobEncode()
		}}
	}
	if climb, ok := implements(t, binaryMarshaler); ok {
		return &marshaler{"binary", climb, func(receiver interface{}) ([]byte, error) {
			return receiver.(encoding.BinaryMarshaler).MarshalBinary()
		}}
	}
	return nil
}

func implements(t, method reflect.Type) (climb int, ok bool) {
	if t.Kind() == reflect.Interface {
		// An interface with the method is still an interface to gob.
		return 0, false
	}
	for at := t; ; at = at.Elem() {
		if at.Implements(method) {
			return climb, true
		}
		if at.Kind() != reflect.Ptr {
			break
		}
		climb++
	}
	if t.Kind() != reflect.Ptr && reflect.PtrTo(t).Implements(method) {
		return -1, true
	}
	return 0, false
}

// receiver finds what the method is called on; a nil pointer on the way makes it unreachable.
func (m *marshaler) receiver(v reflect.Value) (receiver reflect.Value, reachable bool) {
	if m.climb < 0 {
		if v.CanAddr() {
			return v.Addr(), true
		}
		copied := reflect.New(v.Type())
		copied.Elem().Set(v)
		return copied, true
	}
	for i := 0; i < m.climb; i++ {
		if v.IsNil() {
			return v, false
		}
		v = v.Elem()
	}
	return v, true
}
