// Command bench is the Go side of benches/: it makes Bolt files with bbolt, and
// times bbolt reading and writing them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
)

const usageText = `usage:
  bench make seq|rand|half|free_contig|free_frag --file FILE --n N
  bench run go|go-ro WORKLOAD --file FILE --n N
  bench version`

var bucketName = []byte("b")

type workload func(target) (report, error)

// target is a Bolt file, how it is opened, and how many pairs it holds.
type target struct {
	path    string
	options *bolt.Options
	n       uint64
}

func (t target) open() (*bolt.DB, error) {
	return bolt.Open(t.path, 0o644, t.options)
}

func main() {
	if err := dispatch(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func dispatch(args []string) error {
	switch {
	case len(args) >= 2 && args[0] == "make":
		t, err := parseTarget(args[2:])
		if err != nil {
			return err
		}
		return makeSource(args[1], t)
	case len(args) >= 3 && args[0] == "run":
		t, err := parseTarget(args[3:])
		if err != nil {
			return err
		}
		return run(args[1], args[2], t)
	case len(args) == 1 && args[0] == "version":
		fmt.Printf("bbolt %s, %s\n", bboltVersion(), runtime.Version())
		return nil
	}
	return errors.New(usageText)
}

func parseTarget(args []string) (t target, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.StringVar(&t.path, "file", "", "the Bolt file")
	set.Uint64Var(&t.n, "n", 0, "how many pairs")
	if err := set.Parse(args); err != nil {
		return target{}, err
	}
	if t.path == "" || t.n == 0 || set.NArg() != 0 {
		return target{}, errors.New(usageText)
	}
	return t, nil
}

// run prints one report. The engine go opens as bolt.Open does when it is given
// no options, go-ro read-only.
func run(engine, name string, t target) error {
	switch engine {
	case "go":
	case "go-ro":
		t.options = &bolt.Options{ReadOnly: true}
	default:
		return fmt.Errorf("no engine %q", engine)
	}
	r, err := workloadOf(name)(t)
	if err != nil {
		return err
	}
	r.Engine, r.Workload = engine, name
	return r.print()
}

func workloadOf(name string) workload {
	if work, found := reading[name]; found {
		return work
	}
	if work, found := writing[name]; found {
		return withContents(work)
	}
	return func(target) (report, error) { return report{}, fmt.Errorf("no workload %q", name) }
}

func bboltVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == "go.etcd.io/bbolt" {
			return dep.Version
		}
	}
	return "of unknown version"
}
