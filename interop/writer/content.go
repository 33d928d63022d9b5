package main

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"unbolt.test/interop/internal/digest"
)

// stateBucket describes the state that it is part of.
const stateBucket = "state"

const (
	pairKeys     = 3000 // four in five of them are there at a time
	largeKeys    = 8    // each on an overflow run
	churnBuckets = 64   // half of them are there at a time
	grownKeys    = 1200 // then the oldest third goes at once
)

// content is what the database holds, and the digest of all of it.
type content struct {
	random *rand.Rand
	sum    digest.Sum
	grown  uint64 // the next key of the bucket that grows
	shrunk uint64 // its first key
}

func newContent(seed int64) *content {
	return &content{random: rand.New(rand.NewSource(seed))}
}

// fill makes the first state: more than a mebibyte.
func (c *content) fill(tx *bolt.Tx) error {
	root := place{tx.Cursor().Bucket(), nil, &c.sum}
	for _, name := range []string{"pairs", "large", "churn", "nested", "grown"} {
		if _, err := root.create(name); err != nil {
			return err
		}
	}
	for i := range pairKeys {
		if err := root.in("pairs").put(pairKey(i), c.value(0, 700)); err != nil {
			return err
		}
	}
	for i := range largeKeys {
		if err := root.in("large").put(pairKey(i), c.value(4000, 40000)); err != nil {
			return err
		}
	}
	deep, err := root.in("nested").create("deep")
	if err != nil {
		return err
	}
	_, err = deep.create("deeper")
	return err
}

// change is one transaction: pairs written anew and deleted, buckets made and
// deleted, sequences counted, overflow runs moved, a bucket that grows and
// shrinks.
func (c *content) change(tx *bolt.Tx) error {
	root := place{tx.Cursor().Bucket(), nil, &c.sum}
	steps := []func(place) error{c.changePairs, c.changeChurn, c.changeNested, c.changeGrown}
	if c.random.Intn(4) == 0 {
		steps = append(steps, c.changeLarge)
	}
	for _, step := range steps {
		if err := step(root); err != nil {
			return err
		}
	}
	return nil
}

func (c *content) changePairs(root place) error {
	pairs := root.in("pairs")
	for range 6 {
		key := pairKey(c.random.Intn(pairKeys))
		var err error
		if c.random.Intn(5) == 0 {
			err = pairs.delete(key)
		} else {
			err = pairs.put(key, c.value(0, 700))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *content) changeLarge(root place) error {
	return root.in("large").put(pairKey(c.random.Intn(largeKeys)), c.value(4000, 40000))
}

// changeChurn makes a bucket, inline or with pages of its own, or deletes one.
func (c *content) changeChurn(root place) error {
	churn := root.in("churn")
	name := fmt.Sprintf("bucket-%02d", c.random.Intn(churnBuckets))
	if churn.bucket.Bucket([]byte(name)) != nil {
		return churn.remove(name)
	}
	made, err := churn.create(name)
	if err != nil {
		return err
	}
	count := c.random.Intn(8)
	if c.random.Intn(8) == 0 {
		count = 200
	}
	for i := range count {
		if err := made.put(pairKey(i), c.value(0, 60)); err != nil {
			return err
		}
	}
	return nil
}

func (c *content) changeNested(root place) error {
	deep := root.in("nested").in("deep")
	if err := deep.count(); err != nil {
		return err
	}
	deeper := deep.in("deeper")
	if err := deeper.count(); err != nil {
		return err
	}
	return deeper.put([]byte("last"), c.value(0, 60))
}

func (c *content) changeGrown(root place) error {
	grown := root.in("grown")
	if err := grown.put(binary.BigEndian.AppendUint64(nil, c.grown), c.value(100, 200)); err != nil {
		return err
	}
	c.grown++
	if c.grown-c.shrunk < grownKeys {
		return nil
	}
	for range grownKeys / 3 {
		if err := grown.delete(binary.BigEndian.AppendUint64(nil, c.shrunk)); err != nil {
			return err
		}
		c.shrunk++
	}
	return nil
}

// describe writes down which state this is.
func (c *content) describe(tx *bolt.Tx) error {
	state, err := tx.CreateBucketIfNotExists([]byte(stateBucket))
	if err != nil {
		return err
	}
	if err := state.Put([]byte("txid"), []byte(strconv.Itoa(tx.ID()))); err != nil {
		return err
	}
	return state.Put([]byte("digest"), fmt.Appendf(nil, "%016x", uint64(c.sum)))
}

func (c *content) value(shortest, longest int) []byte {
	value := make([]byte, shortest+c.random.Intn(longest-shortest))
	c.random.Read(value)
	return value
}

func pairKey(i int) []byte {
	return fmt.Appendf(nil, "key-%06d", i)
}

// place is a bucket whose changes are counted in the digest.
type place struct {
	bucket *bolt.Bucket
	path   digest.Path
	sum    *digest.Sum
}

// in is a bucket in this one, which must be there.
func (p place) in(name string) place {
	return place{p.bucket.Bucket([]byte(name)), p.path.Child([]byte(name)), p.sum}
}

func (p place) create(name string) (place, error) {
	if _, err := p.bucket.CreateBucket([]byte(name)); err != nil {
		return place{}, err
	}
	made := p.in(name)
	*p.sum += digest.Bucket(made.path, 0)
	return made, nil
}

func (p place) remove(name string) error {
	doomed := p.in(name)
	all, err := digest.All(doomed.bucket, doomed.path)
	if err != nil {
		return err
	}
	*p.sum -= all
	return p.bucket.DeleteBucket([]byte(name))
}

func (p place) put(key, value []byte) error {
	p.forget(key)
	*p.sum += digest.Pair(p.path, key, value)
	return p.bucket.Put(key, value)
}

func (p place) delete(key []byte) error {
	p.forget(key)
	return p.bucket.Delete(key)
}

func (p place) forget(key []byte) {
	if old := p.bucket.Get(key); old != nil {
		*p.sum -= digest.Pair(p.path, key, old)
	}
}

func (p place) count() error {
	*p.sum -= digest.Bucket(p.path, p.bucket.Sequence())
	sequence, err := p.bucket.NextSequence()
	*p.sum += digest.Bucket(p.path, sequence)
	return err
}
