package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"syscall"
	"time"
)

// report is the one line that a run prints.
type report struct {
	Engine   string `json:"engine"`
	Workload string `json:"workload"`
	done
	cost
}

// done is how many operations a workload did, in how many commits, and the
// digest of all it read or left behind.
type done struct {
	Ops      uint64 `json:"ops"`
	Commits  uint64 `json:"commits"`
	Checksum uint64 `json:"checksum"`
}

// cost is what a workload took of the clock, of all processors, of memory and
// of the disk.
type cost struct {
	WallNs       int64  `json:"wall_ns"`
	CPUNs        int64  `json:"cpu_ns"`
	MajorFaults  int64  `json:"major_faults"`
	PeakMemory   uint64 `json:"peak_memory"`
	OwnMemory    uint64 `json:"own_memory"`
	BytesWritten uint64 `json:"bytes_written"`
	Writes       uint64 `json:"writes"`
}

func (r report) print() error {
	return json.NewEncoder(os.Stdout).Encode(r)
}

// ioCounters are read when the clock first starts and after it has last
// stopped, and at no other time: the Rust side's trace finds the measured part
// of a run by it.
const ioCounters = "/proc/self/io"

// meter is a clock that runs only within time.
type meter struct {
	cost          cost
	bytes, writes uint64
}

func startMeter() (*meter, error) {
	// Else the peak would be that of the preparations.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return nil, err
	}
	numbers, err := procNumbers(ioCounters, "wchar:", "syscw:")
	if err != nil {
		return nil, err
	}
	return &meter{bytes: numbers[0], writes: numbers[1]}, nil
}

func (m *meter) time(body func() error) error {
	cpu, faults, err := usage()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := body(); err != nil {
		return err
	}
	m.cost.WallNs += time.Since(start).Nanoseconds()
	cpuEnd, faultsEnd, err := usage()
	m.cost.CPUNs += cpuEnd - cpu
	m.cost.MajorFaults += faultsEnd - faults
	return err
}

func (m *meter) finish(d done) (report, error) {
	io, err := procNumbers(ioCounters, "wchar:", "syscw:")
	if err != nil {
		return report{}, err
	}
	memory, err := procNumbers("/proc/self/status", "VmHWM:", "RssAnon:")
	if err != nil {
		return report{}, err
	}
	c := m.cost
	c.BytesWritten, c.Writes = io[0]-m.bytes, io[1]-m.writes
	c.PeakMemory, c.OwnMemory = memory[0]*1024, memory[1]*1024
	return report{done: d, cost: c}, nil
}

// measure times all of body, which returns how many operations it did and what
// it read.
func measure(body func() (ops, checksum uint64, err error)) (report, error) {
	m, err := startMeter()
	if err != nil {
		return report{}, err
	}
	var d done
	if err := m.time(func() (err error) {
		d.Ops, d.Checksum, err = body()
		return err
	}); err != nil {
		return report{}, err
	}
	return m.finish(d)
}

// procNumbers reads a file of lines of a name and a number.
func procNumbers(path string, names ...string) ([]uint64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	numbers := make([]uint64, len(names))
	for i, name := range names {
		_, rest, _ := bytes.Cut(text, []byte(name))
		if _, err := fmt.Sscan(string(rest), &numbers[i]); err != nil {
			return nil, fmt.Errorf("%s: %s %w", path, name, err)
		}
	}
	return numbers, nil
}

func usage() (cpuNs, majorFaults int64, err error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0, err
	}
	return u.Utime.Nano() + u.Stime.Nano(), u.Majflt, nil
}

// digest is cheap, so that it is the engine that is timed. Of a value it takes
// the first eight bytes and the length; the order of the additions is free, so
// that two threads can share the work.
func digest(value []byte) uint64 {
	return binary.LittleEndian.Uint64(value) + uint64(len(value))
}

// chain is the digest of pairs in their order.
func chain(sum uint64, key, value []byte) uint64 {
	sum = bits.RotateLeft64(sum, 5)
	return (sum ^ binary.LittleEndian.Uint64(key[8:])) + digest(value)
}

// chainWhole is the digest of pairs in their order, and of every byte in them:
// for what a workload has written, which is read back when the clock has
// stopped.
func chainWhole(sum uint64, key, value []byte) uint64 {
	return absorb(absorb(sum, key), value)
}

func absorb(sum uint64, data []byte) uint64 {
	mix := func(word uint64) {
		sum = (bits.RotateLeft64(sum, 5) ^ word) * 0x9e3779b97f4a7c15
	}
	mix(uint64(len(data)))
	for ; len(data) >= 8; data = data[8:] {
		mix(binary.LittleEndian.Uint64(data))
	}
	if len(data) > 0 {
		var last [8]byte
		copy(last[:], data)
		mix(binary.LittleEndian.Uint64(last[:]))
	}
	return sum
}
