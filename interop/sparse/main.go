// Command sparse turns a database into the sparse form of package sparsefile
// and back.
//
// With -drop-free the pages that the current freelist names are left out, so
// they read as zero afterwards.
package main

import (
	"flag"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"

	"unbolt.test/interop/internal/sparsefile"
)

func main() {
	dropFree := flag.Bool("drop-free", false, "leave out the pages of the freelist")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: sparse [-drop-free] pack FILE OUT\n       sparse unpack FILE OUT")
	}
	flag.Parse()
	if flag.NArg() != 3 {
		flag.Usage()
		os.Exit(2)
	}
	var err error
	switch flag.Arg(0) {
	case "pack":
		err = pack(flag.Arg(1), flag.Arg(2), *dropFree)
	case "unpack":
		err = unpack(flag.Arg(1), flag.Arg(2))
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "sparse: %v\n", err)
		os.Exit(1)
	}
}

func pack(from, to string, dropFree bool) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if dropFree {
		if err := clearFreePages(from, data); err != nil {
			return err
		}
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := sparsefile.Pack(out, data); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func unpack(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := sparsefile.Unpack(in, out); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// clearFreePages sets every page of data to zero that the freelist of the
// current meta names.
func clearFreePages(path string, data []byte) error {
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return err
	}
	defer db.Close()
	pageSize := db.Info().PageSize
	return db.View(func(tx *bolt.Tx) error {
		for id := 2; ; {
			page, err := tx.Page(id)
			if err != nil || page == nil {
				return err
			}
			if page.Type != "free" {
				id += 1 + page.OverflowCount
				continue
			}
			start := id * pageSize
			clear(data[start:min(start+pageSize, len(data))])
			id++
		}
	})
}
