package main

import (
	"os"

	bolt "go.etcd.io/bbolt"
)

const pairsPerTx = 10_000

// generate makes a Bolt file of n pairs, put in the order that at gives.
func generate(path string, n uint64, at func(uint64) uint64) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	db, err := bolt.Open(path, 0o644, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	for start := uint64(0); start < n; start += pairsPerTx {
		end := min(start+pairsPerTx, n)
		if err := db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(bucketName)
			if err != nil {
				return err
			}
			for i := start; i < end; i++ {
				if err := b.Put(key(at(i)), value(at(i))); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
