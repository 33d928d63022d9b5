package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// form is the first line of every script.
const form = "unbolt-script 1"

type script struct {
	pageSize       int
	initialMap     int
	noGrowSync     bool
	noFreelistSync bool
	transactions   []transaction
}

type transaction struct {
	reopen     bool // the database is closed and opened before it
	operations []operation
	commit     bool
}

// An operation on the bucket at path. What it is given beside that is bytes or
// a number, as its name demands.
type operation struct {
	name    string
	path    [][]byte
	key     []byte
	value   recipe
	to      [][]byte
	number  uint64
	percent float64
}

func parse(text string) (*script, error) {
	lines := strings.Split(text, "\n")
	if lines[0] != form {
		return nil, fmt.Errorf("line 1: expected %q", form)
	}
	s := &script{}
	var open *transaction
	reopen := false
	for i, line := range lines[1:] {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		var err error
		switch {
		case open == nil && words[0] == "begin":
			open = &transaction{reopen: reopen}
			reopen = false
		case open == nil && words[0] == "reopen":
			reopen = true
		case open == nil:
			err = s.option(words)
		case words[0] == "commit" || words[0] == "rollback":
			open.commit = words[0] == "commit"
			s.transactions = append(s.transactions, *open)
			open = nil
		default:
			var op operation
			op, err = parseOperation(words)
			open.operations = append(open.operations, op)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
	}
	if open != nil || reopen {
		return nil, fmt.Errorf("the last transaction has no end")
	}
	return s, nil
}

func (s *script) option(words []string) (err error) {
	argument := strings.Join(words[1:], " ")
	switch words[0] {
	case "engine", "turns": // for whoever compares
	case "page-size":
		s.pageSize, err = strconv.Atoi(argument)
	case "initial-map":
		s.initialMap, err = strconv.Atoi(argument)
	case "no-grow-sync":
		s.noGrowSync = true
	case "no-freelist-sync":
		s.noFreelistSync = true
	default:
		err = fmt.Errorf("unknown option %q", words[0])
	}
	return err
}

func parseOperation(words []string) (operation, error) {
	op := operation{name: words[0]}
	kinds, known := map[string]string{
		"put": "pkv", "delete": "pk", "erase": "pkn", "create": "p", "ensure": "p", "drop": "p",
		"move": "pt", "sequence": "pn", "next": "p", "fill": "pf",
	}[op.name]
	if !known || len(words) != len(kinds)+1 {
		return op, fmt.Errorf("no operation: %q", strings.Join(words, " "))
	}
	for i, kind := range kinds {
		if err := op.take(kind, words[i+1]); err != nil {
			return op, err
		}
	}
	return op, nil
}

func (op *operation) take(kind rune, word string) (err error) {
	switch kind {
	case 'p':
		op.path, err = parsePath(word)
	case 't':
		op.to, err = parsePath(word)
	case 'k':
		var key recipe
		key, err = parseBytes(word)
		op.key = key.bytes()
	case 'v':
		op.value, err = parseBytes(word)
	case 'n':
		op.number, err = strconv.ParseUint(word, 10, 64)
	case 'f':
		op.percent, err = strconv.ParseFloat(word, 64)
	}
	return err
}

// parsePath reads names divided by slashes; a point is the root bucket.
func parsePath(word string) ([][]byte, error) {
	if word == "." {
		return nil, nil
	}
	var path [][]byte
	for _, name := range strings.Split(word, "/") {
		name, err := parseBytes(name)
		if err != nil {
			return nil, err
		}
		path = append(path, name.bytes())
	}
	return path, nil
}

func pathText(path [][]byte) string {
	if len(path) == 0 {
		return "."
	}
	names := make([]string, len(path))
	for i, name := range path {
		names[i] = bytesText(name)
	}
	return strings.Join(names, "/")
}

// A recipe makes bytes of parts that are written down in few characters.
type recipe []part

// A part is text, or length bytes of noise, or as many times the same byte.
type part struct {
	text   []byte
	length int
	noise  bool
	seed   uint64
	byte   byte
}

// parseBytes reads parts joined by plus signs: text with %XX for all but letters,
// digits, '_' and '-'; LENGTH:SEED; LENGTH*XX.
func parseBytes(word string) (recipe, error) {
	var r recipe
	for _, text := range strings.Split(word, "+") {
		p, err := parsePart(text)
		if err != nil {
			return nil, err
		}
		r = append(r, p)
	}
	return r, nil
}

func parsePart(text string) (p part, err error) {
	if length, seed, found := strings.Cut(text, ":"); found {
		p.noise = true
		if p.length, err = strconv.Atoi(length); err == nil {
			p.seed, err = strconv.ParseUint(seed, 10, 64)
		}
		return p, err
	}
	if length, digits, found := strings.Cut(text, "*"); found {
		var same []byte
		if p.length, err = strconv.Atoi(length); err != nil {
			return p, err
		}
		if same, err = hex.DecodeString(digits); err == nil && len(same) != 1 {
			err = fmt.Errorf("not one byte: %q", digits)
		}
		if err == nil {
			p.byte = same[0]
		}
		return p, err
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			p.text = append(p.text, text[i])
			continue
		}
		if i+2 >= len(text) {
			return p, fmt.Errorf("half an escape in %q", text)
		}
		escaped, err := hex.DecodeString(text[i+1 : i+3])
		if err != nil {
			return p, err
		}
		p.text = append(p.text, escaped...)
		i += 2
	}
	return p, nil
}

func bytesText(b []byte) string {
	var text strings.Builder
	for _, c := range b {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			text.WriteByte(c)
		} else {
			fmt.Fprintf(&text, "%%%02x", c)
		}
	}
	return text.String()
}

// bytes is never nil: to some of Go's libraries a nil value is a bucket.
func (r recipe) bytes() []byte {
	length := 0
	for _, p := range r {
		length += len(p.text) + p.length
	}
	made := make([]byte, 0, length)
	for _, p := range r {
		made = append(made, p.text...)
		if p.noise {
			made = appendNoise(made, p.length, p.seed)
			continue
		}
		for range p.length {
			made = append(made, p.byte)
		}
	}
	return made
}

// appendNoise appends the words of SplitMix64, little-endian, the last one cut.
func appendNoise(to []byte, length int, state uint64) []byte {
	end := len(to) + length
	for len(to) < end {
		state += 0x9e3779b97f4a7c15
		word := state
		word = (word ^ word>>30) * 0xbf58476d1ce4e5b9
		word = (word ^ word>>27) * 0x94d049bb133111eb
		to = binary.LittleEndian.AppendUint64(to, word^word>>31)
	}
	return to[:end]
}
