//! Goes through a state and says of each page whose it is.

use std::convert::Infallible;

use super::bucket_names::{BucketNames, BucketRef};
use super::evidence::Evidence;
use crate::error::{Corruption, Result};
use crate::format::{Page, SharedBytes};
use crate::tree::{BucketAt, Pages, Place, Visitor, walk};

/// What is met on the way.
pub(super) enum Met<'m> {
    /// A page of its own, not one inside of another, and the bucket that it belongs to.
    Page(&'m Page<SharedBytes>, &'m Place<'m, SharedBytes>, BucketRef),
    /// Something that cannot be followed.
    Problem(Corruption),
}

/// Shows every page of the trees of a state. The buckets that they have are added to the names; `live` says that it is the
/// current state.
pub(super) fn each(
    pages: Pages<'_, Evidence>,
    names: &mut BucketNames,
    live: bool,
    met: &mut dyn FnMut(Met<'_>),
) -> Result<()> {
    Ok(walk(pages, &mut ByBucket { names, live, here: vec![BucketRef::ROOT], met })?)
}

struct ByBucket<'b> {
    names: &'b mut BucketNames,
    live: bool,
    /// The buckets that the walk is in.
    here: Vec<BucketRef>,
    met: &'b mut dyn FnMut(Met<'_>),
}

impl ByBucket<'_> {
    fn bucket(&self) -> BucketRef {
        self.here.last().copied().unwrap_or(BucketRef::ROOT)
    }
}

impl Visitor<SharedBytes> for ByBucket<'_> {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, SharedBytes>, _: &Place<'_, SharedBytes>) -> Result<(), Infallible> {
        let bucket = self.names.within(self.bucket(), bucket.name, self.live);
        self.here.push(bucket);
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Infallible> {
        self.here.pop();
        Ok(())
    }

    fn page(&mut self, page: &Page<SharedBytes>, place: &Place<'_, SharedBytes>) -> Result<(), Infallible> {
        if !place.inline {
            let bucket = self.bucket();
            (self.met)(Met::Page(page, place, bucket));
        }
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, SharedBytes>) -> Result<(), Infallible> {
        (self.met)(Met::Problem(corruption));
        Ok(())
    }
}
