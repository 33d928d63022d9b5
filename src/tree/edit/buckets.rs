//! Buckets in buckets: opening, creating, deleting and moving them.

use std::ops::Bound;

use super::node::Run;
use super::{BucketId, DEFAULT_FILL, Edit, EditedBucket, Stored};
use crate::error::{CorruptionKind, Error, Result};
use crate::format::{BUCKET_FLAG, PageId, encode_bucket, encode_inline};
use crate::tree::MAX_DEPTH;

impl Edit {
    /// Opens a bucket of another one; `None` where there is no such key.
    pub(crate) fn open(&mut self, parent: BucketId, name: &[u8]) -> Result<Option<BucketId>> {
        if let Some(child) = self.bucket(parent).children.get(name) {
            return Ok(Some(*child));
        }
        let Some(found) = self.find(parent, name)? else { return Ok(None) };
        if !found.element.is_bucket() {
            return Err(Error::IncompatibleValue { key: name.into() });
        }
        let stored = Stored::Value { place: found.value, len: found.element.value.len() as u32, host: found.host };
        let (_, sequence) = self.stored(stored)?;
        Ok(Some(self.adopt(EditedBucket::new(Some(parent), name.into(), stored, sequence))))
    }

    /// Creates a bucket where the key is not taken.
    pub(crate) fn create(&mut self, parent: BucketId, name: &[u8]) -> Result<BucketId> {
        if name.is_empty() {
            return Err(Error::BucketNameRequired);
        }
        self.must_be_free(parent, name)?;
        let endian = self.base.layout.endian;
        let empty = [&encode_bucket(PageId(0), 0, endian)[..], &encode_inline(&[], endian).map_err(Error::TooLarge)?].concat();
        self.set(parent, name, &empty, BUCKET_FLAG)?;
        self.open(parent, name)?.ok_or_else(|| self.missing(parent, name))
    }

    /// Deletes a bucket and all that is in it.
    pub(crate) fn delete_bucket(&mut self, parent: BucketId, name: &[u8]) -> Result<()> {
        let victim = self.open(parent, name)?.ok_or_else(|| self.missing(parent, name))?;
        // Deepest last, by a list and not by recursion: buckets nest to any depth. The pages of each are freed before those
        // in it are looked for: one that is inside of itself would never end otherwise.
        let mut victims = vec![victim];
        let mut next = 0;
        while let Some(&bucket) = victims.get(next) {
            self.free_tree(bucket)?;
            victims.extend(self.open_all(bucket)?);
            next += 1;
        }
        for bucket in victims {
            let gone = self.bucket_mut(bucket);
            (gone.root, gone.hot) = (None, None);
            gone.children.clear();
        }
        self.bucket_mut(parent).children.remove(name);
        self.take(parent, name)
    }

    /// Moves a bucket, with whatever was done to it, to another name or another bucket.
    pub(crate) fn move_bucket(&mut self, parent: BucketId, name: &[u8], to: BucketId, new_name: &[u8]) -> Result<()> {
        if new_name.is_empty() {
            return Err(Error::BucketNameRequired);
        }
        let moved = self.open(parent, name)?.ok_or_else(|| self.missing(parent, name))?;
        let mut above = Some(to);
        while let Some(bucket) = above {
            if bucket == moved {
                return Err(Error::MoveIntoItself { path: self.path(moved) });
            }
            above = self.bucket(bucket).parent;
        }
        self.must_be_free(to, new_name)?;
        let Stored::Value { place, len, .. } = self.bucket(moved).stored else { return Ok(()) };
        let value = self.sources().bytes(place, len.into())?.to_vec();
        self.take(parent, name)?;
        self.set(to, new_name, &value, BUCKET_FLAG)?;
        self.bucket_mut(parent).children.remove(name);
        let bucket = self.bucket_mut(moved);
        (bucket.parent, bucket.name) = (Some(to), new_name.into());
        self.bucket_mut(to).children.insert(new_name.into(), moved);
        Ok(())
    }

    /// Sets a bucket's sequence. It is kept with the bucket, so the bucket's root is written again.
    pub(crate) fn set_sequence(&mut self, bucket: BucketId, sequence: u64) -> Result<()> {
        self.root_for_write(bucket)?;
        self.bucket_mut(bucket).sequence = sequence;
        Ok(())
    }

    /// How full this transaction makes the pages of a bucket. A number that is none asks for nothing.
    pub(crate) fn set_fill(&mut self, bucket: BucketId, fill: f64) {
        self.bucket_mut(bucket).fill = if fill.is_nan() { DEFAULT_FILL } else { fill };
    }

    /// The names that lead to a bucket.
    pub(crate) fn path(&self, bucket: BucketId) -> Vec<Vec<u8>> {
        let mut names = Vec::new();
        let mut at = bucket;
        while let Some(parent) = self.bucket(at).parent {
            names.push(self.bucket(at).name.clone());
            at = parent;
        }
        names.reverse();
        names
    }

    /// Every bucket directly in a bucket, opened.
    fn open_all(&mut self, bucket: BucketId) -> Result<Vec<BucketId>> {
        let mut names = Vec::new();
        let mut from: Bound<Vec<u8>> = Bound::Unbounded;
        while let Some(found) = self.first_from(bucket, from.as_ref().map(Vec::as_slice))? {
            let key = found.element.key.to_vec();
            if found.element.is_bucket() {
                names.push(key.clone());
            }
            from = Bound::Excluded(key);
        }
        names.iter().filter_map(|name| self.open(bucket, name).transpose()).collect()
    }

    /// Frees the pages of a bucket's own tree, as it was committed.
    fn free_tree(&mut self, bucket: BucketId) -> Result<()> {
        let Some(root) = self.committed(bucket)?.root_page() else { return Ok(()) };
        let pages = self.base.pages();
        let mut level = vec![root];
        for _ in 0..MAX_DEPTH {
            let mut below = Vec::new();
            for page in level {
                let page = pages.load(page)?;
                self.freed.add(Run::of(&page))?;
                if page.kind() == crate::format::PageKind::Branch {
                    let branch = page.into_branch()?;
                    for at in 0..branch.len() {
                        below.push(branch.child(at)?);
                    }
                }
            }
            if below.is_empty() {
                return Ok(());
            }
            level = below;
        }
        Err(CorruptionKind::TooDeep { limit: MAX_DEPTH }.at(root).into())
    }

    fn must_be_free(&self, parent: BucketId, name: &[u8]) -> Result<()> {
        match self.find(parent, name)? {
            None => Ok(()),
            Some(found) if found.element.is_bucket() => {
                Err(Error::BucketExists { path: [self.path(parent), vec![name.into()]].concat() })
            }
            Some(_) => Err(Error::IncompatibleValue { key: name.into() }),
        }
    }

    pub(crate) fn missing(&self, parent: BucketId, name: &[u8]) -> Error {
        Error::BucketNotFound { path: [self.path(parent), vec![name.into()]].concat() }
    }

    fn adopt(&mut self, bucket: EditedBucket) -> BucketId {
        let id = BucketId(self.buckets.len() as u32);
        if let Some(parent) = bucket.parent {
            self.bucket_mut(parent).children.insert(bucket.name.clone(), id);
        }
        self.buckets.push(bucket);
        id
    }
}
