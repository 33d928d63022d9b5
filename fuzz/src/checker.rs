//! A second opinion on whether a file is sound: slow, without a line in common with the library's check.
//!
//! It says whether any rule is broken, and of those broken the first that it comes upon. Offsets are plain numbers,
//! and a page is looked at as often as is convenient.

use std::collections::BTreeSet;

/// What a file says about itself, and what was seen of it so far.
struct File<'f> {
    bytes: &'f [u8],
    page_size: usize,
    big: bool,
    high_water: u64,
    /// Pages that the list calls free, and pages that it lies on itself.
    free: BTreeSet<u64>,
    own: BTreeSet<u64>,
    used: BTreeSet<u64>,
}

type Verdict<T = ()> = Result<T, String>;

/// A meta as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Meta {
    big: bool,
    page_size: u64,
    root: u64,
    freelist: u64,
    high_water: u64,
    txid: u64,
}

const NO_LIST: u64 = u64::MAX;

fn number(bytes: &[u8], at: usize, width: usize, big: bool) -> Verdict<u64> {
    let bytes = at.checked_add(width).and_then(|end| bytes.get(at..end)).ok_or("the bytes end")?;
    let fold = |all: u64, byte: &u8| all << 8 | u64::from(*byte);
    Ok(if big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
}

/// Whether a file with pages of this size breaks no rule.
pub fn sound(bytes: &[u8], page_size: usize) -> Verdict {
    let metas = [meta(bytes, 0, page_size)?, meta(bytes, 1, page_size)?];
    let [first, second] = metas;
    if first.txid == second.txid && bytes[16..80] != bytes[page_size + 16..page_size + 80] {
        return Err("two metas of one transaction".into());
    }
    if first.big != second.big {
        return Err("two byte orders".into());
    }
    let meta = if second.txid > first.txid { second } else { first };
    if meta.txid == u64::MAX {
        return Err("the last transaction".into());
    }
    let mut file = File {
        bytes,
        page_size,
        big: meta.big,
        high_water: meta.high_water,
        free: BTreeSet::new(),
        own: BTreeSet::new(),
        used: BTreeSet::new(),
    };
    if u128::from(meta.high_water) * page_size as u128 > bytes.len() as u128 {
        return Err("the file is short".into());
    }
    if meta.freelist != NO_LIST {
        file.list(meta.freelist)?;
    }
    let mut depth = None;
    file.page(meta.root, Place::default(), &mut depth)?;
    let accounted = |page: &u64| file.used.contains(page) || file.free.contains(page) || file.own.contains(page);
    match (2..meta.high_water).find(|page| meta.freelist != NO_LIST && !accounted(page)) {
        Some(page) => Err(format!("page {page} is lost")),
        None => Ok(()),
    }
}

fn meta(bytes: &[u8], page: usize, page_size: usize) -> Verdict<Meta> {
    let at = page * page_size;
    let big = match number(bytes, at + 16, 4, false)? {
        0xed0c_daed => false,
        0xedda_0ced => true,
        _ => return Err("no magic".into()),
    };
    let field = |offset: usize, width| number(bytes, at + 16 + offset, width, big);
    let body = bytes.get(at + 16..at + 72).ok_or("the bytes end")?;
    let sum = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let good = field(4, 4)? == 2 && field(56, 8)? == sum && field(8, 4)? == page_size as u64;
    let header = number(bytes, at, 8, big)? == page as u64 && number(bytes, at + 8, 2, big)? == 4;
    if !good || !header {
        return Err(format!("meta {page} is refused"));
    }
    Ok(Meta {
        big,
        page_size: field(8, 4)?,
        root: field(16, 8)?,
        freelist: field(32, 8)?,
        high_water: field(40, 8)?,
        txid: field(48, 8)?,
    })
}

/// How a page is come to.
#[derive(Debug, Clone, Default)]
struct Place {
    depth: usize,
    separator: Option<Vec<u8>>,
    lower: Option<Vec<u8>>,
    upper: Option<Vec<u8>>,
}

/// An element: its own number (a child, or flags), its key and its value.
struct Element {
    what: u64,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl<'f> File<'f> {
    /// The bytes of the run at a page, which has one of these types, and its header's count.
    fn run(&self, page: u64, kinds: &[u64]) -> Verdict<(&'f [u8], u64, usize)> {
        if page < 2 || page >= self.high_water {
            return Err(format!("there is no page {page}"));
        }
        let at = page as usize * self.page_size;
        let field = |offset, width| number(self.bytes, at + offset, width, self.big);
        let (kind, count, overflow) = (field(8, 2)?, field(10, 2)? as usize, field(12, 4)?);
        if field(0, 8)? != page || !kinds.contains(&kind) || page + overflow >= self.high_water {
            return Err(format!("page {page} is none"));
        }
        let end = at + (overflow as usize + 1) * self.page_size;
        Ok((self.bytes.get(at..end).ok_or("the file is short")?, kind, count))
    }

    fn list(&mut self, page: u64) -> Verdict {
        let (run, _, count) = self.run(page, &[16])?;
        self.own = (page..page + (run.len() / self.page_size) as u64).collect();
        let (first, count) = match count {
            0xffff => (24, number(run, 16, 8, self.big)?),
            count => (16, count as u64),
        };
        if u128::from(count) * 8 > (run.len() - first) as u128 {
            return Err("the list is longer than its run".into());
        }
        let mut before = 1;
        for at in 0..count as usize {
            let id = number(run, first + at * 8, 8, self.big)?;
            if id <= before || id >= self.high_water || self.own.contains(&id) {
                return Err(format!("{id} cannot be on the list"));
            }
            before = id;
            self.free.insert(id);
        }
        Ok(())
    }

    /// A page of a tree and all below it. The leaves of the tree are at this depth, once one was seen.
    fn page(&mut self, page: u64, place: Place, leaves: &mut Option<usize>) -> Verdict {
        if place.depth >= 64 {
            return Err(format!("page {page} is too deep"));
        }
        let (run, kind, count) = self.run(page, &[1, 2])?;
        for part in page..page + (run.len() / self.page_size) as u64 {
            if !self.used.insert(part) || self.free.contains(&part) || self.own.contains(&part) {
                return Err(format!("page {part} is used twice"));
            }
        }
        let elements = self.elements(run, kind, count)?;
        placed(&elements, &place)?;
        if kind == 2 {
            let unequal = leaves.replace(place.depth).is_some_and(|depth| depth != place.depth);
            if unequal || (elements.is_empty() && place.depth > 0) {
                return Err(format!("leaf {page} is empty or at another level"));
            }
            return self.leaf(&elements, false);
        }
        if elements.len() < 2 {
            return Err(format!("branch {page} has {} children", elements.len()));
        }
        for (at, element) in elements.iter().enumerate() {
            let lower = if at == 0 { place.lower.clone() } else { Some(element.key.clone()) };
            let upper = elements.get(at + 1).map(|next| next.key.clone()).or_else(|| place.upper.clone());
            let below = Place { depth: place.depth + 1, separator: Some(element.key.clone()), lower, upper };
            self.page(element.what, below, leaves)?;
        }
        Ok(())
    }

    /// All elements of a branch (1) or leaf (2), each inside the run, and in order.
    fn elements(&self, run: &[u8], kind: u64, count: usize) -> Verdict<Vec<Element>> {
        let (headers, mut elements, mut bytes) = (16 + 16 * count, Vec::<Element>::new(), 0);
        if headers > run.len() {
            return Err("more elements than room".into());
        }
        for at in 0..count {
            let own = 16 + 16 * at;
            let field = |offset, width| number(run, own + offset, width, self.big);
            let (what, pos, key, value) = match kind {
                1 => (field(8, 8)?, field(0, 4)?, field(4, 4)?, 0),
                _ => (field(0, 4)?, field(4, 4)?, field(8, 4)?, field(12, 4)?),
            };
            let (start, key, value) = (own + pos as usize, key as usize, value as usize);
            bytes += key + value;
            if start < headers || start + key + value > run.len() || bytes > run.len() {
                return Err(format!("element {at} leaves its run"));
            }
            let key = &run[start..start + key];
            let ascends = elements.last().is_none_or(|before| before.key.as_slice() < key);
            if !ascends || key.is_empty() {
                return Err(format!("key {at} is out of order"));
            }
            let from = start + key.len();
            elements.push(Element { what, key: key.into(), value: run[from..from + value].into() });
        }
        Ok(elements)
    }

    fn leaf(&mut self, elements: &[Element], inline: bool) -> Verdict {
        for element in elements {
            match element.what {
                0 => {}
                1 if inline => return Err("a bucket in an inline bucket".into()),
                1 => self.bucket(&element.value)?,
                _ => return Err("flags that mean nothing".into()),
            }
        }
        Ok(())
    }

    fn bucket(&mut self, value: &[u8]) -> Verdict {
        let root = number(value, 0, 8, self.big)?;
        if value.len() < 16 {
            return Err("a bucket is short".into());
        }
        if root != 0 {
            return if value.len() == 16 {
                self.page(root, Place::default(), &mut None)
            } else {
                Err("a bucket is long".into())
            };
        }
        let page = &value[16..];
        let field = |offset, width| number(page, offset, width, self.big);
        let (id, kind, count, overflow) = (field(0, 8)?, field(8, 2)?, field(10, 2)?, field(12, 4)?);
        if (id, kind, overflow) != (0, 2, 0) {
            return Err("an inline page is none".into());
        }
        let elements = self.elements(page, 2, count as usize)?;
        self.leaf(&elements, true)
    }
}

/// The keys of a page must be where look-ups go for them, the first as its parent has it.
fn placed(elements: &[Element], place: &Place) -> Verdict {
    let (first, last) = (elements.first().map(|e| &e.key), elements.last().map(|e| &e.key));
    let exact = place.separator.as_ref().is_none_or(|separator| first.is_none_or(|first| first == separator));
    let above = place.lower.as_ref().is_none_or(|lower| first.is_none_or(|first| first >= lower));
    let below = place.upper.as_ref().is_none_or(|upper| last.is_none_or(|last| last < upper));
    if exact && above && below { Ok(()) } else { Err("keys in the wrong place".into()) }
}
