// Command crash reads databases from its standard input, each as its length in
// four bytes, little endian, and its bytes. It opens each with bbolt, has
// bbolt's check look at it, and prints the id of the last transaction and the
// digest of everything in it, or what is wrong.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"unbolt.test/interop/internal/digest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: crash FOLDER")
		os.Exit(2)
	}
	path := filepath.Join(os.Args[1], "crash.db")
	input := bufio.NewReader(os.Stdin)
	for {
		image, err := next(input)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = os.WriteFile(path, image, 0o600)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "crash: %v\n", err)
			os.Exit(1)
		}
		if words, err := look(path); err != nil {
			fmt.Printf("%q\n", err.Error())
		} else {
			fmt.Println(words)
		}
	}
}

func next(input io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(input, binary.LittleEndian, &length); err != nil {
		return nil, err
	}
	image := make([]byte, length)
	_, err := io.ReadFull(input, image)
	return image, err
}

func look(path string) (words string, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return "", err
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		var findings []error
		for finding := range tx.Check() {
			findings = append(findings, finding)
		}
		if len(findings) > 0 {
			return errors.Join(findings...)
		}
		sum, err := digest.Of(tx, "")
		words = fmt.Sprintf("%d %016x", tx.ID(), uint64(sum))
		return err
	})
	return words, err
}
