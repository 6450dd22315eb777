package corpus

import (
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/wgrpc"
)

// ref returns a pointer to a copy of the value.
func ref[T any](value T) *T { return &value }

func (c *Corpus) structs() {
	c.add("struct/point", Point{X: 22, Y: 33})
	c.add("struct/point-first", Point{X: 22})
	c.add("struct/point-second", Point{Y: 33})
	c.add("struct/point-zero", Point{})
	c.add("struct/point-pointer", &Point{X: -1, Y: 1})
	c.add("struct/point-pointers", ref(ref(&Point{X: 1, Y: 2})))
	c.add("struct/empty", Empty{})
	c.add("struct/unnamed-empty", struct{}{})
	c.add("struct/unnamed", struct {
		A int
		B string
	}{1, "b"})
	c.add("struct/args", demo.Args{A: 6, B: 7})
	c.add("struct/quotient", demo.Quotient{Quo: 3, Rem: 2})
	c.add("struct/header", wgrpc.Header{ServiceMethod: "Arith.Multiply", Seq: 1})
	c.add("struct/header-error", wgrpc.Header{ServiceMethod: "A.B", Seq: math.MaxUint64, Error: "ä%s"})
	c.add("struct/line", Line{From: Point{X: 1}, To: Point{Y: 2}})
	c.add("struct/line-zero", Line{})
	c.add("struct/path", Path{
		Name:   "way",
		Points: []Point{{1, 2}, {}, {0, 3}},
		Tags:   map[string]Point{"start": {1, 2}, "": {}, "end": {0, 3}},
	})
	c.add("struct/path-zero", Path{})
	c.add("struct/deep", Deep1{Deep2{Deep3{Deep4{Deep5{5}, "four"}}}})
	c.add("struct/deep-zero", Deep1{})
	c.add("struct/scattered", Scattered{A: 1, hidden: 2, B: "b", F: 3, last: "unsent"})
	c.add("struct/unicode-names", Unicode{Ärger: 1, Ω: "omega", Élan: []byte{1}})
	c.add("struct/tags-ignored", Tagged{ID: 1, Name: "tagged"})
	c.add("struct/embedded", Embedded{Base{1, 2}, "embeds"})
	c.add("struct/embedded-zero", Embedded{})
	c.add("struct/embedded-pointer", EmbeddedPtr{&Base{1, 2}, "embeds"})
	c.add("struct/embedded-nil", EmbeddedPtr{nil, "embeds"})
	c.add("struct/embedded-int", EmbeddedInt{3, "embeds"})
	c.add("struct/embedded-hidden", EmbeddedHidden{hiddenBase{1}, "embeds"})
	c.add("struct/generic", Pair[string, bool]{"first", true})
	c.add("struct/generic-nested", Pair[Pair[int, uint], Point]{Pair[int, uint]{1, 2}, Point{3, 4}})
	c.add("struct/shape-circle", Shape{Circle: &Circle{Radius: 2}})
	c.add("struct/shape-square", Shape{Square: &Square{}})
	c.add("struct/shape-nobody", Shape{Nobody: &Empty{}})
	c.add("struct/shape-none", Shape{})

	c.add("struct/scalars-zero", Scalars{})
	c.add("struct/scalars", Scalars{
		true, -1, -8, -16, -32, -64, 1, 8, 16, 32, 64, 128, 0.25, 0.1, complex(1, 2), complex(0, -1),
		"text", []byte("bytes"),
	})
	c.add("struct/scalars-largest", Scalars{
		true, math.MaxInt64, math.MaxInt8, math.MaxInt16, math.MaxInt32, math.MaxInt64,
		math.MaxUint64, math.MaxUint8, math.MaxUint16, math.MaxUint32, math.MaxUint64,
		math.MaxUint64, math.MaxFloat32, math.MaxFloat64, complex(math.MaxFloat32, 0),
		complex(0, math.MaxFloat64), "\U0010ffff", []byte{255},
	})

	c.add("struct/pointers-nil", Pointers{})
	c.add("struct/pointers", Pointers{
		ref(1), ref(ref(ref("deep"))), &Point{X: 1}, &[]int{1, 2}, &map[string]int{"a": 1},
		&[2]bool{true, false}, &[]byte{1},
	})
	c.add("struct/pointers-to-zero", Pointers{
		ref(0), ref(ref(ref(""))), &Point{}, &[]int{}, &map[string]int{}, &[2]bool{}, &[]byte{},
	})
	c.add("struct/pointers-to-nil", Pointers{
		Deep: ref((**string)(nil)), Slice: ref([]int(nil)), Map: ref(map[string]int(nil)),
	})

	c.add("struct/record-zero", &demo.Record{})
	c.add("struct/record", &demo.Record{
		Bool: true, Int8: -8, Uint64: math.MaxUint64, Float32: 0.1, String: "☃", Bytes: []byte{0},
		Char: '☃', Ints: []int{0, 1}, EmptyInts: []int{}, Counts: map[string]int{"a": 0, "b": 1},
		EmptyCounts: map[string]int{}, Names: map[int]string{-1: "x"},
		Inner: demo.Inner{Name: "in", Value: -2.5}, Inners: []demo.Inner{{}, {Name: "b"}},
		Groups:   map[string][]demo.Inner{"none": {}},
		InnerPtr: &demo.Inner{}, IntPtr: ref(7),
		Time:     time.Date(2024, 2, 29, 12, 34, 56, 789_000_000, time.UTC),
		Duration: time.Second, Array: [3]int{1, 0, -1},
	})
	c.wide()
}

// wide needs field deltas of two bytes.
func (c *Corpus) wide() {
	c.add("struct/wide-zero", Wide{})
	c.add("struct/wide-first", Wide{F000: 1})
	c.add("struct/wide-last", Wide{F139: 139})
	c.add("struct/wide-126", Wide{F126: 126})
	c.add("struct/wide-127", Wide{F127: 127})
	c.add("struct/wide-128", Wide{F128: 128})
	c.add("struct/wide-ends", Wide{F000: 1, F139: 2})
	c.add("struct/wide-some", Wide{F003: 3, F004: 4, F131: 131, F132: 132})
}

// mids adds a struct for each value, with the value as its middle field.
func mids[T any](c *Corpus, label string, values ...T) {
	for i, value := range values {
		c.add("field/"+label+"/"+string(rune('0'+i)), &Mid[T]{Before: 1, V: value, After: "after"})
	}
}

// fields shows for every kind of field when it is left out.
func (c *Corpus) fields() {
	minusZero := math.Copysign(0, -1)
	mids(c, "bool", false, true)
	mids(c, "int", 0, 1, -1)
	mids[int8](c, "int8", 0, -128)
	mids[int16](c, "int16", 0, 300)
	mids[int32](c, "int32", 0, 70000)
	mids[int64](c, "int64", 0, math.MinInt64)
	mids[uint](c, "uint", 0, 1)
	mids[uint8](c, "uint8", 0, 255)
	mids[uint16](c, "uint16", 0, 300)
	mids[uint32](c, "uint32", 0, 70000)
	mids[uint64](c, "uint64", 0, math.MaxUint64)
	mids[uintptr](c, "uintptr", 0, 1)
	mids(c, "float64", 0, minusZero, 5e-324, math.NaN(), math.Inf(1))
	mids[float32](c, "float32", 0, float32(minusZero), 0.1)
	mids(c, "complex128", 0, complex(minusZero, minusZero), complex(0, 1), complex(1, minusZero))
	mids[complex64](c, "complex64", 0, complex(1, 1))
	mids(c, "string", "", "x", "\x00", "\xff")
	mids(c, "bytes", nil, []byte{}, []byte{0})
	mids(c, "array", [2]int{}, [2]int{0, 1})
	mids(c, "array-empty", [0]int{})
	mids(c, "array-bytes", [3]byte{}, [3]byte{1, 128, 255})
	mids(c, "array-strings", [2]string{}, [2]string{"a", ""})
	mids(c, "slice", nil, []int{}, []int{0}, []int{1, 2})
	mids(c, "slice-strings", nil, []string{""}, []string{"a", "b"})
	mids(c, "map", nil, map[string]int{}, map[string]int{"": 0}, map[string]int{"a": 1, "b": 2})
	mids(c, "map-bool", nil, map[bool]bool{false: true})
	mids(c, "struct", Point{}, Point{0, 1})
	mids(c, "struct-empty", Empty{})
	mids(c, "struct-nested", Line{}, Line{To: Point{1, 0}})
	mids(c, "slice-structs", nil, []Point{}, []Point{{}}, []Point{{1, 0}, {}, {0, 1}})
	mids(c, "slice-pointers", nil, []*Point{{1, 2}, {}})
	mids(c, "slice-empties", nil, []Empty{}, make([]Empty, 3))
	mids(c, "pointer-int", nil, ref(0), ref(1))
	mids(c, "pointer-string", nil, ref(""), ref("x"))
	mids(c, "pointer-float", nil, ref(minusZero), ref(1.5))
	mids(c, "pointer-struct", nil, &Point{}, &Point{1, 2})
	mids(c, "pointer-pointer", nil, ref((*int)(nil)), ref(ref(0)), ref(ref(1)))
	mids(c, "pointer-slice", nil, &[]int{}, &[]int{1})
	mids(c, "pointer-map", nil, ref(map[string]int(nil)), &map[string]int{}, &map[string]int{"a": 1})
	mids(c, "pointer-array", nil, &[2]int{}, &[2]int{1, 0})
	mids(c, "pointer-bytes", nil, &[]byte{}, &[]byte{1})
	mids[interface{}](c, "interface", nil, 0, "", false, Point{}, []int(nil))
	mids[time.Time](c, "time", time.Time{}, time.Unix(0, 0).UTC())
	mids(c, "pointer-time", nil, &time.Time{}, ref(time.Unix(1, 0).UTC()))
	mids(c, "big-int", *new(big.Int), *big.NewInt(-5))
	mids(c, "pointer-big-int", nil, new(big.Int), big.NewInt(5))
	mids(c, "url", url.URL{}, url.URL{Scheme: "https", Host: "go.dev", Path: "/a b"})
	mids(c, "pointer-url", nil, &url.URL{}, &url.URL{Path: "x"})
	mids(c, "addr", netip.Addr{}, netip.MustParseAddr("10.0.0.1"))
	mids(c, "gob-value", GobValue{}, GobValue{1, -1})
	mids(c, "pointer-gob-value", nil, &GobValue{}, &GobValue{1, -1})
	mids(c, "gob-pointer", GobPointer{}, GobPointer{"x"})
	mids(c, "gob-slice", nil, GobSlice{}, GobSlice{1})
	mids(c, "binary-int", BinInt(0), BinInt(-2))
	mids(c, "named-int", MyInt(0), MyInt(1))
	mids(c, "duration", time.Duration(0), time.Hour)
	mids(c, "text-string", TextString(""), TextString("plain"))
	mids(c, "generic", Field[int]{}, Field[int]{1})
}
