//! The buckets that any tree of a file names, by number, so that a page can say cheaply whose it is.

use std::collections::HashMap;

/// A bucket by number; [`ROOT`](BucketRef::ROOT) is the one that holds all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketRef(u32);

impl BucketRef {
    /// The root bucket, which has no name.
    pub const ROOT: BucketRef = BucketRef(0);
}

/// The paths of buckets. Each name is kept once, so that the whole is no longer than the names in the file.
#[derive(Debug)]
pub struct BucketNames {
    /// The bucket around each, its name, and whether the current state has it. The first is the root bucket.
    buckets: Vec<(BucketRef, Box<[u8]>, bool)>,
    known: HashMap<(BucketRef, Box<[u8]>), BucketRef>,
}

impl BucketNames {
    pub(super) fn new() -> BucketNames {
        BucketNames { buckets: vec![(BucketRef::ROOT, Box::default(), true)], known: HashMap::new() }
    }

    /// The bucket of this name in another one; `live` says that the current state has it.
    pub(super) fn within(&mut self, parent: BucketRef, name: &[u8], live: bool) -> BucketRef {
        let key = (parent, Box::from(name));
        if let Some(known) = self.known.get(&key) {
            if let Some(bucket) = self.index(*known).and_then(|at| self.buckets.get_mut(at)) {
                bucket.2 |= live;
            }
            return *known;
        }
        // More buckets than this do not fit in any file that fits in memory with them.
        let Ok(number) = u32::try_from(self.buckets.len()) else { return parent };
        self.buckets.push((parent, key.1.clone(), live));
        self.known.insert(key, BucketRef(number));
        BucketRef(number)
    }

    /// The bucket at a path, where any tree has it.
    pub fn find<N: AsRef<[u8]>>(&self, path: &[N]) -> Option<BucketRef> {
        path.iter().try_fold(BucketRef::ROOT, |parent, name| self.child(parent, name.as_ref()))
    }

    /// The bucket of this name in another one, where any tree has it.
    pub fn child(&self, parent: BucketRef, name: &[u8]) -> Option<BucketRef> {
        self.known.get(&(parent, Box::from(name))).copied()
    }

    /// The names from the root to a bucket; none for the root bucket itself.
    pub fn path(&self, bucket: BucketRef) -> Vec<&[u8]> {
        let (mut path, mut at) = (Vec::new(), bucket);
        while at != BucketRef::ROOT {
            let Some((parent, name, _)) = self.index(at).and_then(|at| self.buckets.get(at)) else { break };
            path.push(&**name);
            at = *parent;
        }
        path.reverse();
        path
    }

    /// How many buckets lie on the way from the root to a bucket, that one included.
    pub fn depth(&self, bucket: BucketRef) -> usize {
        self.path(bucket).len()
    }

    /// Whether the current state has a bucket.
    pub fn is_live(&self, bucket: BucketRef) -> bool {
        self.index(bucket).and_then(|at| self.buckets.get(at)).is_some_and(|(_, _, live)| *live)
    }

    /// How many buckets are known, the root bucket included.
    #[expect(clippy::len_without_is_empty, reason = "the root bucket is always there")]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    fn index(&self, bucket: BucketRef) -> Option<usize> {
        usize::try_from(bucket.0).ok()
    }
}
