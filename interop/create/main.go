// Command create opens databases that may not be there yet, beside others that
// do the same. It takes a path on each line of its standard input, opens the
// database there, puts the key "go" into the bucket "b", closes it, and answers
// "done"; where that fails, why.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	fmt.Println("ready")
	for lines.Scan() {
		if err := put(lines.Text()); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("done")
		}
	}
}

func put(path string) error {
	db, err := bolt.Open(path, 0o644, &bolt.Options{Timeout: 2 * time.Minute})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("b"))
		if err != nil {
			return err
		}
		return b.Put([]byte("go"), []byte("was here"))
	})
}
