//! The changes of one write transaction, from the first put to the pages that a commit writes.
//!
//! An [`Edit`] stands on one committed state. A page is taken apart into a node when something on it changes, and
//! with it all pages above it; everything else stays where it is. Keys and values of a node are places in the
//! committed pages or in the transaction's memory, so nothing is copied until it is written. Leaves grow as far as
//! they are filled. Only [`Edit::spill`] merges what became too small, cuts what became too large, and says which
//! pages are to be written where.
//!
//! A node finds its child by the slot that led there, never by the child's first key, so trees with separators that
//! are not exact are edited as safely as others.

mod arena;
mod buckets;
mod change;
mod descend;
mod items;
mod look;
mod node;
mod normalize;
mod rebalance;
mod spill;
mod split;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use look::{Neighbour, View};
pub(crate) use node::Run;
pub use normalize::Normalized;
pub(crate) use spill::Spilled;

use super::{PageSet, Pages};
use crate::error::{CorruptionKind, Result};
use crate::format::{Layout, Meta, PageId};
use crate::storage::Medium;
use arena::{Arena, Place, Sources};
use node::{Node, NodeId};

/// The state that an edit stands on.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) medium: Arc<Medium>,
    pub(crate) layout: Layout,
    pub(crate) meta: Meta,
}

impl Base {
    pub(crate) fn pages(&self) -> Pages<'_, Medium> {
        Pages::new(&self.medium, self.layout, &self.meta)
    }
}

/// A bucket that this transaction has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BucketId(u32);

/// How full the pages of a bucket are made where nothing else is asked for.
pub(crate) const DEFAULT_FILL: f64 = 0.5;

/// The changes of one write transaction.
#[derive(Debug)]
pub(crate) struct Edit {
    base: Base,
    arena: Arena,
    nodes: Vec<Node>,
    buckets: Vec<EditedBucket>,
    freed: Freed,
    counts: EditCounts,
}

/// A bucket as this transaction knows it.
#[derive(Debug)]
struct EditedBucket {
    parent: Option<BucketId>,
    name: Vec<u8>,
    stored: Stored,
    sequence: u64,
    /// The root of its tree, once something in it changed.
    root: Option<NodeId>,
    /// Those of its buckets that were opened, by name.
    children: BTreeMap<Vec<u8>, BucketId>,
    fill: f64,
    hot: Option<Hot>,
}

/// What the bucket was when it was opened.
#[derive(Debug, Clone, Copy)]
enum Stored {
    /// The root bucket, whose tree begins here.
    Root(PageId),
    /// The value of its entry.
    Value { place: Place, len: u32, host: PageId },
}

/// The leaf that was written to last, and the keys that belong there: a run of puts in order finds it at once.
#[derive(Debug, Clone, Copy)]
struct Hot {
    leaf: NodeId,
    lower: Option<(Place, u32)>,
    upper: Option<(Place, u32)>,
}

/// What a transaction did to its trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EditCounts {
    pub(crate) nodes: u64,
    pub(crate) rebalanced: u64,
    pub(crate) merged: u64,
    pub(crate) roots_collapsed: u64,
    pub(crate) split: u64,
    pub(crate) spilled: u64,
}

/// The pages that the transaction no longer uses.
#[derive(Debug)]
struct Freed {
    runs: Vec<Run>,
    pages: PageSet,
}

impl Freed {
    /// A page that is freed twice was used twice, and one of the two uses would lose it.
    fn add(&mut self, run: Run) -> Result<()> {
        for page in run.first.0..run.first.0 + run.pages {
            if !self.pages.insert(PageId(page)) {
                return Err(CorruptionKind::SharedPage.at(PageId(page)).into());
            }
        }
        self.runs.push(run);
        Ok(())
    }
}

impl Edit {
    /// No changes yet.
    pub(crate) fn new(base: Base) -> Edit {
        let pages = PageSet::below(base.meta.high_water.0);
        let root = EditedBucket::new(None, Vec::new(), Stored::Root(base.meta.root), base.meta.root_sequence);
        Edit {
            base,
            arena: Arena::default(),
            nodes: Vec::new(),
            buckets: vec![root],
            freed: Freed { runs: Vec::new(), pages },
            counts: EditCounts::default(),
        }
    }

    /// The state underneath.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// The root bucket.
    pub(crate) fn root(&self) -> BucketId {
        BucketId(0)
    }

    /// Whether anything was changed.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// What was done so far.
    pub(crate) fn counts(&self) -> EditCounts {
        self.counts
    }

    fn sources(&self) -> Sources<'_> {
        Sources { medium: &self.base.medium, arena: &self.arena }
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    fn add_node(&mut self, node: Node) -> NodeId {
        self.counts.nodes += 1;
        self.nodes.push(node);
        NodeId(self.nodes.len() as u32 - 1)
    }

    fn bucket(&self, id: BucketId) -> &EditedBucket {
        &self.buckets[id.0 as usize]
    }

    fn bucket_mut(&mut self, id: BucketId) -> &mut EditedBucket {
        &mut self.buckets[id.0 as usize]
    }
}

impl EditedBucket {
    fn new(parent: Option<BucketId>, name: Vec<u8>, stored: Stored, sequence: u64) -> EditedBucket {
        let children = BTreeMap::new();
        EditedBucket { parent, name, stored, sequence, root: None, children, fill: DEFAULT_FILL, hot: None }
    }
}
