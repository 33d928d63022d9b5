package main

import (
	"github.com/docker/docker/libnetwork/internal/kvstore"
	"github.com/docker/docker/libnetwork/internal/kvstore/boltdb"
)

type moby struct{ kvstore.Store }

func openMoby(path, bucket string) (store, error) {
	opened, err := boltdb.New(path, bucket)
	if err != nil {
		return nil, err
	}
	return moby{opened}, nil
}

func (m moby) close() { m.Close() }

func (m moby) call(c call) answer {
	var previous *kvstore.KVPair
	if c.Previous != nil {
		previous = &kvstore.KVPair{Key: c.Key, LastIndex: *c.Previous}
	}
	switch c.Call {
	case "put":
		return failed(m.Put(c.Key, []byte(c.Value)))
	case "exists":
		return found(m.Exists(c.Key))
	case "list":
		listed, err := m.List(c.Key)
		if err != nil {
			return failed(err)
		}
		pairs := []pair{}
		for _, p := range listed {
			pairs = append(pairs, pair{p.Key, string(p.Value), p.LastIndex})
		}
		return answer{Pairs: pairs}
	case "atomic_put":
		put, err := m.AtomicPut(c.Key, []byte(c.Value), previous)
		if err != nil {
			return failed(err)
		}
		return answer{Pair: &pair{put.Key, string(put.Value), put.LastIndex}}
	case "atomic_delete":
		return failed(m.AtomicDelete(c.Key, previous))
	case "delete":
		return failed(m.Delete(c.Key))
	}
	return failed(errUnknown)
}
