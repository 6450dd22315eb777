package corpus

import (
	"encoding/gob"
	"fmt"
	"io"
	"reflect"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/wgrpc"
)

// streams are many values on one stream: a type is defined before its first value only.
func (c *Corpus) streams() {
	c.add("stream/ints", 1, 2, 3)
	c.add("stream/strings", "", "a", "")
	c.add("stream/scalars", true, 1, uint(2), 0.5, complex(1, 2), []byte{1}, "s")
	c.add("stream/points", Point{1, 2}, Point{}, Point{0, 3})
	c.add("stream/points-and-lines", Point{1, 2}, Line{}, Point{3, 4}, Line{To: Point{1, 1}})
	c.add("stream/line-then-point", Line{From: Point{1, 2}}, Point{3, 4})
	c.add("stream/slice-then-element", []Point{{1, 2}}, Point{3, 4}, map[string]Point{"a": {}})
	c.add("stream/empties", Empty{}, struct{}{}, Empty{})
	c.add("stream/lists", list(1), list(3), list(2))
	c.add("stream/times", time.Unix(0, 0).UTC(), time.Time{}, &Event{Name: "e"})
	c.add("stream/interfaces", Any{1}, Any{Point{1, 2}}, Any{Point{3, 4}}, Any{}, Any{Line{}})
	c.add("stream/interface-then-plain", Any{Line{}}, Point{1, 2}, Any{Point{3, 4}}, Line{})
	c.add("stream/nested-then-plain", Any{Wrap{"w", Point{1, 2}}}, Any{Wrap{"v", Line{}}}, Point{})
	c.add("stream/recursive", tree(2, "a"), nest(2), tree(1, "b"), atlas(1), nest(0))
	c.add("stream/opaque", GobValue{1, 2}, BinInt(3), GobValue{}, &GobPointer{"x"})
	c.add("stream/zeros", 0, "", false, Point{}, []int(nil), map[string]int(nil), Any{})

	args := []interface{}{}
	for i := 0; i < 3; i++ {
		header := wgrpc.Header{ServiceMethod: "Arith.Multiply", Seq: uint64(i + 1)}
		args = append(args, header, demo.Args{A: i, B: 7})
	}
	c.add("stream/requests", args...)
	c.add("stream/responses",
		wgrpc.Header{ServiceMethod: "Arith.Multiply", Seq: 1}, 42,
		wgrpc.Header{ServiceMethod: "Arith.Divide", Seq: 2, Error: "divide by zero"}, struct{}{},
		wgrpc.Header{ServiceMethod: "Arith.Divide", Seq: 3}, demo.Quotient{Quo: 3, Rem: 2},
		wgrpc.Header{ServiceMethod: "Arith.Divide", Seq: 4, Error: "divide by zero"}, struct{}{},
		wgrpc.Header{ServiceMethod: "Echo.Any", Seq: 5}, Any{Point{1, 2}},
		wgrpc.Header{ServiceMethod: "Echo.Any", Seq: 6}, Any{[]interface{}{Line{}, nil}},
		wgrpc.Header{ServiceMethod: "Arith.Multiply", Seq: 7}, 0,
	)
	many := []interface{}{}
	for i := 0; i < 100; i++ {
		many = append(many, Point{i, -i})
	}
	c.add("stream/100-points", many...)
}

// Late is a recursive type, in several versions.
type Late[N any] struct {
	Value int
	Next  []Late[N]
}

// largeIDs uses up numbers, so that ids need two bytes and three.
func (c *Corpus) largeIDs() {
	spend(8000)
	c.add("ids/thousands", Late[int8]{1, []Late[int8]{{Value: 2}}})
	spend(25000)
	c.add("ids/above-32768", Late[int16]{1, []Late[int16]{{Value: 2}}})
	c.add("ids/low-and-high", Pair[Point, Late[int32]]{Point{1, 2}, Late[int32]{Value: 1}})
	c.add("ids/in-interface", AnyMid{1, Wrap{"w", Far{Point{1, 2}}}, "after"})
}

// spend uses up that many type numbers of the process. A struct numbers the types of its fields
// when it is first encoded, even if nothing can be written.
func spend(count int) {
	fields := make([]reflect.StructField, count)
	for i := range fields {
		fields[i].Name = fmt.Sprint("F", i)
		fields[i].Type = reflect.PtrTo(reflect.ArrayOf(count+i, reflect.TypeOf(0)))
	}
	value := reflect.Zero(reflect.StructOf(fields))
	if gob.NewEncoder(unwritable{}).EncodeValue(value) == nil {
		panic("something was written")
	}
}

type unwritable struct{}

func (unwritable) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
