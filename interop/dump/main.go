// Command dump prints every bucket and pair that bbolt reads in a file, in the
// form of package dumptext. With -digest it prints the one-line digest instead.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"

	"unbolt.test/interop/internal/dumptext"
)

func main() {
	digest := flag.Bool("digest", false, "print counts and a hash instead of the dump")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: dump [-digest] FILE")
		os.Exit(2)
	}
	if err := run(os.Stdout, flag.Arg(0), *digest); err != nil {
		fmt.Fprintf(os.Stderr, "dump: %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

func run(w io.Writer, path string, digest bool) error {
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		if !digest {
			_, err := dumptext.Write(w, tx)
			return err
		}
		var dump bytes.Buffer
		totals, err := dumptext.Write(&dump, tx)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, dumptext.Digest(dump.Bytes(), totals))
		return err
	})
}
