// Package demo holds the services of the test server and the types that they speak.
package demo

import (
	"encoding/gob"
	"time"
)

// Args are the arguments of Arith.Multiply and Arith.Divide.
type Args struct{ A, B int }

// Quotient is the reply of Arith.Divide.
type Quotient struct{ Quo, Rem int }

// Inner is the struct inside a Record.
type Inner struct {
	Name  string
	Value float64
}

// Record has a field of every kind that gob and JSON have in common.
type Record struct {
	Bool        bool
	Int         int
	Int8        int8
	Int16       int16
	Int32       int32
	Int64       int64
	Uint        uint
	Uint8       uint8
	Uint16      uint16
	Uint32      uint32
	Uint64      uint64
	Float32     float32
	Float64     float64
	String      string
	Bytes       []byte
	Char        rune
	Ints        []int
	NilInts     []int
	EmptyInts   []int
	Strings     []string
	Counts      map[string]int
	NilCounts   map[string]int
	EmptyCounts map[string]int
	Names       map[int]string
	Inner       Inner
	Inners      []Inner
	Groups      map[string][]Inner
	InnerPtr    *Inner
	NilPtr      *Inner
	IntPtr      *int
	Time        time.Time
	Duration    time.Duration
	Array       [3]int
}

// Any carries a value of a type that only its sender knows.
type Any struct{ V interface{} }

// Point is the struct that travels inside an Any, registered as main.Point.
type Point struct{ X, Y int }

// SizeArgs are the arguments of Large.Size.
type SizeArgs struct {
	Payload []byte
	Want    int
}

// RegisterNames makes the types that travel inside an Any known to gob. The names last as long as
// the process, so merely importing the package does not do it.
func RegisterNames() {
	gob.RegisterName("main.Point", Point{})
	gob.RegisterName("[]interface {}", []interface{}(nil))
	gob.RegisterName("map[string]interface {}", map[string]interface{}(nil))
}
