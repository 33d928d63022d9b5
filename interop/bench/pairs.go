package main

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// The pairs are the same as in benches/src/pairs.rs, and both have the same
// golden test: key i is i in 16 decimal digits, value i is noise, 100 bytes
// unless said otherwise.
const (
	keyLen        = 16
	valueLen      = 100
	loadSeed      = 1
	readSeed      = 2
	deleteSeed    = 3
	overwriteSeed = 4
	groupSize     = 100 // keys that share a 14-digit prefix
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

// appendValue appends value i of that length.
func appendValue(v []byte, i uint64, length int) []byte {
	end := len(v) + length
	words := uint64(length+7) / 8
	for w := range words {
		v = binary.LittleEndian.AppendUint64(v, splitmix64(i*words+w))
	}
	return v[:end]
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

func inOrder(n uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := uint64(0); i < n && yield(i); i++ {
		}
	}
}

func inLoadOrder(n uint64) iter.Seq[uint64] {
	p := newPermutation(n, loadSeed)
	return func(yield func(uint64) bool) {
		for i := uint64(0); i < n && yield(p.at(i)); i++ {
		}
	}
}

// pairs are those of one transaction, in buffers that are filled again for the
// next one: bbolt needs the values until a transaction ends.
type pairs struct {
	keys, values []byte
	valueLen     int
}

func (p *pairs) clear() {
	p.keys, p.values = p.keys[:0], p.values[:0]
}

func (p *pairs) add(keyIndex, valueIndex uint64) {
	p.keys = fmt.Appendf(p.keys, "%016d", keyIndex)
	p.values = appendValue(p.values, valueIndex, p.valueLen)
}

func (p *pairs) count() int { return len(p.keys) / keyLen }

func (p *pairs) at(i int) (key, value []byte) {
	return p.keys[i*keyLen : (i+1)*keyLen], p.values[i*p.valueLen : (i+1)*p.valueLen]
}

// overwrites are count keys of n in random order, with new values.
func overwrites(n uint64, count int) *pairs {
	order := newPermutation(n, overwriteSeed)
	p := &pairs{valueLen: valueLen}
	for i := range uint64(count) {
		p.add(order.at(i), n+i)
	}
	return p
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

// keysToDelete are half of the n keys, in random order.
func keysToDelete(n uint64) keys {
	p := newPermutation(n, deleteSeed)
	k := keys{make([]byte, 0, n/2*keyLen), keyLen}
	for i := range n / 2 {
		k.bytes = append(k.bytes, key(p.at(i))...)
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
