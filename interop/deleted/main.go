// Command deleted writes a database as it is told to, for tests that look for
// what was deleted from it. The first line of its standard input says how the
// file is opened; each further one is a transaction, or asks for a reader that
// stays open until the end. It answers each line with `ok`.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

type opening struct {
	File           string `json:"file"`
	PageSize       int    `json:"page_size"`
	NoFreelistSync bool   `json:"no_freelist_sync"`
	// A file that grows past its map waits for readers to end.
	InitialMap int `json:"initial_map"`
}

type line struct {
	Reader bool   `json:"reader"`
	Steps  []step `json:"steps"`
}

// A step puts a value where it has one, else deletes a key where it has one,
// else drops a bucket.
type step struct {
	Path  []string `json:"path"`
	Key   *string  `json:"key"`
	Value *string  `json:"value"`
}

type bucketed interface {
	Bucket([]byte) *bolt.Bucket
	CreateBucketIfNotExists([]byte) (*bolt.Bucket, error)
	DeleteBucket([]byte) error
}

func main() {
	if err := run(bufio.NewReaderSize(os.Stdin, 1<<20)); err != nil {
		fmt.Fprintf(os.Stderr, "deleted: %v\n", err)
		os.Exit(1)
	}
}

func run(in *bufio.Reader) error {
	lines := json.NewDecoder(in)
	var how opening
	if err := lines.Decode(&how); err != nil {
		return err
	}
	db, err := bolt.Open(how.File, 0o644, &bolt.Options{
		PageSize: how.PageSize, NoFreelistSync: how.NoFreelistSync, InitialMmapSize: how.InitialMap,
	})
	if err != nil {
		return err
	}
	fmt.Println("ok")
	for {
		var next line
		if err := lines.Decode(&next); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if next.Reader {
			_, err = db.Begin(false)
		} else {
			err = db.Update(func(tx *bolt.Tx) error { return apply(tx, next.Steps) })
		}
		if err != nil {
			return err
		}
		fmt.Println("ok")
	}
}

func apply(tx *bolt.Tx, steps []step) error {
	for _, step := range steps {
		parents := step.Path
		if step.Key == nil {
			parents = parents[:len(parents)-1]
		}
		var in bucketed = tx
		var bucket *bolt.Bucket
		for _, name := range parents {
			inner, err := in.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			in, bucket = inner, inner
		}
		var err error
		switch {
		case step.Key == nil:
			err = in.DeleteBucket([]byte(step.Path[len(step.Path)-1]))
		case step.Value == nil:
			err = bucket.Delete([]byte(*step.Key))
		default:
			err = bucket.Put([]byte(*step.Key), []byte(*step.Value))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
