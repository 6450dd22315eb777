// The gob benchmark's Go side: encoding/gob on the same values, told by lines on stdin.
//
//	encode call 1000   ->  nanoseconds that 1,000 encodings took, on a warm stream
//	decode call 1000   ->  the same for decodings, each into a new variable
//	stream call        ->  the bytes of a new stream with the value, in hexadecimal digits
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"time"
)

type Header struct {
	ServiceMethod string
	Seq           uint64
	Error         string
}

type Args struct{ A, B int64 }

type Record struct {
	Id     int64
	Name   string
	Score  float64
	Active bool
}

type Blob struct{ Data []byte }

// A sample is what one operation encodes or decodes: pointers to values, and how to make new ones.
type sample struct {
	values []any
	fresh  func() []any
}

func of[T any](value T) sample {
	return sample{[]any{&value}, func() []any { return []any{new(T)} }}
}

func samples() map[string]sample {
	ints := make([]int64, 1000)
	for i := range ints {
		n := int64(i)
		ints[i] = (n*7919%200003 - 100000) >> (n % 17)
	}
	records := make([]Record, 1000)
	for i := range records {
		records[i] = Record{int64(i), fmt.Sprintf("record number %d", i), float64(i) / 7, i%2 == 0}
	}
	maps := map[string]map[string]int64{}
	for i := int64(0); i < 20; i++ {
		inner := map[string]int64{}
		for k := int64(0); k < 20; k++ {
			inner[fmt.Sprintf("key-%d", k)] = i * k
		}
		maps[fmt.Sprintf("map-%d", i)] = inner
	}
	blob := Blob{make([]byte, 1<<20)}
	for i := range blob.Data {
		blob.Data[i] = byte(uint32(i) * 2654435761 >> 24)
	}
	return map[string]sample{
		"call": {
			[]any{&Header{ServiceMethod: "Arith.Multiply", Seq: 1234}, &Args{6, 777}},
			func() []any { return []any{new(Header), new(Args)} },
		},
		"ints":    of(ints),
		"structs": of(records),
		"maps":    of(maps),
		"blob":    of(blob),
	}
}

// A stream is an encoder and a decoder that have met the sample's types before.
type stream struct {
	sample
	out     bytes.Buffer
	encoder *gob.Encoder
	message []byte
	in      bytes.Reader
	decoder *gob.Decoder
}

func newStream(s sample) *stream {
	st := &stream{sample: s}
	st.encoder = gob.NewEncoder(&st.out)
	st.decoder = gob.NewDecoder(&st.in)
	st.encode(1)
	st.message = append([]byte(nil), st.out.Bytes()...)
	st.decode(1)
	st.encode(1)
	st.message = append([]byte(nil), st.out.Bytes()...)
	st.decode(1)
	return st
}

func (st *stream) encode(times int) {
	for ; times > 0; times-- {
		st.out.Reset()
		for _, value := range st.values {
			check(st.encoder.Encode(value))
		}
	}
}

func (st *stream) decode(times int) {
	for ; times > 0; times-- {
		st.in.Reset(st.message)
		for _, value := range st.fresh() {
			check(st.decoder.Decode(value))
		}
	}
}

func (s sample) bytes() []byte {
	var out bytes.Buffer
	encoder := gob.NewEncoder(&out)
	for _, value := range s.values {
		check(encoder.Encode(value))
	}
	return out.Bytes()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	streams := map[string]*stream{}
	for name, sample := range samples() {
		streams[name] = newStream(sample)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var verb, name string
		var times int
		fmt.Sscan(lines.Text(), &verb, &name, &times)
		st := streams[name]
		if st == nil {
			log.Fatalf("no value %q", name)
		}
		start := time.Now()
		switch verb {
		case "stream":
			fmt.Println(hex.EncodeToString(st.bytes()))
			continue
		case "encode":
			st.encode(times)
		case "decode":
			st.decode(times)
		default:
			log.Fatalf("no verb %q", verb)
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}
