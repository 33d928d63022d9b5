module unbolt.test/interop/makeboltdb

go 1.25.0

require github.com/boltdb/bolt v1.3.1

require golang.org/x/sys v0.45.0 // indirect
