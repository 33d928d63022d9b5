//! Calls on a store beside the rules of Go's, two bytes of input for each call; the file is closed and opened between.

use quickcheck::{Arbitrary, Gen};
use unbolt::store::BoltStore;

use crate::calls::model::{Model, Whose};
use crate::calls::{Call, ours};
use crate::states::record::Recorder;

pub fn store(data: &[u8]) {
    let (files, mut model) = (Recorder::new(None), Model::new(Whose::Unbolt));
    let open = || BoltStore::open_in(&files, "a/b/local-kv.db", "libnetwork").expect("nothing fails");
    let mut store = open();
    for pair in data.as_chunks::<2>().0 {
        if pair[0] == 0xff {
            drop(store);
            (store, ()) = (open(), model.reopen(Whose::Unbolt));
            continue;
        }
        let call = Call::arbitrary(&mut Gen::from_size_and_seed(20, u16::from_le_bytes(*pair).into()));
        let previous = call.previous().and_then(|(key, previous)| model.previous(key, previous));
        assert_eq!(ours::make(&store, &call, previous), model.make(&call, previous), "{call:?}");
    }
    let all: Vec<_> = store.entries("").expect("a bucket").map(|entry| entry.expect("a record")).collect();
    assert_eq!(all, model.pairs());
}
