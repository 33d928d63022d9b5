//! What a pair that was found is to the current state.
//!
//! The pairs of the current state are kept as keyed hashes of 64 bits, four for each pair, sorted: enough to say that a
//! pair is there or is not, in a part of the memory that the pairs themselves would take.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};

use super::bucket_names::{BucketNames, BucketRef};
use super::census::Census;
use super::evidence::Evidence;
use super::item::{Item, ItemKind, Reason, State};
use crate::error::Result;
use crate::format::Bytes;
use crate::tree::{BucketAt, Place, Visitor, walk};

/// Stands for the value of a bucket.
const BUCKET: &[u8] = b"\0bucket";

/// The pairs of the current state.
#[derive(Debug)]
pub(super) struct Judge {
    hashes: RandomState,
    /// Bucket, key and value.
    whole: Vec<u64>,
    /// Bucket and key.
    keyed: Vec<u64>,
    /// Key and value.
    pairs: Vec<u64>,
    /// Keys.
    keys: Vec<u64>,
    has_state: bool,
    is_whole: bool,
}

impl Judge {
    pub(super) fn of(evidence: &Evidence, census: &Census) -> Result<Judge> {
        let mut judge = Judge {
            hashes: RandomState::new(),
            whole: Vec::new(),
            keyed: Vec::new(),
            pairs: Vec::new(),
            keys: Vec::new(),
            has_state: evidence.current().is_some(),
            is_whole: census.is_live_whole(evidence),
        };
        if let Some(current) = evidence.current() {
            walk(current, &mut Learn { judge: &mut judge, names: census.names(), here: vec![Some(BucketRef::ROOT)] })?;
        }
        for sorted in [&mut judge.whole, &mut judge.keyed, &mut judge.pairs, &mut judge.keys] {
            sorted.sort_unstable();
            sorted.dedup();
        }
        Ok(judge)
    }

    fn learn(&mut self, bucket: Option<BucketRef>, key: &[u8], value: &[u8]) {
        if let Some(bucket) = bucket {
            self.whole.push(self.hashes.hash_one((bucket, key, value)));
            self.keyed.push(self.hashes.hash_one((bucket, key)));
        }
        self.pairs.push(self.hashes.hash_one((key, value)));
        self.keys.push(self.hashes.hash_one(key));
    }

    fn has(&self, sorted: &[u64], what: impl Hash) -> bool {
        sorted.binary_search(&self.hashes.hash_one(what)).is_ok()
    }

    /// The state of a pair or bucket that lies outside of the live trees, by comparison alone, and why.
    pub(super) fn state(&self, item: &Item, names: &BucketNames) -> (State, Option<Reason>) {
        if !self.has_state {
            return (State::Unjudged, Some(Reason::NoState));
        }
        let (key, value) = (&item.key[..], if item.kind == ItemKind::Bucket { BUCKET } else { &item.value[..] });
        let elsewhere = self.has(&self.pairs, (key, value));
        match bucket_of(item, names) {
            None if elsewhere => (State::Live, Some(Reason::SamePairElsewhere)),
            None if self.has(&self.keys, key) => (State::Superseded, None),
            Some(Some(bucket)) if self.has(&self.whole, (bucket, key, value)) => (State::Live, None),
            Some(Some(bucket)) if self.has(&self.keyed, (bucket, key)) => (State::Superseded, None),
            _ if !self.is_whole => (State::Unjudged, Some(Reason::LiveDamaged)),
            Some(None) => (State::DroppedBucket, elsewhere.then_some(Reason::SamePairElsewhere)),
            _ => (State::Deleted, elsewhere.then_some(Reason::SamePairElsewhere)),
        }
    }
}

/// The bucket of an item: `None` where it is not known, `Some(None)` where the current state does not have it.
fn bucket_of(item: &Item, names: &BucketNames) -> Option<Option<BucketRef>> {
    let mut path = names.path(item.owner?);
    path.extend(item.inner.iter().map(|name| &name[..]));
    Some(names.find(&path).filter(|bucket| names.is_live(*bucket)))
}

struct Learn<'j> {
    judge: &'j mut Judge,
    names: &'j BucketNames,
    here: Vec<Option<BucketRef>>,
}

impl Learn<'_> {
    fn bucket(&self) -> Option<BucketRef> {
        self.here.last().copied().flatten()
    }
}

impl<B: Bytes> Visitor<B> for Learn<'_> {
    type Stop = Infallible;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), Infallible> {
        let around = self.bucket();
        self.judge.learn(around, bucket.name, BUCKET);
        self.here.push(around.and_then(|around| self.names.child(around, bucket.name)));
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Infallible> {
        self.here.pop();
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, _: &Place<'_, B>) -> Result<(), Infallible> {
        self.judge.learn(self.bucket(), key, value);
        Ok(())
    }
}
