//! Which of the pages that were found belong together.
//!
//! A page with number n at offset o is of a file whose page 0 lies at o - n * page size. Two pages that agree on that place
//! for one page size are taken to be of one file; pages that nobody agrees with wait until so many others wait behind
//! them that they are given up as single ones.
//!
//! Invariants: at most [`HITS`] groups and [`WAITING`] pages are held.

use std::collections::{HashMap, VecDeque};

use super::hit::{FoundMeta, Hit, HitKind};
use crate::forensic::head::{Head, Trust};
use crate::format::{Endian, PageId, PageSize};

/// How many hits are kept.
const HITS: usize = 50_000;
/// How many pages wait for others.
const WAITING: usize = 8192;
/// The page sizes that writers choose: 512 bytes to 64 KiB.
const SIZES: [u32; 8] = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
/// The page size where nothing tells.
const USUAL: u32 = 4096;
/// How many sizes beside the usual ones are looked for.
const UNUSUAL: usize = 8;

/// A file, known by where its pages lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Origin {
    base: i64,
    page_size: u32,
    is_big: bool,
}

impl Origin {
    /// Where a file begins that has a page of this number at this offset.
    fn of(offset: u64, page: PageId, page_size: u32, endian: Endian) -> Option<Origin> {
        let before = i64::try_from(page.0.checked_mul(u64::from(page_size))?).ok()?;
        let base = i64::try_from(offset).ok()?.checked_sub(before)?;
        Some(Origin { base, page_size, is_big: endian == Endian::Big })
    }

    fn endian(&self) -> Endian {
        if self.is_big { Endian::Big } else { Endian::Little }
    }

    /// An offset in the image as one in the file.
    fn within(&self, offset: u64) -> u64 {
        i64::try_from(offset)
            .ok()
            .and_then(|offset| offset.checked_sub(self.base))
            .map_or(0, |at| u64::try_from(at).unwrap_or(0))
    }
}

/// What was found of one file.
#[derive(Debug, Clone, Default)]
struct Group {
    metas: [Option<FoundMeta>; 2],
    pages: u64,
    /// The pages that say so lie between these offsets in the file, the run of the last one included.
    first: Option<u64>,
    end: u64,
}

impl Group {
    fn add(&mut self, origin: &Origin, page: &Loose) {
        let at = origin.within(page.offset);
        self.pages = self.pages.saturating_add(1);
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        let run = u64::from(page.overflow).saturating_add(1).saturating_mul(u64::from(origin.page_size));
        self.end = self.end.max(at.saturating_add(run));
    }
}

/// A page that belongs to nobody yet.
#[derive(Debug, Clone, Copy)]
struct Loose {
    offset: u64,
    id: PageId,
    overflow: u32,
    endian: Endian,
    trust: Trust,
}

impl Loose {
    fn origin(&self, page_size: u32) -> Option<Origin> {
        Origin::of(self.offset, self.id, page_size, self.endian)
    }

    fn origins(&self) -> impl Iterator<Item = Origin> + use<> {
        let page = *self;
        SIZES.into_iter().filter_map(move |size| page.origin(size))
    }
}

/// All that was found so far.
#[derive(Debug, Default)]
pub(super) struct Groups {
    known: HashMap<Origin, Group>,
    /// Page sizes of known groups beside the usual ones.
    unusual: Vec<u32>,
    waiting: VecDeque<Loose>,
    /// Where files may begin that waiting pages are of, and the offset of the page that says so.
    hopes: HashMap<Origin, u64>,
    single: Vec<Loose>,
    left_out: u64,
}

impl Groups {
    /// Takes a meta.
    pub fn meta(&mut self, offset: u64, found: FoundMeta) {
        let Some(size) = PageSize::new(found.meta.page_size).map(PageSize::get) else { return };
        let Some(origin) = Origin::of(offset, found.page, size, found.meta.endian) else { return };
        if !SIZES.contains(&size) && !self.unusual.contains(&size) && self.unusual.len() < UNUSUAL {
            self.unusual.push(size);
        }
        let slot = usize::from(found.page.0 == 1);
        if let Some(place) = self.group(origin).and_then(|group| group.metas.get_mut(slot)) {
            *place = Some(found);
        }
    }

    /// Takes a page.
    pub fn page(&mut self, offset: u64, head: &Head) {
        let (id, overflow) = (head.id(), head.header.overflow);
        let page = Loose { offset, id, overflow, endian: head.endian, trust: head.trust };
        let sizes = SIZES.iter().chain(&self.unusual);
        let known =
            sizes.filter_map(|size| page.origin(*size)).filter_map(|origin| Some((origin, self.known.get(&origin)?.pages)));
        if let Some((origin, _)) = known.max_by_key(|(_, pages)| *pages) {
            if let Some(group) = self.known.get_mut(&origin) {
                group.add(&origin, &page);
            }
            return;
        }
        match self.agreed(&page) {
            _ if page.trust == Trust::Possible => {}
            Some(origin) => {
                if let Some(group) = self.group(origin) {
                    group.add(&origin, &page);
                }
            }
            None => self.wait(page),
        }
    }

    /// The file that a waiting page agrees on with this one: of several, that of the nearest page.
    fn agreed(&self, page: &Loose) -> Option<Origin> {
        let hopes = page.origins().filter_map(|origin| Some((origin, *self.hopes.get(&origin)?)));
        let able = hopes.filter(|(_, other)| page.trust == Trust::Packed || self.is_packed(*other));
        able.max_by_key(|(_, other)| *other).map(|(origin, _)| origin)
    }

    fn is_packed(&self, offset: u64) -> bool {
        let at = self.waiting.binary_search_by_key(&offset, |page| page.offset);
        at.ok().and_then(|at| self.waiting.get(at)).is_some_and(|page| page.trust == Trust::Packed)
    }

    /// A group that is known, or becomes so now and takes in whoever waited for it.
    fn group(&mut self, origin: Origin) -> Option<&mut Group> {
        if !self.known.contains_key(&origin) {
            if self.known.len() >= HITS {
                self.left_out = self.left_out.saturating_add(1);
                return None;
            }
            let mut group = Group::default();
            let is_member = |page: &Loose| page.origin(origin.page_size) == Some(origin);
            let members: Vec<Loose> = self.waiting.iter().copied().filter(is_member).collect();
            self.waiting.retain(|page| !is_member(page));
            for page in &members {
                group.add(&origin, page);
                self.forget(page);
            }
            self.known.insert(origin, group);
        }
        self.known.get_mut(&origin)
    }

    fn wait(&mut self, page: Loose) {
        if self.waiting.len() >= WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.forget(&oldest);
            self.give_up(oldest);
        }
        for origin in page.origins() {
            self.hopes.insert(origin, page.offset);
        }
        self.waiting.push_back(page);
    }

    fn forget(&mut self, page: &Loose) {
        for origin in page.origins() {
            if self.hopes.get(&origin) == Some(&page.offset) {
                self.hopes.remove(&origin);
            }
        }
    }

    /// A page that nobody agrees with stands for itself, where it is certainly one.
    fn give_up(&mut self, page: Loose) {
        match page.trust {
            Trust::Packed if self.single.len() < HITS => self.single.push(page),
            Trust::Packed => self.left_out = self.left_out.saturating_add(1),
            Trust::Empty | Trust::Possible => {}
        }
    }

    /// What was found in an image that lies between these offsets, by its place, and how much was left out.
    pub fn finish(mut self, from: u64, to: u64) -> (Vec<Hit>, u64) {
        while let Some(page) = self.waiting.pop_front() {
            self.give_up(page);
        }
        let image = from..to;
        let groups = self.known.iter().filter_map(|(origin, group)| hit(origin, group, &image));
        let mut hits: Vec<Hit> = groups.chain(self.single.iter().filter_map(|page| single(page, &image))).collect();
        let place =
            |hit: &Hit| (hit.offset(), hit.start, hit.page_size.get(), hit.endian == Endian::Big, hit.kind != HitKind::File);
        hits.sort_by_key(place);
        let files: Vec<Hit> = hits.iter().filter(|hit| hit.expected.is_some()).take(MOST_OWNERS).cloned().collect();
        for pages in hits.iter_mut().filter(|hit| hit.kind != HitKind::File) {
            let owners = files.iter().filter(|file| may_have_had(file, pages));
            pages.may_belong_to = owners.map(Hit::offset).collect();
        }
        (hits, self.left_out)
    }
}

/// How many files are considered as those that pages may have been a part of.
const MOST_OWNERS: usize = 100;

fn may_have_had(file: &Hit, pages: &Hit) -> bool {
    let alike = file.endian == pages.endian && (file.page_size == pages.page_size || pages.kind == HitKind::Page);
    alike && file.expected.is_some_and(|expected| expected >= pages.end)
}

fn hit(origin: &Origin, group: &Group, image: &std::ops::Range<u64>) -> Option<Hit> {
    let page_size = PageSize::new(origin.page_size)?;
    let has_meta = group.metas.iter().any(Option::is_some);
    let mut hit = Hit {
        kind: if has_meta { HitKind::File } else { HitKind::Pages },
        base: origin.base,
        start: 0,
        end: group.end,
        page_size,
        endian: origin.endian(),
        metas: group.metas,
        pages: group.pages,
        expected: None,
        may_belong_to: Vec::new(),
    };
    if has_meta {
        hit.expected = hit.meta().map(|meta| meta.high_water.0.saturating_mul(page_size.bytes()));
        let metas = page_size.bytes().saturating_mul(2);
        hit.end = hit.end.max(hit.expected.unwrap_or(0)).max(metas);
        // What the image does not have is not taken.
        hit.start = origin.within(image.start);
    } else {
        hit.start = group.first?;
    }
    hit.end = hit.end.min(origin.within(image.end));
    (hit.start < hit.end).then_some(hit)
}

fn single(page: &Loose, image: &std::ops::Range<u64>) -> Option<Hit> {
    let origin = page.origin(USUAL)?;
    let mut group = Group::default();
    group.add(&origin, page);
    hit(&origin, &group, image).map(|hit| Hit { kind: HitKind::Page, ..hit })
}
