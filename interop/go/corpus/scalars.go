package corpus

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"
)

func (c *Corpus) scalars() {
	c.add("bool/true", true)
	c.add("bool/false", false)
	c.integers()
	c.unsigned()
	c.floats()
	c.strings()
	c.named()
}

func (c *Corpus) integers() {
	for _, n := range []int{
		0, 1, -1, 2, -2, 3, 63, 64, -63, -64, -65, 127, 128, -127, -128, -129, 255, 256, -256, -257,
		1<<14 - 1, 1 << 14, 1<<15 - 1, 1 << 15, -1 << 15, -1<<15 - 1, 1<<23 - 1, 1 << 23,
		-1 << 23, -1<<23 - 1, 1<<31 - 1, 1 << 31, -1 << 31, -1<<31 - 1, 1<<39 - 1, 1 << 39,
		1<<47 - 1, 1 << 47, -1 << 47, 1<<53 + 1, 1<<55 - 1, 1 << 55, -1 << 55, -1<<55 - 1,
		math.MaxInt64 - 1, math.MaxInt64, math.MinInt64 + 1, math.MinInt64,
	} {
		c.add(fmt.Sprintf("int/%d", n), n)
	}
	c.add("int8/min", int8(math.MinInt8))
	c.add("int8/max", int8(math.MaxInt8))
	c.add("int16/min", int16(math.MinInt16))
	c.add("int16/max", int16(math.MaxInt16))
	c.add("int32/min", int32(math.MinInt32))
	c.add("int32/max", int32(math.MaxInt32))
	c.add("int64/min", int64(math.MinInt64))
	c.add("int64/max", int64(math.MaxInt64))
	c.add("rune/snowman", '☃')
}

func (c *Corpus) unsigned() {
	for _, n := range []uint{
		0, 1, 2, 126, 127, 128, 129, 254, 255, 256, 65535, 65536, 1<<24 - 1, 1 << 24,
		1<<32 - 1, 1 << 32, 1<<40 - 1, 1 << 40, 1<<48 - 1, 1 << 48, 1<<53 + 1, 1<<56 - 1, 1 << 56,
		1<<63 - 1, 1 << 63, math.MaxUint64 - 1, math.MaxUint64,
	} {
		c.add(fmt.Sprintf("uint/%d", n), n)
	}
	c.add("uint8/max", uint8(math.MaxUint8))
	c.add("uint16/max", uint16(math.MaxUint16))
	c.add("uint32/max", uint32(math.MaxUint32))
	c.add("uint64/max", uint64(math.MaxUint64))
	c.add("uintptr/large", uintptr(0xdeadbeef))
}

func (c *Corpus) floats() {
	for _, x := range []float64{
		0, 1, -1, 2, 0.5, 0.1, -0.1, 17, 100, 1e6, 1e15, 1e16, 1e17, 1e21, 1e22, 1e-4, 1e-5, 1e-6,
		1.5e-7, 123456789.125, math.Pi, 1 << 53, 1<<53 + 2, 5e-324, 2.2250738585072014e-308,
		math.MaxFloat64, -math.MaxFloat64, 1e300, -1e-300,
	} {
		c.add(fmt.Sprintf("float64/%v", x), x)
	}
	c.add("float64/minus-zero", math.Copysign(0, -1))
	c.add("float64/inf", math.Inf(1))
	c.add("float64/minus-inf", math.Inf(-1))
	c.add("float64/nan", math.Float64frombits(0x7ff8000000000001))
	c.add("float64/nan-negative", math.Float64frombits(0xfff8000000000000))
	c.add("float64/nan-payload", math.Float64frombits(0x7ff8deadbeef0001))
	c.add("float64/nan-signalling", math.Float64frombits(0x7ff0000000000001))
	c.add("float32/0.1", float32(0.1))
	c.add("float32/-2.5", float32(-2.5))
	c.add("float32/max", float32(math.MaxFloat32))
	c.add("float32/smallest", float32(math.SmallestNonzeroFloat32))
	c.add("float32/inf", float32(math.Inf(1)))
	c.add("float32/minus-zero", float32(math.Copysign(0, -1)))

	c.add("complex128/1-2i", complex(1, -2))
	c.add("complex128/zero", complex(0, 0))
	c.add("complex128/minus-zeros", complex(math.Copysign(0, -1), math.Copysign(0, -1)))
	c.add("complex128/real", complex(0.1, 0))
	c.add("complex128/imaginary", complex(0, 1e100))
	c.add("complex128/inf-nan", complex(math.Inf(-1), math.Float64frombits(0x7ff8000000000001)))
	c.add("complex64/0.1+0.2i", complex64(complex(0.1, 0.2)))
}

func (c *Corpus) strings() {
	samples := []struct{ name, text string }{
		{"empty", ""},
		{"ascii", "hello, world"},
		{"latin", "héy"},
		{"cjk", "日本語 中文 한국어"},
		{"emoji", "👩‍👩‍👧‍👦🎉"},
		{"right-to-left", "שלום"},
		{"last-scalar", "\U0010ffff"},
		{"bom", "\ufeff"},
		{"nul", "\x00"},
		{"controls", "\x01\b\t\n\v\f\r\x1f\x7f"},
		{"quotes", `"quoted" \back\ /slash/`},
		{"markup", "<a href='x'>&amp;</a>"},
		{"separators", "\u2028\u2029\u0085"},
		{"127-bytes", strings.Repeat("x", 127)},
		{"128-bytes", strings.Repeat("x", 128)},
		{"255-bytes", strings.Repeat("y", 255)},
		{"256-bytes", strings.Repeat("y", 256)},
		{"4096-bytes", strings.Repeat("0123456789abcdef", 256)},
		{"65536-bytes", strings.Repeat("z", 65536)},
		{"not-utf8-byte", "\xff"},
		{"not-utf8-inside", "a\xc3(b"},
		{"not-utf8-cut", "caf\xc3"},
		{"not-utf8-surrogate", "\xed\xa0\x80"},
		{"not-utf8-overlong", "\xc0\x80"},
		{"not-utf8-beyond", "\xf4\x90\x80\x80"},
	}
	for _, s := range samples {
		c.add("string/"+s.name, s.text)
	}
	c.add("bytes/nil", []byte(nil))
	c.add("bytes/empty", []byte{})
	c.add("bytes/one", []byte{0})
	c.add("bytes/text", []byte("hello"))
	c.add("bytes/edges", []byte{0, 1, 127, 128, 255})
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	c.add("bytes/every", every)
	c.add("bytes/128", every[:128])
	c.add("bytes/127", every[:127])
	c.add("bytes/5000", append(make([]byte, 4999), 1))
}

func (c *Corpus) named() {
	c.add("named/bool", MyBool(true))
	c.add("named/int", MyInt(-7))
	c.add("named/uint8", MyUint8(200))
	c.add("named/float32", MyFloat(1.5))
	c.add("named/string", MyString("named"))
	c.add("named/bytes", MyBytes{1, 2, 3})
	c.add("named/octets", MyOctets{1, 2, 3})
	c.add("named/complex64", MyComplex(complex(1, 1)))
	c.add("named/duration", 1500*time.Millisecond)
	c.add("named/month", time.February)
	c.add("named/weekday", time.Saturday)
	c.add("named/file-mode", os.FileMode(0o644))
}
