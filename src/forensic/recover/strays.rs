//! What a bucket holds out of order: nothing would find it there, so it goes to a place of its own.

use crate::error::Result;
use crate::forensic::evidence::Evidence;
use crate::format::{BucketHeader, BucketRoot, Page, PageId, SharedBytes};
use crate::storage::Storage;

/// A pair or an inline bucket out of order, by where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stray {
    /// The page that it lies on.
    pub host: PageId,
    /// How many of its page have the same key and come before it.
    pub layer: usize,
    /// The file offset of its key.
    pub offset: u64,
    pub key_len: u64,
    pub value_len: u64,
    pub is_bucket: bool,
}

/// What a stray is.
pub(super) enum Content {
    Pair(SharedBytes, SharedBytes),
    Bucket(SharedBytes, u64, Page<SharedBytes>),
}

impl Stray {
    pub fn load(&self, evidence: &Evidence) -> Result<Option<Content>> {
        let key = evidence.run(self.offset, self.key_len)?;
        let offset = self.offset.saturating_add(self.key_len);
        let value = evidence.run(offset, self.value_len)?;
        if !self.is_bucket {
            return Ok(Some(Content::Pair(key, value)));
        }
        let header = BucketHeader::parse(value, 0, self.host, offset, evidence.layout().endian);
        Ok(match header.map(|header| (header.sequence, header.root)) {
            Ok((sequence, BucketRoot::Inline(page))) => Some(Content::Bucket(key, sequence, page)),
            _ => None,
        })
    }
}

/// Puts strays in an order in which they can be written: by page, and on each page in layers in which keys ascend.
pub(super) fn arrange(mut strays: Vec<Stray>, evidence: &Evidence) -> Result<Vec<Stray>> {
    strays.sort_by_key(|stray| (stray.host, stray.offset));
    let mut arranged = Vec::with_capacity(strays.len());
    for own in strays.chunk_by(|a, b| a.host == b.host) {
        let load = |stray: &Stray| Ok((evidence.run(stray.offset, stray.key_len)?, *stray));
        let mut own = own.iter().map(load).collect::<Result<Vec<_>>>()?;
        own.sort_by(|(a, _), (b, _)| a.cmp(b));
        for same in own.chunk_by_mut(|(a, _), (b, _)| a == b) {
            same.iter_mut().enumerate().for_each(|(layer, (_, stray))| stray.layer = layer);
        }
        own.sort_by_key(|(_, stray)| stray.layer);
        arranged.extend(own.into_iter().map(|(_, stray)| stray));
    }
    Ok(arranged)
}
