package main

import (
	"encoding/binary"
	"fmt"
)

// The pairs are the same as in benches/src/pairs.rs, and both have the same
// golden test: key i is i in 16 decimal digits, value i is 100 bytes of noise.
const (
	valueLen  = 100
	loadSeed  = 1
	readSeed  = 2
	groupSize = 100 // keys that share a 14-digit prefix
)

func splitmix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func key(i uint64) []byte {
	return fmt.Appendf(nil, "%016d", i)
}

func value(i uint64) []byte {
	words := uint64(valueLen+7) / 8
	v := make([]byte, 0, words*8)
	for w := range words {
		v = binary.LittleEndian.AppendUint64(v, splitmix64(i*words+w))
	}
	return v[:valueLen]
}

// permutation is a Feistel network of four rounds over the next even number of
// bits, walked until it lands below n: a bijection on 0..n without a table.
type permutation struct {
	n, seed  uint64
	halfBits uint
}

func newPermutation(n, seed uint64) permutation {
	p := permutation{n: n, seed: seed, halfBits: 1}
	for uint64(1)<<(2*p.halfBits) < n {
		p.halfBits++
	}
	return p
}

func (p permutation) at(i uint64) uint64 {
	mask := uint64(1)<<p.halfBits - 1
	for {
		left, right := i>>p.halfBits, i&mask
		for round := range uint64(4) {
			left, right = right, left^(splitmix64(p.seed<<32^round<<28^right)&mask)
		}
		if i = left<<p.halfBits | right; i < p.n {
			return i
		}
	}
}

// keys are the first length bytes of keys, one after another in one buffer, so
// that fetching the next one costs next to nothing.
type keys struct {
	bytes  []byte
	length int
}

// shuffledKeys are every stride'th key of n, in the random order of reading.
func shuffledKeys(n, stride uint64, length int) keys {
	p := newPermutation(n/stride, readSeed)
	k := keys{make([]byte, 0, p.n*uint64(length)), length}
	for i := range p.n {
		k.bytes = append(k.bytes, key(p.at(i) * stride)[:length]...)
	}
	return k
}

func (k keys) count() int { return len(k.bytes) / k.length }

func (k keys) part(from, to int) keys {
	return keys{k.bytes[from*k.length : to*k.length], k.length}
}

func (k keys) all(yield func([]byte) bool) {
	for rest := k.bytes; len(rest) > 0; rest = rest[k.length:] {
		if !yield(rest[:k.length]) {
			return
		}
	}
}
