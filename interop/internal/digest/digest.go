// Package digest owns a hash of a Bolt file's content that does not depend on
// order, so that whoever changes the content can count it along.
//
// It is the sum, modulo 2^64, of one term for each pair and each bucket. A term
// is the first 8 bytes, little endian, of the SHA-256 of:
//
//	pair:    each name of the path from the root, then the key, then the value
//	bucket:  each name of its path, then its sequence as 8 bytes, little endian
//
// where a 0 stands before a pair and a 1 before a bucket, and before each of the
// byte strings its length as 4 bytes, little endian. The root bucket has no
// term of its own.
package digest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Sum is the digest of some pairs and buckets. The zero value is of none.
type Sum uint64

// Path is the names of a bucket from the root bucket down, as terms hash them.
type Path []byte

// Child is the path of a bucket in this one.
func (p Path) Child(name []byte) Path {
	return appendString(p[:len(p):len(p)], name)
}

// Pair is the term of one pair.
func Pair(bucket Path, key, value []byte) Sum {
	term := append([]byte{0}, bucket...)
	return hash(appendString(appendString(term, key), value))
}

// Bucket is the term of one bucket, without what is in it.
func Bucket(bucket Path, sequence uint64) Sum {
	term := append([]byte{1}, bucket...)
	return hash(appendString(term, binary.LittleEndian.AppendUint64(nil, sequence)))
}

// All is the digest of everything in a bucket, its own term included.
func All(bucket *bolt.Bucket, path Path) (Sum, error) {
	sum, err := entries(bucket, path, "")
	return sum + Bucket(path, bucket.Sequence()), err
}

// Of is the digest of a whole file but one of its top-level buckets.
func Of(tx *bolt.Tx, except string) (Sum, error) {
	return entries(tx.Cursor().Bucket(), nil, except)
}

func entries(bucket *bolt.Bucket, path Path, except string) (Sum, error) {
	var sum Sum
	err := bucket.ForEach(func(key, value []byte) error {
		if value != nil {
			sum += Pair(path, key, value)
			return nil
		}
		if string(key) == except {
			return nil
		}
		child := bucket.Bucket(key)
		if child == nil {
			return fmt.Errorf("bucket %q cannot be opened", key)
		}
		below, err := All(child, path.Child(key))
		sum += below
		return err
	})
	return sum, err
}

func appendString(to, s []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(to, uint32(len(s))), s...)
}

func hash(term []byte) Sum {
	h := sha256.Sum256(term)
	return Sum(binary.LittleEndian.Uint64(h[:8]))
}
