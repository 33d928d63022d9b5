package main

import (
	"fmt"
	"iter"
	"os"

	bolt "go.etcd.io/bbolt"
)

const (
	pairsPerTx       = 10_000
	pairsPerBucket   = 10
	inlineValueLen   = 16 // ten pairs of it lie within their parent's page
	largeValueLen    = 1 << 20
	largeValuesPerTx = 10
	getsPerTurn      = 90
	putsPerTurn      = 10
	opensToWrite     = 20
	warmUpCommits    = 5         // until the list of free pages itself is written to pages that were written before
	compactTxSize    = 64 * 1024 // the default of the bbolt command
)

var noSync = &bolt.Options{NoSync: true}

// The sizes are those of benches/src/writing.rs.
var writing = map[string]workload{
	"load_seq":       func(t target) (report, error) { return load(t, inOrder(t.n), pairsPerTx, valueLen) },
	"load_rand":      func(t target) (report, error) { return load(t, inLoadOrder(t.n), pairsPerTx, valueLen) },
	"one_tx_rand":    func(t target) (report, error) { return load(t, inLoadOrder(t.n*4/25), int(t.n), valueLen) },
	"commit":         func(t target) (report, error) { return commit(t, t.n, (int(t.n)+499)/500, 0) },
	"commit_nosync":  func(t target) (report, error) { return commit(t.with(noSync), t.n, int(t.n)/100, 0) },
	"mixed":          func(t target) (report, error) { return mixed(t, int(t.n)/1000) },
	"mixed_nosync":   func(t target) (report, error) { return mixed(t.with(noSync), int(t.n)/1000*3) },
	"del50":          deleteHalf,
	"buckets":        func(t target) (report, error) { return buckets(t, t.n/100, valueLen) },
	"buckets_inline": func(t target) (report, error) { return buckets(t, t.n/100, inlineValueLen) },
	"large": func(t target) (report, error) {
		return load(t, inOrder((t.n+1999)/2000), largeValuesPerTx, largeValueLen)
	},
	"compact":     compact,
	"open_free":   openFree,
	"free_contig": func(t target) (report, error) { return commit(t, t.n/100, int(t.n)/5000+10, warmUpCommits) },
	"free_frag":   func(t target) (report, error) { return commit(t, t.n/100, int(t.n)/5000+10, warmUpCommits) },
}

func (t target) with(options *bolt.Options) target {
	t.options = options
	return t
}

// withContents adds the digest of all pairs that are then found in the file.
func withContents(work workload) workload {
	return func(t target) (report, error) {
		r, err := work(t)
		if err != nil {
			return report{}, err
		}
		sum, err := contents(t.with(&bolt.Options{ReadOnly: true}))
		r.Checksum += sum
		return r, err
	}
}

func contents(t target) (sum uint64, err error) {
	db, err := t.open()
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		sum = bucketContents(0, nil, tx.Bucket(bucketName))
		return nil
	})
	return sum, err
}

// bucketContents has the names of nested buckets as the beginning of their keys.
func bucketContents(sum uint64, prefix []byte, b *bolt.Bucket) uint64 {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		path := append(prefix[:len(prefix):len(prefix)], k...)
		if v == nil {
			sum = bucketContents(sum, path, b.Bucket(k))
		} else {
			sum = chainWhole(sum, path, v)
		}
	}
	return sum
}

// create makes a new file with an empty bucket.
func (t target) create() (*bolt.DB, error) {
	db, err := t.open()
	if err != nil {
		return nil, err
	}
	return db, db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket(bucketName)
		return err
	})
}

// finishWriting leaves the checksum to withContents.
func (m *meter) finishWriting(db *bolt.DB, ops, commits uint64) (report, error) {
	r, err := m.finish(done{Ops: ops, Commits: commits})
	if err != nil {
		return report{}, err
	}
	return r, db.Close()
}

// measureWriting times all of body.
func measureWriting(db *bolt.DB, ops, commits int, body func() error) (report, error) {
	m, err := startMeter()
	if err != nil {
		return report{}, err
	}
	if err := m.time(body); err != nil {
		return report{}, err
	}
	return m.finishWriting(db, uint64(ops), uint64(commits))
}

// load has the clock stand still while the pairs of the next transaction are
// made.
func load(t target, indexes iter.Seq[uint64], perTx, length int) (report, error) {
	db, err := t.create()
	if err != nil {
		return report{}, err
	}
	next, stop := iter.Pull(indexes)
	defer stop()
	batch := &pairs{valueLen: length}
	var ops, commits uint64
	m, err := startMeter()
	if err != nil {
		return report{}, err
	}
	for {
		batch.clear()
		for batch.count() < perTx {
			i, more := next()
			if !more {
				break
			}
			batch.add(i, i)
		}
		if batch.count() == 0 {
			return m.finishWriting(db, ops, commits)
		}
		if err := m.time(func() error { return putAll(db, batch, 0, batch.count()) }); err != nil {
			return report{}, err
		}
		ops += uint64(batch.count())
		commits++
	}
}

// putAll puts a part of the pairs in one transaction.
func putAll(db *bolt.DB, p *pairs, from, to int) error {
	return db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketName)
		for i := from; i < to; i++ {
			k, v := p.at(i)
			if err := b.Put(k, v); err != nil {
				return err
			}
		}
		return nil
	})
}

func commit(t target, n uint64, commits, warmUp int) (report, error) {
	puts := overwrites(n, warmUp+commits)
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	for i := range warmUp {
		if err := putAll(db, puts, i, i+1); err != nil {
			return report{}, err
		}
	}
	return measureWriting(db, commits, commits, func() error {
		for i := warmUp; i < warmUp+commits; i++ {
			if err := putAll(db, puts, i, i+1); err != nil {
				return err
			}
		}
		return nil
	})
}

func mixed(t target, turns int) (report, error) {
	gets := shuffledKeys(t.n, 1, keyLen)
	puts := overwrites(t.n, turns*putsPerTurn)
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	var sum uint64
	r, err := measureWriting(db, turns*(getsPerTurn+putsPerTurn), turns, func() error {
		for turn := range turns {
			part, err := getAll(db, gets.part(turn*getsPerTurn, (turn+1)*getsPerTurn))
			if err != nil {
				return err
			}
			sum += part
			if err := putAll(db, puts, turn*putsPerTurn, (turn+1)*putsPerTurn); err != nil {
				return err
			}
		}
		return nil
	})
	r.Checksum = sum
	return r, err
}

func deleteHalf(t target) (report, error) {
	keys := keysToDelete(t.n)
	db, err := t.open()
	if err != nil {
		return report{}, err
	}
	commits := (keys.count() + pairsPerTx - 1) / pairsPerTx
	return measureWriting(db, keys.count(), commits, func() error {
		for from := 0; from < keys.count(); from += pairsPerTx {
			if err := deleteAll(db, keys.part(from, min(from+pairsPerTx, keys.count()))); err != nil {
				return err
			}
		}
		return nil
	})
}

// deleteAll does not see whether a key was there, but the digest of what is left does.
func deleteAll(db *bolt.DB, keys keys) error {
	return db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketName)
		for key := range keys.all {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// buckets are named by their first keys.
func buckets(t target, count uint64, length int) (report, error) {
	db, err := t.create()
	if err != nil {
		return report{}, err
	}
	next, stop := iter.Pull(inLoadOrder(count))
	defer stop()
	batch := &pairs{valueLen: length}
	var commits uint64
	m, err := startMeter()
	if err != nil {
		return report{}, err
	}
	for {
		batch.clear()
		for batch.count() < pairsPerTx {
			bucket, more := next()
			if !more {
				break
			}
			for i := range uint64(pairsPerBucket) {
				batch.add(bucket*pairsPerBucket+i, bucket*pairsPerBucket+i)
			}
		}
		if batch.count() == 0 {
			return m.finishWriting(db, count*pairsPerBucket, commits)
		}
		if err := m.time(func() error { return putBuckets(db, batch) }); err != nil {
			return report{}, err
		}
		commits++
	}
}

func putBuckets(db *bolt.DB, p *pairs) error {
	return db.Update(func(tx *bolt.Tx) error {
		parent := tx.Bucket(bucketName)
		for first := 0; first < p.count(); first += pairsPerBucket {
			name, _ := p.at(first)
			b, err := parent.CreateBucket(name)
			if err != nil {
				return err
			}
			for i := first; i < first+pairsPerBucket; i++ {
				k, v := p.at(i)
				if err := b.Put(k, v); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// compact opens and closes both files within the time.
func compact(t target) (report, error) {
	compacted := t.path + "-compacted"
	m, err := startMeter()
	if err != nil {
		return report{}, err
	}
	if err := m.time(func() error { return compactTo(t, compacted) }); err != nil {
		return report{}, err
	}
	r, err := m.finish(done{Ops: 1, Commits: 1})
	if err != nil {
		return report{}, err
	}
	return r, os.Rename(compacted, t.path)
}

func compactTo(t target, path string) error {
	from, err := t.with(&bolt.Options{ReadOnly: true}).open()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := target{path: path}.open()
	if err != nil {
		return err
	}
	if err := bolt.Compact(to, from, compactTxSize); err != nil {
		return fmt.Errorf("compacting: %w", err)
	}
	return to.Close()
}

func openFree(t target) (report, error) {
	return measure(func() (ops, sum uint64, err error) {
		for range opensToWrite {
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
