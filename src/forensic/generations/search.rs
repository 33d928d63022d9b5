//! Looks for the states that a file may hold beside the current one.

use super::super::bucket_names::BucketNames;
use super::super::census::{Census, Content, Standing};
use super::super::evidence::Evidence;
use super::later::LaterList;
use super::tree::{Tree, references};
use super::{Doubt, Generations, Root, RootLabel, RootOrigin, stopped};
use crate::error::Result;
use crate::format::{Meta, Page, PageId, PageKind, SharedBytes};
use crate::tree::{Pages, verify};

/// How many trees are walked to tell what they are. Where there are more that could be a whole state, anything may be
/// uncommitted.
const WALKS: usize = 16;
/// How many lists of free pages are held against all pages, with the same consequence.
const LISTS: usize = 256;

pub(super) struct Search<'a, 's> {
    pub evidence: &'a Evidence,
    pub census: &'a Census,
    pub current: Pages<'s, Evidence>,
    pub names: &'a mut BucketNames,
    pub found: &'a mut Generations,
    pub walks: usize,
}

impl Search<'_, '_> {
    pub fn run(mut self) -> Result<()> {
        let doubt = self.previous()?;
        self.found.doubt = self.written_beyond().then_some(Doubt::WrittenBeyond).or(doubt);
        match (self.current.meta().freelist, self.census.has_list()) {
            (Some(_), true) => self.by_list()?,
            (None, _) => self.without_list()?,
            (Some(_), false) => self.found.doubt = Some(Doubt::NoList),
        }
        self.others()
    }

    /// Whether anything is written where no committed state has anything. Somebody did who did not commit.
    fn written_beyond(&self) -> bool {
        self.census.pages().any(|entry| entry.standing == Standing::Beyond && entry.content != Content::Zero)
    }

    /// The state of the other meta. Gives back why it does not tell what was written since.
    fn previous(&mut self) -> Result<Option<Doubt>> {
        let Some(previous) = self.evidence.previous() else { return Ok(Some(Doubt::NoPrevious)) };
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
        if !tree.is_sound {
            return Ok(Some(Doubt::PreviousBroken));
        }
        self.found.own(&tree);
        let list = meta.freelist.and_then(|list| self.census.run_at(list));
        match list.and_then(|list| stopped::possible(list, self.census)) {
            Some(possible) => self.found.stopped = possible,
            None => return Ok(Some(Doubt::NoList)),
        }
        Ok(None)
    }

    /// Transactions of which the list of free pages is there, and the states that are there whole with it.
    fn by_list(&mut self) -> Result<()> {
        let census = self.census;
        let previous = self.evidence.previous().map(|previous| *previous.meta());
        for (n, list) in census.runs().iter().filter(|run| run.kind == PageKind::Freelist && run.is_whole()).enumerate() {
            if n >= LISTS {
                self.found.doubt = Some(Doubt::TooMany);
                return Ok(());
            }
            let Some(later) = LaterList::of(list, self.evidence, census)? else { continue };
            let is_of_previous = previous.is_some_and(|previous| previous.freelist == Some(list.first));
            if later.is_in_place && !is_of_previous {
                later.written.iter().for_each(|page| _ = self.found.stopped.insert(*page));
            }
            for root in later.roots(self.evidence, census)? {
                if is_of_previous && previous.is_some_and(|previous| previous.root == root) {
                    continue;
                }
                if self.walks >= WALKS {
                    self.found.doubt = Some(Doubt::TooMany);
                    return Ok(());
                }
                let tree = self.tree_at(root)?;
                if tree.is_sound && later.is_whole_with(&tree, census) {
                    self.take_unnamed(root, Some(list.first), &tree);
                    later.written.iter().for_each(|page| _ = self.found.unnamed.insert(*page));
                    self.found.own(&tree);
                }
            }
        }
        Ok(())
    }

    /// Where no list is stored, any tree that can be walked whole may be a state. Whether its root is the file's or
    /// that of some bucket cannot be told, so all that its pages get from it is doubt.
    fn without_list(&mut self) -> Result<()> {
        let has_buckets = |page: &Page<SharedBytes>| {
            page.clone().into_leaf().is_ok_and(|leaf| leaf.next_bucket(0).is_some()) || page.kind() == PageKind::Branch
        };
        let rooted_in_buckets = self.current.load(self.current.meta().root).is_ok_and(|root| has_buckets(&root));
        let census = self.census;
        for run in census.runs().iter().filter(|run| run.is_whole() && run.kind != PageKind::Freelist) {
            let Some(page) = run.load(self.evidence)? else { continue };
            let is_previous = self.evidence.previous().is_some_and(|previous| previous.meta().root == run.first);
            let is_possible = has_buckets(&page) || page.count() == 0 || !rooted_in_buckets;
            if is_previous || !is_possible {
                continue;
            }
            if self.walks >= WALKS {
                self.found.doubt = Some(Doubt::TooMany);
                return Ok(());
            }
            let tree = self.tree_at(run.first)?;
            if tree.is_sound {
                self.take_unnamed(run.first, None, &tree);
                self.found.contradict(&tree);
            }
        }
        Ok(())
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
        Tree::of(meta, self.evidence, self.census, self.names)
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

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
