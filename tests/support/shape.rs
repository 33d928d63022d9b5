//! How the tree of each bucket is cut into pages.

use std::collections::BTreeMap;
use std::convert::Infallible;

use unbolt::format::{Bytes, Page};
use unbolt::tree::{Pages, Place, Visitor, walk};
use unbolt::{Corruption, Storage};

/// For each bucket, by its path, the elements of each page of each level, the root's level first. A bucket that is
/// inline has none.
pub type Shapes = BTreeMap<Vec<Vec<u8>>, Vec<Vec<usize>>>;

/// The shapes of all trees of a state, the root bucket's under the empty path.
pub fn shapes<S: Storage>(pages: Pages<'_, S>) -> Shapes {
    let mut shapes = Collect(Shapes::new());
    walk(pages, &mut shapes).expect("a file that can be read");
    shapes.0
}

struct Collect(Shapes);

impl<B: Bytes> Visitor<B> for Collect {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        let levels = self.0.entry(place.buckets.iter().map(|name| name.to_vec()).collect()).or_default();
        if !place.inline {
            levels.resize(levels.len().max(place.depth + 1), Vec::new());
            levels[place.depth].push(usize::from(page.count()));
        }
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Infallible> {
        panic!("{corruption}")
    }
}
