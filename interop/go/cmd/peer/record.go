package main

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/wgrpc"
)

// record sends rich structs there and back.
func (c *checker) record() {
	client := c.dial("record", c.option)
	if client == nil {
		return
	}
	defer client.Close()
	for _, sample := range c.records() {
		var got demo.Record
		err := c.call(client, "Echo.Record", sample.record, &got)
		if err == nil {
			err = sameRecord(got, sample.record)
		}
		c.check("record/"+sample.name, err)
	}
}

type namedRecord struct {
	name   string
	record demo.Record
}

func (c *checker) records() []namedRecord {
	seven := 7
	full := demo.Record{
		Bool: true, Int: -1, Int8: -8, Int16: -16, Int32: -32, Int64: -64,
		Uint: 1, Uint8: 8, Uint16: 16, Uint32: 32, Uint64: 64,
		Float32: 0.1, Float64: 0.1,
		String: "Größe ☃ 日本語", Bytes: []byte{0, 1, 127, 128, 255}, Char: '☃',
		Ints: []int{3, 0, -3}, EmptyInts: []int{}, Strings: []string{"", "a", "☃"},
		Counts: map[string]int{"zero": 0, "one": 1, "": -1}, EmptyCounts: map[string]int{},
		Names: map[int]string{-1: "minus one", 0: "", 1 << 40: "large"},
		Inner: demo.Inner{Name: "inner", Value: -2.5}, Inners: []demo.Inner{{}, {Name: "b"}, {Value: 1e300}},
		Groups:   map[string][]demo.Inner{"a": {{Name: "x"}}, "none": {}},
		InnerPtr: &demo.Inner{Name: "pointed at"}, IntPtr: &seven,
		Time:     time.Date(2024, 2, 29, 12, 34, 56, 789_000_001, time.FixedZone("", 19800)),
		Duration: 1500 * time.Millisecond, Array: [3]int{1, 0, -1},
	}
	largest := demo.Record{
		Int: math.MaxInt64, Int8: math.MaxInt8, Int16: math.MaxInt16, Int32: math.MaxInt32,
		Int64: math.MaxInt64, Uint: math.MaxUint64, Uint8: math.MaxUint8, Uint16: math.MaxUint16,
		Uint32: math.MaxUint32, Uint64: math.MaxUint64, Float32: math.MaxFloat32,
		Float64: math.MaxFloat64, Char: '\U0010ffff', Duration: math.MaxInt64,
		Time: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	}
	smallest := demo.Record{
		Int: math.MinInt64, Int8: math.MinInt8, Int16: math.MinInt16, Int32: math.MinInt32,
		Int64: math.MinInt64, Float32: math.SmallestNonzeroFloat32,
		Float64: math.SmallestNonzeroFloat64, Duration: math.MinInt64,
		Time: time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("", -3600)),
	}
	samples := []namedRecord{
		{"full", full}, {"zero", demo.Record{}}, {"largest", largest}, {"smallest", smallest},
	}
	if c.option.CodecType == wgrpc.GobType {
		// JSON has no infinity.
		infinite := demo.Record{Float64: math.Inf(-1), Float32: float32(math.Inf(1))}
		samples = append(samples, namedRecord{"infinite", infinite})
	}
	return samples
}

// sameRecord compares field by field. Nil and empty are one thing on the wire, and of a time the
// instant and the offset count.
func sameRecord(got, want demo.Record) error {
	g, w := reflect.ValueOf(normal(got)), reflect.ValueOf(normal(want))
	for i := 0; i < g.NumField(); i++ {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			return fmt.Errorf("field %s: got %s, want %s", g.Type().Field(i).Name,
				clip(fmt.Sprintf("%#v", g.Field(i).Interface())),
				clip(fmt.Sprintf("%#v", w.Field(i).Interface())))
		}
	}
	return nil
}

func normal(r demo.Record) demo.Record {
	v := reflect.ValueOf(&r).Elem()
	for i := 0; i < v.NumField(); i++ {
		field := v.Field(i)
		if k := field.Kind(); (k == reflect.Slice || k == reflect.Map) && field.Len() == 0 {
			field.Set(reflect.Zero(field.Type()))
		}
	}
	groups := make(map[string][]demo.Inner)
	for name, group := range r.Groups {
		groups[name] = append([]demo.Inner(nil), group...)
	}
	if r.Groups != nil {
		r.Groups = groups
	}
	_, offset := r.Time.Zone()
	r.Time = r.Time.In(time.FixedZone("", offset))
	return r
}

// any sends values whose type only their name tells.
func (c *checker) any() {
	client := c.dial("any", c.option)
	if client == nil {
		return
	}
	defer client.Close()
	samples := []struct {
		name  string
		value interface{}
	}{
		{"nil", nil}, {"bool", true}, {"string", "☃"}, {"float", 1.5},
		{"list", []interface{}{true, "a", nil, 2.5}},
		{"map", map[string]interface{}{"a": "b", "nothing": nil}},
	}
	if c.option.CodecType == wgrpc.GobType {
		samples = append(samples, []struct {
			name  string
			value interface{}
		}{
			{"int", 7}, {"uint8", uint8(7)}, {"bytes", []byte{1, 2}}, {"ints", []int{1, 2}},
			{"point", demo.Point{X: 1, Y: 2}}, {"points", []interface{}{demo.Point{X: 1}, demo.Point{}}},
		}...)
	}
	for _, s := range samples {
		var got demo.Any
		err := c.call(client, "Echo.Any", demo.Any{V: s.value}, &got)
		if err == nil && !reflect.DeepEqual(got.V, s.value) {
			err = fmt.Errorf("got %#v, want %#v", got.V, s.value)
		}
		c.check("any/"+s.name, err)
	}
	c.check("any/then-good", c.multiply(client, 8, 9))
}
