package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand"
	"os"

	bolt "go.etcd.io/bbolt"
)

var shapes = map[string]recipe{
	"page-512":         commits(pages(512), everyKind(512)...),
	"page-1024":        commits(pages(1024), everyKind(1024)...),
	"page-4096":        commits(pages(4096), everyKind(4096)...),
	"page-16384":       commits(pages(16384), everyKind(16384)...),
	"page-65536":       commits(pages(65536), everyKind(65536)...),
	"empty-page-65536": commits(pages(65536)),
	"empty-buckets":    commits(pages(4096), emptyBuckets),
	"inline-zoo":       commits(pages(4096), inlineZoo),
	"deep-40":          commits(pages(1024), nest(40)),
	"deep-600":         commits(pages(1024), nest(600)),
	"many-buckets":     commits(pages(1024), manyBuckets(300)),
	"sequences":        commits(pages(4096), sequences),
	"long-keys":        commits(pages(4096), longKeys),
	"names":            commits(pages(4096), strangeNames),
	"root-pairs":       commits(pages(4096), rootPairs),
	"values-small":     commits(pages(1024), inBucket("runs", overflowRuns)),
	"values-large":     commits(pages(4096), inBucket("large", largeValues)),
	"no-freelist":      commits(bolt.Options{PageSize: 4096, NoFreelistSync: true}, everyKind(4096)...),
	"no-grow-sync":     commits(bolt.Options{PageSize: 1024, NoGrowSync: true}, everyKind(1024)...),
	"hashmap-freelist": commits(bolt.Options{PageSize: 1024, FreelistType: bolt.FreelistMapType}, churn(1, 40, 60, 90)...),
	"churn-small":      commits(pages(1024), churn(2, 60, 120, 90)...),
	"churn-1024":       commits(pages(1024), churn(3, 200, 4000, 24)...),
	"free-65535":       freePages(65535),
	"free-70000":       freePages(70000),
	"backup-odd":       backup(4),
	"backup-even":      backup(3),
}

// everyKind gives a file a branch, leaves, an overflow run, an inline bucket,
// a nested bucket with a page of its own, and free pages.
func everyKind(pageSize int) []func(*bolt.Tx) error {
	key := plainKey("key-%04d")
	return []func(*bolt.Tx) error{
		inBucket("tree", putRange(0, pageSize/24, key, fill(16, 't'))),
		inBucket("runs", putOne("only", pageSize*3/2, 'r')),
		inBucket("inline", putOne("only", 20, 'i')),
		inBucket("nested", func(b *bolt.Bucket) error {
			if err := b.SetSequence(7); err != nil {
				return err
			}
			child, err := b.CreateBucket([]byte("child"))
			if err != nil {
				return err
			}
			return child.Put([]byte("large"), bytes.Repeat([]byte{'c'}, pageSize/2))
		}),
		inBucket("tree", deleteRange(0, pageSize/128, key)),
	}
}

func emptyBuckets(tx *bolt.Tx) error {
	for _, name := range []string{"a", "b", "c", "parent"} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	for _, name := range []string{"x", "y"} {
		if _, err := tx.Bucket([]byte("parent")).CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// inlineZoo has inline buckets of every size up to the limit and just beyond,
// at addresses of every alignment.
func inlineZoo(tx *bolt.Tx) error {
	for n := range 12 {
		name := fmt.Sprintf("keys-%d-%s", n, bytes.Repeat([]byte{'p'}, n))
		change := inBucket(name, putRange(0, n, plainKey("%d"), func(i int) []byte { return make([]byte, i*3) }))
		if err := change(tx); err != nil {
			return err
		}
	}
	for _, size := range []int{0, 1, 7, 8, 9, 500, 990, 991, 992} {
		change := inBucket(fmt.Sprintf("value-%d", size), func(b *bolt.Bucket) error {
			if err := b.SetSequence(uint64(size)); err != nil {
				return err
			}
			return b.Put([]byte("k"), bytes.Repeat([]byte{'v'}, size))
		})
		if err := change(tx); err != nil {
			return err
		}
	}
	return nil
}

// nest makes a chain of buckets, each with one pair before and one after the
// next bucket.
func nest(depth int) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		bucket, err := tx.CreateBucket([]byte("d"))
		for level := 1; err == nil && level <= depth; level++ {
			if err = bucket.Put([]byte("a"), fmt.Append(nil, level)); err == nil {
				err = bucket.Put([]byte("z"), nil)
			}
			if err == nil && level < depth {
				bucket, err = bucket.CreateBucket([]byte("d"))
			}
		}
		return err
	}
}

func manyBuckets(n int) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		for i := range n {
			name := fmt.Sprintf("bucket-%03d", i)
			if err := inBucket(name, putRange(0, i%3, plainKey("%d"), text("value")))(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

// sequences sets each sequence on an inline bucket and on one with pages.
func sequences(tx *bolt.Tx) error {
	for _, n := range []uint64{0, 1, math.MaxInt32, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		for _, valueSize := range []int{1, 2000} {
			change := inBucket(fmt.Sprintf("%d-%d", n, valueSize), func(b *bolt.Bucket) error {
				if err := b.SetSequence(n); err != nil {
					return err
				}
				return b.Put([]byte("k"), bytes.Repeat([]byte{'v'}, valueSize))
			})
			if err := change(tx); err != nil {
				return err
			}
		}
	}
	return nil
}

// longKeys has keys of the greatest length, which differ in their last byte,
// and a bucket name beyond that length, which bbolt does not limit.
func longKeys(tx *bolt.Tx) error {
	stem := string(bytes.Repeat([]byte{'k'}, bolt.MaxKeySize-1))
	if err := inBucket("b", putRange(0, 6, func(i int) string { return stem + string(rune('0'+i)) }, text("v")))(tx); err != nil {
		return err
	}
	return inBucket(string(bytes.Repeat([]byte{'n'}, 40000)), putOne("k", 1, 'v'))(tx)
}

func strangeNames(tx *bolt.Tx) error {
	names := []string{
		"\x00", "\x00\x00", "\xff", "\xff\xff\xff\xff", "\xc3\x28", "\xed\xa0\x80", "two\nlines", "cr\r\nlf", "tab\t",
		"quote\"", "back\\slash", "comma,", "slash/", " space ", "<html>&", "\x1b[31m", "\x7f", "\u00e9", "e\u0301",
		"\u65e5\u672c", "\U0001f5c4", "\u2028", "\ufeffbom", "0x6162", "-dash", "nul\x00inside",
	}
	for _, name := range names {
		change := inBucket(name, func(b *bolt.Bucket) error {
			for _, key := range names {
				if err := b.Put([]byte(key), []byte("value of "+key)); err != nil {
					return err
				}
			}
			return b.Put([]byte("empty"), nil)
		})
		if err := change(tx); err != nil {
			return err
		}
	}
	return nil
}

// rootPairs puts plain pairs beside buckets into the root bucket, which the
// interface of bbolt reaches only through a cursor.
func rootPairs(tx *bolt.Tx) error {
	root := tx.Cursor().Bucket()
	if err := putRange(0, 10, plainKey("pair-%d"), text("value"))(root); err != nil {
		return err
	}
	for _, name := range []string{"a-bucket", "pair-5-bucket", "z-bucket"} {
		if err := inBucket(name, putOne("k", 3, 'v'))(tx); err != nil {
			return err
		}
	}
	return nil
}

// overflowRuns has values of some pages each, with bounds at and beside the
// ends of pages of 1024 bytes.
func overflowRuns(b *bolt.Bucket) error {
	for i, size := range []int{0, 1, 990, 991, 992, 993, 1024, 2015, 2016, 2017, 5000, 9000} {
		value := bytes.Repeat([]byte{'a' + byte(i)}, size)
		if err := b.Put(fmt.Appendf(nil, "%02d", i), value); err != nil {
			return err
		}
	}
	return nil
}

func largeValues(b *bolt.Bucket) error {
	const mebibyte = 1 << 20
	counting := make([]byte, mebibyte)
	for at := 0; at < mebibyte; at += 4 {
		binary.BigEndian.PutUint32(counting[at:], uint32(at))
	}
	if err := b.Put([]byte("counting"), counting); err != nil {
		return err
	}
	if err := b.Put([]byte("small"), []byte("v")); err != nil {
		return err
	}
	return b.Put([]byte("zero"), make([]byte, 3*mebibyte+1))
}

// churn makes rounds of random inserts and, in the second half of them, twice
// as many random deletes as inserts, so that pages of all levels merge.
func churn(seed int64, rounds, keys, keySize int) []func(*bolt.Tx) error {
	random := rand.New(rand.NewSource(seed))
	changes := make([]func(*bolt.Tx) error, 0, rounds)
	for round := range rounds {
		changes = append(changes, inBucket("churn", func(b *bolt.Bucket) error {
			puts, deletes := keys/10, 0
			if round > rounds/2 {
				puts, deletes = keys/40, keys/20
			}
			for range puts {
				if err := b.Put(randomKey(random, keys, keySize), fmt.Append(nil, random.Int31())); err != nil {
					return err
				}
			}
			for range deletes {
				if err := b.Delete(randomKey(random, keys, keySize)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return changes
}

func randomKey(random *rand.Rand, keys, keySize int) []byte {
	return fmt.Appendf(nil, "%0*d", keySize, random.Intn(keys))
}

// freePages makes a file whose freelist names exactly n pages, by freeing one
// run of about as many. The rest are pages that the commits themselves freed;
// how many is found by trying.
func freePages(n int) recipe {
	const pageSize = 1024
	return func(path string) error {
		run := n
		for range 5 {
			if err := freeOneRun(run, pageSize)(path); err != nil {
				return err
			}
			listed, err := listedPages(path, pageSize)
			if err != nil || listed == n {
				return err
			}
			run += n - listed
			if err := os.Remove(path); err != nil {
				return err
			}
		}
		return fmt.Errorf("no run gives a freelist of %d pages", n)
	}
}

// freeOneRun puts and deletes a value of zeros that takes so many pages with
// the heads of page and element and its key.
func freeOneRun(run, pageSize int) recipe {
	return commits(bolt.Options{PageSize: pageSize, NoSync: true},
		inBucket("kept", putOne("k", 10, 'v')),
		inBucket("freed", putOne("k", run*pageSize-16-16-1, 0)),
		func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("freed")) })
}

// listedPages reads the length of the freelist of the newest meta.
func listedPages(path string, pageSize int64) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	field := func(offset int64) uint64 {
		var b [8]byte
		if _, readErr := file.ReadAt(b[:], offset); readErr != nil {
			err = readErr
		}
		return binary.LittleEndian.Uint64(b[:])
	}
	meta := int64(0)
	if field(pageSize+64) > field(64) {
		meta = pageSize
	}
	list := int64(field(meta+48)) * pageSize
	count := field(list+8) >> 16 & 0xffff
	if count == 0xffff {
		count = field(list + 16)
	}
	return int(count), err
}

// backup keeps the image that Tx.WriteTo makes after so many commits, which
// sets the transaction id of its page 0.
func backup(commitCount int) recipe {
	return func(path string) error {
		source := path + ".source"
		db, err := bolt.Open(source, 0o644, &bolt.Options{PageSize: 4096})
		if err != nil {
			return err
		}
		defer os.Remove(source)
		defer db.Close()
		for i := range commitCount {
			if err := db.Update(inBucket("b", putOne(fmt.Sprint(i), 300*i, 'v'))); err != nil {
				return err
			}
		}
		return db.View(func(tx *bolt.Tx) error { return tx.CopyFile(path, 0o644) })
	}
}
