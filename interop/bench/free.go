package main

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"
	"slices"
)

const (
	pageSize       = 4096
	pageHeaderLen  = 16
	metaLen        = 64
	metaChecksumAt = 56
	metaFlag       = 0x04
	freelistFlag   = 0x10
	// A list of this count or more has the true one in front of its ids.
	freelistCountElsewhere = 0xffff
)

// pageHeader begins every page.
type pageHeader struct {
	ID       uint64
	Flags    uint16
	Count    uint16
	Overflow uint32
}

// meta is what lies behind the header of pages 0 and 1.
type meta struct {
	Magic, Version, PageSize, Flags uint32
	Root, Sequence                  uint64
	Freelist, HighWater, TxID       uint64
	Checksum                        uint64
}

// makeFree makes a file of n/100 pairs, and adds free pages: every stride'th of
// n further pages. They are holes in the file, so that it costs nothing to have
// many, and the pages between them belong to nobody. It ends like a commit does,
// with the new list behind all other pages and the other meta page.
func makeFree(t target, stride uint64) error {
	if _, err := load(target{path: t.path, n: t.n / 100}, inLoadOrder(t.n/100), pairsPerTx, valueLen); err != nil {
		return err
	}
	file, err := os.OpenFile(t.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	m, err := currentMeta(file)
	if err != nil {
		return err
	}
	ids, err := freePages(file, m)
	if err != nil {
		return err
	}
	for id := m.HighWater; id < m.HighWater+t.n; id += stride {
		ids = append(ids, id)
	}
	m.Freelist = m.HighWater + t.n
	list, err := encodeList(m.Freelist, ids)
	if err != nil {
		return err
	}
	m.HighWater = m.Freelist + uint64(len(list)/pageSize)
	m.TxID++
	m.Checksum = m.checksum()
	page, err := encode(pageHeader{ID: m.TxID % 2, Flags: metaFlag}, m)
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(list, int64(m.Freelist)*pageSize); err != nil {
		return err
	}
	if _, err := file.WriteAt(page, int64(m.TxID%2)*pageSize); err != nil {
		return err
	}
	return file.Sync()
}

// encodeList fills whole pages.
func encodeList(page uint64, ids []uint64) ([]byte, error) {
	header := pageHeader{ID: page, Flags: freelistFlag, Count: uint16(len(ids))}
	if len(ids) >= freelistCountElsewhere {
		header.Count = freelistCountElsewhere
		ids = append([]uint64{uint64(len(ids))}, ids...)
	}
	header.Overflow = uint32((pageHeaderLen + 8*len(ids) - 1) / pageSize)
	list, err := encode(header, ids)
	return append(list, make([]byte, int(header.Overflow+1)*pageSize-len(list))...), err
}

func encode(parts ...any) (encoded []byte, err error) {
	for _, part := range parts {
		if encoded, err = binary.Append(encoded, binary.LittleEndian, part); err != nil {
			return nil, err
		}
	}
	return encoded, nil
}

// currentMeta is the one of the later transaction that is whole.
func currentMeta(file *os.File) (current meta, err error) {
	for page := range int64(2) {
		var m meta
		at := io.NewSectionReader(file, page*pageSize+pageHeaderLen, metaLen)
		if err := binary.Read(at, binary.LittleEndian, &m); err != nil {
			return meta{}, err
		}
		if m.Checksum == m.checksum() && m.TxID >= current.TxID {
			current = m
		}
	}
	if current.PageSize != pageSize {
		return meta{}, errors.New("no meta page is whole and of pages of 4096 bytes")
	}
	return current, nil
}

func (m meta) checksum() uint64 {
	encoded, _ := encode(m)
	sum := fnv.New64a()
	sum.Write(encoded[:metaChecksumAt])
	return sum.Sum64()
}

// freePages are those of the list, and the list's own pages.
func freePages(file *os.File, m meta) ([]uint64, error) {
	at := io.NewSectionReader(file, int64(m.Freelist)*pageSize, 1<<62)
	var header pageHeader
	if err := binary.Read(at, binary.LittleEndian, &header); err != nil {
		return nil, err
	}
	if header.Count == freelistCountElsewhere {
		return nil, errors.New("the list of so few pairs is too long")
	}
	ids := make([]uint64, header.Count)
	if err := binary.Read(at, binary.LittleEndian, ids); err != nil {
		return nil, err
	}
	for id := m.Freelist; id <= m.Freelist+uint64(header.Overflow); id++ {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}
