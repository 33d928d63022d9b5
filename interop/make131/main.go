// Command make131 writes one database with bbolt v1.3.1-etcd.8, an early bbolt:
// a tree of two levels with free pages that no freelist names, an overflow
// run, inline and nested buckets, sequences.
package main

import (
	"bytes"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: make131 FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "make131: %v\n", err)
		os.Exit(1)
	}
}

func run(path string) error {
	db, err := bolt.Open(path, 0644, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		return err
	}
	for _, change := range []func(*bolt.Tx) error{putTree, putNested, putRun, deleteFromTree} {
		if err := db.Update(change); err != nil {
			db.Close()
			return err
		}
	}
	return db.Close()
}

func putTree(tx *bolt.Tx) error {
	tree, err := tx.CreateBucket([]byte("tree"))
	if err != nil {
		return err
	}
	for i := 0; i < 200; i++ {
		if err := tree.Put(key(i), []byte(fmt.Sprintf("value-%d", i*i))); err != nil {
			return err
		}
	}
	return tree.SetSequence(1 << 40)
}

func putNested(tx *bolt.Tx) error {
	outer, err := tx.CreateBucket([]byte("outer"))
	if err != nil {
		return err
	}
	for _, name := range []string{"empty", "inline", "sequence"} {
		if _, err := outer.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	if _, err := outer.Bucket([]byte("sequence")).NextSequence(); err != nil {
		return err
	}
	return outer.Bucket([]byte("inline")).Put([]byte("k"), []byte("v"))
}

func putRun(tx *bolt.Tx) error {
	outer := tx.Bucket([]byte("outer"))
	return outer.Put([]byte("run"), bytes.Repeat([]byte("r"), 6000))
}

func deleteFromTree(tx *bolt.Tx) error {
	tree := tx.Bucket([]byte("tree"))
	for i := 0; i < 120; i += 2 {
		if err := tree.Delete(key(i)); err != nil {
			return err
		}
	}
	return nil
}

func key(i int) []byte { return []byte(fmt.Sprintf("key-%06d", i)) }
