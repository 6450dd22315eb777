package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"wgrpc/interop/demo"
	"wgrpc/interop/wgrpc"
)

func TestMain(m *testing.M) {
	// The servers report every connection that a test ends in the middle.
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// start serves on a fresh address until the test ends.
func start(t *testing.T, protocol string, server *wgrpc.Server) (address string) {
	t.Helper()
	network, address := protocol, "127.0.0.1:0"
	switch protocol {
	case "unix":
		address = filepath.Join(t.TempDir(), "socket")
	case "http":
		network = "tcp"
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if protocol == "http" {
		go server.ServeListener(listener)
	} else {
		go server.Accept(listener)
	}
	return protocol + "@" + listener.Addr().String()
}

func newChecker(address, codecType string, out io.Writer) *checker {
	option := wgrpc.DefaultOption()
	option.CodecType = codecType
	return &checker{
		address: address, option: option, connections: 50, calls: 1000,
		timeout: 10 * time.Second, out: json.NewEncoder(out),
	}
}

// The Go client and the Go server pass every scenario on every transport.
func TestGoPassesItsOwnScenarios(t *testing.T) {
	demo.RegisterNames()
	for _, protocol := range []string{"tcp", "unix", "http"} {
		for _, codecType := range []string{wgrpc.GobType, wgrpc.JSONType} {
			for _, original := range []bool{false, true} {
				server := demo.NewServer()
				server.Original = original
				var out bytes.Buffer
				c := newChecker(start(t, protocol, server), codecType, &out)
				c.prefixes = original
				if err := c.run("all"); err != nil {
					t.Fatal(err)
				}
				if c.failed > 0 {
					t.Errorf("%s %s original=%v:\n%s", protocol, codecType, original, failures(out.String()))
				}
			}
		}
	}
}

// The defect that the strict server does not have is there, or a test for it would be blind.
func TestTheOriginalServerLosesStickyRequests(t *testing.T) {
	server := demo.NewServer()
	server.Original = true
	var out bytes.Buffer
	c := newChecker(start(t, "tcp", server), wgrpc.GobType, &out)
	c.timeout = time.Second
	c.sticky()
	if c.failed == 0 {
		t.Errorf("no request was lost: %s", out.String())
	}
}

func failures(output string) string {
	var failed []string
	for _, line := range strings.Split(output, "\n") {
		if strings.Contains(line, `"ok":false`) {
			failed = append(failed, line)
		}
	}
	return strings.Join(failed, "\n")
}

// What is checked in is what the code makes. It needs a process of its own, because type ids depend
// on what a process did before.
func TestVectorsAreCurrent(t *testing.T) {
	directory := t.TempDir()
	command := exec.Command("go", "run", ".", "vectors", "-out", directory)
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(directory, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, made := range files {
		want := portable(t, made)
		got := portable(t, filepath.Join("..", "..", "..", "vectors", filepath.Base(made)))
		if got != want {
			t.Errorf("%s is out of date: run peer vectors", filepath.Base(made))
		}
	}
}

// portable is a file of vectors as this version of Go would write it. Before 1.21 Go numbered types
// from another id on, so there the gob bytes cannot be compared, but all that is said of them.
func portable(t *testing.T, path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var minor int
	if n, _ := fmt.Sscanf(runtime.Version(), "go1.%d", &minor); n == 1 && minor < 21 {
		data = regexp.MustCompile(`(hex":")[0-9a-f]*"`).ReplaceAll(data, []byte(`$1"`))
	}
	return string(data)
}

// verify says what is in a stream, with the type given and without.
func TestVerify(t *testing.T) {
	const point = "1e7f03010105506f696e7401ff80000102010158010400010159010400000007ff80012c014200"
	questions := []question{
		{"named", "Point", point}, {"pointer", "*Point", point}, {"any", "any", point},
		{"cut", "Point", point[:40]}, {"other", "Args", point}, {"unknown", "Nothing", point},
	}
	var in, out bytes.Buffer
	for _, q := range questions {
		json.NewEncoder(&in).Encode(q)
	}
	// A process of its own, because the vectors and the services register different types.
	command := exec.Command("go", "run", ".", "verify")
	command.Stdin, command.Stdout, command.Stderr = &in, &out, os.Stderr
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(&out)
	for i, q := range questions {
		var a answer
		if err := answers.Decode(&a); err != nil {
			t.Fatal(err)
		}
		if a.Name != q.Name {
			t.Errorf("%s is answered by %s", q.Name, a.Name)
		}
		if readable := i < 3; a.OK != readable || (a.Error == "") != readable {
			t.Errorf("%s: %+v", q.Name, a)
		} else if readable && string(a.Values[0]) != `{"X":22,"Y":33}` {
			t.Errorf("%s: %s", q.Name, a.Values[0])
		}
	}
}
