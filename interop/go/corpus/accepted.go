package corpus

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"wgrpc/interop/lossless"
)

// Accepted are streams that Go reads although it never writes them. Values says what was sent.
func (c *Corpus) Accepted() []Vector {
	var vectors []Vector
	add := func(name, goType, values, why string, parts ...[]byte) {
		data := join(parts...)
		v := Vector{Name: name, Hex: hex.EncodeToString(data), GoType: goType, Why: why}
		if err := json.Unmarshal([]byte(values), &v.Values); err != nil {
			panic(name + ": " + err.Error())
		}
		seen, err := c.Decode(data, goType)
		if err != nil || len(seen) != len(v.Values) {
			panic(fmt.Sprintf("%s: %d values, %v", name, len(seen), err))
		}
		for _, value := range seen {
			v.Seen = append(v.Seen, json.RawMessage(lossless.Full(value)))
		}
		vectors = append(vectors, v)
	}
	// The value {22 33} of a Point with the first id.
	xy := structValue(first, []byte{1, 44, 1, 66, 0})

	add("uint/padded", "uint", `[5]`, "leading zero bytes in an integer",
		single(idUint, []byte{0xfd, 0, 0, 5}))
	add("uint/padded-small", "uint", `[5]`, "a value below 128 with a length byte",
		single(idUint, []byte{0xff, 5}))
	add("uint/padded-eight", "uint", `[1]`, "eight bytes for a one",
		single(idUint, []byte{0xf8, 0, 0, 0, 0, 0, 0, 0, 1}))
	add("int/padded", "int", `[-3]`, "leading zero bytes in an integer",
		single(idInt, []byte{0xfe, 0, 5}))
	add("int/padded-id", "int", `[1]`, "leading zero bytes in the type id",
		message([]byte{0xff, idInt << 1, 0, 2}))
	add("int/padded-length", "int", `[1]`, "leading zero bytes in the message length",
		[]byte{0xfe, 0, 3}, signed(idInt), []byte{0, 2})
	add("bool/two", "bool", `[true]`, "any number but 0 is true", single(idBool, []byte{2}))
	add("float/padded", "float64", `[0.0]`,
		"a zero with a length byte", single(idFloat, []byte{0xff, 0}))

	add("struct/zeros-sent", "Point", `[{"X":0,"Y":0}]`, "zero fields are sent",
		message(point(first)), structValue(first, []byte{1, 0, 1, 0, 0}))
	add("struct/second-zero-sent", "Point", `[{"Y":0}]`, "a zero field is sent",
		message(point(first)), structValue(first, []byte{2, 0, 0}))
	add("struct/cut", "Point", `[{"X":22}]`, "the end of the message ends the struct",
		message(point(first)), structValue(first, []byte{1, 44}))
	add("struct/cut-before-fields", "Point", `[{}]`, "the end of the message ends the struct",
		message(point(first)), structValue(first))
	add("struct/zero-pointers-sent", "Pointers", `[{"Int":0,"Slice":[]}]`,
		"a zero behind a pointer is sent", message(defSlice(first+1, idInt)),
		message(defStruct(first, fieldDef{"Int", idInt}, fieldDef{"Slice", first + 1})),
		structValue(first, []byte{1, 0, 1, 0, 0}))
	add("struct/unknown-field", "Point", `[{"X":22,"Z":"new","Y":33}]`,
		"the receiver does not have every field",
		message(defStruct(first, fieldDef{"X", idInt}, fieldDef{"Z", idString}, fieldDef{"Y", idInt})),
		structValue(first, []byte{1, 44, 1}, text("new"), []byte{1, 66, 0}))
	add("struct/reordered", "Point", `[{"Y":33,"X":22}]`, "fields match by name, not by place",
		message(defStruct(first, fieldDef{"Y", idInt}, fieldDef{"X", idInt})),
		structValue(first, []byte{1, 66, 1, 44, 0}))
	add("struct/lower-case-field", "Point", `[{"x":1,"Y":2}]`, "a lower-case field is skipped",
		message(defStruct(first, fieldDef{"x", idInt}, fieldDef{"Y", idInt})),
		structValue(first, []byte{1, 2, 1, 4, 0}))
	add("struct/no-fields-for-fields", "Point", `[{}]`, "the sender's struct has no fields",
		message(defStruct(first)), structValue(first, []byte{0}))
	add("struct/fields-for-no-fields", "Empty", `[{"X":22,"Y":33}]`, "the receiver has no fields",
		message(point(first)), xy)
	add("struct/unknown-text-field", "Point", `[{"T":{"$opaque":"text","hex":"6869"},"X":22}]`,
		"a text marshaler can only be skipped", message(defOpaque(first+1, 6)),
		message(defStruct(first, fieldDef{"T", first + 1}, fieldDef{"X", idInt})),
		structValue(first, []byte{1}, text("hi"), []byte{1, 44, 0}))

	line := defStruct(first+1, fieldDef{"From", first}, fieldDef{"To", first})
	lineValue := structValue(first+1, []byte{1, 1, 2, 0, 1, 2, 4, 0, 0})
	add("definition/inner-first", "Line", `[{"From":{"X":1},"To":{"Y":2}}]`,
		"inner types may come first", message(point(first)), message(line), lineValue)
	add("definition/outer-first", "Line", `[{"From":{"X":1},"To":{"Y":2}}]`,
		"references may point forward", message(line), message(point(first)), lineValue)
	add("definition/unused", "int", `[3]`, "a definition need not be used",
		message(point(first)), single(idInt, []byte{6}))
	add("definition/between", "Point | int | Line",
		`[{"X":22,"Y":33},7,{"From":{"X":1},"To":{"Y":2}}]`,
		"definitions may come between values",
		message(point(first)), xy, single(idInt, []byte{14}), message(line), lineValue)
	add("definition/two-ids-for-one-type", "Point", `[{"X":22,"Y":33},{"X":1},{"X":22,"Y":33}]`,
		"one type may have several ids, with fewer fields", message(point(first)), xy,
		message(defStruct(first+1, fieldDef{"X", idInt})), structValue(first+1, []byte{1, 2, 0}), xy)
	add("definition/other-inner-id", "Point", `[{"X":22,"Y":33}]`,
		"the id inside the definition means nothing",
		message(signed(-first), []byte{3, 1}, common(9999), point(first)[1+2+len(common(first)):]), xy)
	add("definition/no-inner-id", "Point", `[{"X":22,"Y":33}]`, "the id inside may be missing",
		message(signed(-first), []byte{3, 1, 0}, point(first)[1+2+len(common(first)):]), xy)
	add("definition/no-common", "Point", `[{"X":22,"Y":33}]`, "the whole CommonType may be missing",
		message(signed(-first), []byte{3, 2}, point(first)[1+2+len(common(first))+1:]), xy)
	add("definition/named", "Point", `[{"X":22,"Y":33}]`, "the type's name means nothing",
		message(signed(-first), []byte{3, 1, 1}, text("<any/name>\x00"), []byte{0},
			point(first)[1+2+len(common(first)):]), xy)
	add("definition/largest-id", "Point", `[{"X":22,"Y":33}]`, "an id may be any 31-bit number",
		message(point(1<<31-1)), structValue(1<<31-1, []byte{1, 44, 1, 66, 0}))
	add("definition/descending-ids", "[]Point", `[[{"X":1}]]`, "ids come in any order",
		message(defSlice(1000, 500)), message(point(500)), single(1000, []byte{1, 1, 2, 0}))
	add("definition/same-field-twice", "Point", `[{"X":1,"X":2}]`, "the later of two fields wins",
		message(defStruct(first, fieldDef{"X", idInt}, fieldDef{"X", idInt})),
		structValue(first, []byte{1, 2, 1, 4, 0}))
	add("definition/empty-array", "[0]int", `[[]]`, "an array of nothing",
		message(join(signed(-first), []byte{1, 1}, common(first), []byte{1, idInt << 1, 0, 0})),
		single(first, []byte{0}))

	add("map/same-key-twice", "map[string]int", `[{"$map":[["a",1],["a",2]]}]`,
		"the later of two entries wins", message(defMap(first, idString, idInt)),
		single(first, []byte{2}, text("a"), []byte{2}, text("a"), []byte{4}))
	add("slice/of-nothing", "[]Empty", `[[{},{},{}]]`, "every element is the 0 of an empty struct",
		message(defSlice(first+1, first)), message(defStruct(first)), single(first+1, []byte{3, 0, 0, 0}))

	any := defStruct(first, fieldDef{"V", idInterface})
	add("interface/nil-sent", "Any", `[{"V":null}]`, "a nil interface is sent",
		message(any), structValue(first, []byte{1, 0, 0}))
	add("interface/hoisted", "Any", `[{"V":{"$iface":"main.Point","value":{"X":1}}}]`,
		"the definition stands in front of the value, not within",
		message(any), message(point(first+1)),
		structValue(first, []byte{1}, text("main.Point"), signed(first+1), message([]byte{1, 2, 0}),
			[]byte{0}))
	add("interface/hoisted-nested", "Any",
		`[{"V":{"$iface":"main.Wrap","value":{"Inner":{"$iface":"main.Point","value":{"X":1}}}}}]`,
		"all definitions stand in front of the value", message(any), message(point(first+1)),
		message(defStruct(first+2, fieldDef{"Inner", idInterface})),
		structValue(first, []byte{1}, text("main.Wrap"), signed(first+2),
			message([]byte{1}, text("main.Point"), signed(first+1), message([]byte{1, 2, 0}), []byte{0}),
			[]byte{0}))
	add("interface/other-id", "Any", `[{"V":{"$iface":"int8","value":5}}]`,
		"the name and the id of the type are independent", message(any),
		structValue(first, []byte{1}, text("int8"), signed(idInt), message([]byte{0, 10}), []byte{0}))
	return vectors
}
