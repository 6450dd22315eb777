package corpus

import (
	"bytes"
	"math/bits"
)

// What follows writes gob by hand: streams that Go's encoder never makes.

// first is the id that hand-made streams give to their first type.
const first = 64

// Ids of basic types.
const (
	idBool = iota + 1
	idInt
	idUint
	idFloat
	idBytes
	idString
	idComplex
	idInterface
)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func unsigned(n uint64) []byte {
	if n < 128 {
		return []byte{byte(n)}
	}
	size := (bits.Len64(n) + 7) / 8
	out := []byte{byte(-size)}
	for i := size - 1; i >= 0; i-- {
		out = append(out, byte(n>>(8*i)))
	}
	return out
}

func signed(n int64) []byte { return unsigned(uint64(n<<1) ^ uint64(n>>63)) }

func text(s string) []byte { return append(unsigned(uint64(len(s))), s...) }

// message puts the length in front.
func message(parts ...[]byte) []byte {
	body := join(parts...)
	return append(unsigned(uint64(len(body))), body...)
}

// single is the message of a value that is not a struct.
func single(id int64, parts ...[]byte) []byte {
	return message(signed(id), []byte{0}, join(parts...))
}

// structValue is the message of a struct, which the parts must end with a 0.
func structValue(id int64, parts ...[]byte) []byte { return message(signed(id), join(parts...)) }

// common is a CommonType without a name.
func common(id int64) []byte { return join([]byte{2}, signed(id), []byte{0}) }

type fieldDef struct {
	name string
	id   int64
}

func (f fieldDef) bytes() []byte {
	var out []byte
	delta := []byte{2}
	if f.name != "" {
		out, delta = append([]byte{1}, text(f.name)...), []byte{1}
	}
	if f.id == 0 {
		return append(out, 0)
	}
	return join(out, delta, signed(f.id), []byte{0})
}

// Bodies of definitions, without the length.

func defStruct(id int64, fields ...fieldDef) []byte {
	if len(fields) == 0 {
		return join(signed(-id), []byte{3, 1}, common(id), []byte{0, 0})
	}
	list := unsigned(uint64(len(fields)))
	for _, f := range fields {
		list = append(list, f.bytes()...)
	}
	return join(signed(-id), []byte{3, 1}, common(id), []byte{1}, list, []byte{0, 0})
}

func defSlice(id, elem int64) []byte {
	return join(signed(-id), []byte{2, 1}, common(id), []byte{1}, signed(elem), []byte{0, 0})
}

func defArray(id, elem, length int64) []byte {
	return join(
		signed(-id), []byte{1, 1}, common(id), []byte{1}, signed(elem), []byte{1}, signed(length),
		[]byte{0, 0},
	)
}

func defMap(id, key, elem int64) []byte {
	return join(
		signed(-id), []byte{4, 1}, common(id), []byte{1}, signed(key), []byte{1}, signed(elem),
		[]byte{0, 0},
	)
}

// defOpaque takes the number of the wireType's member: 4 gob, 5 binary, 6 text.
func defOpaque(id int64, member byte) []byte {
	return join(signed(-id), []byte{member + 1, 1}, common(id), []byte{0, 0})
}

// point is the definition of a Point.
func point(id int64) []byte { return defStruct(id, fieldDef{"X", idInt}, fieldDef{"Y", idInt}) }
