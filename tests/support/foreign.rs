//! Sound trees as another writer may leave them: with separators that are not the first key of their child, and with
//! leaves that were emptied where they stand, as `bbolt surgery clear-page` does it.

use std::convert::Infallible;

use unbolt::Snapshot;
use unbolt::format::{BranchElement, Page, PageId, PageKind, encode_branch};
use unbolt::tree::{Place, Visitor, walk};

type Path = Vec<Vec<u8>>;

/// What is done to a file, by numbers from 0 to 99: how likely it is for each page concerned.
#[derive(Debug, Clone, Copy)]
pub struct Odds {
    pub empty: u64,
    pub lower: u64,
    /// The first separator of a branch above the first key below it: Go reads that well, and its check does not pass.
    pub raise: u64,
}

/// A file that was made foreign.
#[derive(Debug)]
pub struct Foreign {
    pub bytes: Vec<u8>,
    /// The keys that are gone, with the paths of their buckets.
    pub gone: Vec<(Path, Vec<u8>)>,
    pub emptied: usize,
    pub lowered: usize,
    pub raised: usize,
}

/// A page of a tree, as the walk comes to it.
struct Seen {
    id: PageId,
    /// In this list, where it has one within its bucket.
    parent: Option<usize>,
    bucket: Path,
    body: Body,
}

enum Body {
    Leaf { keys: Vec<Vec<u8>>, plain: bool, overflow: u32 },
    Branch { separators: Vec<Vec<u8>>, children: Vec<PageId>, overflow: u32 },
}

#[derive(Default)]
struct Collect(Vec<Seen>);

impl<'p> Visitor<&'p [u8]> for Collect {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn page(&mut self, page: &Page<&'p [u8]>, place: &Place<'_, &'p [u8]>) -> Result<(), Infallible> {
        if place.inline {
            return Ok(());
        }
        let overflow = page.overflow();
        let body = match page.kind() {
            PageKind::Branch => {
                let branch = (*page).into_branch().unwrap();
                let elements = (0..branch.len()).map(|i| branch.element(i).unwrap());
                let (separators, children) = elements.map(|element| (element.key.to_vec(), element.child)).unzip();
                Body::Branch { separators, children, overflow }
            }
            _ => {
                let leaf = (*page).into_leaf().unwrap();
                let keys = (0..leaf.len()).map(|i| leaf.key(i).unwrap().to_vec()).collect();
                Body::Leaf { keys, plain: (0..leaf.len()).all(|i| leaf.flags(i) == Ok(0)), overflow }
            }
        };
        let above = place.depth.checked_sub(1).map(|_| place.pages[place.pages.len() - 2]);
        let parent = above.and_then(|above| self.0.iter().position(|seen| seen.id == above));
        let bucket = place.buckets.iter().map(|name| name.to_vec()).collect();
        self.0.push(Seen { id: page.id(), parent, bucket, body });
        Ok(())
    }
}

/// Makes a sound database foreign. What is in it stays, but for what was on the leaves that are emptied.
pub fn make_foreign(bytes: Vec<u8>, odds: Odds, mut random: impl FnMut() -> u64) -> Foreign {
    let snapshot = Snapshot::from_bytes(bytes.clone()).unwrap();
    let mut pages = collect(&bytes);
    let mut chance = |odds: u64| random() >> 20 & 0xFFFF < odds * 0x1_0000 / 100;
    let (mut foreign, layout) = (Foreign { bytes, gone: vec![], emptied: 0, lowered: 0, raised: 0 }, snapshot.layout());
    let size = layout.page_size.get() as usize;
    for seen in &mut pages {
        if let Body::Leaf { keys, plain: true, overflow: 0 } = &mut seen.body
            && seen.parent.is_some()
            && chance(odds.empty)
        {
            foreign.gone.extend(keys.drain(..).map(|key| (seen.bucket.clone(), key)));
            foreign.bytes[seen.id.0 as usize * size + 10..][..2].fill(0);
            foreign.emptied += 1;
        }
    }
    for at in 0..pages.len() {
        let Body::Branch { separators, children, overflow } = &pages[at].body else { continue };
        let mut new = separators.clone();
        let before = (pages[at].parent.is_none()).then(Vec::new);
        for slot in 0..new.len() {
            let below = match slot.checked_sub(1) {
                None => before.clone(),
                Some(previous) => largest(&pages, children[previous]).max(Some(new[previous].clone())),
            };
            // A branch that is not the outermost is led to by a separator that is not known here.
            if let Some(below) = below
                && chance(odds.lower)
                && let Some(lower) = shortest_between(&below, &separators[slot])
            {
                new[slot] = lower;
                foreign.lowered += 1;
            } else if slot == 0 && chance(odds.raise) && separators.get(1).is_some_and(|next| raised(&separators[0]) < *next) {
                new[slot] = raised(&separators[0]);
                foreign.raised += 1;
            }
        }
        let elements: Vec<_> =
            new.iter().zip(children).map(|(key, child)| BranchElement { key: &key[..], child: *child }).collect();
        let run = encode_branch(pages[at].id, &elements, layout).unwrap();
        assert_eq!(run.len(), size * (*overflow as usize + 1), "no shorter and no longer");
        foreign.bytes[pages[at].id.0 as usize * size..][..run.len()].copy_from_slice(&run);
    }
    foreign
}

/// The leaf pages of all trees, those with buckets apart.
pub fn plain_leaves(bytes: &[u8]) -> Vec<PageId> {
    let plain = |seen: &Seen| matches!(&seen.body, Body::Leaf { plain: true, keys, .. } if !keys.is_empty());
    collect(bytes).iter().filter(|seen| plain(seen)).map(|seen| seen.id).collect()
}

/// The levels of the highest tree.
pub fn levels(bytes: &[u8]) -> usize {
    let pages = collect(bytes);
    let level = |at: usize| std::iter::successors(Some(at), |at| pages[*at].parent).count();
    (0..pages.len()).map(level).max().unwrap_or(0)
}

fn collect(bytes: &[u8]) -> Vec<Seen> {
    let db = unbolt::Db::from_bytes(bytes).unwrap();
    let tx = db.begin_read().unwrap();
    let mut pages = Collect::default();
    // A database in memory hands out slices of it.
    walk_slices(&tx, &mut pages);
    pages.0
}

fn walk_slices(tx: &unbolt::ReadTx, pages: &mut Collect) {
    struct Borrowed<'c>(&'c mut Collect);
    impl<B: unbolt::format::Bytes> Visitor<B> for Borrowed<'_> {
        type Stop = Infallible;
        const VALUES: bool = false;
        fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Infallible> {
            let buckets: Vec<&[u8]> = place.buckets.iter().map(|name| &**name).collect();
            let place = Place {
                buckets: &buckets,
                pages: place.pages,
                depth: place.depth,
                element: place.element,
                inline: place.inline,
                separator: None,
                lower: None,
                upper: None,
            };
            self.0.page(&page.borrowed(), &place)
        }
    }
    walk(tx.pages(), &mut Borrowed(pages)).unwrap();
}

/// The largest key or separator below a page; nothing where there is none.
fn largest(pages: &[Seen], id: PageId) -> Option<Vec<u8>> {
    let at = pages.iter().position(|seen| seen.id == id).unwrap();
    match &pages[at].body {
        Body::Leaf { keys, .. } => keys.last().cloned(),
        Body::Branch { children, separators, .. } => largest(pages, *children.last()?).max(separators.last().cloned()),
    }
}

/// The shortest beginning of `key` that is above `below`; nothing where that is the whole key.
fn shortest_between(below: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    (1..key.len()).map(|len| &key[..len]).find(|prefix| *prefix > below).map(<[u8]>::to_vec)
}

/// Another key as long as this one, and above it.
fn raised(key: &[u8]) -> Vec<u8> {
    let mut raised = key.to_vec();
    if let Some(last) = raised.last_mut() {
        *last = last.saturating_add(1);
    }
    raised
}
