package main

import (
	"encoding/binary"
	"testing"
)

func TestPairsAreThoseOfTheRustSide(t *testing.T) {
	if got := string(key(1234567)); got != "0000000001234567" {
		t.Errorf("key: %s", got)
	}
	v := appendValue(nil, 7, valueLen)
	if len(v) != valueLen {
		t.Fatalf("value of %d bytes", len(v))
	}
	head, tail := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[92:])
	if head != 0xf85507da4c69f9d2 || tail != 0xefa0f0b011402f24 {
		t.Errorf("value: %#x %#x", head, tail)
	}
	p := newPermutation(1000, readSeed)
	if got := [3]uint64{p.at(0), p.at(1), p.at(999)}; got != [3]uint64{310, 335, 482} {
		t.Errorf("permutation: %v", got)
	}
}

func TestPermutationHitsEachIndexOnce(t *testing.T) {
	p := newPermutation(12345, loadSeed)
	seen := make([]bool, p.n)
	for i := range p.n {
		at := p.at(i)
		if seen[at] {
			t.Fatalf("%d twice", at)
		}
		seen[at] = true
	}
}
