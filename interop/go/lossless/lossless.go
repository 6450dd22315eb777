// Package lossless writes Go values as the JSON form in which gob streams are compared: every value
// has exactly one text, and nothing that gob carries is lost.
//
//	bool, string, int, uint   as JSON has them
//	float                     with a point or an exponent; NaN, infinities and -0 {"$f64":"16 hex digits"}
//	complex                   {"$complex":[re,im]}
//	string that is not UTF-8  {"$strhex":"..."}
//	bytes                     {"$hex":"..."}
//	slice, array              [...]
//	map                       {"$map":[[key,value],...]}, sorted by the entry's text
//	struct                    {"Field":...}, the fields that gob sends, in order
//	interface                 {"$iface":"registered name","value":...}, or null
//	opaque                    {"$opaque":"gob"|"binary","hex":"..."}
//
// The text has no blanks, and spells floats and escapes as Rust's serde_json does.
package lossless

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"unicode/utf8"
)

// Sent returns the text of what gob sends for the value: zero fields are left out as gob does.
// Pass a pointer, since gob marshals some types only where they can be addressed.
func Sent(value interface{}) string {
	return string(form{}.value(nil, reflect.ValueOf(value)))
}

// Full returns the text of everything that a Go program sees in the value: zero fields too, and
// null for nil pointers, maps and interfaces.
func Full(value interface{}) string {
	return string(form{full: true}.value(nil, reflect.ValueOf(value)))
}

type form struct{ full bool }

func (f form) value(out []byte, v reflect.Value) []byte {
	if m := marshalerOf(v.Type()); m != nil {
		return f.opaque(out, v, m)
	}
	switch v.Kind() {
	case reflect.Ptr:
		if v.IsNil() {
			return append(out, "null"...)
		}
		return f.value(out, v.Elem())
	case reflect.Bool:
		return strconv.AppendBool(out, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(out, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(out, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return appendFloat(out, v.Float())
	case reflect.Complex64, reflect.Complex128:
		out = append(out, `{"$complex":[`...)
		out = append(appendFloat(out, real(v.Complex())), ',')
		return append(appendFloat(out, imag(v.Complex())), "]}"...)
	case reflect.String:
		if s := v.String(); !utf8.ValidString(s) {
			return appendHex(append(out, `{"$strhex":`...), []byte(s))
		}
		return appendString(out, v.String())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return appendHex(append(out, `{"$hex":`...), v.Bytes())
		}
		return f.list(out, v)
	case reflect.Array:
		return f.list(out, v)
	case reflect.Map:
		return f.mapping(out, v)
	case reflect.Struct:
		return f.structure(out, v)
	case reflect.Interface:
		return f.iface(out, v)
	}
	panic(fmt.Sprintf("gob has no form for %s", v.Type()))
}

func (f form) list(out []byte, v reflect.Value) []byte {
	out = append(out, '[')
	for i := 0; i < v.Len(); i++ {
		if i > 0 {
			out = append(out, ',')
		}
		out = f.value(out, v.Index(i))
	}
	return append(out, ']')
}

func (f form) mapping(out []byte, v reflect.Value) []byte {
	if f.full && v.IsNil() {
		return append(out, "null"...)
	}
	var entries [][]byte
	for i := v.MapRange(); i.Next(); {
		entry := append(f.value([]byte{'['}, i.Key()), ',')
		entries = append(entries, append(f.value(entry, i.Value()), ']'))
	}
	sort.Slice(entries, func(i, j int) bool { return bytes.Compare(entries[i], entries[j]) < 0 })
	out = append(out, `{"$map":[`...)
	out = append(out, bytes.Join(entries, []byte{','})...)
	return append(out, "]}"...)
}

func (f form) structure(out []byte, v reflect.Value) []byte {
	out = append(out, '{')
	first := true
	for i := 0; i < v.NumField(); i++ {
		field := v.Type().Field(i)
		if !isSendable(field) || !f.full && isLeftOut(v.Field(i)) {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(appendString(out, field.Name), ':')
		out = f.value(out, v.Field(i))
	}
	return append(out, '}')
}

// isSendable says whether the field is part of gob's definition of the struct.
func isSendable(field reflect.StructField) bool {
	t := field.Type
	for t.Kind() == reflect.Ptr {
		t = t.Elem()
	}
	return field.IsExported() && t.Kind() != reflect.Chan && t.Kind() != reflect.Func
}

// isLeftOut says whether gob leaves the field out because of its value.
func isLeftOut(v reflect.Value) bool {
	if m := marshalerOf(v.Type()); m != nil {
		receiver, reachable := m.receiver(v)
		return !reachable || receiver.IsZero()
	}
	switch v.Kind() {
	case reflect.Ptr:
		return v.IsNil() || isLeftOut(v.Elem())
	case reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Float32, reflect.Float64:
		return v.Float() == 0 // of either sign
	case reflect.Complex64, reflect.Complex128:
		return v.Complex() == 0
	case reflect.Struct, reflect.Array:
		return false
	}
	return v.IsZero()
}

func (f form) iface(out []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(out, "null"...)
	}
	out = append(out, `{"$iface":`...)
	out = appendString(out, NameOf(v.Elem().Type()))
	out = append(out, `,"value":`...)
	return append(f.value(out, v.Elem()), '}')
}

func (f form) opaque(out []byte, v reflect.Value, m *marshaler) []byte {
	receiver, reachable := m.receiver(v)
	if !reachable || f.full && receiver.Kind() == reflect.Ptr && receiver.IsNil() {
		return append(out, "null"...)
	}
	payload, err := m.marshal(receiver.Interface())
	if err != nil {
		panic(err)
	}
	out = append(out, `{"$opaque":"`+m.kind+`","hex":`...)
	return appendHex(out, payload)
}

func appendHex(out, data []byte) []byte {
	return append(out, `"`+hex.EncodeToString(data)+`"}`...)
}

// appendFloat writes the shortest text that reads back as the same number.
func appendFloat(out []byte, x float64) []byte {
	bits := math.Float64bits(x)
	if math.IsNaN(x) || math.IsInf(x, 0) || bits == 1<<63 {
		var raw [8]byte
		binary.BigEndian.PutUint64(raw[:], bits)
		return appendHex(append(out, `{"$f64":`...), raw[:])
	}
	scientific := strconv.FormatFloat(x, 'e', -1, 64)
	split := bytes.IndexByte([]byte(scientific), 'e')
	exponent, _ := strconv.Atoi(scientific[split+1:])
	if exponent < -5 || exponent > 15 {
		out = append(out, scientific[:split+1]...)
		if exponent > 0 {
			out = append(out, '+')
		}
		return strconv.AppendInt(out, int64(exponent), 10)
	}
	fixed := strconv.FormatFloat(x, 'f', -1, 64)
	out = append(out, fixed...)
	if !bytes.ContainsRune([]byte(fixed), '.') {
		out = append(out, ".0"...)
	}
	return out
}

// appendString escapes quotes, backslashes and control characters, and nothing else.
func appendString(out []byte, s string) []byte {
	const short = "\bb\ff\nn\rr\tt\"\"\\\\"
	out = append(out, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		escaped := false
		for j := 0; j < len(short); j += 2 {
			if c == short[j] {
				out = append(out, '\\', short[j+1])
				escaped = true
			}
		}
		if escaped {
			continue
		}
		if c < 0x20 {
			out = append(out, fmt.Sprintf(`\u%04x`, c)...)
			continue
		}
		out = append(out, c)
	}
	return append(out, '"')
}
