// Command writer commits to one database without pause, and tells what every
// state that it committed holds.
//
// Each commit prints a line "TXID DIGEST" on standard output. The digest, by
// package digest, is of everything but the bucket "state", in which the same
// transaction keeps the same two words: so a reader can tell from the content
// alone whether it is exactly what was committed under the id in the meta page.
//
// It ends when its standard input does. Then it reads everything once more,
// compares that with its own digest, and prints figures on standard error.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"unbolt.test/interop/internal/digest"
)

func main() {
	var pace pace
	flag.IntVar(&pace.rate, "rate", 0, "commits a second; 0 is as many as possible")
	flag.IntVar(&pace.burst, "burst", 1, "how many of them follow each other at once")
	sync := flag.Bool("sync", false, "sync each commit to the disk, as bbolt does unless told not to")
	seed := flag.Int64("seed", 1, "seed of what is written")
	flag.Parse()
	if flag.NArg() != 1 || pace.burst < 1 {
		fmt.Fprintln(os.Stderr, "usage: writer [-rate N [-burst N]] [-sync] [-seed N] FILE")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *sync, pace, *seed); err != nil {
		fmt.Fprintf(os.Stderr, "writer: %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

func run(path string, sync bool, pace pace, seed int64) error {
	db, err := bolt.Open(path, 0o644, &bolt.Options{NoSync: !sync, Timeout: time.Second})
	if err != nil {
		return err
	}
	defer db.Close()

	out := bufio.NewWriter(os.Stdout)
	content := newContent(seed)
	if err := commit(db, out, content, content.fill); err != nil {
		return err
	}
	var ended atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		ended.Store(true)
	}()

	start, commits := time.Now(), 0
	for ; !ended.Load(); commits++ {
		pace.wait(start, commits)
		if err := commit(db, out, content, content.change); err != nil {
			return err
		}
	}
	elapsed := time.Since(start).Seconds()
	if err := audit(db, content); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "commits %d seconds %.3f bytes %d\n", commits, elapsed, info.Size())
	return nil
}

// commit makes one change, and tells its outcome once it is committed.
func commit(db *bolt.DB, out *bufio.Writer, content *content, change func(*bolt.Tx) error) error {
	var id int
	err := db.Update(func(tx *bolt.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		id = tx.ID()
		return content.describe(tx)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d %016x\n", id, uint64(content.sum))
	return out.Flush()
}

// audit compares the running digest with that of what is really there.
func audit(db *bolt.DB, content *content) error {
	return db.View(func(tx *bolt.Tx) error {
		found, err := digest.Of(tx, stateBucket)
		if err == nil && found != content.sum {
			err = fmt.Errorf("the digest is %016x, counted along the way %016x", found, content.sum)
		}
		return err
	})
}

// pace says when a commit is due.
type pace struct {
	rate, burst int
}

func (p pace) wait(start time.Time, commits int) {
	if p.rate == 0 || commits%p.burst != 0 {
		return
	}
	time.Sleep(time.Until(start.Add(time.Duration(commits) * time.Second / time.Duration(p.rate))))
}
