module unbolt.test/interop/make131

go 1.25.0

require go.etcd.io/bbolt v1.3.1-etcd.8

require golang.org/x/sys v0.45.0 // indirect
