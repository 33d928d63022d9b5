//! Databases made of the input, a few of their fields wrong, the checksums of their metas right: the library's check must
//! say what the slow one says.

use unbolt::Snapshot;
use unbolt::check::check_snapshot;
use unbolt::format::{
    BranchElement, Endian, Layout, LeafElement, Meta, PageId, PageSize, RawMeta, TxId, encode_branch, encode_freelist,
    encode_inline, encode_leaf, encode_meta,
};

use crate::checker;

/// Makes a file of the input and has both look at it.
pub fn structured(data: &[u8]) {
    let mut input = Input(data);
    let mut file = Made::of(&mut input);
    let before = file.bytes.clone();
    (0..input.below(6)).for_each(|_| file.damage(&mut input));
    file.repair();
    let theirs = checker::sound(&file.bytes, file.page_size());
    let mut findings = Vec::new();
    let ours = Snapshot::from_bytes(file.bytes.clone())
        .and_then(|snapshot| check_snapshot(&snapshot, &mut |finding| findings.push(finding)))
        .is_ok_and(|summary| summary.is_sound());
    assert_eq!(theirs.is_ok(), ours, "{theirs:?}, but {findings:?}");
    assert!(file.bytes != before || theirs.is_ok(), "nothing is wrong: {theirs:?}");
}

/// The input as numbers; zeros where it has ended.
struct Input<'i>(&'i [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, &[][..]), |(first, rest)| (*first, rest));
        self.0 = rest;
        first
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    fn number(&mut self) -> u64 {
        (0..8).fold(0, |all, _| all << 8 | u64::from(self.byte()))
    }
}

/// A database in the making.
struct Made {
    layout: Layout,
    bytes: Vec<u8>,
}

/// So many pages at the most.
const PAGES: usize = 40;

impl Made {
    fn of(input: &mut Input<'_>) -> Made {
        let choice = input.byte();
        let endian = if choice & 1 == 0 { Endian::Little } else { Endian::Big };
        let page_size = PageSize::new(512 << (choice >> 1 & 1)).expect("one of two");
        let layout = Layout { page_size, endian };
        let mut made = Made { layout, bytes: vec![0; 2 * page_size.get() as usize] };
        let free = (0..input.below(4)).map(|_| made.blank()).collect::<Vec<_>>();
        let root = made.tree(input, 0, true);
        let list = (input.below(4) > 0).then(|| {
            let id = made.next();
            made.add(id, encode_freelist(id, &free, 1, layout).expect("few"))
        });
        let high_water = made.next();
        let txid = 2 + u64::from(input.byte());
        for (page, txid) in [(txid % 2, txid), (1 - txid % 2, txid - 1)] {
            let page_size = layout.page_size.get();
            let meta =
                Meta { endian, page_size, flags: 0, root, root_sequence: 0, freelist: list, high_water, txid: TxId(txid) };
            let (at, page) = (page as usize * page_size as usize, encode_meta(PageId(page), &meta, layout));
            made.bytes[at..at + page.len()].copy_from_slice(&page);
        }
        made
    }

    fn page_size(&self) -> usize {
        self.layout.page_size.get() as usize
    }

    fn next(&self) -> PageId {
        PageId((self.bytes.len() / self.page_size()) as u64)
    }

    fn add(&mut self, id: PageId, run: Vec<u8>) -> PageId {
        self.bytes.extend(run);
        id
    }

    fn blank(&mut self) -> PageId {
        let id = self.next();
        self.add(id, vec![0x5a; self.page_size()])
    }

    /// A tree of one leaf, or of a branch over some.
    fn tree(&mut self, input: &mut Input<'_>, depth: usize, root: bool) -> PageId {
        let children = if input.below(3) == 0 { 2 + input.below(3) } else { 0 };
        if children == 0 || self.next().0 as usize > PAGES {
            return self.leaf(input, depth, b"", !root);
        }
        let keys: Vec<Vec<u8>> = (0..children).map(|child| vec![b'a' + child as u8]).collect();
        let below: Vec<PageId> = keys.iter().map(|key| self.leaf(input, depth, key, true)).collect();
        let elements = keys.iter().zip(&below).map(|(key, child)| BranchElement { key: key.as_slice(), child: *child });
        let id = self.next();
        self.add(id, encode_branch(id, &elements.collect::<Vec<_>>(), self.layout).expect("few"))
    }

    /// A leaf whose first key is this one, where it has to have one.
    fn leaf(&mut self, input: &mut Input<'_>, depth: usize, first: &[u8], filled: bool) -> PageId {
        let mut entries = Vec::new();
        for at in 0..input.below(7).max(usize::from(filled)) {
            let key = if at == 0 && !first.is_empty() { first.to_vec() } else { [first, &[b'k', at as u8]].concat() };
            entries.push((key, self.value(input, depth)));
        }
        let elements: Vec<_> = entries
            .iter()
            .map(|(key, (flags, value))| LeafElement { flags: *flags, key: &key[..], value: &value[..] })
            .collect();
        let id = self.next();
        self.add(id, encode_leaf(id, &elements, self.layout).expect("few"))
    }

    /// A value, or a bucket with a tree or a page of its own.
    fn value(&mut self, input: &mut Input<'_>, depth: usize) -> (u32, Vec<u8>) {
        let endian = self.layout.endian;
        let number = |number: u64| match endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        };
        match input.below(8) {
            0 if depth < 3 && (self.next().0 as usize) < PAGES => {
                let root = self.tree(input, depth + 1, true).0;
                (1, [number(root), number(7)].concat())
            }
            1 => {
                let keys: Vec<[u8; 1]> = (0..input.below(4)).map(|key| [b'0' + key as u8]).collect();
                let elements: Vec<_> = keys.iter().map(|key| LeafElement { flags: 0, key: &key[..], value: b"v" }).collect();
                let page = encode_inline(&elements, self.layout.endian).expect("few");
                (1, [&number(0)[..], &number(3), &page].concat())
            }
            2 => (0, vec![b'v'; 9 * usize::from(input.byte())]),
            len => (0, vec![b'v'; len]),
        }
    }

    /// Sets a field, mostly one of a header, to something near, far, or anything.
    fn damage(&mut self, input: &mut Input<'_>) {
        let (width, page) = (1 << input.below(4), input.below(self.next().0 as usize));
        let within = match input.below(4) {
            0 => 2 * input.below(8),
            1 => 16 + 4 * input.below(32),
            2 => 16 + 8 * input.below(8),
            _ => 3 * input.byte() as usize,
        };
        let at = page * self.page_size() + within;
        if at + width > self.bytes.len() {
            return;
        }
        let field = &mut self.bytes[at..at + width];
        let big = self.layout.endian == Endian::Big;
        let order = |at: usize| if big { width - 1 - at } else { at };
        let found = (0..width).fold(0, |all, byte| all | u64::from(field[order(byte)]) << (8 * byte));
        let value = match input.below(6) {
            0 => found.wrapping_add(1),
            1 => found.wrapping_sub(1),
            2 => input.below(PAGES) as u64,
            3 => u64::MAX,
            4 => found ^ 1 << (input.byte() & 63),
            _ => input.number(),
        };
        (0..width).for_each(|byte| field[order(byte)] = (value >> (8 * byte)) as u8);
    }

    /// Makes the checksums of both metas right, where they are metas in this byte order.
    fn repair(&mut self) {
        for at in [0, self.page_size()] {
            let Some(raw) = RawMeta::on_page(&self.bytes[at..]) else { continue };
            let sum = match self.layout.endian {
                Endian::Little => raw.checksum().to_le_bytes(),
                Endian::Big => raw.checksum().to_be_bytes(),
            };
            self.bytes[at + 72..at + 80].copy_from_slice(&sum);
        }
    }
}
