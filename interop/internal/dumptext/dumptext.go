// Package dumptext owns the text form of a Bolt file's whole content.
//
// One line per bucket and per pair, ended by '\n', with no space outside of
// strings and the members always in the order shown:
//
//	{"bucket":["6162"],"sequence":7}
//	{"bucket":["6162"],"key":"6b","value":"76"}
//	{"bucket":["6162"],"key":"6b","value":{"len":65,"sha256":"<64 hex digits>"}}
//
// Every byte string is lower-case hex; an empty one is "". A path runs from
// the root bucket downwards, so "bucket":[] is the root bucket, which has no
// line of its own. Entries come in key order; a nested bucket stands at its
// place in that order: its line, its entries, then its parent's next entry.
package dumptext

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// MaxPlainValue is the longest value that is written out in full.
const MaxPlainValue = 64

// Totals counts what one dump holds. The root bucket is not counted.
type Totals struct {
	Buckets int
	Pairs   int
}

// Write writes the dump of what tx sees.
func Write(w io.Writer, tx *bolt.Tx) (Totals, error) {
	buffered := bufio.NewWriter(w)
	walk := walker{out: buffered}
	if err := walk.entries(tx.Cursor().Bucket(), nil); err != nil {
		return Totals{}, err
	}
	return walk.totals, buffered.Flush()
}

// Digest is the one-line stand-in for a dump that is too long to keep.
func Digest(dump []byte, totals Totals) string {
	return fmt.Sprintf("{\"buckets\":%d,\"pairs\":%d,\"sha256\":\"%x\"}\n",
		totals.Buckets, totals.Pairs, sha256.Sum256(dump))
}

type walker struct {
	out    *bufio.Writer
	totals Totals
}

func (w *walker) entries(bucket *bolt.Bucket, path []string) error {
	bucketPath := "[" + strings.Join(path, ",") + "]"
	cursor := bucket.Cursor()
	// A nil value marks a nested bucket; an empty value is not nil.
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if value == nil {
			if err := w.nested(bucket, key, path); err != nil {
				return err
			}
			continue
		}
		w.totals.Pairs++
		_, err := fmt.Fprintf(w.out, "{\"bucket\":%s,\"key\":%s,\"value\":%s}\n",
			bucketPath, quotedHex(key), valueText(value))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) nested(parent *bolt.Bucket, name []byte, path []string) error {
	child := parent.Bucket(name)
	if child == nil {
		return fmt.Errorf("bucket %x of [%s] cannot be opened", name, strings.Join(path, ","))
	}
	w.totals.Buckets++
	// The full slice expression makes siblings not share one backing array.
	childPath := append(path[:len(path):len(path)], quotedHex(name))
	_, err := fmt.Fprintf(w.out, "{\"bucket\":[%s],\"sequence\":%d}\n",
		strings.Join(childPath, ","), child.Sequence())
	if err != nil {
		return err
	}
	return w.entries(child, childPath)
}

func valueText(value []byte) string {
	if len(value) <= MaxPlainValue {
		return quotedHex(value)
	}
	return fmt.Sprintf("{\"len\":%d,\"sha256\":\"%x\"}", len(value), sha256.Sum256(value))
}

func quotedHex(b []byte) string {
	return `"` + hex.EncodeToString(b) + `"`
}
