// Package dynamic decodes gob streams without knowing their types: it makes Go types of the
// definitions that it finds and has encoding/gob decode into them.
//
// It cannot make recursive types, nor see definitions that arrive in the middle of an interface.
package dynamic

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"go/token"
	"reflect"
)

// Decode returns pointers to the values of the stream, up to the first error.
func Decode(data []byte) (values []interface{}, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	in := bytes.NewReader(data)
	dec := gob.NewDecoder(in) // reads no further than it must, since in reads single bytes
	types := &builder{definitions: make(map[int]definition)}
	for in.Len() > 0 {
		id, err := types.next(data[len(data)-in.Len():])
		if err != nil {
			return values, err
		}
		value := reflect.New(types.build(id, nil))
		if err := dec.DecodeValue(value); err != nil {
			return values, err
		}
		values = append(values, value.Interface())
	}
	return values, nil
}

type builder struct{ definitions map[int]definition }

// next takes in the definitions in front of the next value and returns the value's type.
func (b *builder) next(data []byte) (id int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	stream := &input{data: data}
	for {
		message := &input{data: stream.take(int(stream.uint()))}
		id := message.int()
		if id >= 0 {
			return id, nil
		}
		b.definitions[-id] = message.definition()
	}
}

const arrayBytesMax = 1 << 20

var basic = map[int]reflect.Type{
	1: reflect.TypeOf(false),
	2: reflect.TypeOf(int64(0)),
	3: reflect.TypeOf(uint64(0)),
	4: reflect.TypeOf(float64(0)),
	5: reflect.TypeOf([]byte(nil)),
	6: reflect.TypeOf(""),
	7: reflect.TypeOf(complex128(0)),
	8: reflect.TypeOf((*interface{})(nil)).Elem(),
}

// build makes a Go type; inside lists the ids that it is part of.
func (b *builder) build(id int, inside []int) reflect.Type {
	if t, ok := basic[id]; ok {
		return t
	}
	d, ok := b.definitions[id]
	if !ok {
		panic(fmt.Errorf("type %d is not defined", id))
	}
	for _, outer := range inside {
		if outer == id {
			panic(errors.New("the type is recursive: it has to be named"))
		}
	}
	inside = append(inside, id)
	switch d.member {
	case arrayT:
		elem := b.build(d.elem, inside)
		// An array is allocated whole, whatever the stream has of it.
		if d.length < 0 || d.length > arrayBytesMax/(int(elem.Size())+1) {
			panic(fmt.Errorf("an array of %d elements is too large", d.length))
		}
		return reflect.ArrayOf(d.length, elem)
	case sliceT:
		return reflect.SliceOf(b.build(d.elem, inside))
	case mapT:
		return reflect.MapOf(b.build(d.key, inside), b.build(d.elem, inside))
	case structT:
		return b.structure(d, inside)
	case gobEncoderT:
		return reflect.TypeOf(GobPayload{})
	case binaryMarshalerT:
		return reflect.TypeOf(BinaryPayload{})
	}
	panic(fmt.Errorf("no Go type can stand for member %d of a definition", d.member))
}

// structure leaves out what Go would not store: fields without an exported name.
func (b *builder) structure(d definition, inside []int) reflect.Type {
	var fields []reflect.StructField
	taken := make(map[string]bool)
	for _, f := range d.fields {
		if token.IsIdentifier(f.name) && token.IsExported(f.name) && !taken[f.name] {
			taken[f.name] = true
			t := b.build(f.id, inside)
			fields = append(fields, reflect.StructField{Name: f.name, Type: t})
		}
	}
	return reflect.StructOf(fields)
}

// GobPayload stands for every type with a GobEncode method.
type GobPayload struct{ payload }

// GobEncode returns the payload.
func (p GobPayload) GobEncode() ([]byte, error) { return []byte(p.data), nil }

// GobDecode keeps the payload.
func (p *GobPayload) GobDecode(data []byte) error {
	p.payload = payload{true, string(data)}
	return nil
}

// BinaryPayload stands for every type with a MarshalBinary method.
type BinaryPayload struct{ payload }

// MarshalBinary returns the payload.
func (p BinaryPayload) MarshalBinary() ([]byte, error) { return []byte(p.data), nil }

// UnmarshalBinary keeps the payload.
func (p *BinaryPayload) UnmarshalBinary(data []byte) error {
	p.payload = payload{true, string(data)}
	return nil
}

// payload is comparable, so that it can be the key of a map, and not zero once it was received.
type payload struct {
	received bool
	data     string
}
