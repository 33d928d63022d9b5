// Command script runs scripts of transactions on Bolt files with three of Go's
// libraries, and reports what a file has become. interop/README.md describes
// the form of a script.
//
// It takes commands on standard input, one line each, and answers each with a
// line of JSON, so that one process serves thousands of scripts:
//
//	script N                   the next N bytes are the script from now on
//	run ENGINE FIRST END FILE  runs the script's transactions FIRST up to below END
//	report FILE                what bbolt v1.5.0 reads in a file, and its check
//
// A command that fails answers {"error": …}. A panic leaves the libraries with
// locks held, so the process answers it and ends. It also ends, without an
// answer, on some damaged files, and is cut short on others.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// No command takes as long as this.
const patience = 5 * time.Minute

func main() {
	// A damaged file leads Go's pointers anywhere.
	debug.SetPanicOnFault(true)
	if err := serve(bufio.NewReaderSize(os.Stdin, 1<<20), os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "script: %v\n", err)
		os.Exit(1)
	}
}

func serve(in *bufio.Reader, out io.Writer) error {
	answers := json.NewEncoder(out)
	current := &script{}
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF && line == "" {
			return nil
		}
		if err != nil {
			return err
		}
		command, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		late := time.AfterFunc(patience, func() {
			fmt.Fprintf(os.Stderr, "script: no end of %s", line)
			os.Exit(3)
		})
		var answer any
		err = guarded(func() (err error) {
			answer, err = answerTo(command, rest, in, &current)
			return err
		})
		late.Stop()
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
		if errors.Is(err, errPanic) {
			os.Exit(4)
		}
	}
}

var errPanic = errors.New("panic")

// guarded makes an error of a panic.
func guarded(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v", errPanic, cause)
		}
	}()
	return do()
}

func answerTo(command, rest string, in io.Reader, current **script) (any, error) {
	switch command {
	case "script":
		length, err := strconv.Atoi(rest)
		if err != nil {
			return nil, err
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		*current, err = parse(string(text))
		return map[string]int{"transactions": len((*current).transactions)}, err
	case "run":
		return runCommand(rest, *current)
	case "report":
		return reportOn(rest)
	}
	return nil, fmt.Errorf("unknown command %q", command)
}

func runCommand(arguments string, current *script) (any, error) {
	words := strings.SplitN(arguments, " ", 4)
	if len(words) != 4 {
		return nil, fmt.Errorf("run %s: expected ENGINE FIRST END FILE", arguments)
	}
	first, err := strconv.Atoi(words[1])
	if err != nil {
		return nil, err
	}
	end, err := strconv.Atoi(words[2])
	if err != nil {
		return nil, err
	}
	if first < 0 || first > end || end > len(current.transactions) {
		return nil, fmt.Errorf("run %s: the script has %d transactions", arguments, len(current.transactions))
	}
	failed, err := run(current, words[0], first, end, words[3])
	return map[string][]string{"failed": failed}, err
}
