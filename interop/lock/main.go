// Command lock holds the lock of a database, exclusive or shared, until its
// standard input ends. It prints "held" once it has it; where it has not got it
// after the time given, it prints why on standard error and exits 1.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

func main() {
	shared := flag.Bool("shared", false, "open read-only, under the shared lock")
	// A timeout of zero is for ever in bbolt.
	timeout := flag.Duration("timeout", time.Nanosecond, "how long to wait for the lock")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: lock [-shared] [-timeout DURATION] FILE")
		os.Exit(2)
	}
	db, err := bolt.Open(flag.Arg(0), 0o644, &bolt.Options{ReadOnly: *shared, Timeout: *timeout})
	if err != nil {
		fmt.Fprintf(os.Stderr, "lock: %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
	defer db.Close()
	fmt.Println("held")
	io.Copy(io.Discard, os.Stdin)
}
