package main

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// A store under the names that both have for their calls.
type store interface {
	call(c call) answer
	close()
}

var errUnknown = errors.New("this store has no such call")

func found(there bool, err error) answer {
	if err != nil {
		return failed(err)
	}
	return answer{Found: &there}
}

// check runs bbolt's check on a file that no store has open.
func check(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		var first error
		for err := range tx.Check() {
			if first == nil {
				first = fmt.Errorf("check: %w", err)
			}
		}
		return first
	})
}
