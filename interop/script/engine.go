package main

import (
	"errors"
	"fmt"
	"os"

	boltdb "github.com/boltdb/bolt"
	bbolt "go.etcd.io/bbolt"
	bbolt131 "unbolt.test/bbolt131"
)

// database is one that an engine has opened.
type database interface {
	// transact runs the operations, and says which of them failed.
	transact(transaction) (failed []int, err error)
	Close() error
}

// engines are Go's libraries, each as the script asks for.
var engines = map[string]func(path string, s *script) (database, error){
	"bbolt-1.5.0":  openBbolt,
	"bbolt-1.3.1":  openBbolt131,
	"boltdb-1.3.1": openBoltdb,
}

// run runs some transactions of a script on a file, new or not, and names the
// operations that failed as transaction:operation. The sync after each commit
// is left out; nothing depends on it.
func run(s *script, engine string, first, end int, path string) (failed []string, err error) {
	open, known := engines[engine]
	if !known {
		return nil, fmt.Errorf("unknown engine %q", engine)
	}
	db, err := open(path, s)
	if err != nil {
		return nil, err
	}
	defer func() {
		// After a panic Close may wait for ever.
		if !errors.Is(err, errPanic) {
			err = errors.Join(err, db.Close())
		}
	}()
	failed = []string{}
	for number := first; number < end; number++ {
		transaction := s.transactions[number]
		if transaction.reopen && number > first {
			if err := db.Close(); err != nil {
				return nil, err
			}
			if db, err = open(path, s); err != nil {
				return nil, err
			}
		}
		var in []int
		err := guarded(func() (err error) {
			in, err = db.transact(transaction)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("transaction %d: %w", number, err)
		}
		for _, operation := range in {
			failed = append(failed, fmt.Sprintf("%d:%d", number, operation))
		}
	}
	return failed, nil
}

func openBbolt(path string, s *script) (database, error) {
	db, err := bbolt.Open(path, 0o644, &bbolt.Options{
		PageSize: s.pageSize, InitialMmapSize: s.initialMap, NoSync: true,
		NoGrowSync: s.noGrowSync, NoFreelistSync: s.noFreelistSync,
	})
	return bboltFile{db}, err
}

type bboltFile struct{ *bbolt.DB }

func (db bboltFile) transact(t transaction) ([]int, error) {
	tx, err := db.Begin(true)
	if err != nil {
		return nil, err
	}
	failed := apply(tx.Cursor().Bucket(), t.operations, extras[*bbolt.Bucket]{
		fill: func(b *bbolt.Bucket, percent float64) { b.FillPercent = percent },
		move: func(from *bbolt.Bucket, name []byte, to *bbolt.Bucket) error { return from.MoveBucket(name, to) },
	})
	return failed, end(tx, t)
}

func openBbolt131(path string, s *script) (database, error) {
	db, err := bbolt131.Open(path, 0o644, &bbolt131.Options{
		PageSize: s.pageSize, InitialMmapSize: s.initialMap, NoSync: true,
		NoGrowSync: s.noGrowSync, NoFreelistSync: s.noFreelistSync,
	})
	return bbolt131File{db}, err
}

type bbolt131File struct{ *bbolt131.DB }

func (db bbolt131File) transact(t transaction) ([]int, error) {
	tx, err := db.Begin(true)
	if err != nil {
		return nil, err
	}
	failed := apply(tx.Cursor().Bucket(), t.operations, extras[*bbolt131.Bucket]{
		fill: func(b *bbolt131.Bucket, percent float64) { b.FillPercent = percent },
	})
	return failed, end(tx, t)
}

func openBoltdb(path string, s *script) (database, error) {
	if s.noFreelistSync {
		return nil, errors.New("boltdb always writes the freelist")
	}
	if err := createWithPageSize(path, s); err != nil {
		return nil, err
	}
	db, err := boltdb.Open(path, 0o644, &boltdb.Options{InitialMmapSize: s.initialMap, NoGrowSync: s.noGrowSync})
	if err != nil {
		return nil, err
	}
	db.NoSync = true
	return boltdbFile{db}, nil
}

// createWithPageSize makes the file with bbolt: boltdb knows the page size of
// the machine only, but goes on with the one that it finds.
func createWithPageSize(path string, s *script) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := bbolt.Open(path, 0o644, &bbolt.Options{PageSize: s.pageSize, NoSync: true})
	if err != nil {
		return err
	}
	return db.Close()
}

type boltdbFile struct{ *boltdb.DB }

func (db boltdbFile) transact(t transaction) ([]int, error) {
	tx, err := db.Begin(true)
	if err != nil {
		return nil, err
	}
	failed := apply(tx.Cursor().Bucket(), t.operations, extras[*boltdb.Bucket]{
		fill: func(b *boltdb.Bucket, percent float64) { b.FillPercent = percent },
	})
	return failed, end(tx, t)
}

func end(tx interface {
	Commit() error
	Rollback() error
}, t transaction) error {
	if t.commit {
		return tx.Commit()
	}
	return tx.Rollback()
}
