//! A store as it should be, in a map; and Go's two, with all in which they differ from it.

use std::collections::BTreeMap;

use unbolt::store::KvPair;

use super::{Call, KEY_EXISTS, KEY_MODIFIED, KEY_NOT_FOUND, KEY_REQUIRED, KEY_TOO_LARGE, NO_PREVIOUS, Outcome, Previous};

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Whose {
    Unbolt,
    Moby,
    Libkv,
}

/// What is in one bucket.
#[derive(Debug, Clone)]
pub struct Model {
    pub whose: Whose,
    /// Nothing before the first record.
    records: Option<BTreeMap<String, (u64, String)>>,
    /// Unbolt's: stays in the file.
    sequence: u64,
    /// The highest index in the file as it was before the first write since it was opened.
    found: Option<u64>,
    /// Go's: since the store was opened.
    counter: u64,
    /// Every index that was given since the store was opened, in turn.
    given: Vec<u64>,
}

impl Model {
    pub fn new(whose: Whose) -> Model {
        Model { whose, records: None, sequence: 0, found: None, counter: 0, given: Vec::new() }
    }

    /// The file is closed and opened again, perhaps by another.
    pub fn reopen(&mut self, whose: Whose) {
        *self = Model { whose, found: None, counter: 0, given: Vec::new(), ..std::mem::replace(self, Model::new(whose)) };
    }

    /// The index of the pair that an atomic call names.
    pub fn previous(&self, key: &str, previous: Previous) -> Option<u64> {
        let record = self.records.as_ref().and_then(|records| records.get(key));
        let last = self.given.last().copied().unwrap_or_default();
        match previous {
            Previous::Nothing => None,
            Previous::Current => Some(record.map_or(last, |(index, _)| *index)),
            Previous::Earlier(nth) => Some(nth.checked_rem(self.given.len()).map_or(0, |nth| self.given[nth])),
            Previous::Never => Some(u64::MAX),
        }
    }

    /// Whether an index is the one that a key's record has.
    pub fn is_current(&self, key: &str, index: Option<u64>) -> bool {
        let record = self.records.as_ref().and_then(|records| records.get(key));
        record.is_some_and(|(current, _)| Some(*current) == index)
    }

    /// Every pair.
    pub fn pairs(&self) -> Vec<KvPair> {
        self.with_prefix("")
    }

    /// Makes a call whose previous pair has this index.
    pub fn make(&mut self, call: &Call, previous: Option<u64>) -> Outcome {
        match call {
            Call::Put { key, value } => self.put(key, value).map_or_else(|failed| failed, |_| Outcome::Done),
            Call::AtomicPut { key, value, .. } => self.atomic_put(key, value, previous),
            Call::AtomicDelete { key, .. } => self.atomic_delete(key, previous),
            Call::Delete { key } => match self.remove(key) {
                // libkv only wants the bucket to be there.
                false if self.whose != Whose::Libkv || self.records.is_none() => Outcome::failed(KEY_NOT_FOUND),
                _ => Outcome::Done,
            },
            Call::DeleteTree { .. } if self.records.is_none() => Outcome::failed(KEY_NOT_FOUND),
            Call::DeleteTree { prefix } => {
                let pairs = self.with_prefix(prefix);
                pairs.iter().for_each(|pair| _ = self.remove(&pair.key));
                if self.whose == Whose::Unbolt { Outcome::Deleted(pairs.len() as u64) } else { Outcome::Done }
            }
            Call::Exists { key } => match (self.pair(key).is_some(), self.whose) {
                (false, Whose::Moby) => Outcome::failed(KEY_NOT_FOUND),
                (false, Whose::Libkv) if self.records.is_none() => Outcome::failed(KEY_NOT_FOUND),
                (there, _) => Outcome::Found(there),
            },
            // This library's says `None`.
            Call::Get { key } => self.pair(key).map_or(Outcome::failed(KEY_NOT_FOUND), Outcome::Pair),
            Call::List { prefix } => match self.with_prefix(prefix) {
                pairs if pairs.is_empty() => Outcome::failed(KEY_NOT_FOUND),
                pairs => Outcome::Pairs(pairs),
            },
        }
    }

    fn atomic_put(&mut self, key: &str, value: &str, previous: Option<u64>) -> Outcome {
        match (previous, self.pair(key)) {
            (None, Some(_)) => return Outcome::failed(KEY_EXISTS),
            (Some(_), None) => return Outcome::failed(KEY_NOT_FOUND),
            (Some(previous), Some(pair)) if previous != pair.last_index => return Outcome::failed(KEY_MODIFIED),
            _ => {}
        }
        match self.put(key, value) {
            Ok(last_index) => Outcome::Pair(KvPair { key: key.to_owned(), value: value.into(), last_index }),
            Err(failed) => failed,
        }
    }

    fn atomic_delete(&mut self, key: &str, previous: Option<u64>) -> Outcome {
        match (previous, self.pair(key)) {
            (None, _) => Outcome::failed(NO_PREVIOUS),
            (_, None) => Outcome::failed(KEY_NOT_FOUND),
            (Some(previous), Some(pair)) if previous != pair.last_index => Outcome::failed(KEY_MODIFIED),
            _ => {
                self.remove(key);
                Outcome::Done
            }
        }
    }

    fn put(&mut self, key: &str, value: &str) -> Result<u64, Outcome> {
        self.seen();
        // Go counts a write that fails.
        self.counter += 1;
        match key.len() {
            0 => return Err(Outcome::failed(KEY_REQUIRED)),
            32769 => return Err(Outcome::failed(KEY_TOO_LARGE)),
            _ => {}
        }
        let index = match self.whose {
            Whose::Unbolt => self.sequence.max(self.seen()) + 1,
            Whose::Moby | Whose::Libkv => self.counter,
        };
        if self.whose == Whose::Unbolt {
            self.sequence = index;
        }
        self.given.push(index);
        self.records.get_or_insert_default().insert(key.to_owned(), (index, value.to_owned()));
        Ok(index)
    }

    fn remove(&mut self, key: &str) -> bool {
        let highest = self.seen();
        let removed = self.records.as_mut().is_some_and(|records| records.remove(key).is_some());
        if removed && self.whose == Whose::Unbolt {
            self.sequence = self.sequence.max(highest);
        }
        removed
    }

    /// The highest index in the file before the first write.
    fn seen(&mut self) -> u64 {
        let records = &self.records;
        *self.found.get_or_insert_with(|| records.iter().flatten().map(|(_, (index, _))| *index).max().unwrap_or_default())
    }

    fn pair(&self, key: &str) -> Option<KvPair> {
        let (index, value) = self.records.as_ref()?.get(key)?;
        Some(KvPair { key: key.to_owned(), value: value.as_bytes().into(), last_index: *index })
    }

    fn with_prefix(&self, prefix: &str) -> Vec<KvPair> {
        let keys = self.records.iter().flatten().filter(|(key, _)| key.starts_with(prefix));
        keys.filter_map(|(key, _)| self.pair(key)).collect()
    }
}
