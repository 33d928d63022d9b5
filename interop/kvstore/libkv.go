package main

import (
	"github.com/docker/libkv/store/boltdb"

	kv "github.com/docker/libkv/store"
)

type libkv struct{ kv.Store }

// openLibkv opens a store as dockerd did: the file is opened and closed again
// with each call.
func openLibkv(path, bucket string) (store, error) {
	opened, err := boltdb.New([]string{path}, &kv.Config{Bucket: bucket})
	if err != nil {
		return nil, err
	}
	return libkv{opened}, nil
}

func (l libkv) close() { l.Close() }

func (l libkv) call(c call) answer {
	var previous *kv.KVPair
	if c.Previous != nil {
		previous = &kv.KVPair{Key: c.Key, LastIndex: *c.Previous}
	}
	switch c.Call {
	case "put":
		return failed(l.Put(c.Key, []byte(c.Value), nil))
	case "exists":
		return found(l.Exists(c.Key))
	case "get":
		got, err := l.Get(c.Key)
		if err != nil {
			return failed(err)
		}
		return answer{Pair: &pair{got.Key, string(got.Value), got.LastIndex}}
	case "list":
		listed, err := l.List(c.Key)
		if err != nil {
			return failed(err)
		}
		pairs := []pair{}
		for _, p := range listed {
			pairs = append(pairs, pair{p.Key, string(p.Value), p.LastIndex})
		}
		return answer{Pairs: pairs}
	case "atomic_put":
		_, put, err := l.AtomicPut(c.Key, []byte(c.Value), previous, nil)
		if err != nil {
			return failed(err)
		}
		return answer{Pair: &pair{put.Key, string(put.Value), put.LastIndex}}
	case "atomic_delete":
		_, err := l.AtomicDelete(c.Key, previous)
		return failed(err)
	case "delete":
		return failed(l.Delete(c.Key))
	case "delete_tree":
		return failed(l.DeleteTree(c.Key))
	}
	return failed(errUnknown)
}
