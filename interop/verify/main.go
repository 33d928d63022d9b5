// Command verify reads every database under a folder with bbolt, requires that
// bbolt's own check finds nothing and that MANIFEST.md has a line for it, and
// compares what it reads with the dump or digest that is kept beside the file.
// With -write it renews those instead.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	bolt "go.etcd.io/bbolt"

	"unbolt.test/interop/internal/dumptext"
	"unbolt.test/interop/internal/sparsefile"
)

// A longer dump is kept as its digest only.
const longestKeptDump = 128 * 1000

const (
	databaseSuffix = ".db"
	dumpSuffix     = ".dump"
	digestSuffix   = ".digest"
)

func main() {
	write := flag.Bool("write", false, "write the dumps instead of comparing them")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: verify [-write] TESTDATA")
		os.Exit(2)
	}
	act := compare
	if *write {
		act = renew
	}
	seen, failed, err := visit(flag.Arg(0), act)
	if err != nil {
		fmt.Fprintf(os.Stderr, "verify: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("%d files, %d failed\n", seen, failed)
	if failed > 0 || seen == 0 {
		os.Exit(1)
	}
}

// visit calls act for each database below folder, with the path without its
// suffixes and what bbolt reads there, and names on standard error the files
// for which that failed.
func visit(folder string, act func(stem string, dump []byte, totals dumptext.Totals) error) (seen, failed int, err error) {
	manifest, err := os.ReadFile(filepath.Join(folder, "MANIFEST.md"))
	if err != nil {
		return 0, 0, err
	}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		stem, found := strings.CutSuffix(strings.TrimSuffix(path, sparsefile.Suffix), databaseSuffix)
		if !found {
			return nil
		}
		seen++
		dump, totals, err := readWithGo(path)
		if err == nil && !bytes.Contains(manifest, []byte("| "+entry.Name()+" |")) {
			err = errors.New("no line in MANIFEST.md")
		}
		if err == nil {
			err = act(stem, dump, totals)
		}
		if err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
		}
		return nil
	})
	return seen, failed, err
}

func compare(stem string, dump []byte, totals dumptext.Totals) error {
	kept, err := os.ReadFile(stem + dumpSuffix)
	if err == nil {
		return requireEqual(kept, dump)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kept, err = os.ReadFile(stem + digestSuffix)
	if err != nil {
		return err
	}
	return requireEqual(kept, []byte(dumptext.Digest(dump, totals)))
}

func requireEqual(kept, read []byte) error {
	if bytes.Equal(kept, read) {
		return nil
	}
	keptLines, readLines := bytes.Split(kept, []byte("\n")), bytes.Split(read, []byte("\n"))
	line := 0
	for line < len(keptLines) && line < len(readLines) && bytes.Equal(keptLines[line], readLines[line]) {
		line++
	}
	return fmt.Errorf("what bbolt reads differs from what is kept, from line %d on", line+1)
}

func renew(stem string, dump []byte, totals dumptext.Totals) error {
	content, suffix, other := dump, dumpSuffix, digestSuffix
	if len(dump) > longestKeptDump {
		content, suffix, other = []byte(dumptext.Digest(dump, totals)), digestSuffix, dumpSuffix
	}
	if err := os.Remove(stem + other); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(stem+suffix, content, 0o644)
}

// readWithGo works on a copy, so that no lock or access time reaches the kept
// file, and so that sparse files are read as whole ones.
func readWithGo(path string) (dump []byte, totals dumptext.Totals, err error) {
	copied, err := os.CreateTemp("", "verify-*.db")
	if err != nil {
		return nil, totals, err
	}
	defer os.Remove(copied.Name())
	defer copied.Close()
	if err := expand(path, copied); err != nil {
		return nil, totals, err
	}
	db, err := bolt.Open(copied.Name(), 0, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return nil, totals, err
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		if err := requireSound(tx); err != nil {
			return err
		}
		var text bytes.Buffer
		totals, err = dumptext.Write(&text, tx)
		dump = text.Bytes()
		return err
	})
	return dump, totals, err
}

func expand(path string, out *os.File) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	if strings.HasSuffix(path, sparsefile.Suffix) {
		return sparsefile.Unpack(in, out)
	}
	_, err = out.ReadFrom(in)
	return err
}

func requireSound(tx *bolt.Tx) error {
	var findings []error
	for finding := range tx.Check() {
		findings = append(findings, finding)
	}
	return errors.Join(findings...)
}
