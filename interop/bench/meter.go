package main

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"syscall"
	"time"
)

// report is the one line that a run prints.
type report struct {
	Engine      string `json:"engine"`
	Workload    string `json:"workload"`
	Ops         uint64 `json:"ops"`
	WallNs      int64  `json:"wall_ns"`
	CPUNs       int64  `json:"cpu_ns"`
	MajorFaults int64  `json:"major_faults"`
	Checksum    uint64 `json:"checksum"`
}

func (r report) print() error {
	return json.NewEncoder(os.Stdout).Encode(r)
}

func usage() (cpuNs, majorFaults int64, err error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0, err
	}
	return u.Utime.Nano() + u.Stime.Nano(), u.Majflt, nil
}

// measure times body, which returns how many operations it did and what it read.
func measure(body func() (ops, checksum uint64, err error)) (report, error) {
	cpu, faults, err := usage()
	if err != nil {
		return report{}, err
	}
	start := time.Now()
	ops, checksum, err := body()
	if err != nil {
		return report{}, err
	}
	wall := time.Since(start)
	cpuEnd, faultsEnd, err := usage()
	return report{
		Ops:         ops,
		WallNs:      wall.Nanoseconds(),
		CPUNs:       cpuEnd - cpu,
		MajorFaults: faultsEnd - faults,
		Checksum:    checksum,
	}, err
}

// digest is cheap, so that it is the engine that is timed. Of a value it takes
// the first eight bytes and the length; the order of the additions is free, so
// that two threads can share the work.
func digest(value []byte) uint64 {
	return binary.LittleEndian.Uint64(value) + uint64(len(value))
}

// chain is the digest of pairs in their order.
func chain(sum uint64, key, value []byte) uint64 {
	sum = sum<<5 | sum>>59
	return (sum ^ binary.LittleEndian.Uint64(key[8:])) + digest(value)
}
