package main

import "testing"

func TestWholeDigestsAreThoseOfTheRustSide(t *testing.T) {
	if sum := chainWhole(0, []byte("0000000001234567"), []byte{1, 2, 3}); sum != 0xe3b5432471a53d0f {
		t.Errorf("%#x", sum)
	}
}
