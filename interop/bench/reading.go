package main

import (
	"bytes"
	"fmt"
	"sync"

	bolt "go.etcd.io/bbolt"
)

const (
	opens   = 200
	rescans = 4
)

var reading = map[string]workload{
	"open":       open,
	"open_get":   openGet,
	"get1":       func(t target) (report, error) { return gets(t, 1) },
	"get2":       func(t target) (report, error) { return gets(t, 2) },
	"get_tx":     getTx,
	"scan":       firstScan,
	"scan_again": scanAgain,
	"prefix100":  prefix100,
	"seek1":      seek1,
	"check":      check,
	"scan_cold":  coldScan,
}

// open is opening, one read transaction that reads nothing, and closing.
func open(t target) (report, error) {
	return measure(func() (ops, sum uint64, err error) {
		for range opens {
			db, err := t.open()
			if err != nil {
				return 0, 0, err
			}
			if err := db.View(func(*bolt.Tx) error { return nil }); err != nil {
				return 0, 0, err
			}
			if err := db.Close(); err != nil {
				return 0, 0, err
			}
			ops++
		}
		return ops, 0, nil
	})
}

// openGet is opening, one value, and closing.
func openGet(t target) (report, error) {
	keys := shuffledKeys(t.n, 1, 16).part(0, opens)
	return measure(func() (ops, sum uint64, err error) {
		for key := range keys.all {
			db, err := t.open()
			if err != nil {
				return 0, 0, err
			}
			if err := db.View(func(tx *bolt.Tx) error {
				sum, err = get(tx.Bucket(bucketName), key, sum)
				return err
			}); err != nil {
				return 0, 0, err
			}
			if err := db.Close(); err != nil {
				return 0, 0, err
			}
		}
		return opens, sum, nil
	})
}

func get(b *bolt.Bucket, key []byte, sum uint64) (uint64, error) {
	v := b.Get(key)
	if v == nil {
		return 0, fmt.Errorf("key %s is missing", key)
	}
	return sum + digest(v), nil
}

func gets(t target, threads int) (report, error) {
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	defer db.Close()
	keys := shuffledKeys(t.n, 1, 16)
	share := keys.count() / threads
	return measure(func() (ops, sum uint64, err error) {
		var wait sync.WaitGroup
		sums, errs := make([]uint64, threads), make([]error, threads)
		for i := range threads {
			part := keys.part(i*share, (i+1)*share)
			wait.Go(func() { sums[i], errs[i] = getAll(db, part) })
		}
		wait.Wait()
		for i := range threads {
			if errs[i] != nil {
				return 0, 0, errs[i]
			}
			sum += sums[i]
		}
		return t.n, sum, nil
	})
}

func getAll(db *bolt.DB, keys keys) (sum uint64, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketName)
		for key := range keys.all {
			if sum, err = get(b, key, sum); err != nil {
				return err
			}
		}
		return nil
	})
	return sum, err
}

func getTx(t target) (report, error) {
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	defer db.Close()
	keys := shuffledKeys(t.n, 1, 16)
	return measure(func() (ops, sum uint64, err error) {
		for key := range keys.all {
			if err := db.View(func(tx *bolt.Tx) error {
				sum, err = get(tx.Bucket(bucketName), key, sum)
				return err
			}); err != nil {
				return 0, 0, err
			}
		}
		return t.n, sum, nil
	})
}

// firstScan includes the first touch of each page.
func firstScan(t target) (report, error) {
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	defer db.Close()
	return measure(func() (ops, sum uint64, err error) { return scan(db, 1) })
}

func scanAgain(t target) (report, error) {
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	defer db.Close()
	if _, _, err := scan(db, 1); err != nil {
		return report{}, err
	}
	return measure(func() (ops, sum uint64, err error) { return scan(db, rescans) })
}

// coldScan opens within the time: what an engine reads ahead when it opens
// belongs to what it reads.
func coldScan(t target) (report, error) {
	return measure(func() (ops, sum uint64, err error) {
		db, err := t.open()
		if err != nil {
			return 0, 0, err
		}
		defer db.Close()
		return scan(db, 1)
	})
}

func scan(db *bolt.DB, times int) (ops, sum uint64, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketName).Cursor()
		for range times {
			for k, v := c.First(); k != nil; k, v = c.Next() {
				sum = chain(sum, k, v)
				ops++
			}
		}
		return nil
	})
	return ops, sum, err
}

func prefix100(t target) (report, error) {
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	defer db.Close()
	prefixes := shuffledKeys(t.n, groupSize, 14)
	return measure(func() (ops, sum uint64, err error) {
		err = db.View(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketName)
			for prefix := range prefixes.all {
				c := b.Cursor()
				for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
					sum = chain(sum, k, v)
					ops++
				}
			}
			return nil
		})
		return ops, sum, err
	})
}

func seek1(t target) (report, error) {
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	defer db.Close()
	targets := shuffledKeys(t.n, 1, 15)
	return measure(func() (ops, sum uint64, err error) {
		err = db.View(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketName).Cursor()
			for target := range targets.all {
				k, v := c.Seek(target)
				if k == nil {
					return fmt.Errorf("nothing at or after %s", target)
				}
				sum = chain(sum, k, v)
			}
			return nil
		})
		return t.n, sum, err
	})
}

// check counts what the library's whole check finds.
func check(t target) (report, error) {
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	defer db.Close()
	return measure(func() (ops, findings uint64, err error) {
		err = db.View(func(tx *bolt.Tx) error {
			for range tx.Check() {
				findings++
			}
			return nil
		})
		return 1, findings, err
	})
}
