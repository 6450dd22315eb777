package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"wgrpc/interop/corpus"
	"wgrpc/interop/dynamic"
	"wgrpc/interop/lossless"
)

func vectors(args []string) error {
	flags := flag.NewFlagSet("peer vectors", flag.ExitOnError)
	out := flags.String("out", "", "the directory to write to")
	flags.Parse(args)
	if *out == "" {
		return errors.New("vectors: -out is missing")
	}
	return corpus.WriteFiles(*out)
}

// question is a gob stream to decode, answer what Go read.
type question struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Hex  string `json:"hex"`
}

type answer struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Values are in the form that Go would send them in, Seen has their zero fields too.
	Values []json.RawMessage `json:"values"`
	Seen   []json.RawMessage `json:"seen"`
	Error  string            `json:"error"`
}

// verify answers each line of stdin with a line on stdout.
func verify(args []string) error {
	flags := flag.NewFlagSet("peer verify", flag.ExitOnError)
	list := flags.Bool("types", false, "list the types that a stream can be decoded into")
	flags.Parse(args)
	known := corpus.Build()
	if *list {
		fmt.Println("any")
		for _, text := range known.Types() {
			fmt.Println(text)
		}
		return nil
	}
	questions := json.NewDecoder(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	for {
		var q question
		if err := questions.Decode(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := answers.Encode(solve(known, q)); err != nil {
			return err
		}
	}
}

func solve(known *corpus.Corpus, q question) (a answer) {
	a = answer{Name: q.Name, Values: []json.RawMessage{}, Seen: []json.RawMessage{}}
	defer func() {
		if cause := recover(); cause != nil {
			a.OK, a.Error = false, fmt.Sprint(cause)
		}
	}()
	data, err := hex.DecodeString(q.Hex)
	var values []interface{}
	if err == nil && q.Type == "any" {
		values, err = dynamic.Decode(data)
	} else if err == nil {
		values, err = known.Decode(data, q.Type)
	}
	for _, value := range values {
		a.Values = append(a.Values, json.RawMessage(lossless.Sent(value)))
		a.Seen = append(a.Seen, json.RawMessage(lossless.Full(value)))
	}
	if a.OK = err == nil; !a.OK {
		a.Error = err.Error()
	}
	return a
}
