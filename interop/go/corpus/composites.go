package corpus

import "math"

func (c *Corpus) composites() {
	c.slices()
	c.arrays()
	c.maps()
}

func (c *Corpus) slices() {
	c.add("slice/int-nil", []int(nil))
	c.add("slice/int-empty", []int{})
	c.add("slice/int", []int{1, 0, -1, 1 << 40})
	c.add("slice/bool", []bool{true, false, true})
	c.add("slice/int8", []int8{-128, 0, 127})
	c.add("slice/int16", []int16{-32768, 0, 32767})
	c.add("slice/int32", []int32{-1 << 31, 0, 1<<31 - 1})
	c.add("slice/int64", []int64{math.MinInt64, 0, math.MaxInt64})
	c.add("slice/uint", []uint{0, 1, math.MaxUint64})
	c.add("slice/uint16", []uint16{0, 1, 65535})
	c.add("slice/uint32", []uint32{0, 1, math.MaxUint32})
	c.add("slice/uint64", []uint64{0, 1, math.MaxUint64})
	c.add("slice/uintptr", []uintptr{0, 1})
	c.add("slice/float32", []float32{0, 0.1, -1})
	c.add("slice/float64", []float64{
		0, math.Copysign(0, -1), 0.1, math.Inf(-1), math.Float64frombits(0x7ff8000000000001),
	})
	c.add("slice/complex64", []complex64{0, complex(1, -1)})
	c.add("slice/complex128", []complex128{0, complex(0.1, -0.2)})
	c.add("slice/string", []string{"", "a", "日本", "\xff"})
	c.add("slice/bytes", [][]byte{nil, {}, {1, 2}})
	c.add("slice/named-int", []MyInt{1, 2})
	c.add("slice/named-string", []MyString{"", "x"})
	c.add("slice/point", []Point{{1, 2}, {}, {0, 3}})
	c.add("slice/point-empty", []Point{})
	c.add("slice/point-pointers", []*Point{{1, 2}, {}})
	c.add("slice/int-pointers", []*int{ref(0), ref(1)})
	c.add("slice/empty-structs", make([]Empty, 5))
	c.add("slice/slices", [][]int{{1, 2}, nil, {}, {3}})
	c.add("slice/slices-deep", [][][]string{{{"a"}, {}}, nil, {{"b", ""}}})
	c.add("slice/arrays", [][2]int{{1, 2}, {}})
	c.add("slice/maps", []map[string]int{{"a": 1}, {}, nil})
	c.add("slice/pointer", &[]int{1})
	long := make([]int, 1000)
	for i := range long {
		long[i] = i * 37 % 1001
	}
	c.add("slice/127-ints", long[:127])
	c.add("slice/128-ints", long[:128])
	c.add("slice/1000-ints", long)
	floats := make([]float64, 300)
	for i := range floats {
		floats[i] = float64(i) / 7
	}
	c.add("slice/300-floats", floats)
	points := make([]Point, 200)
	for i := range points {
		points[i] = Point{i, -i % 3}
	}
	c.add("slice/200-points", points)
}

func (c *Corpus) arrays() {
	c.add("array/no-ints", [0]int{})
	c.add("array/one-int", [1]int{7})
	c.add("array/three-ints", [3]int{1, 0, -1})
	c.add("array/two-bools", [2]bool{true, false})
	c.add("array/four-bytes", [4]byte{0, 1, 128, 255})
	c.add("array/sixteen-bytes", [16]byte{15: 1})
	c.add("array/strings", [2]string{"", "b"})
	c.add("array/floats", [2]float64{0.5, 0})
	c.add("array/float32s", [2]float32{0.5, 0.1})
	c.add("array/complexes", [1]complex128{complex(1, 2)})
	c.add("array/bytes", [2][]byte{{1}, nil})
	c.add("array/points", [2]Point{{1, 2}, {}})
	c.add("array/pointers", [2]*Point{{1, 2}, {}})
	c.add("array/arrays", [2][3]int{{1, 2, 3}, {}})
	c.add("array/slices", [2][]int{{1}, nil})
	c.add("array/maps", [1]map[int]int{{1: 2}})
	c.add("array/empty-structs", [3]Empty{})
	c.add("array/200-ints", [200]int{199: 1})
	c.add("array/pointer", &[2]int{1, 2})
}

func (c *Corpus) maps() {
	c.add("map/nil", map[string]int(nil))
	c.add("map/empty", map[string]int{})
	c.add("map/one", map[string]int{"a": 1})
	c.add("map/zeros", map[string]int{"": 0})
	c.add("map/three", map[string]int{"one": 1, "two": 2, "three": 3})
	c.add("map/eight", map[int]int{1: 1, 2: 4, 3: 9, 4: 16, 5: 25, 6: 36, 7: 49, 8: 64})
	c.add("map/sorting", map[int]string{9: "nine", 10: "ten", -1: "minus", 100: "hundred"})
	c.add("map/key-bool", map[bool]string{true: "yes", false: "no"})
	c.add("map/key-int8", map[int8]int{-1: 1})
	c.add("map/key-uint", map[uint]string{0: "zero", math.MaxUint64: "max"})
	c.add("map/key-uint8", map[uint8]bool{255: true})
	c.add("map/key-float", map[float64]int{0.5: 1, math.Inf(1): 2})
	c.add("map/key-nan", map[float64]int{math.Float64frombits(0x7ff8000000000001): 1})
	c.add("map/key-complex", map[complex128]int{complex(1, 2): 3})
	c.add("map/key-struct", map[Point]string{{1, 2}: "a", {}: "origin"})
	c.add("map/key-array", map[[2]int]int{{1, 2}: 3})
	c.add("map/key-pointer", map[*int]int{ref(1): 2})
	c.add("map/key-named", map[MyString]MyInt{"a": 1})
	c.add("map/key-not-utf8", map[string]int{"\xff": 1})
	c.add("map/of-bytes", map[string][]byte{"a": {1}, "b": nil})
	c.add("map/of-slices", map[string][]int{"a": {1}, "b": nil})
	c.add("map/of-structs", map[string]Point{"a": {1, 2}, "b": {}})
	c.add("map/of-pointers", map[string]*Point{"a": {1, 2}})
	c.add("map/of-maps", map[string]map[int]bool{"a": {1: true}, "b": {}, "c": nil})
	c.add("map/of-arrays", map[int][2]string{1: {"a", ""}})
	c.add("map/of-empties", map[string]Empty{"a": {}, "b": {}})
	c.add("map/of-floats", map[string]float64{"a": 0, "b": math.Copysign(0, -1)})
	c.add("map/pointer", &map[string]bool{"a": true})
}
