package corpus

import (
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"time"
)

func (c *Corpus) opaque() {
	c.times()
	c.bigs()
	c.addresses()
	c.custom()
}

func (c *Corpus) times() {
	instant := time.Date(2024, 2, 29, 12, 34, 56, 789_000_000, time.UTC)
	zone := func(seconds int) time.Time { return instant.In(time.FixedZone("", seconds)) }
	samples := []struct {
		name string
		time time.Time
	}{
		{"zero", time.Time{}},
		{"epoch", time.Unix(0, 0).UTC()},
		{"leap-day", instant},
		{"east-0530", zone(19800)},
		{"west-0800", zone(-28800)},
		{"zone-without-offset", zone(0)},
		{"east-012345", zone(5025)},
		{"east-1400", zone(14 * 3600)},
		{"west-0002", zone(-120)},
		{"nanosecond", time.Unix(1, 1).UTC()},
		{"before-epoch", time.Unix(-1, 999_999_999).UTC()},
		{"year-1", time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)},
		{"year-0", time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)},
		{"year-9999", time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)},
		{"year-10000", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"year-minus-5000", time.Date(-5000, 6, 1, 0, 0, 0, 0, time.UTC)},
		{"far", time.Unix(1<<62, 0).UTC()},
	}
	var all []time.Time
	for _, s := range samples {
		c.add("time/"+s.name, s.time)
		all = append(all, s.time)
	}
	c.add("time/pointer", &instant)
	c.add("time/pointers", ref(&instant))
	c.add("time/slice", all)
	c.add("time/slice-pointers", []*time.Time{&instant, {}})
	c.add("time/array", [2]time.Time{instant, {}})
	c.add("time/map", map[string]time.Time{"a": instant, "zero": {}})
	c.add("time/map-key", map[time.Time]int{instant: 1})
	c.add("time/event", Event{"party", instant, &all[3], 90 * time.Minute})
	c.add("time/event-zero", Event{})
	c.add("time/event-pointer-to-zero", Event{Until: &time.Time{}})
	c.add("time/in-interface", Any{instant})
}

func (c *Corpus) bigs() {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890123456789", 10)
	for _, n := range []*big.Int{
		big.NewInt(0), big.NewInt(1), big.NewInt(-1), big.NewInt(127), big.NewInt(256),
		big.NewInt(-65536), big.NewInt(1 << 62), huge, new(big.Int).Neg(huge),
		new(big.Int).Lsh(big.NewInt(1), 64), new(big.Int).Lsh(big.NewInt(1), 1000),
	} {
		name := n.String()
		if len(name) > 20 {
			name = fmt.Sprintf("%s…-%d-digits", name[:8], len(name))
		}
		c.add("big-int/"+name, n)
	}
	c.add("big-int/slice", []*big.Int{big.NewInt(1), huge})
	c.add("big-int/slice-with-nil", []*big.Int{big.NewInt(1), nil})
	c.add("big-int/slice-values", []big.Int{*big.NewInt(-1), {}})
	c.add("big-int/map", map[string]*big.Int{"a": big.NewInt(-7)})
	c.add("big-int/in-interface", Any{huge})
	c.add("big-rat/22-7", big.NewRat(22, 7))
	c.add("big-rat/negative", big.NewRat(-1, 1<<40))
	c.add("big-rat/zero", new(big.Rat))
	c.add("big-float/zero", new(big.Float))
	c.add("big-float/1.5", big.NewFloat(1.5))
	c.add("big-float/precise", new(big.Float).SetPrec(200).Quo(big.NewFloat(-1), big.NewFloat(3)))
	c.add("big-float/inf", new(big.Float).SetInf(true))
	c.add("numbers/zero", &Numbers{})
	c.add("numbers/all", &Numbers{
		*big.NewInt(5), big.NewInt(-5), big.NewRat(1, 3), big.NewFloat(0.1), []*big.Int{huge},
	})
}

func (c *Corpus) addresses() {
	for _, text := range []string{
		"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::8:800:200c:417a",
		"fe80::1%eth0", "::ffff:1.2.3.4",
	} {
		c.add("addr/"+text, netip.MustParseAddr(text))
	}
	c.add("addr/zero", netip.Addr{})
	c.add("addr/port", netip.MustParseAddrPort("10.0.0.1:9001"))
	c.add("addr/port-v6", netip.MustParseAddrPort("[::1]:65535"))
	c.add("addr/port-zero", netip.AddrPort{})
	c.add("addr/prefix", netip.MustParsePrefix("10.0.0.0/8"))
	c.add("addr/prefix-v6", netip.MustParsePrefix("2001:db8::/32"))
	c.add("addr/slice", []netip.Addr{netip.MustParseAddr("1.2.3.4"), {}})
	c.add("addr/map-key", map[netip.Addr]int{netip.MustParseAddr("1.2.3.4"): 1})
	c.add("addr/in-interface", Any{netip.MustParseAddr("::1")})
	c.add("net/ip", net.IPv4(1, 2, 3, 4))
	c.add("net/ip-short", net.IPv4(1, 2, 3, 4).To4())
	c.add("net/ip-mask", net.CIDRMask(20, 32))
	c.add("net/ip-net", net.IPNet{IP: net.IPv4(10, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)})
	c.add("net/hardware-addr", net.HardwareAddr{2, 0, 94, 16, 0, 1})
	c.add("net/tcp-addr", net.TCPAddr{IP: net.IPv4(127, 0, 0, 1).To4(), Port: 80})

	for name, text := range []string{
		"https://user:pass@go.dev:8080/a%20b?q=1&r=%C3%A4#frag", "/relative", "mailto:a@b.c",
	} {
		u, err := url.Parse(text)
		if err != nil {
			panic(err)
		}
		c.add(fmt.Sprintf("url/%d", name), u)
	}
	c.add("url/zero", &url.URL{})
	c.add("url/in-interface", Any{&url.URL{Path: "/x"}})
	c.add("network/zero", &Network{})
	c.add("network/all", &Network{
		url.URL{Host: "h"}, &url.URL{Path: "/m"}, netip.MustParseAddr("10.0.0.1"),
		netip.MustParseAddrPort("[fe80::1%lo]:1"), netip.MustParsePrefix("0.0.0.0/0"),
	})
}

func (c *Corpus) custom() {
	c.add("opaque/gob-value", GobValue{1, -1})
	c.add("opaque/gob-value-zero", GobValue{})
	c.add("opaque/gob-value-pointer", &GobValue{2, 3})
	c.add("opaque/gob-value-pointers", ref(&GobValue{2, 3}))
	c.add("opaque/gob-pointer", &GobPointer{"text"})
	c.add("opaque/gob-pointer-zero", &GobPointer{})
	c.add("opaque/gob-slice", GobSlice{1, -1})
	c.add("opaque/gob-slice-nil", GobSlice(nil))
	c.add("opaque/gob-nothing", GobNothing{})
	c.add("opaque/gob-outer", GobOuter{Point{7, 8}})
	c.add("opaque/binary-value", BinValue{9})
	c.add("opaque/binary-pointer", &BinPointer{[]uint16{1, 258}})
	c.add("opaque/binary-pointer-empty", &BinPointer{})
	c.add("opaque/binary-int", BinInt(-2))
	c.add("opaque/gob-before-binary", Both{5})
	c.add("opaque/text-is-struct", TextStruct{"name"})
	c.add("opaque/text-is-string", TextString("plain"))
	c.add("opaque/large", &GobPointer{string(make([]byte, 300))})
	c.add("opaque/all", &Opaques{
		GobValue{1, 2}, GobPointer{"p"}, GobSlice{3}, GobNothing{}, BinValue{4},
		BinPointer{[]uint16{5}}, 6, Both{7}, "t",
	})
	c.add("opaque/all-zero", &Opaques{})
	c.add("opaque/pointers", &OpaquePtrs{
		&GobValue{1, 2}, &GobPointer{"p"}, ref(&GobValue{3, 4}), &BinValue{5},
		&BinPointer{[]uint16{6}}, ref(BinInt(7)),
	})
	c.add("opaque/pointers-nil", &OpaquePtrs{})
	c.add("opaque/pointers-to-zero", &OpaquePtrs{
		&GobValue{}, &GobPointer{}, ref(&GobValue{}), &BinValue{}, &BinPointer{}, ref(BinInt(0)),
	})
	c.add("opaque/slice", []GobValue{{1, 2}, {}})
	c.add("opaque/slice-pointer-method", []GobPointer{{"a"}, {}})
	c.add("opaque/slice-pointers", []*GobPointer{{"a"}, {}})
	c.add("opaque/array", [2]BinInt{1, 0})
	c.add("opaque/map", map[string]GobValue{"a": {1, 2}})
	c.add("opaque/map-key", map[GobValue]BinInt{{1, 2}: 3})
	c.add("opaque/in-interface", Any{GobValue{1, 2}})
	c.add("opaque/pointer-in-interface", Any{&GobPointer{"p"}})
	c.add("opaque/int-in-interface", AnyMid{1, BinInt(5), "after"})
}
