package corpus

import (
	"math"
	"reflect"
	"time"

	"wgrpc/interop/lossless"
)

func (c *Corpus) interfaces() {
	c.topLevelInterfaces()
	c.builtinNames()
	c.namedTypes()
	c.nestedInterfaces()
	c.containersOfInterfaces()
}

// topLevelInterfaces are values of the type interface itself.
func (c *Corpus) topLevelInterfaces() {
	top := func(name string, value interface{}) { c.add("interface/top-"+name, &value) }
	top("nil", nil)
	top("int", 5)
	top("string", "s")
	top("bytes", []byte{1, 2})
	top("point", Point{1, 2})
	top("point-pointer", &Point{3, 4})
	top("line", Line{Point{1, 2}, Point{3, 4}})
	top("list", []interface{}{1, "a", nil, Point{1, 2}})
	top("map", map[string]interface{}{"k": Point{1, 2}})
	top("wrap", Wrap{"w", Point{1, 2}})
	var figure Figure = Tile{2}
	c.add("interface/top-figure", &figure)
	figure = nil
	c.add("interface/top-figure-nil", &figure)
}

func (c *Corpus) builtinNames() {
	for _, value := range []interface{}{
		true, int(-1), int8(-8), int16(-16), int32(-32), int64(math.MinInt64), uint(1), uint8(8),
		uint16(16), uint32(32), uint64(math.MaxUint64), uintptr(1), float32(0.5), float64(0.1),
		complex64(complex(1, 2)), complex128(complex(0, 1)), "string",
		[]bool{true}, []int{1, 2}, []int8{-1}, []int16{-1}, []int32{'a'}, []int64{1 << 40},
		[]uint{1}, []uint8{1, 2}, []uint16{1}, []uint32{1}, []uint64{1}, []uintptr{1},
		[]float32{0.5}, []float64{0.1, 0}, []complex64{complex(1, 2)}, []complex128{complex(0, 1)},
		[]string{"a", ""},
	} {
		c.add("interface/"+lossless.NameOf(reflect.TypeOf(value)), AnyMid{Before: 1, V: value, After: "after"})
	}
	c.add("interface/zero-int", Any{0})
	c.add("interface/zero-string", Any{""})
	c.add("interface/zero-bool", Any{false})
	c.add("interface/empty-slice", Any{[]int{}})
	c.add("interface/nil", AnyMid{Before: 1, After: "after"})
	c.add("interface/all-nil", AnyMid{})
	c.add("interface/int-pointer", Any{ref(7)})
}

func (c *Corpus) namedTypes() {
	mid := func(name string, value interface{}) {
		c.add("interface/mid-"+name, AnyMid{Before: 1, V: value, After: "after"})
	}
	mid("point", Point{2, 3})
	mid("point-zero", Point{})
	mid("point-pointer", &Point{2, 3})
	mid("line", Line{Point{1, 2}, Point{3, 4}})
	mid("path", Path{"p", []Point{{1, 2}}, map[string]Point{"k": {}}})
	mid("empty", Empty{})
	mid("named-int", MyInt(5))
	mid("points", []Point{{1, 2}, {}})
	mid("point-map", map[string]Point{"k": {1, 2}})
	mid("point-array", [2]Point{{1, 2}, {}})
	mid("byte-array", [3]byte{1, 2, 255})
	mid("int-map", map[string]int{"k": 1})
	mid("slices", [][]int{{1}, {}})
	mid("tree", tree(2, "t"))
	mid("nest", nest(2))
	mid("embedded", Embedded{Base{1, 2}, "e"})
	mid("unicode-name", Pair[int, string]{1, "x"})
	mid("default-name", Default{3})
	mid("duration", time.Second)
	mid("time", time.Unix(0, 0).UTC())
	mid("disk", &Disk{1.5})
	c.add("interface/figures", Drawing{"art", Tile{1}, []Figure{&Disk{2}, nil, Unit(3), Tile{0}}})
	c.add("interface/figures-none", Drawing{Title: "blank"})
	c.add("interface/pointer-to-interface", AnyPtr{ref(interface{}(7))})
	c.add("interface/pointer-to-nil-interface", AnyPtr{ref(interface{}(nil))})
}

// nestedInterfaces hold values of new types in interfaces that are inside interfaces, which Go
// sends as several counted pieces, spread over several messages.
func (c *Corpus) nestedInterfaces() {
	c.add("nested/two-types", AnyTwo{Point{1, 2}, Line{}})
	c.add("nested/same-type-twice", AnyTwo{Point{1, 2}, Point{3, 4}})
	c.add("nested/second-nil", AnyTwo{A: Point{1, 2}})
	c.add("nested/first-nil", AnyTwo{B: Point{1, 2}})
	c.add("nested/depth-1-int", Any{Wrap{"one", 7}})
	c.add("nested/depth-1-nil", Any{Wrap{"one", nil}})
	c.add("nested/depth-1-point", Any{Wrap{"one", Point{1, 2}}})
	c.add("nested/depth-1-path", Any{Wrap{"one", Path{"p", []Point{{1, 2}}, map[string]Point{"k": {}}}}})
	c.add("nested/depth-2-int", Any{Wrap{"one", Wrap{"two", 7}}})
	c.add("nested/depth-2-point", Any{Wrap{"one", Wrap{"two", Point{1, 2}}}})
	c.add("nested/depth-2-others", Any{Wrap{"one", Any{Wrap{"two", Point{1, 2}}}}})
	c.add("nested/depth-3-point", Any{Any{Wrap{"one", AnyList{[]interface{}{Point{1, 2}, nil}}}}})
	c.add("nested/depth-5", Any{wrap(5)})
	c.add("nested/depth-20", Any{wrap(20)})
	c.add("nested/two-at-depth-1", AnyTwo{Wrap{"a", Point{1, 2}}, Wrap{"b", Line{}}})
	c.add("nested/new-after-new", Any{AnyList{[]interface{}{
		Point{1, 2}, Line{}, MyInt(1), Tile{2}, Embedded{}, Point{3, 4},
	}}})
	c.add("nested/list-in-list", Any{[]interface{}{[]interface{}{Point{1, 2}}, nil, []interface{}{nil}}})
	c.add("nested/map-in-map", Any{map[string]interface{}{"a": map[string]interface{}{"b": Tile{1}}}})
	c.add("nested/time-in-wrap", Any{Wrap{"t", time.Unix(0, 0).UTC()}})
	c.add("nested/opaque-in-wrap", AnyTwo{Wrap{"t", GobValue{1, 2}}, &GobPointer{"x"}})
	c.add("nested/after-fields", AnyMid{1, Wrap{"w", Wrap{"v", Point{5, 6}}}, "after"})
	c.add("nested/long-before-new", Any{Wrap{"w", AnyList{[]interface{}{
		make([]byte, 200), Point{1, 2}, make([]byte, 200), Line{},
	}}}})
}

func (c *Corpus) containersOfInterfaces() {
	c.add("interfaces/list", AnyList{[]interface{}{1, "a", nil, true, 2.5, Point{1, 2}, nil}})
	c.add("interfaces/list-nil", AnyList{})
	c.add("interfaces/list-empty", AnyList{[]interface{}{}})
	c.add("interfaces/list-of-nils", AnyList{[]interface{}{nil, nil, nil}})
	c.add("interfaces/list-top", []interface{}{nil, 1, Point{1, 2}, Point{}, []int{1}})
	c.add("interfaces/list-top-empty", []interface{}{})
	c.add("interfaces/array", [3]interface{}{1, nil, Point{1, 2}})
	c.add("interfaces/map", AnyMap{map[string]interface{}{"a": 1, "b": nil, "c": Point{1, 2}}})
	c.add("interfaces/map-nil", AnyMap{})
	c.add("interfaces/map-empty", AnyMap{map[string]interface{}{}})
	c.add("interfaces/map-top", map[string]interface{}{"k": []interface{}{1, "x"}})
	c.add("interfaces/map-keys", AnyKeys{map[interface{}]int{"text": 1, 5: 2}})
	c.add("interfaces/map-key-struct", AnyKeys{map[interface{}]int{Point{1, 2}: 1}})
	c.add("interfaces/anys", []Any{{1}, {}, {Point{1, 2}}, {Line{}}})
	c.add("interfaces/any-map", map[int]Any{1: {Point{1, 2}}})
	c.add("interfaces/lists-of-lists", [][]interface{}{{1}, nil, {nil, Point{1, 2}}})
	c.add("interfaces/like-json", map[string]interface{}{
		"name": "x", "n": 1.5, "on": true, "off": nil,
		"list": []interface{}{1.0, "two", map[string]interface{}{"three": 3.0}},
	})
}
