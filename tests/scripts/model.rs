//! What a script has put into its database so far, as far as the next operation must know it.

use std::collections::BTreeMap;

use super::bytes::Recipe;
use super::script::Path;

/// A bucket.
#[derive(Debug, Clone, Default)]
pub struct Level(BTreeMap<Vec<u8>, Item>);

#[derive(Debug, Clone)]
enum Item {
    Pair(Recipe),
    Bucket(Recipe, Level),
}

impl Level {
    pub fn at(&mut self, path: &[Recipe]) -> Option<&mut Level> {
        path.iter().try_fold(self, |level, name| match level.0.get_mut(&name.bytes()) {
            Some(Item::Bucket(_, inner)) => Some(inner),
            _ => None,
        })
    }

    pub fn is_bucket(&self, key: &Recipe) -> bool {
        matches!(self.0.get(&key.bytes()), Some(Item::Bucket(..)))
    }

    pub fn holds(&self, key: &Recipe) -> bool {
        self.0.contains_key(&key.bytes())
    }

    pub fn put(&mut self, key: &Recipe) {
        self.0.insert(key.bytes(), Item::Pair(key.clone()));
    }

    pub fn create(&mut self, name: &Recipe) {
        self.insert(name, Level::default());
    }

    pub fn insert(&mut self, name: &Recipe, bucket: Level) {
        self.0.insert(name.bytes(), Item::Bucket(name.clone(), bucket));
    }

    pub fn delete(&mut self, key: &Recipe) {
        self.0.remove(&key.bytes());
    }

    /// Takes a bucket out.
    pub fn take(&mut self, name: &Recipe) -> Option<Level> {
        match self.0.remove(&name.bytes()) {
            Some(Item::Bucket(_, level)) => Some(level),
            _ => None,
        }
    }

    /// The plain keys from `from` on, up to a bucket.
    pub fn keys_from(&self, from: &[u8], most: usize) -> Vec<Recipe> {
        let range = self.0.range(from.to_vec()..).take(most);
        range.map_while(|(_, item)| if let Item::Pair(key) = item { Some(key.clone()) } else { None }).collect()
    }

    /// The plain key that is at `probe` or after it.
    pub fn near(&self, probe: &Recipe) -> Option<Recipe> {
        let pairs = |item: &Item| if let Item::Pair(key) = item { Some(key.clone()) } else { None };
        let after = self.0.range(probe.bytes()..).take(20).find_map(|(_, item)| pairs(item));
        after.or_else(|| self.0.values().take(20).find_map(pairs))
    }

    /// The paths of all buckets in it.
    pub fn buckets(&self) -> Vec<Path> {
        let mut found = Vec::new();
        for item in self.0.values() {
            if let Item::Bucket(name, inner) = item {
                found.push(vec![name.clone()]);
                found.extend(inner.buckets().into_iter().map(|below| [std::slice::from_ref(name), &below[..]].concat()));
            }
        }
        found
    }
}
