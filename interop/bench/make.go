package main

import "fmt"

// makeSource makes a file that workloads begin with. For half it is given a
// copy of rand.
func makeSource(name string, t target) (err error) {
	switch name {
	case "seq":
		_, err = load(t, inOrder(t.n), pairsPerTx, valueLen)
	case "rand":
		_, err = load(t, inLoadOrder(t.n), pairsPerTx, valueLen)
	case "half":
		_, err = deleteHalf(t)
	case "free_contig":
		err = makeFree(t, 1)
	case "free_frag":
		err = makeFree(t, 2)
	default:
		err = fmt.Errorf("no file %q", name)
	}
	return err
}
