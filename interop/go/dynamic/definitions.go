package dynamic

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// definition is a type as a stream describes it.
type definition struct {
	member int // of wireType: which kind of type it is
	elem   int // of array, slice, map
	key    int // of map
	length int // of array
	fields []field
}

// Members of wireType.
const (
	arrayT = iota
	sliceT
	structT
	mapT
	gobEncoderT
	binaryMarshalerT
	textMarshalerT
)

type field struct {
	name string
	id   int
}

var errCut = errors.New("the stream is cut")

// input is a cursor over bytes; reading past the end panics with errCut.
type input struct {
	data []byte
	at   int
}

func (in *input) take(count int) []byte {
	if count < 0 || count > len(in.data)-in.at {
		panic(errCut)
	}
	in.at += count
	return in.data[in.at-count : in.at]
}

func (in *input) uint() uint64 {
	first := in.take(1)[0]
	if first < 128 {
		return uint64(first)
	}
	size := -int(int8(first))
	if size > 8 {
		panic(fmt.Errorf("%#x begins no integer", first))
	}
	var padded [8]byte
	copy(padded[8-size:], in.take(size))
	return binary.BigEndian.Uint64(padded[:])
}

func (in *input) int() int {
	u := in.uint()
	if u&1 != 0 {
		return int(^int64(u >> 1))
	}
	return int(u >> 1)
}

func (in *input) string() string { return string(in.take(int(in.uint()))) }

// structure calls read for each field that is present, with its number.
func (in *input) structure(read func(number int)) {
	number := -1
	for {
		delta := in.uint()
		if delta == 0 {
			return
		}
		number += int(delta)
		read(number)
	}
}

// common reads past the name and the id that every definition carries.
func (in *input) common() {
	in.structure(func(number int) {
		if number == 0 {
			in.string()
		} else {
			in.int()
		}
	})
}

// definition reads a wireType.
func (in *input) definition() definition {
	d := definition{member: -1}
	in.structure(func(member int) {
		d.member = member
		in.structure(func(number int) {
			switch {
			case number == 0:
				in.common()
			case member == structT:
				d.fields = in.fields()
			case member == mapT && number == 1:
				d.key = in.int()
			case member == mapT || number == 1:
				d.elem = in.int()
			default:
				d.length = in.int()
			}
		})
	})
	return d
}

func (in *input) fields() []field {
	var fields []field
	for count := in.uint(); count > 0; count-- {
		var f field
		in.structure(func(number int) {
			if number == 0 {
				f.name = in.string()
			} else {
				f.id = in.int()
			}
		})
		fields = append(fields, f)
	}
	return fields
}
