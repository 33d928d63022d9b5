// Command kvstore makes calls on the stores that dockerd keeps its networks in:
// moby's libnetwork/internal/kvstore/boltdb (Docker 25 and later) and
// docker/libkv's boltdb (before).
//
// It reads one call per line from standard input, as JSON, and answers each with
// one line. The module's path begins with libnetwork's so that it may import an
// internal package of it.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

// A call on one of the stores that are open, by its number.
type call struct {
	Call   string `json:"call"`
	Store  int    `json:"store"`
	Path   string `json:"path"`
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Value  string `json:"value"`
	// The index of the previous pair, where there is one.
	Previous *uint64 `json:"previous"`
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Index uint64 `json:"index"`
}

type answer struct {
	Found *bool   `json:"found,omitempty"`
	Pair  *pair   `json:"pair,omitempty"`
	Pairs []pair  `json:"pairs,omitempty"`
	Error *string `json:"error,omitempty"`
	Panic *string `json:"panic,omitempty"`
}

func main() {
	which := flag.String("store", "moby", "moby or libkv")
	flag.Parse()
	open := map[string]func(path, bucket string) (store, error){"moby": openMoby, "libkv": openLibkv}[*which]
	if open == nil || flag.NArg() != 0 {
		fmt.Fprintln(os.Stderr, "usage: kvstore [-store moby|libkv]")
		os.Exit(2)
	}
	stores := map[int]store{}
	calls, answers := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var c call
		if err := calls.Decode(&c); err != nil {
			return
		}
		if err := answers.Encode(made(c, stores, open)); err != nil {
			fmt.Fprintln(os.Stderr, "kvstore:", err)
			os.Exit(1)
		}
	}
}

// made makes a call; a panic is an answer too.
func made(c call, stores map[int]store, open func(path, bucket string) (store, error)) (a answer) {
	defer func() {
		if reason := recover(); reason != nil {
			text := fmt.Sprint(reason)
			a = answer{Panic: &text}
		}
	}()
	switch c.Call {
	case "open":
		opened, err := open(c.Path, c.Bucket)
		if err != nil {
			return failed(err)
		}
		stores[c.Store] = opened
		return answer{}
	case "close":
		if open := stores[c.Store]; open != nil {
			open.close()
			delete(stores, c.Store)
		}
		return answer{}
	case "check":
		return failed(check(c.Path))
	}
	opened := stores[c.Store]
	if opened == nil {
		return failed(fmt.Errorf("store %d is not open", c.Store))
	}
	return opened.call(c)
}

func failed(err error) answer {
	if err == nil {
		return answer{}
	}
	text := err.Error()
	return answer{Error: &text}
}
