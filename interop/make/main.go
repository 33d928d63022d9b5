// Command make writes the databases that are made from scratch: the golden
// vectors and the zoo of page sizes, shapes and options.
//
// The content of every file is always the same. So are the bytes of the golden
// vectors (V2b has two outcomes). Elsewhere bbolt may number the pages
// differently each time, as it visits open buckets and children of a node in
// the order of a hash map.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

	"unbolt.test/interop/internal/sparsefile"
)

// A longer file is kept in sparse form.
const longestWholeFile = 64 * 1024

// A recipe makes the database at path, which does not exist yet.
type recipe func(path string) error

func main() {
	only := flag.String("only", "", "make this one file, for example bbolt/names")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: make [-only FOLDER/NAME] TESTDATA")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *only); err != nil {
		fmt.Fprintf(os.Stderr, "make: %v\n", err)
		os.Exit(1)
	}
}

func run(testdata, only string) error {
	recipes := map[string]recipe{}
	for name, make := range shapes {
		recipes["bbolt/"+name] = make
	}
	for _, v := range vectors {
		recipes["golden/"+v.name] = v.make
	}
	if _, known := recipes[only]; only != "" && !known {
		return fmt.Errorf("no file is named %q", only)
	}
	for _, name := range slices.Sorted(maps.Keys(recipes)) {
		if only != "" && only != name {
			continue
		}
		if err := keep(recipes[name], filepath.Join(testdata, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// keep makes a database and stores it at stem, whole or in sparse form.
func keep(make recipe, stem string) error {
	folder, err := os.MkdirTemp("", "make-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "made.db")
	if err := make(path); err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := requireExpectedHash(filepath.Base(stem), data); err != nil {
		return err
	}
	if len(data) <= longestWholeFile {
		return os.WriteFile(stem+".db", data, 0o644)
	}
	out, err := os.Create(stem + ".db" + sparsefile.Suffix)
	if err != nil {
		return err
	}
	if err := sparsefile.Pack(out, data); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// commits makes a database by one write transaction per change.
func commits(options bolt.Options, changes ...func(*bolt.Tx) error) recipe {
	return func(path string) error {
		db, err := bolt.Open(path, 0o644, &options)
		if err != nil {
			return err
		}
		for _, change := range changes {
			if err := db.Update(change); err != nil {
				db.Close()
				return err
			}
		}
		return db.Close()
	}
}

// inBucket is a change of one top-level bucket, made if it is missing.
func inBucket(name string, change func(*bolt.Bucket) error) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		return change(bucket)
	}
}

// putRange puts keys made by key for first up to below end.
func putRange(first, end int, key func(int) string, value func(int) []byte) func(*bolt.Bucket) error {
	return func(bucket *bolt.Bucket) error {
		for i := first; i < end; i++ {
			if err := bucket.Put([]byte(key(i)), value(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// deleteRange deletes the keys that putRange would put.
func deleteRange(first, end int, key func(int) string) func(*bolt.Bucket) error {
	return func(bucket *bolt.Bucket) error {
		for i := first; i < end; i++ {
			if err := bucket.Delete([]byte(key(i))); err != nil {
				return err
			}
		}
		return nil
	}
}
