package corpus

import (
	"errors"
	"math/big"
	"net/netip"
	"net/url"
	"time"

	"wgrpc/interop/lossless"
)

// Named types of basic kinds.
type (
	MyBool    bool
	MyInt     int
	MyUint8   uint8
	MyFloat   float32
	MyString  string
	MyBytes   []byte
	MyOctets  []MyUint8
	MyComplex complex64
)

// Plain structs.
type (
	Point struct{ X, Y int }
	Empty struct{}
	Line  struct{ From, To Point }
	Path  struct {
		Name   string
		Points []Point
		Tags   map[string]Point
	}
	// Field has nothing but the field under test.
	Field[T any] struct{ V T }
	// Mid has the field under test between two others.
	Mid[T any] struct {
		Before int
		V      T
		After  string
	}
	Pair[A, B any] struct {
		First  A
		Second B
	}
	// Scattered has fields that gob does not send between those that it does.
	Scattered struct {
		A      int
		hidden int
		B      string
		C      chan int
		D      func()
		E      *chan int
		F      uint
		last   string
	}
	Unicode struct {
		Ärger int
		Ω     string
		Élan  []byte
	}
	Tagged struct {
		ID   int    `json:"id" gob:"ignored"`
		Name string `json:"-"`
	}
	Base     struct{ ID, Version int }
	Embedded struct {
		Base
		Name string
	}
	EmbeddedPtr struct {
		*Base
		Name string
	}
	EmbeddedInt struct {
		MyInt
		Name string
	}
	hiddenBase     struct{ ID int }
	EmbeddedHidden struct {
		hiddenBase
		Name string
	}
	Deep1 struct{ Next Deep2 }
	Deep2 struct{ Next Deep3 }
	Deep3 struct{ Next Deep4 }
	Deep4 struct {
		Next  Deep5
		Label string
	}
	Deep5 struct{ Value int }
	// Scalars has one field of each basic kind.
	Scalars struct {
		Bool       bool
		Int        int
		Int8       int8
		Int16      int16
		Int32      int32
		Int64      int64
		Uint       uint
		Uint8      uint8
		Uint16     uint16
		Uint32     uint32
		Uint64     uint64
		Uintptr    uintptr
		Float32    float32
		Float64    float64
		Complex64  complex64
		Complex128 complex128
		String     string
		Bytes      []byte
	}
	Pointers struct {
		Int    *int
		Deep   ***string
		Struct *Point
		Slice  *[]int
		Map    *map[string]int
		Array  *[2]bool
		Bytes  *[]byte
	}
	// Shape is a sum of types as gob programs write it: one pointer is set.
	Shape struct {
		Circle *Circle
		Square *Square
		Nobody *Empty
	}
	Circle struct{ Radius float64 }
	Square struct{ Side float64 }
)

// Recursive types.
type (
	List struct {
		Value int
		Next  *List
	}
	Tree struct {
		Key         string
		Left, Right *Tree
	}
	Rose struct {
		Label    string
		Children []Rose
	}
	Nest   []Nest
	Atlas  map[string]Atlas
	Folder struct {
		Files   map[string]int
		Folders map[string]*Folder
	}
	Husband struct {
		Name string
		Wife *Wife
	}
	Wife struct {
		Name     string
		Husbands []Husband
	}
)

// Types that marshal themselves.
type (
	GobValue   struct{ X, Y int8 }      // methods on the value, fields that gob also defines
	GobPointer struct{ text string }    // methods on the pointer
	GobSlice   []int8                   // a slice that is opaque
	GobNothing struct{}                 // an empty payload
	GobOuter   struct{ Inner Point }    // brings a definition that nothing uses
	BinValue   struct{ b byte }         // MarshalBinary on the value
	BinPointer struct{ words []uint16 } // MarshalBinary on the pointer
	BinInt     int16
	Both       struct{ n byte } // GobEncode is preferred to MarshalBinary
	TextStruct struct{ Name string }
	TextString string
	Opaques    struct {
		GobValue   GobValue
		GobPointer GobPointer
		GobSlice   GobSlice
		GobNothing GobNothing
		BinValue   BinValue
		BinPointer BinPointer
		BinInt     BinInt
		Both       Both
		Text       TextString
	}
	OpaquePtrs struct {
		GobValue   *GobValue
		GobPointer *GobPointer
		GobDeep    **GobValue
		BinValue   *BinValue
		BinPointer *BinPointer
		BinInt     *BinInt
	}
	Event struct {
		Name  string
		At    time.Time
		Until *time.Time
		Every time.Duration
	}
	Network struct {
		Home   url.URL
		Mirror *url.URL
		Addr   netip.Addr
		Port   netip.AddrPort
		Range  netip.Prefix
	}
	Numbers struct {
		Int      big.Int
		IntPtr   *big.Int
		Rat      *big.Rat
		Float    *big.Float
		Integers []*big.Int
	}
)

func (v GobValue) GobEncode() ([]byte, error) { return []byte{byte(v.X), byte(v.Y)}, nil }
func (v *GobValue) GobDecode(data []byte) error {
	if len(data) != 2 {
		return errors.New("GobValue: expect 2 bytes")
	}
	v.X, v.Y = int8(data[0]), int8(data[1])
	return nil
}

func (v *GobPointer) GobEncode() ([]byte, error) { return []byte("<" + v.text + ">"), nil }
func (v *GobPointer) GobDecode(data []byte) error {
	if len(data) < 2 {
		return errors.New("GobPointer: expect at least 2 bytes")
	}
	v.text = string(data[1 : len(data)-1])
	return nil
}

func (v GobSlice) GobEncode() ([]byte, error) {
	data := []byte{byte(len(v))}
	for _, n := range v {
		data = append(data, byte(n))
	}
	return data, nil
}
func (v *GobSlice) GobDecode(data []byte) error {
	*v = GobSlice{}
	for _, b := range data[1:] {
		*v = append(*v, int8(b))
	}
	return nil
}

func (GobNothing) GobEncode() ([]byte, error)   { return nil, nil }
func (*GobNothing) GobDecode(data []byte) error { return nil }

func (v GobOuter) GobEncode() ([]byte, error) { return []byte{byte(v.Inner.X)}, nil }
func (v *GobOuter) GobDecode(data []byte) error {
	v.Inner.X = int(data[0])
	return nil
}

func (v BinValue) MarshalBinary() ([]byte, error) { return []byte{v.b, ^v.b}, nil }
func (v *BinValue) UnmarshalBinary(data []byte) error {
	v.b = data[0]
	return nil
}

func (v *BinPointer) MarshalBinary() ([]byte, error) {
	data := []byte{}
	for _, w := range v.words {
		data = append(data, byte(w>>8), byte(w))
	}
	return data, nil
}
func (v *BinPointer) UnmarshalBinary(data []byte) error {
	v.words = nil
	for i := 0; i+1 < len(data); i += 2 {
		v.words = append(v.words, uint16(data[i])<<8|uint16(data[i+1]))
	}
	return nil
}

func (v BinInt) MarshalBinary() ([]byte, error) { return []byte{byte(v >> 8), byte(v)}, nil }
func (v *BinInt) UnmarshalBinary(data []byte) error {
	*v = BinInt(int16(data[0])<<8 | int16(data[1]))
	return nil
}

func (v Both) GobEncode() ([]byte, error)         { return []byte{'g', v.n}, nil }
func (v *Both) GobDecode(data []byte) error       { v.n = data[1]; return nil }
func (v Both) MarshalBinary() ([]byte, error)     { return []byte{'b', v.n}, nil }
func (v *Both) UnmarshalBinary(data []byte) error { v.n = data[1]; return nil }

func (v TextStruct) MarshalText() ([]byte, error)     { return []byte("text"), nil }
func (v *TextStruct) UnmarshalText(data []byte) error { return nil }
func (v TextString) MarshalText() ([]byte, error)     { return []byte("text"), nil }
func (v *TextString) UnmarshalText(data []byte) error { return nil }

// Types with interfaces.
type (
	Any    struct{ V interface{} }
	AnyMid struct {
		Before int
		V      interface{}
		After  string
	}
	AnyTwo  struct{ A, B interface{} }
	AnyList struct{ L []interface{} }
	AnyMap  struct{ M map[string]interface{} }
	AnyKeys struct{ M map[interface{}]int }
	AnyPtr  struct{ P *interface{} }
	Figure  interface{ Area() float64 }
	Drawing struct {
		Title   string
		Main    Figure
		Figures []Figure
	}
	Disk struct{ Radius float64 }
	Tile struct{ Side float64 }
	Unit int
	// Wrap travels inside interfaces and holds one, to any depth.
	Wrap struct {
		Label string
		Inner interface{}
	}
	Far     struct{ Point Point } // is given a large id
	Default struct{ N int }       // registered under the name that gob chooses
)

func (d *Disk) Area() float64 { return 3 * d.Radius * d.Radius }
func (t Tile) Area() float64  { return t.Side * t.Side }
func (u Unit) Area() float64  { return float64(u) }

// registerNames makes the types that travel inside interfaces known, most of them under the names
// that they would have in a main package.
func registerNames() {
	lossless.RegisterName("main.Point", Point{})
	lossless.RegisterName("main.Line", Line{})
	lossless.RegisterName("main.Path", Path{})
	lossless.RegisterName("main.Empty", Empty{})
	lossless.RegisterName("main.MyInt", MyInt(0))
	lossless.RegisterName("main.List", List{})
	lossless.RegisterName("main.Tree", Tree{})
	lossless.RegisterName("main.Nest", Nest{})
	lossless.RegisterName("main.Wrap", Wrap{})
	lossless.RegisterName("main.Any", Any{})
	lossless.RegisterName("main.AnyList", AnyList{})
	lossless.RegisterName("*main.Disk", &Disk{})
	lossless.RegisterName("main.Tile", Tile{})
	lossless.RegisterName("main.Unit", Unit(0))
	lossless.RegisterName("main.GobValue", GobValue{})
	lossless.RegisterName("*main.GobPointer", &GobPointer{})
	lossless.RegisterName("main.BinInt", BinInt(0))
	lossless.RegisterName("main.Embedded", Embedded{})
	lossless.RegisterName("main.Far", Far{})
	lossless.RegisterName("wgrpc/interop/corpus.Default", Default{})
	lossless.RegisterName("[]interface {}", []interface{}(nil))
	lossless.RegisterName("map[string]interface {}", map[string]interface{}(nil))
	lossless.RegisterName("map[string]int", map[string]int(nil))
	lossless.RegisterName("[]main.Point", []Point(nil))
	lossless.RegisterName("map[string]main.Point", map[string]Point(nil))
	lossless.RegisterName("[2]main.Point", [2]Point{})
	lossless.RegisterName("[3]uint8", [3]byte{})
	lossless.RegisterName("[][]int", [][]int(nil))
	lossless.RegisterName("Größe ☃", Pair[int, string]{})
	lossless.RegisterName("time.Time", time.Time{})
	lossless.RegisterName("time.Duration", time.Duration(0))
	lossless.RegisterName("*big.Int", new(big.Int))
	lossless.RegisterName("netip.Addr", netip.Addr{})
	lossless.RegisterName("*url.URL", new(url.URL))
}
