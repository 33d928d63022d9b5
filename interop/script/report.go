package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	bbolt "go.etcd.io/bbolt"

	"unbolt.test/interop/internal/digest"
)

// report is what a file has become, in bytes, pages and content.
type report struct {
	SHA256      string            `json:"sha256"`
	PagesSHA256 string            `json:"pages_sha256"` // below the high-water mark
	Length      int64             `json:"length"`
	TxID        int               `json:"txid"`
	HighWater   int64             `json:"high_water"`
	Digest      string            `json:"digest"`
	Buckets     map[string]counts `json:"buckets"`
	Check       []string          `json:"check"`
	pageSize    int64
}

// counts are those of a bucket with all that are in it: pages and overflow
// pages of branches, the same of leaves, keys, levels, inline buckets.
type counts [7]int

func reportOn(path string) (*report, error) {
	r := &report{Buckets: map[string]counts{}, Check: []string{}}
	db, err := bbolt.Open(path, 0o644, &bbolt.Options{ReadOnly: true, Timeout: time.Second, PreLoadFreelist: true})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.View(r.read), db.Close()); err != nil {
		return nil, err
	}
	if r.SHA256, r.Length, err = hash(path, math.MaxInt64); err != nil {
		return nil, err
	}
	r.PagesSHA256, _, err = hash(path, r.HighWater*r.pageSize)
	return r, err
}

// hash is of the first bytes of a file, and says how many they are.
func hash(path string, most int64) (string, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	hash := sha256.New()
	length, err := io.CopyN(hash, file, most)
	if err == io.EOF {
		err = nil
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), length, err
}

func (r *report) read(tx *bbolt.Tx) error {
	r.TxID = tx.ID()
	r.pageSize = int64(tx.DB().Info().PageSize)
	r.HighWater = tx.Size() / r.pageSize
	for err := range tx.Check() {
		r.Check = append(r.Check, err.Error())
	}
	if len(r.Check) > 0 {
		return nil
	}
	sum, err := digest.Of(tx, "")
	r.Digest = fmt.Sprintf("%016x", uint64(sum))
	if err != nil {
		return err
	}
	return r.count(tx.Cursor().Bucket(), nil)
}

func (r *report) count(b *bbolt.Bucket, path [][]byte) error {
	s := b.Stats()
	r.Buckets[pathText(path)] = counts{
		s.BranchPageN, s.BranchOverflowN, s.LeafPageN, s.LeafOverflowN, s.KeyN, s.Depth, s.InlineBucketN,
	}
	return b.ForEachBucket(func(name []byte) error {
		return r.count(b.Bucket(name), append(path[:len(path):len(path)], name))
	})
}
