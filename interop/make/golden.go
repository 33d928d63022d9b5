package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// A vector is a workload whose file is known byte for byte: bbolt writes one
// of the listed files, on every machine with little-endian order.
type vector struct {
	name   string
	make   recipe
	hashes []string
}

var vectors = []vector{
	{"V0", commits(pages(4096)), one("f80ea184425737cdc7de57b1c8d4797e8a57ccee797991395e3800cd4ed0ac1e")},
	{"V0a", commits(pages(1024)), one("c6c0a98f236e45c11adb95bed98e7ac20279a3b18c2b911a6951a44e10773cdb")},
	{"V0b", commits(pages(16384)), one("654deaeb880b95c8aa835e2315528c8ef0970afac770dcc9ee807b4e406588ed")},
	{"V1", commits(pages(4096), nothing, nothing, nothing), one("81b2930dec4d4db9703d97f2050712b388793ac304a5a265ab1028e5cb8d1321")},
	{"V2", g1(pages(4096)), one("430f1f3d3e5bc551555329259f440a58059a9473316327de87da6d7c310056b4")},
	{"V2a", g1(bolt.Options{PageSize: 4096, NoFreelistSync: true}), one("c540e07e6c98b5f5581328ee193c45de506ab7ae8df9d84d0a4da5abeba38df7")},
	{"V2b", g1(pages(1024)), []string{
		"43ebde9f90562a28f03ba12b00b86482261270b585c86e1e075a40c74feaf4c8",
		"3a606fd8377d1584b894445c28c4ee9a9b4451dc95695d6952d3cb7a983cf370",
	}},
	{"V2c", g1(pages(16384)), one("ae0a44ed477f1cec2c3c7009a689502d3ea8fe5ecf5faccf995dd11e6c821445")},
	{"V3", commits(pages(4096), inBucket("b", putRange(0, 10, plainKey("k%d"), growingValue))),
		one("ade63550cc4ba7e3779db22fdac3b03e0e730e79e321461aa709b7c2d9524f77")},
	{"V4", commits(pages(4096), inBucket("b", filled(1.0, putRange(0, 2000, plainKey("%08d"), fill(40, 'x'))))),
		one("576f0ac5573a7df2817e7ead6237280498e9c8179eb1551adc6c46ec3846a4c1")},
	{"V5", commits(pages(4096), inBucket("b", putOne("k", 991, 'i'))),
		one("fef648178516309dac69e11bfa443ecbb8d7a9b80b3d7af110fceb43f4fa22b4")},
	{"V5a", commits(pages(4096), inBucket("b", putOne("k", 992, 'i'))),
		one("b08c69ed577341702fd8f098d2a29b2d2ab4e068fd00dd3f1ea19e95787f5321")},
	{"V5b", commits(pages(4096), inBucket("b", putOne("k", 10, 'i')), inBucket("b", putOne("z", 3000, 'i')), inBucket("b", deleteOne("z"))),
		one("f583dce96f6c1adee8bef9372631cf8be7bd29f2e63a5adb3c5065c6cd605578")},
	{"V6", commits(pages(4096),
		inBucket("b", putRange(0, 2000, plainKey("%08d"), fill(40, 'x'))),
		inBucket("b", deleteRange(0, 1000, plainKey("%08d")))),
		one("7d2b04622ce78f6ade45e91696d588ce789d21bf83da0ff91afc2e6f08f119c4")},
	{"V6a", commits(pages(4096),
		inBucket("b", putRange(0, 300, plainKey("%08d"), fill(76, 'x'))),
		inBucket("b", deleteRange(40, 60, plainKey("%08d")))),
		one("647702bf54000e474be94156080f164a1f3199f7b6fcbe448aa5e92cd2c4270a")},
	{"V7", commits(pages(4096), inBucket("b", putRange(0, 40, paddedKey(2996), text("v")))),
		one("46576107e81cc7946ea5407016f9cc2d543438cd70d28d0e0ce72352b0c89842")},
	{"V8", commits(pages(4096), nestedWithSequence, updateNested),
		one("5206e10c5b97067294eb8f2b46f6c656a1b49b4ca347cc40a3eb85c9daf9e487")},
	{"V9", commits(pages(4096),
		inBucket("b", putRange(0, 500, plainKey("%04d"), fill(50, 'n'))),
		func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("b")) },
		inBucket("c", putOne("k", 20000, 'q'))),
		one("1ba360f0c3b5ef0d17bea4ee8b83e3ff2e70ab695f138e859a933452dae36f6d")},
}

func requireExpectedHash(name string, data []byte) error {
	for _, v := range vectors {
		if v.name != name {
			continue
		}
		made := fmt.Sprintf("%x", sha256.Sum256(data))
		for _, expected := range v.hashes {
			if made == expected {
				return nil
			}
		}
		return fmt.Errorf("made %d bytes with SHA-256 %s, expected one of %v", len(data), made, v.hashes)
	}
	return nil
}

// g1 is the workload of the vectors V2 to V2c.
func g1(options bolt.Options) recipe {
	key := plainKey("%05d")
	round := func(r int) func(*bolt.Tx) error {
		return inBucket("b", func(b *bolt.Bucket) error {
			for i := range 300 {
				if err := b.Put([]byte(key(i+7*r)), fmt.Appendf(nil, "v%d-%d", r, i)); err != nil {
					return err
				}
			}
			sub, err := b.CreateBucketIfNotExists([]byte("sub"))
			if err != nil {
				return err
			}
			if _, err := sub.NextSequence(); err != nil {
				return err
			}
			return sub.Put([]byte("x"), []byte("y"))
		})
	}
	deleteEven := inBucket("b", func(b *bolt.Bucket) error {
		for i := 0; i < 200; i += 2 {
			if err := b.Delete([]byte(key(i))); err != nil {
				return err
			}
		}
		return nil
	})
	return commits(options, round(0), round(1), round(2), deleteEven)
}

func nestedWithSequence(tx *bolt.Tx) error {
	a, err := tx.CreateBucket([]byte("a"))
	if err != nil {
		return err
	}
	b, err := a.CreateBucket([]byte("b"))
	if err != nil {
		return err
	}
	c, err := b.CreateBucket([]byte("c"))
	if err != nil {
		return err
	}
	if err := c.SetSequence(42); err != nil {
		return err
	}
	return putRange(0, 200, plainKey("%04d"), fill(50, 'n'))(c)
}

func updateNested(tx *bolt.Tx) error {
	c := tx.Bucket([]byte("a")).Bucket([]byte("b")).Bucket([]byte("c"))
	return c.Put([]byte("0100"), []byte("upd"))
}

func pages(size int) bolt.Options { return bolt.Options{PageSize: size} }

func one(hash string) []string { return []string{hash} }

func nothing(*bolt.Tx) error { return nil }

func plainKey(format string) func(int) string {
	return func(i int) string { return fmt.Sprintf(format, i) }
}

// paddedKey makes keys of a number followed by n times K.
func paddedKey(n int) func(int) string {
	return func(i int) string { return fmt.Sprintf("%04d", i) + string(bytes.Repeat([]byte("K"), n)) }
}

func fill(n int, c byte) func(int) []byte {
	return func(int) []byte { return bytes.Repeat([]byte{c}, n) }
}

func text(s string) func(int) []byte {
	return func(int) []byte { return []byte(s) }
}

func growingValue(i int) []byte {
	return bytes.Repeat([]byte{'A' + byte(i)}, 1000*i)
}

func putOne(key string, n int, c byte) func(*bolt.Bucket) error {
	return func(b *bolt.Bucket) error { return b.Put([]byte(key), bytes.Repeat([]byte{c}, n)) }
}

func deleteOne(key string) func(*bolt.Bucket) error {
	return func(b *bolt.Bucket) error { return b.Delete([]byte(key)) }
}

func filled(percent float64, change func(*bolt.Bucket) error) func(*bolt.Bucket) error {
	return func(b *bolt.Bucket) error {
		b.FillPercent = percent
		return change(b)
	}
}
