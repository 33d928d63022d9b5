// Package sparsefile owns the form in which large databases are kept without
// their zero bytes.
//
// A sparse file is a sequence of records: offset (8 bytes), length (4 bytes),
// both little-endian, then that many bytes. Offsets ascend and records do not
// overlap; what lies between them is zero. A record of length 0 ends the
// sequence; its offset is the length of the whole file.
package sparsefile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Suffix is what the name of a sparse file ends with.
const Suffix = ".sparse"

// A shorter run of zeros costs less inside a record than a new record would.
const shortestGap = 32

const headSize = 12

// Pack writes data in sparse form.
func Pack(w io.Writer, data []byte) error {
	out := bufio.NewWriter(w)
	for start := nextData(data, 0); start < len(data); {
		end := endOfRecord(data, start)
		if err := writeRecord(out, uint64(start), data[start:end]); err != nil {
			return err
		}
		start = nextData(data, end)
	}
	if err := writeRecord(out, uint64(len(data)), nil); err != nil {
		return err
	}
	return out.Flush()
}

// Unpack reads the sparse form from r and writes the whole file to out, which
// must be empty.
func Unpack(r io.Reader, out *os.File) error {
	in := bufio.NewReader(r)
	var written uint64
	for {
		var head [headSize]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return fmt.Errorf("record head: %w", err)
		}
		offset := binary.LittleEndian.Uint64(head[0:8])
		length := binary.LittleEndian.Uint32(head[8:12])
		if offset < written {
			return errors.New("records overlap or are out of order")
		}
		if length == 0 {
			return out.Truncate(int64(offset))
		}
		data := make([]byte, length)
		if _, err := io.ReadFull(in, data); err != nil {
			return fmt.Errorf("record at offset %d: %w", offset, err)
		}
		if _, err := out.WriteAt(data, int64(offset)); err != nil {
			return err
		}
		written = offset + uint64(length)
	}
}

func writeRecord(w io.Writer, offset uint64, data []byte) error {
	var head [headSize]byte
	binary.LittleEndian.PutUint64(head[0:8], offset)
	binary.LittleEndian.PutUint32(head[8:12], uint32(len(data)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func nextData(data []byte, from int) int {
	for from < len(data) && data[from] == 0 {
		from++
	}
	return from
}

// endOfRecord finds where the record that starts at start ends: before the
// first long run of zeros, or before the zeros at the end of the file.
func endOfRecord(data []byte, start int) int {
	end := start
	for at := start; at < len(data) && at-end < shortestGap; at++ {
		if data[at] != 0 {
			end = at + 1
		}
	}
	return end
}
