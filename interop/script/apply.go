package main

import "errors"

// handle is a bucket of any of the three libraries.
type handle[B, C any] interface {
	comparable
	Bucket(name []byte) B
	CreateBucket(name []byte) (B, error)
	CreateBucketIfNotExists(name []byte) (B, error)
	DeleteBucket(name []byte) error
	Put(key, value []byte) error
	Delete(key []byte) error
	SetSequence(uint64) error
	NextSequence() (uint64, error)
	Cursor() C
}

type position interface {
	Seek(key []byte) (found, value []byte)
	Delete() error
}

// extras are what the libraries have under no common signature, or not at all.
type extras[B any] struct {
	fill func(B, float64)
	move func(from B, name []byte, to B) error
}

var errNoBucket = errors.New("no such bucket")

// apply runs operations from the root bucket on, and lists those that failed.
// A failed one changes nothing, and the others go on.
func apply[B handle[B, C], C position](root B, operations []operation, extras extras[B]) (failed []int) {
	for i, op := range operations {
		if err := applyOne(root, op, extras); err != nil {
			failed = append(failed, i)
		}
	}
	return failed
}

func applyOne[B handle[B, C], C position](root B, op operation, extras extras[B]) error {
	switch op.name {
	case "create", "ensure", "drop", "move":
		return applyToName(root, op, extras)
	}
	b, err := descend(root, op.path)
	if err != nil {
		return err
	}
	switch op.name {
	case "put":
		return b.Put(op.key, op.value.bytes())
	case "delete":
		return b.Delete(op.key)
	case "erase":
		return erase(b, op.key, op.number)
	case "sequence":
		return b.SetSequence(op.number)
	case "next":
		_, err = b.NextSequence()
		return err
	case "fill":
		extras.fill(b, op.percent)
		return nil
	}
	return errors.New("no operation: " + op.name)
}

// applyToName runs an operation on a bucket's name in its parent.
func applyToName[B handle[B, C], C position](root B, op operation, extras extras[B]) error {
	if len(op.path) == 0 {
		return errors.New("the root bucket has no name")
	}
	last := len(op.path) - 1
	parent, err := descend(root, op.path[:last])
	if err != nil {
		return err
	}
	switch name := op.path[last]; op.name {
	case "create":
		_, err = parent.CreateBucket(name)
	case "ensure":
		_, err = parent.CreateBucketIfNotExists(name)
	case "drop":
		err = parent.DeleteBucket(name)
	default:
		var to B
		if to, err = descend(root, op.to); err == nil {
			if extras.move == nil {
				return errors.New("this library moves no buckets")
			}
			err = extras.move(parent, name, to)
		}
	}
	return err
}

func descend[B handle[B, C], C position](root B, path [][]byte) (B, error) {
	var none B
	b := root
	for _, name := range path {
		if b = b.Bucket(name); b == none {
			return none, errNoBucket
		}
	}
	return b, nil
}

// erase deletes through a cursor, count times the first key that is not below
// from, and stops at a bucket.
func erase[B handle[B, C], C position](b B, from []byte, count uint64) error {
	cursor := b.Cursor()
	for range count {
		key, value := cursor.Seek(from)
		if key == nil || value == nil {
			return nil
		}
		if err := cursor.Delete(); err != nil {
			return err
		}
	}
	return nil
}
