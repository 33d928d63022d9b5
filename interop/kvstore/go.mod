module github.com/docker/docker/libnetwork/unbolt.test/kvstore

go 1.25.0

require (
	github.com/docker/docker v28.5.2+incompatible
	github.com/docker/libkv v0.2.2-0.20180912205406-458977154600
	go.etcd.io/bbolt v1.4.3
)

require golang.org/x/sys v0.29.0 // indirect
