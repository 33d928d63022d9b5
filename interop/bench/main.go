// Command readbench is the Go side of benches/: it makes the Bolt files with
// bbolt and times bbolt reading them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
)

const usageText = `usage:
  readbench generate --dir DIR --n N
  readbench run go|go-ro WORKLOAD --dir DIR --n N
  readbench version`

func main() {
	if err := dispatch(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "readbench:", err)
		os.Exit(1)
	}
}

func dispatch(args []string) error {
	switch {
	case len(args) >= 1 && args[0] == "generate":
		dir, n, err := flags(args[1:])
		if err != nil {
			return err
		}
		return generateBoth(dir, n)
	case len(args) >= 3 && args[0] == "run":
		dir, n, err := flags(args[3:])
		if err != nil {
			return err
		}
		return run(args[1], args[2], dir, n)
	case len(args) == 1 && args[0] == "version":
		fmt.Printf("bbolt %s, %s\n", bboltVersion(), runtime.Version())
		return nil
	}
	return errors.New(usageText)
}

func flags(args []string) (dir string, n uint64, err error) {
	set := flag.NewFlagSet("readbench", flag.ContinueOnError)
	set.StringVar(&dir, "dir", "", "where the files are")
	set.Uint64Var(&n, "n", 0, "how many pairs")
	if err := set.Parse(args); err != nil {
		return "", 0, err
	}
	if dir == "" || n == 0 || set.NArg() != 0 {
		return "", 0, errors.New(usageText)
	}
	return dir, n, nil
}

func generateBoth(dir string, n uint64) error {
	shuffled := newPermutation(n, loadSeed)
	if err := generate(filepath.Join(dir, "rand.bolt"), n, shuffled.at); err != nil {
		return err
	}
	return generate(filepath.Join(dir, "seq.bolt"), n, func(i uint64) uint64 { return i })
}

// run prints one report. The engine go opens as bolt.Open does when it is given
// no options, go-ro read-only.
func run(engine, name, dir string, n uint64) error {
	var options *bolt.Options
	switch engine {
	case "go":
	case "go-ro":
		options = &bolt.Options{ReadOnly: true}
	default:
		return fmt.Errorf("no engine %q", engine)
	}
	work, found := workloads[name]
	if !found {
		return fmt.Errorf("no workload %q", name)
	}
	order := "rand"
	if name == "scan_cold" || name == "check" {
		order = "seq"
	}
	r, err := work(target{filepath.Join(dir, order+".bolt"), options, n})
	if err != nil {
		return err
	}
	r.Engine, r.Workload = engine, name
	return r.print()
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
