package corpus

import (
	"bytes"
	"encoding/hex"
	"fmt"
)

// Hostile is a stream that must be refused: with an error, soon, and without much memory.
type Hostile struct {
	Name string `json:"name"`
	Hex  string `json:"hex"`
	Why  string `json:"why"`

	fatal bool // Go would not end, or would die of it
}

type hostiles struct{ list []Hostile }

func (h *hostiles) add(name, why string, parts ...[]byte) {
	h.list = append(h.list, Hostile{Name: name, Hex: hex.EncodeToString(join(parts...)), Why: why})
}

// addFatal adds a stream that Go must not be shown.
func (h *hostiles) addFatal(name, why string, parts ...[]byte) {
	h.add(name, why, parts...)
	h.list[len(h.list)-1].fatal = true
}

// HostileStreams returns them all. A name tells where the harm is: "limit/" are well-formed streams
// that only the default limits refuse.
func HostileStreams() []Hostile {
	h := new(hostiles)
	h.framing()
	h.integers()
	h.cuts()
	h.definitions()
	h.values()
	h.lengths()
	h.interfaces()
	h.limits()
	return h.list
}

var xy = structValue(first, []byte{1, 44, 1, 66, 0})

func (h *hostiles) framing() {
	h.add("framing/empty-message", "a message of no bytes", []byte{0})
	h.add("framing/empty-then-good", "a message of no bytes in front of a good one",
		[]byte{0}, single(idInt, []byte{6}))
	h.add("framing/length-cut", "the length itself is cut", []byte{0xfe, 1})
	h.add("framing/length-nine-bytes", "a length of nine bytes",
		[]byte{0xf7, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	h.add("framing/length-0x80", "0x80 announces 128 bytes of length", []byte{0x80})
	h.add("framing/body-missing", "a length and nothing else", []byte{10})
	h.add("framing/body-cut", "the stream ends within a message", message(point(first))[:12])
	h.add("framing/definition-alone", "the stream ends after a definition", message(point(first)))
	h.add("framing/id-alone", "a value message that ends after its id", message(signed(idInt)))
	h.add("framing/id-cut", "a message that ends within its id", message([]byte{0xfe, 1}))
	h.add("framing/http", "an HTTP request", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	h.add("framing/json", "JSON", []byte(`{"MagicNumber":57775718}`+"\n"))
	h.add("framing/tls", "a TLS hello", []byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3})
	h.add("framing/text", "text", []byte("hello, world\n"))
	h.add("framing/zeros", "zeros", make([]byte, 64))
	h.add("framing/all-ones", "0xff without end", bytes.Repeat([]byte{0xff}, 64))
	for _, size := range []struct {
		name   string
		length uint64
	}{
		{"64-mib", 1 << 26}, {"2-gib", 1 << 31}, {"4-gib", 1 << 32}, {"8-gib-less-1", 1<<33 - 1},
		{"8-gib", 1 << 33}, {"2^62", 1 << 62}, {"2^63", 1 << 63}, {"2^64-1", 1<<64 - 1},
	} {
		h.add("framing/length-"+size.name, "a huge message is announced and does not come",
			unsigned(size.length), signed(idInt), []byte{0, 6})
	}
}

func (h *hostiles) integers() {
	for _, first := range []byte{0x80, 0x81, 0xa0, 0xf0, 0xf7} {
		h.add(fmt.Sprintf("integer/first-byte-%x", first), "more than eight bytes of integer",
			single(idUint, []byte{first}, make([]byte, 200)))
	}
	h.add("integer/cut", "an integer announces four bytes and has two",
		single(idUint, []byte{0xfc, 1, 2}))
	h.add("integer/missing", "no integer where the value should be", single(idUint))
	h.add("integer/float-cut", "a float is cut", single(idFloat, []byte{0xf8, 1, 2, 3}))
	h.add("integer/complex-half", "a complex number has only its real part",
		single(idComplex, []byte{0xfe, 0xf0, 0x3f}))
	h.add("integer/bool-missing", "no bool where the value should be", single(idBool))
}

func (h *hostiles) cuts() {
	whole := join(message(defSlice(first+1, first)), message(point(first)),
		single(first+1, []byte{2, 1, 44, 1, 66, 0, 1, 2, 0}))
	for at := 1; at < len(whole); at++ {
		h.add(fmt.Sprintf("cut/at-%d", at), "a good stream ends early", whole[:at])
	}
	value := []byte{2, 1, 44, 1, 66, 0, 1, 2, 0}
	// A struct may be cut by its message, so only cuts within a number or a list count.
	for _, at := range []int{0, 1, 2, 4} {
		h.add(fmt.Sprintf("cut/message-at-%d", at), "a value ends early within a message of its length",
			message(defSlice(first+1, first)), message(point(first)), single(first+1, value[:at]))
	}
	h.add("cut/string", "a string is longer than its message",
		single(idString, []byte{5}, []byte("abc")))
	h.add("cut/bytes", "bytes are longer than their message", single(idBytes, []byte{5, 1, 2}))
	h.add("cut/array", "an array lacks its last element",
		message(defArray(first, idInt, 3)), single(first, []byte{3, 2, 4}))
	h.add("cut/map-value", "a map lacks its last value",
		message(defMap(first, idString, idInt)), single(first, []byte{1}, text("a")))
	h.add("cut/map-key", "a map lacks its last entry",
		message(defMap(first, idString, idInt)), single(first, []byte{2}, text("a"), []byte{2}))
	h.add("cut/opaque", "a payload is longer than its message",
		message(defOpaque(first, 4)), single(first, []byte{9, 1, 2}))
}

func (h *hostiles) definitions() {
	def := func(name, why string, body ...[]byte) {
		h.add("definition/"+name, why, message(body...), xy)
	}
	h.add("definition/duplicate", "an id is defined twice",
		message(point(first)), message(point(first)), xy)
	h.add("definition/duplicate-other", "an id is defined twice, as different types",
		message(point(first)), message(defSlice(first, idInt)), xy)
	h.add("definition/duplicate-later", "an id is defined again after its use",
		message(point(first)), xy, message(point(first)), xy)
	for _, id := range []int64{1, 2, 8, 9, 15, 16, 23, 24, 63} {
		h.add(fmt.Sprintf("definition/reserved-id-%d", id), "a reserved id is defined",
			message(point(id)), structValue(id, []byte{1, 44, 1, 66, 0}))
	}
	h.add("definition/id-2^31", "an id beyond 31 bits",
		message(point(1<<31)), structValue(1<<31, []byte{1, 44, 1, 66, 0}))
	h.add("definition/id-min", "the smallest of all ids, which has no positive counterpart",
		message(signed(-1<<63), point(first)[1:]), structValue(-1<<63, []byte{1, 44, 1, 66, 0}))
	def("no-member", "a definition without a member", signed(-first), []byte{0})
	def("empty", "a definition of no bytes", signed(-first))
	def("unknown-member", "a member beyond the last",
		signed(-first), []byte{8, 1}, common(first), []byte{0, 0})
	def("member-overflow", "a member's number overflows",
		signed(-first), unsigned(1<<63), []byte{1, 0})
	def("member-wraps", "the delta to a member wraps around", signed(-first),
		unsigned(1<<64-1), []byte{1, 0})
	def("two-members", "two members in one definition", signed(-first),
		[]byte{2, 1}, common(first), []byte{1, 4, 0}, []byte{1, 1}, common(first), []byte{0, 0})
	def("extra-bytes", "bytes behind a definition", point(first), []byte{1, 2, 3})
	def("cut-in-name", "a name longer than its message", signed(-first), []byte{3, 1, 1, 100, 'P'})
	def("cut-in-fields", "fewer fields than announced", signed(-first), []byte{3, 1}, common(first),
		[]byte{1, 5, 1, 1, 'X', 1, 4, 0})
	def("field-count-huge", "2^40 fields are announced",
		signed(-first), []byte{3, 1}, common(first),
		[]byte{1}, unsigned(1<<40), []byte{1, 1, 'X', 1, 4, 0})
	def("field-count-max", "2^64-1 fields are announced",
		signed(-first), []byte{3, 1}, common(first),
		[]byte{1}, unsigned(1<<64-1), []byte{1, 1, 'X', 1, 4, 0})
	def("name-huge", "a name of 2^40 bytes",
		signed(-first), []byte{3, 1, 1}, unsigned(1<<40), []byte("P"))
	def("field-without-name", "a field has no name",
		defStruct(first, fieldDef{"", idInt}, fieldDef{"Y", idInt}))
	def("field-without-id", "a field has no type",
		defStruct(first, fieldDef{"X", 0}, fieldDef{"Y", idInt}))
	def("field-negative-id", "a field's type is negative",
		defStruct(first, fieldDef{"X", -2}, fieldDef{"Y", idInt}))
	def("field-undefined", "a field's type is not defined",
		defStruct(first, fieldDef{"X", 4711}, fieldDef{"Y", idInt}))
	def("field-reserved", "a field's type is a reserved number",
		defStruct(first, fieldDef{"X", 9}, fieldDef{"Y", idInt}))
	def("field-member-beyond", "a member beyond the last in a field", signed(-first), []byte{3, 1},
		common(first), []byte{1, 1, 1, 1, 'X', 1, 4, 1, 4, 0, 0, 0})
	def("struct-member-beyond", "a member beyond the last in a struct's definition", signed(-first),
		[]byte{3, 1}, common(first), []byte{3, 4, 0, 0})
	h.add("definition/slice-of-undefined", "the element's type is not defined",
		message(defSlice(first, 4711)), single(first, []byte{1, 2}))
	h.add("definition/slice-without-element", "the element's type is missing",
		message(signed(-first), []byte{2, 1}, common(first), []byte{0, 0}), single(first, []byte{1, 2}))
	h.add("definition/slice-of-negative", "the element's type is negative",
		message(defSlice(first, -first)), single(first, []byte{1, 2}))
	h.add("definition/map-of-undefined", "the key's type is not defined",
		message(defMap(first, 4711, idInt)), single(first, []byte{1, 2, 2}))
	h.add("definition/array-negative", "an array of -1 elements",
		message(defArray(first, idInt, -1)), single(first, []byte{1, 2}))
	h.add("definition/array-min", "an array of -2^63 elements",
		message(defArray(first, idInt, -1<<63)), single(first, []byte{1, 2}))
	h.add("definition/array-huge", "an array of 2^40 elements",
		message(defArray(first, idInt, 1<<40)), single(first, unsigned(1<<40), []byte{2}))
	h.add("definition/array-max", "an array of 2^63-1 elements",
		message(defArray(first, idInt, 1<<63-1)), single(first, unsigned(1<<63-1), []byte{2}))
	h.add("definition/array-of-itself", "an array whose element is itself",
		message(defArray(first, first, 1)), single(first, bytes.Repeat([]byte{1}, 100)))
	h.add("definition/arrays-of-each-other", "two arrays, each the element of the other",
		message(defArray(first, first+1, 1)), message(defArray(first+1, first, 1)),
		single(first, bytes.Repeat([]byte{1}, 100)))
	h.add("definition/array-of-struct-of-array", "an array within a struct within the array",
		message(defArray(first, first+1, 1)), message(defStruct(first+1, fieldDef{"A", first})),
		single(first, bytes.Repeat([]byte{1}, 100)))
	h.add("definition/array-multiplied", "arrays of arrays of 2^20 elements: 2^60 in all",
		message(defArray(first, first+1, 1<<20)), message(defArray(first+1, first+2, 1<<20)),
		message(defArray(first+2, idInt, 1<<20)), single(first, unsigned(1<<20), unsigned(1<<20)))
	h.add("definition/undefined-value", "a value of a type that was never defined",
		single(4711, []byte{2}))
	h.add("definition/reserved-value", "a value of a reserved type", single(9, []byte{2}))
	h.add("definition/zero-value", "a value of type 0", single(0, []byte{2}))
	h.add("definition/wiretype-value", "a value of the built-in type of definitions",
		structValue(16, []byte{3, 1, 2, 4, 0, 0, 0}))
	h.add("definition/defined-too-late", "the definition comes after the value",
		xy, message(point(first)))
	h.add("definition/inner-too-late", "an inner definition comes after the value",
		message(defSlice(first, first+1)), single(first, []byte{1, 1, 2, 0}), message(point(first+1)))
}

func (h *hostiles) values() {
	h.add("value/no-zero-byte", "no 0 in front of a value that is not a struct",
		message(signed(idInt), []byte{6}))
	h.add("value/not-zero-byte", "a 1 in front of a value that is not a struct",
		message(signed(idInt), []byte{1, 6}))
	h.add("value/field-overflow", "a field number beyond the last",
		message(point(first)), structValue(first, []byte{3, 2, 0}))
	h.add("value/field-overflow-second", "a field number beyond the last, after a good field",
		message(point(first)), structValue(first, []byte{1, 2, 2, 2, 0}))
	h.add("value/field-delta-max", "a delta of 2^64-1",
		message(point(first)), structValue(first, unsigned(1<<64-1), []byte{2, 0}))
	h.add("value/field-delta-wraps", "the second delta wraps around to the first field",
		message(point(first)), structValue(first, []byte{1, 2}, unsigned(1<<64-1), []byte{2, 0}))
	h.add("value/field-delta-2^63", "a delta of 2^63",
		message(point(first)), structValue(first, unsigned(1<<63), []byte{2, 0}))
	h.add("value/field-of-nothing", "a field of a struct without fields",
		message(defStruct(first)), structValue(first, []byte{1, 2, 0}))
	h.add("value/array-short", "an array of 3 with 2 elements",
		message(defArray(first, idInt, 3)), single(first, []byte{2, 2, 4}))
	h.add("value/array-long", "an array of 3 with 4 elements",
		message(defArray(first, idInt, 3)), single(first, []byte{4, 2, 4, 6, 8}))
}

// lengths announce more than the message has.
func (h *hostiles) lengths() {
	for _, count := range []struct {
		name  string
		count uint64
	}{
		{"2^31", 1 << 31}, {"2^32", 1 << 32}, {"2^40", 1 << 40}, {"2^60", 1 << 60},
		{"2^62", 1 << 62}, {"2^63-1", 1<<63 - 1}, {"2^63", 1 << 63}, {"2^64-1", 1<<64 - 1},
	} {
		n := unsigned(count.count)
		h.add("length/string-"+count.name, "a string announces that many bytes",
			single(idString, n, []byte("abc")))
		h.add("length/bytes-"+count.name, "bytes announce that many bytes",
			single(idBytes, n, []byte{1, 2, 3}))
		h.add("length/opaque-"+count.name, "a payload announces that many bytes",
			message(defOpaque(first, 4)), single(first, n, []byte{1, 2, 3}))
		h.add("length/slice-"+count.name, "a slice announces that many elements",
			message(defSlice(first, idInt)), single(first, n, []byte{2, 4}))
		h.add("length/slice-of-strings-"+count.name, "a slice announces that many strings",
			message(defSlice(first, idString)), single(first, n, []byte{0, 0}))
		h.addFatal("length/slice-of-structs-"+count.name, "a slice announces that many structs",
			message(defSlice(first, first+1)), message(point(first+1)), single(first, n, []byte{0, 0}))
		h.addFatal("length/slice-of-nothing-"+count.name, "a slice announces that many empty structs",
			message(defSlice(first, first+1)), message(defStruct(first+1)), single(first, n, []byte{0, 0}))
		h.addFatal("length/map-"+count.name, "a map announces that many entries",
			message(defMap(first, idString, idInt)), single(first, n, text("a"), []byte{2}))
		h.addFatal("length/map-of-nothing-"+count.name, "a map announces that many empty entries",
			message(defMap(first, first+1, first+1)), message(defStruct(first+1)),
			single(first, n, []byte{0, 0}))
		h.addFatal("length/array-of-nothing-"+count.name, "an array announces that many empty structs",
			message(defArray(first, first+1, int64(count.count))), message(defStruct(first+1)),
			single(first, n, []byte{0, 0}))
		h.add("length/in-struct-"+count.name, "a field announces that many elements",
			message(defStruct(first, fieldDef{"L", first + 1})), message(defSlice(first+1, idFloat)),
			structValue(first, []byte{1}, n, []byte{0}))
	}
	h.addFatal("length/map-of-large", "25 bytes that made Go ask for 38 GiB: a map of 2^27 arrays",
		message(defMap(first, idUint, first+1)), message(defArray(first+1, idUint, 32)),
		single(first, unsigned(1<<27), []byte{1}))
	h.add("length/slices-multiplied", "slices of slices of 2^20: 2^60 elements in all",
		message(defSlice(first, first+1)), message(defSlice(first+1, first+2)),
		message(defSlice(first+2, idInt)), single(first, unsigned(1<<20), unsigned(1<<20), unsigned(1<<20)))
}

func (h *hostiles) interfaces() {
	holder := message(defStruct(first, fieldDef{"V", idInterface}))
	iface := func(name, why string, body ...[]byte) {
		h.add("interface/"+name, why, holder, structValue(first, []byte{1}, join(body...), []byte{0}))
	}
	iface("name-huge", "a name of 2^40 bytes", unsigned(1<<40), []byte("int"))
	iface("name-max", "a name of 2^64-1 bytes", unsigned(1<<64-1), []byte("int"))
	iface("name-1025", "a name of 1025 bytes", text(string(bytes.Repeat([]byte("n"), 1025))),
		signed(idInt), message([]byte{0, 2}))
	iface("undefined", "a type that is not defined",
		text("main.Point"), signed(4711), message([]byte{0}))
	iface("type-0", "type 0", text("int"), signed(0), message([]byte{0, 2}))
	iface("reserved", "a reserved type", text("int"), signed(9), message([]byte{0, 2}))
	iface("no-zero-byte", "no 0 in front of a value that is not a struct",
		text("int"), signed(idInt), message([]byte{1, 2}))
	iface("definition-reserved", "a reserved id is defined within", text("main.Point"), point(2),
		signed(2), message([]byte{0, 2}))
	iface("definition-duplicate", "the type of the holder is defined again within",
		text("main.Point"), point(first), signed(first), message([]byte{0}))
	h.add("interface/name-cut", "the message ends within the name", holder,
		structValue(first, []byte{1, 9}, []byte("main")))
	h.add("interface/no-type", "the stream ends after the name", holder,
		structValue(first, []byte{1}, text("int")))
	h.add("interface/value-missing", "the message ends after the type", holder,
		structValue(first, []byte{1}, text("int"), signed(idInt)))
	h.add("interface/value-cut", "the value is cut", holder,
		structValue(first, []byte{1}, text("string"), signed(idString), []byte{9, 0, 7}, []byte("abc")))
	h.add("interface/count-max", "the value announces 2^64-1 bytes", holder,
		structValue(first, []byte{1}, text("string"), signed(idString), unsigned(1<<64-1), []byte{0, 1, 'a'},
			[]byte{9}))
	h.add("interface/cut-after-definition", "the stream ends after a definition within an interface",
		holder, structValue(first, []byte{1}, text("main.Point"), point(first+1)))
	h.add("interface/garbage-after-definition", "something else follows a definition within an interface",
		holder, structValue(first, []byte{1}, text("main.Point"), point(first+1)), []byte{2, 4, 0})
	endless := join(holder, structValue(first, []byte{1}, text("main.Point"), point(first+1)))
	for id := int64(first + 2); id < first+40; id++ {
		endless = join(endless, message(point(id)))
	}
	h.add("interface/definitions-and-no-value", "definitions follow within an interface, a value never",
		endless)
	h.add("interface/top-undefined", "an interface at top level of a type that is not defined",
		single(idInterface, text("main.Point"), signed(4711), message([]byte{0})))
	h.add("interface/top-cut", "an interface at top level is cut", single(idInterface, text("int")))
}

// limits are well-formed, or would be if one waited, and exceed the default limits.
func (h *hostiles) limits() {
	for _, depth := range []int{65, 100, 1000, 5000} {
		// Each node is a field with a node in it.
		h.add(fmt.Sprintf("limit/list-%d", depth), "structs nested too deep",
			message(defStruct(first, fieldDef{"Next", first})),
			structValue(first, bytes.Repeat([]byte{1}, depth), make([]byte, depth+1)))
		h.add(fmt.Sprintf("limit/nest-%d", depth), "slices nested too deep",
			message(defSlice(first, first)),
			single(first, bytes.Repeat([]byte{1}, depth), []byte{0}))
		h.add(fmt.Sprintf("limit/atlas-%d", depth), "maps nested too deep",
			message(defMap(first, idInt, first)),
			single(first, bytes.Repeat([]byte{1, 0}, depth), []byte{0}))
	}
	inner := []byte{0}
	for depth := 0; depth < 100; depth++ {
		inner = join([]byte{1}, text("main.Any"), signed(first), message(inner), []byte{0})
	}
	h.add("limit/interfaces-100", "interfaces nested too deep",
		message(defStruct(first, fieldDef{"V", idInterface})), structValue(first, inner))
	var chain []byte
	for i := int64(0); i < 200; i++ {
		chain = join(chain, message(defSlice(first+i, first+i+1)))
	}
	h.add("limit/type-chain-200", "a slice of slices of slices…: 200 types deep",
		chain, message(defSlice(first+200, idInt)), single(first, bytes.Repeat([]byte{1}, 200), []byte{0}))
	var many []byte
	for i := int64(0); i < 1100; i++ {
		many = join(many, message(defSlice(first+i, idInt)))
	}
	h.add("limit/types-1100", "1,100 types", many, single(idInt, []byte{2}))
	billion := []byte{}
	for i := int64(0); i < 40; i++ {
		billion = join(billion, message(defStruct(first+i, fieldDef{"A", first + i + 1}, fieldDef{"B", first + i + 1})))
	}
	h.addFatal("definition/type-bomb", "40 structs of two of the next: 2^40 fields in all, in a value of 3 bytes",
		billion, message(point(first+40)), structValue(first, []byte{0}), structValue(first, []byte{9}))
}
