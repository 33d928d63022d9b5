//! The states that a file may hold beside the current one, and what they tell of pages that the current one does not
//! use: whose they were, and whether they can be of a transaction that never committed.
//!
//! A page does not say when it was written. This much follows from how Bolt commits:
//!
//! - A transaction writes only pages that the state before it had free, and pages beyond the high-water mark.
//! - What the previous meta leads to is whole until the transaction after the current one writes. So where it is not
//!   whole, somebody wrote after the current state was committed.
//! - A transaction that wrote all its pages and then did not commit has left a whole state: a root and a list of free
//!   pages that account for every page there is. It looks as the state before the current one does, which cannot be told
//!   from it. A page that such a state, and the previous meta's, do without was not written by it.
//!
//! So a page may be uncommitted if one of these states has it, if it lies beyond the high-water mark, or if the previous
//! state is not whole and no whole state explains why. What a transaction left that wrote only part of its pages is not
//! known by this where it wrote on pages that no such state has.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use super::bucket_names::{BucketNames, BucketRef};
use super::census::{Census, Content, Standing};
use super::evidence::Evidence;
use super::leftover::Run;
use crate::error::{Corruption, Result};
use crate::format::{BucketHeader, BucketRoot, Bytes, Leaf, LeafItem, Meta, Page, PageId, PageKind, SharedBytes, TxId};
use crate::tree::{BucketAt, PageSet, Pages, Place, Visitor, verify, walk};

/// How many trees are walked to tell what they are. Where there are more that could be a whole state, anything may be
/// uncommitted.
const WALKS: usize = 16;
/// How many lists of free pages are held against all pages, with the same consequence.
const LISTS: usize = 256;

/// Where a root was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootOrigin {
    /// The meta on this page names it.
    Meta(PageId, TxId),
    /// It lies on a page not in use, and no meta names it.
    Page,
}

/// Whether the tree below a root is one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RootLabel {
    /// All of its pages are in use by the current state in the very same place: it is a state that was committed.
    Exact,
    /// Nothing can prove that its pages are of one time.
    Composite,
}

impl RootLabel {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            RootLabel::Exact => "exact",
            RootLabel::Composite => "composite",
        }
    }
}

/// The root of a state, or of what looks like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// The page that it begins on.
    pub page: PageId,
    /// Where it was found.
    pub origin: RootOrigin,
    /// Whether it is one state.
    pub label: RootLabel,
    /// Whether its trees can be walked whole, each page where its keys belong; `None` where nobody looked.
    pub walks: Option<bool>,
    /// The list of free pages which, together with its trees, accounts for every page.
    pub freelist: Option<PageId>,
    /// How many of its pages the current state does not use.
    pub own_pages: u64,
}

/// The states that a file may hold beside the current one.
#[derive(Debug)]
pub struct Generations {
    roots: Vec<Root>,
    /// Whose a page is that the current state does not use; `None` where trees disagree.
    owners: HashMap<PageId, Option<BucketRef>>,
    of_previous: PageSet,
    unnamed: PageSet,
    newer: PageSet,
    anything: bool,
}

impl Generations {
    /// Looks for other states. The buckets that they have are added to the names in the census.
    pub fn of(evidence: &Evidence, census: &mut Census) -> Result<Generations> {
        let nothing = || PageSet::below(census.len());
        let (of_previous, unnamed, newer) = (nothing(), nothing(), nothing());
        let (roots, owners) = (Vec::new(), HashMap::new());
        let mut found = Generations { roots, owners, of_previous, unnamed, newer, anything: false };
        let Some(current) = evidence.current() else {
            found.anything = true;
            return Ok(found);
        };
        let mut names = std::mem::replace(census.names_mut(), BucketNames::new());
        let looked = Search { evidence, census, current, names: &mut names, found: &mut found, walks: 0 }.run();
        *census.names_mut() = names;
        looked.map(|()| found)
    }

    /// The roots of other states, that of the previous meta first.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Whether anything on a page that the current state does not use may be of a transaction that never committed.
    pub fn is_anything_possible(&self) -> bool {
        self.anything
    }

    /// Whether the previous meta's state has a page which the current state does not use.
    pub fn is_of_previous(&self, page: PageId) -> bool {
        self.of_previous.contains(page)
    }

    /// Whether a whole state that no meta names has a page which the current state does not use.
    pub fn is_of_unnamed(&self, page: PageId) -> bool {
        self.unnamed.contains(page)
    }

    /// Whether such a state has the page that also has pages beyond the high-water mark, so that it was written after the
    /// current one and never committed.
    pub fn is_of_newer(&self, page: PageId) -> bool {
        self.newer.contains(page)
    }

    /// Whether a page not in use may have been written by a transaction that never committed.
    pub fn may_be_uncommitted(&self, page: PageId, standing: Standing) -> bool {
        match standing {
            Standing::Beyond => true,
            Standing::Free | Standing::Unreached => {
                self.anything || self.of_previous.contains(page) || self.unnamed.contains(page)
            }
            Standing::Meta | Standing::Live | Standing::Freelist | Standing::Damaged => false,
        }
    }

    /// The bucket of a page not in use: `None` where no tree leads to it, `Some(None)` where trees disagree.
    pub fn owner(&self, page: PageId) -> Option<Option<BucketRef>> {
        self.owners.get(&page).copied()
    }

    /// Takes in doubt what another tree says of pages whose bucket is known.
    fn contradict(&mut self, tree: &Tree) {
        for (page, bucket) in &tree.own {
            if let Some(owner) = self.owners.get_mut(page).filter(|owner| **owner != Some(*bucket)) {
                *owner = None;
            }
        }
    }

    fn own(&mut self, tree: &Tree) {
        for (page, bucket) in &tree.own {
            let owner = self.owners.entry(*page).or_insert(Some(*bucket));
            if *owner != Some(*bucket) {
                *owner = None;
            }
        }
    }
}

/// Whether trees and list of a state account for every page below its high-water mark.
fn is_accounted_for(state: Pages<'_, Evidence>) -> Result<bool> {
    match verify(state) {
        Ok(()) => Ok(true),
        Err(e) if e.is_corrupt() => Ok(false),
        Err(e) => Err(e),
    }
}

struct Search<'a, 's> {
    evidence: &'a Evidence,
    census: &'a Census,
    current: Pages<'s, Evidence>,
    names: &'a mut BucketNames,
    found: &'a mut Generations,
    walks: usize,
}

impl Search<'_, '_> {
    fn run(mut self) -> Result<()> {
        let is_explained = self.previous()?;
        let is_unnamed = match (self.current.meta().freelist, self.census.has_list()) {
            (Some(_), true) => self.by_list()?,
            (None, _) => self.without_list()?,
            (Some(_), false) => {
                self.found.anything = true;
                false
            }
        };
        self.found.anything |= !is_explained && !is_unnamed;
        self.others()
    }

    /// The state of the other meta. Gives back whether it is whole, so that nobody wrote over it.
    fn previous(&mut self) -> Result<bool> {
        let Some(previous) = self.evidence.previous() else { return Ok(false) };
        let meta = *previous.meta();
        let mut tree = self.tree(&meta)?;
        tree.is_sound &= meta.freelist.is_none() || is_accounted_for(previous)?;
        let slot = self.evidence.metas().slots.iter().find(|slot| slot.meta == Ok(meta)).map_or(PageId(0), |slot| slot.page);
        // A root that the current state has too, with all that it leads to: whoever names it names the same state.
        let is_same = tree.is_sound && tree.own.is_empty() && meta.root == self.current.meta().root;
        let label = match is_same {
            true => RootLabel::Exact,
            false => RootLabel::Composite,
        };
        self.found.roots.push(Root {
            page: meta.root,
            origin: RootOrigin::Meta(slot, meta.txid),
            label,
            walks: Some(tree.is_sound),
            freelist: meta.freelist,
            own_pages: length(tree.own.len()),
        });
        tree.own.iter().for_each(|(page, _)| _ = self.found.of_previous.insert(*page));
        if tree.is_sound {
            self.found.own(&tree);
        }
        Ok(tree.is_sound)
    }

    /// States with a list of free pages that takes in the current one. Gives back whether there is one.
    fn by_list(&mut self) -> Result<bool> {
        let mut any = false;
        let census = self.census;
        for (n, list) in census.runs().iter().filter(|run| run.kind == PageKind::Freelist && run.is_whole()).enumerate() {
            if n >= LISTS {
                self.found.anything = true;
                return Ok(any);
            }
            let Some(candidate) = Candidate::of(list, self.evidence, census)? else { continue };
            for root in candidate.roots(self.evidence, census)? {
                if self.evidence.previous().is_some_and(|it| (it.meta().root, it.meta().freelist) == (root, Some(list.first))) {
                    continue;
                }
                if self.walks >= WALKS {
                    self.found.anything = true;
                    return Ok(any);
                }
                let tree = self.tree_at(root)?;
                if tree.is_sound && candidate.is_whole_with(&tree, census) {
                    any = true;
                    self.take_unnamed(root, Some(list.first), &tree);
                    candidate.written.iter().for_each(|page| _ = self.found.unnamed.insert(*page));
                    self.found.own(&tree);
                }
            }
        }
        Ok(any)
    }

    /// Where no list is stored, any tree that can be walked whole may be a state. Whether its root is the file's or
    /// that of some bucket cannot be told, so all that its pages get from it is doubt.
    fn without_list(&mut self) -> Result<bool> {
        let has_buckets = |page: &Page<SharedBytes>| {
            page.clone().into_leaf().is_ok_and(|leaf| leaf.next_bucket(0).is_some()) || page.kind() == PageKind::Branch
        };
        let rooted_in_buckets = self.current.load(self.current.meta().root).is_ok_and(|root| has_buckets(&root));
        let mut any = false;
        let census = self.census;
        for run in census.runs().iter().filter(|run| run.is_whole() && run.kind != PageKind::Freelist) {
            let Some(page) = run.load(self.evidence)? else { continue };
            let is_previous = self.evidence.previous().is_some_and(|previous| previous.meta().root == run.first);
            let is_possible = has_buckets(&page) || page.count() == 0 || !rooted_in_buckets;
            if is_previous || !is_possible {
                continue;
            }
            if self.walks >= WALKS {
                self.found.anything = true;
                return Ok(any);
            }
            let tree = self.tree_at(run.first)?;
            if tree.is_sound {
                any = true;
                self.take_unnamed(run.first, None, &tree);
                self.found.contradict(&tree);
            }
        }
        Ok(any)
    }

    fn take_unnamed(&mut self, page: PageId, freelist: Option<PageId>, tree: &Tree) {
        let (origin, label, own_pages) = (RootOrigin::Page, RootLabel::Composite, length(tree.own.len()));
        self.found.roots.push(Root { page, origin, label, walks: Some(true), freelist, own_pages });
        tree.own.iter().for_each(|(page, _)| _ = self.found.unnamed.insert(*page));
        let high_water = self.current.meta().high_water;
        if tree.own.iter().any(|(page, _)| *page >= high_water) {
            tree.own.iter().for_each(|(page, _)| _ = self.found.newer.insert(*page));
        }
    }

    /// Whatever else looks like the root of a file: a leaf with buckets that nothing else not in use refers to.
    fn others(&mut self) -> Result<()> {
        let census = self.census;
        let referred = references(census.runs().iter(), self.evidence)?;
        for run in census.runs().iter().filter(|run| run.kind == PageKind::Leaf && run.is_whole()) {
            let known = self.found.roots.iter().any(|root| root.page == run.first) || referred.contains(&run.first);
            let Some(leaf) = (if known { None } else { run.load(self.evidence)? }) else { continue };
            if leaf.into_leaf().is_ok_and(|leaf| leaf.next_bucket(0).is_some()) {
                let tree = if self.walks < WALKS { Some(self.tree_at(run.first)?) } else { None };
                self.found.roots.push(Root {
                    page: run.first,
                    origin: RootOrigin::Page,
                    label: RootLabel::Composite,
                    walks: tree.as_ref().map(|tree| tree.is_sound),
                    freelist: None,
                    own_pages: tree.map_or(0, |tree| length(tree.own.len())),
                });
            }
        }
        Ok(())
    }

    /// The tree below a root that no meta names, which may use every page of the file.
    fn tree_at(&mut self, root: PageId) -> Result<Tree> {
        self.walks = self.walks.saturating_add(1);
        self.tree(&Meta { root, high_water: PageId(self.census.len()), ..*self.current.meta() })
    }

    fn tree(&mut self, meta: &Meta) -> Result<Tree> {
        let pages = PageSet::below(self.census.len());
        let tree = Tree { pages, own: Vec::new(), is_sound: meta.validate().is_ok() };
        let mut looking = Looking {
            census: self.census,
            is_listed: meta.freelist.is_some(),
            names: self.names,
            here: vec![BucketRef::ROOT],
            tree,
        };
        walk(Pages::new(self.evidence, self.evidence.layout(), meta), &mut looking)?;
        Ok(looking.tree)
    }
}

/// A list of free pages that could be that of a transaction after the current one.
struct Candidate {
    list: Run,
    free: PageSet,
    /// The pages that the current state has free, and this one not.
    written: Vec<PageId>,
}

impl Candidate {
    /// `None` where a list cannot be of that transaction: it frees the current list and writes only whole runs.
    fn of(list: &Run, evidence: &Evidence, census: &Census) -> Result<Option<Candidate>> {
        let Some(Ok(ids)) = list.load(evidence)?.map(Page::into_freelist) else { return Ok(None) };
        let mut free = PageSet::below(census.len());
        ids.ids().for_each(|id| _ = free.insert(id));
        let mut written = Vec::new();
        for (id, entry) in (0..).map(PageId).zip(census.pages()) {
            match entry.standing {
                Standing::Freelist if !free.contains(id) => return Ok(None),
                Standing::Free if !free.contains(id) => match entry.content {
                    Content::Zero | Content::Other | Content::Meta => return Ok(None),
                    Content::Branch | Content::Leaf | Content::Freelist | Content::Overflow => written.push(id),
                },
                _ => {}
            }
        }
        let is_its_own = list.pages().any(|page| free.contains(page));
        Ok((!is_its_own).then_some(Candidate { list: *list, free, written }))
    }

    /// The pages that it wrote, or could have, and that none of the others refers to.
    fn roots(&self, evidence: &Evidence, census: &Census) -> Result<Vec<PageId>> {
        let beyond = |run: &&Run| census.entry(run.first).is_some_and(|entry| entry.standing == Standing::Beyond);
        let heads: Vec<Run> = self.written.iter().filter_map(|page| census.run_at(*page)).copied().collect();
        let heads: Vec<Run> = heads.into_iter().chain(census.runs().iter().filter(beyond).copied()).collect();
        let referred = references(heads.iter(), evidence)?;
        let is_root = |run: &&Run| run.kind != PageKind::Freelist && !referred.contains(&run.first);
        Ok(heads.iter().filter(is_root).map(|run| run.first).collect())
    }

    /// Whether tree and list account for every page that the current state accounts for, each once.
    fn is_whole_with(&self, tree: &Tree, census: &Census) -> bool {
        let own = self.list.first.0..self.list.first.0.saturating_add(self.list.intact);
        (0..).map(PageId).zip(census.pages()).all(|(id, entry)| match entry.standing {
            Standing::Live | Standing::Free | Standing::Freelist => {
                let uses = [tree.pages.contains(id), self.free.contains(id), own.contains(&id.0)];
                uses.into_iter().filter(|used| *used).count() == 1
            }
            Standing::Meta | Standing::Damaged | Standing::Unreached | Standing::Beyond => true,
        })
    }
}

/// The pages that these runs refer to.
fn references<'r>(runs: impl Iterator<Item = &'r Run>, evidence: &Evidence) -> Result<HashSet<PageId>> {
    let mut referred = HashSet::new();
    for run in runs.filter(|run| run.kind != PageKind::Freelist) {
        let Some(page) = run.load(evidence)? else { continue };
        if let Ok(branch) = page.clone().into_branch() {
            referred.extend((0..branch.len()).filter_map(|at| branch.child(at).ok()));
        } else if let Ok(leaf) = page.into_leaf() {
            referred.extend(bucket_roots(&leaf));
        }
    }
    Ok(referred)
}

/// The pages on which the buckets of a leaf begin.
fn bucket_roots(leaf: &Leaf<SharedBytes>) -> Vec<PageId> {
    let buckets = std::iter::successors(leaf.next_bucket(0), |at| leaf.next_bucket(at.saturating_add(1)));
    let root = |at| match leaf.item(at) {
        Ok(LeafItem::Bucket(BucketHeader { root: BucketRoot::Page(root), .. })) => Some(root),
        _ => None,
    };
    buckets.filter_map(root).collect()
}

/// The pages below a root.
struct Tree {
    pages: PageSet,
    /// Those that the current state does not use, and whose they are in this tree.
    own: Vec<(PageId, BucketRef)>,
    is_sound: bool,
}

struct Looking<'l> {
    census: &'l Census,
    /// Whether a list of free pages will be held against the tree.
    is_listed: bool,
    names: &'l mut BucketNames,
    here: Vec<BucketRef>,
    tree: Tree,
}

impl Looking<'_> {
    fn bucket(&self) -> BucketRef {
        self.here.last().copied().unwrap_or(BucketRef::ROOT)
    }
}

impl<B: Bytes> Visitor<B> for Looking<'_> {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), Infallible> {
        let bucket = self.names.within(self.bucket(), bucket.name, false);
        self.here.push(bucket);
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Infallible> {
        self.here.pop();
        Ok(())
    }

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        if place.inline {
            return Ok(());
        }
        let mut is_own = false;
        for n in 0..=u64::from(page.overflow()) {
            let id = PageId(page.id().0.saturating_add(n));
            self.tree.pages.insert(id);
            match self.census.entry(id) {
                Some(entry) if entry.standing == Standing::Live => {
                    let content = if n == 0 { super::scan::content_of(page.kind()) } else { Content::Overflow };
                    // A bucket that was renamed or moved has the same pages. Where a list accounts for every page, nothing
                    // else can be the reason.
                    let is_its = entry.owner == Some(self.bucket()) || self.is_listed;
                    self.tree.is_sound &= is_its && entry.content == content;
                }
                Some(entry) if entry.is_open() => {
                    is_own = true;
                    self.tree.own.push((id, self.bucket()));
                }
                _ => self.tree.is_sound = false,
            }
        }
        self.tree.is_sound &= !is_own || is_in_place(&page.borrowed(), place);
        Ok(())
    }

    fn problem(&mut self, _: Corruption, _: &Place<'_, B>) -> Result<(), Infallible> {
        self.tree.is_sound = false;
        Ok(())
    }
}

/// Whether the keys of a page are where the branch above it says, the first of them exactly, and all in order.
fn is_in_place<B: Bytes>(page: &Page<&[u8]>, place: &Place<'_, B>) -> bool {
    let fits = |first: Option<&[u8]>, last: Option<&[u8]>| {
        let is_exact = place.separator.is_none_or(|separator| first == Some(&**separator));
        is_exact && place.upper.is_none_or(|upper| last.is_none_or(|last| *last < **upper))
    };
    let last = usize::from(page.count()).checked_sub(1);
    match (page.into_leaf(), page.into_branch()) {
        (Ok(leaf), _) => {
            let last = last.and_then(|last| leaf.key(last).ok());
            leaf.packed(|_, _, _, _| {}).is_some() && fits(leaf.key(0).ok(), last)
        }
        (_, Ok(branch)) => {
            let last = last.and_then(|last| branch.key(last).ok());
            branch.packed(|_, _, _| {}).is_some() && fits(branch.key(0).ok(), last)
        }
        _ => false,
    }
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
