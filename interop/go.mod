module unbolt.test/interop

go 1.25.0

require (
	github.com/boltdb/bolt v1.3.1
	go.etcd.io/bbolt v1.5.0
	unbolt.test/bbolt131 v1.3.1-etcd.8
)

require golang.org/x/sys v0.45.0 // indirect

// An early bbolt beside a late one, which Go allows under another path only.
replace unbolt.test/bbolt131 => go.etcd.io/bbolt v1.3.1-etcd.8
