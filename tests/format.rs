//! What is encoded parses to the same; what parses lies inside its bytes, whatever the bytes are.

mod support;

use quickcheck::{Arbitrary, Gen, QuickCheck, Testable};
use support::layout::{AnyLayout, layout};
use unbolt::format::{
    BUCKET_HEADER_SIZE, BranchElement, BucketHeader, BucketRoot, Bytes, EncodeError, Endian, Leaf, LeafElement, LeafItem, Meta,
    Page, PageHeader, PageId, PageKind, RawMeta, SharedBytes, TxId, encode_branch, encode_bucket, encode_freelist,
    encode_inline, encode_leaf, encode_meta,
};

const CASES: u64 = 2000;
const ENDIANS: [Endian; 2] = [Endian::Little, Endian::Big];

/// A key, a value and the flags beside them.
type Pair = (u32, Vec<u8>, Vec<u8>);

fn property(name: impl Testable) {
    QuickCheck::new().tests(CASES).min_tests_passed(CASES).quickcheck(name);
}

fn leaf_elements(pairs: &[Pair]) -> Vec<LeafElement<&[u8]>> {
    pairs.iter().map(|(flags, key, value)| LeafElement { flags: *flags, key: &key[..], value: &value[..] }).collect()
}

#[test]
fn a_header_that_is_encoded_reads_back() {
    fn holds(id: u64, flags: u16, count: u16, overflow: u32, big: bool) -> bool {
        let endian = ENDIANS[usize::from(big)];
        let header = PageHeader { id: PageId(id), flags, count, overflow };
        let bytes = header.encode(endian);
        let swapped = PageHeader::read(&bytes, ENDIANS[usize::from(!big)]);
        PageHeader::read(&bytes, endian) == Some(header)
            && swapped.is_some_and(|swapped| swapped.id.0 == id.swap_bytes() && swapped.overflow == overflow.swap_bytes())
            && PageHeader::read(&bytes[1..], endian).is_none()
    }
    property(holds as fn(u64, u16, u16, u32, bool) -> bool);
}

#[derive(Debug, Clone)]
struct AnyMeta(Meta);

impl Arbitrary for AnyMeta {
    fn arbitrary(g: &mut Gen) -> AnyMeta {
        AnyMeta(Meta {
            endian: *g.choose(&ENDIANS).expect("two to choose from"),
            page_size: u32::arbitrary(g),
            flags: u32::arbitrary(g),
            root: PageId(u64::arbitrary(g)),
            root_sequence: u64::arbitrary(g),
            // The largest number means "none" and cannot be a page.
            freelist: Option::<u64>::arbitrary(g).filter(|id| *id != u64::MAX).map(PageId),
            high_water: PageId(u64::arbitrary(g)),
            txid: TxId(u64::arbitrary(g)),
        })
    }
}

#[test]
fn a_meta_that_is_encoded_verifies_as_the_same() {
    fn holds(AnyLayout(layout): AnyLayout, AnyMeta(meta): AnyMeta, second: bool) -> bool {
        let meta = Meta { page_size: layout.page_size.get(), endian: layout.endian, ..meta };
        let id = PageId(u64::from(second));
        let page = encode_meta(id, &meta, layout);
        let raw = RawMeta::on_page(&page).expect("a whole page");
        page.len() as u64 == layout.page_size.bytes()
            && raw.verify() == Ok(meta)
            && meta.layout() == Ok(layout)
            && Page::parse(&page[..], id, layout).is_ok_and(|page| page.kind() == PageKind::Meta)
            && page[80..].iter().all(|byte| *byte == 0)
    }
    property(holds as fn(AnyLayout, AnyMeta, bool) -> bool);
}

#[test]
fn a_meta_with_any_changed_byte_is_refused() {
    fn holds(AnyMeta(meta): AnyMeta, at: usize, by: u8) -> bool {
        let mut page = vec![0; 16];
        page.extend_from_slice(meta.encode().as_bytes());
        page[16 + at % 64] ^= by.max(1);
        RawMeta::on_page(&page).expect("80 bytes").verify().is_err()
    }
    property(holds as fn(AnyMeta, usize, u8) -> bool);
}

#[test]
fn any_bytes_read_as_a_meta_end_in_a_meta_or_a_refusal() {
    fn holds(bytes: Vec<u8>, magic: bool, big: bool) -> bool {
        let mut bytes = bytes;
        bytes.resize(bytes.len().max(60), 7);
        if magic {
            let magic = unbolt::format::MAGIC;
            bytes[16..20].copy_from_slice(&if big { magic.to_be_bytes() } else { magic.to_le_bytes() });
        }
        match RawMeta::on_page(&bytes) {
            None => bytes.len() < 80,
            // Whoever forges the checksum gets what the bytes say and nothing else.
            Some(raw) => raw.verify().map_or(true, |meta| meta.encode() == raw),
        }
    }
    property(holds as fn(Vec<u8>, bool, bool) -> bool);
}

#[test]
fn a_leaf_that_is_encoded_parses_to_the_same_elements() {
    fn holds(AnyLayout(layout): AnyLayout, id: u64, pairs: Vec<Pair>) -> bool {
        let elements = leaf_elements(&pairs);
        let run = encode_leaf(PageId(id), &elements, layout).expect("elements that fit");
        let leaf = Page::parse(&run[..], PageId(id), layout).expect("a page").into_leaf().expect("a leaf");
        let used = 16 + elements.iter().map(|e| 16 + e.key.len() + e.value.len()).sum::<usize>();
        let pages = used.div_ceil(run.len() / (leaf.page().overflow() as usize + 1));
        leaf.page().id() == PageId(id)
            && pages == leaf.page().overflow() as usize + 1
            && leaf.len() == elements.len()
            && (0..leaf.len()).all(|i| {
                leaf.element(i) == Ok(elements[i])
                    && leaf.key(i) == Ok(elements[i].key)
                    && leaf.is_bucket(i) == Ok(elements[i].is_bucket())
            })
            && packed((0..leaf.len()).map(|i| leaf.span(i)), used, &run)
            && leaf.element(leaf.len()).is_err()
    }
    property(holds as fn(AnyLayout, u64, Vec<Pair>) -> bool);
}

#[test]
fn a_branch_that_is_encoded_parses_to_the_same_elements() {
    fn holds(AnyLayout(layout): AnyLayout, id: u64, children: Vec<(Vec<u8>, u64)>) -> bool {
        let elements: Vec<_> =
            children.iter().map(|(key, child)| BranchElement { key: &key[..], child: PageId(*child) }).collect();
        let run = encode_branch(PageId(id), &elements, layout).expect("elements that fit");
        let parsed = Page::parse(&run[..], PageId(id), layout).expect("a page").into_branch();
        if elements.is_empty() {
            return parsed.is_err();
        }
        let branch = parsed.expect("a branch");
        let used = 16 + elements.iter().map(|e| 16 + e.key.len()).sum::<usize>();
        branch.len() == elements.len()
            && (0..branch.len()).all(|i| {
                branch.element(i) == Ok(elements[i])
                    && branch.key(i) == Ok(elements[i].key)
                    && branch.child(i) == Ok(elements[i].child)
            })
            && packed((0..branch.len()).map(|i| branch.span(i)), used, &run)
            && branch.child(branch.len()).is_err()
    }
    property(holds as fn(AnyLayout, u64, Vec<(Vec<u8>, u64)>) -> bool);
}

/// Whether elements lie as Go packs them: in order, without gaps, zeros behind the last.
fn packed<E>(spans: impl ExactSizeIterator<Item = Result<std::ops::Range<usize>, E>>, used: usize, run: &[u8]) -> bool {
    let mut end = 16 + 16 * spans.len();
    for span in spans {
        match span {
            Ok(span) if span.start == end => end = span.end,
            _ => return false,
        }
    }
    end == used && run[used..].iter().all(|byte| *byte == 0)
}

#[test]
fn look_ups_on_encoded_pages_find_what_a_sorted_list_finds() {
    fn holds(AnyLayout(layout): AnyLayout, keys: std::collections::BTreeSet<Vec<u8>>, wanted: Vec<u8>) -> bool {
        let keys: Vec<_> = keys.into_iter().collect();
        let targets = keys.iter().cloned().chain([wanted, Vec::new(), vec![0xFF; 101]]);
        let elements: Vec<_> = keys.iter().map(|key| LeafElement { flags: 0, key: &key[..], value: &b"v"[..] }).collect();
        let leaf_run = encode_leaf(PageId(2), &elements, layout).expect("elements that fit");
        let leaf = Page::parse(&leaf_run[..], PageId(2), layout).expect("a page").into_leaf().expect("a leaf");
        let children: Vec<_> = keys.iter().map(|key| BranchElement { key: &key[..], child: PageId(9) }).collect();
        let branch_run = encode_branch(PageId(2), &children, layout).expect("elements that fit");
        let branch = Page::parse(&branch_run[..], PageId(2), layout).expect("a page").into_branch();
        targets.into_iter().all(|target| {
            let below = keys.partition_point(|key| *key < target);
            let not_above = keys.partition_point(|key| *key <= target);
            leaf.lower_bound(&target) == Ok((below, below < not_above))
                && branch.as_ref().map_or(true, |branch| branch.child_index(&target) == Ok(not_above.saturating_sub(1)))
        })
    }
    property(holds as fn(AnyLayout, std::collections::BTreeSet<Vec<u8>>, Vec<u8>) -> bool);
}

#[test]
fn a_bucket_that_is_encoded_parses_to_the_same() {
    fn holds(root: u64, sequence: u64, pairs: Vec<Pair>, big: bool, host: u64, offset: u64) -> bool {
        let endian = ENDIANS[usize::from(big)];
        let mut value = encode_bucket(PageId(root), sequence, endian).to_vec();
        let elements = leaf_elements(&pairs);
        value.extend_from_slice(&encode_inline(&elements, endian).expect("elements that fit"));
        // With a root the header stands alone, without one the page follows.
        let paged = BucketHeader::parse(&value[..BUCKET_HEADER_SIZE], 0, PageId(host), offset, endian);
        let paged_holds = match paged {
            Ok(BucketHeader { root: BucketRoot::Page(found), sequence: s }) => {
                found == PageId(root) && s == sequence && root != 0
            }
            _ => root == 0 && paged.is_err(),
        };
        value[..8].fill(0);
        let header = BucketHeader::parse(&value[..], 0, PageId(host), offset, endian).expect("an inline bucket");
        let BucketRoot::Inline(page) = header.root else { return false };
        let leaf = page.into_leaf().expect("a leaf");
        paged_holds
            && header.sequence == sequence
            && leaf.page().id() == PageId(host)
            && value.len() == 32 + elements.iter().map(|e| 16 + e.key.len() + e.value.len()).sum::<usize>()
            && leaf.len() == elements.len()
            && (0..leaf.len()).all(|i| leaf.element(i) == Ok(elements[i]))
    }
    property(holds as fn(u64, u64, Vec<Pair>, bool, u64, u64) -> bool);
}

#[test]
fn a_freelist_that_is_encoded_parses_to_the_same_ids() {
    fn holds(AnyLayout(layout): AnyLayout, id: u64, ids: std::collections::BTreeSet<u64>, more: u8) -> bool {
        let ids: Vec<_> = ids.into_iter().map(PageId).collect();
        let needed = (16 + 8 * ids.len() as u64).div_ceil(layout.page_size.bytes());
        let too_short = (needed > 1).then(|| encode_freelist(PageId(id), &ids, needed - 1, layout));
        let pages = needed + u64::from(more % 3);
        let run = encode_freelist(PageId(id), &ids, pages, layout).expect("room enough");
        let list = Page::parse(&run[..], PageId(id), layout).expect("a page").into_freelist().expect("a freelist");
        too_short.is_none_or(|e| e == Err(EncodeError::FreelistTooLong { count: ids.len(), pages: needed - 1 }))
            && u64::from(list.page().overflow()) + 1 == pages
            && list.len() == ids.len()
            && list.ids().eq(ids)
    }
    property(holds as fn(AnyLayout, u64, std::collections::BTreeSet<u64>, u8) -> bool);
}

#[test]
fn a_freelist_of_65535_ids_and_more_keeps_its_length_in_its_first_word() {
    for endian in ENDIANS {
        let layout = layout(1024, endian);
        for count in [65534, 65535, 65536, 70000] {
            let ids: Vec<_> = (2..count + 2).map(PageId).collect();
            let words = count + u64::from(count >= 65535);
            let pages = (16 + 8 * words).div_ceil(1024);
            assert!(encode_freelist(PageId(1 << 20), &ids, pages - 1, layout).is_err());
            let run = encode_freelist(PageId(1 << 20), &ids, pages, layout).unwrap();
            let header = PageHeader::read(&run, endian).unwrap();
            assert_eq!(u64::from(header.count), count.min(0xFFFF));
            let list = Page::parse(&run[..], PageId(1 << 20), layout).unwrap().into_freelist().unwrap();
            assert!(list.ids().eq(ids), "{count} ids");
        }
    }
}

#[test]
fn the_root_leaf_of_the_format_description_has_exactly_these_bytes() {
    let inline = encode_inline(&[LeafElement { flags: 0, key: b"K", value: b"VAL" }], Endian::Little).unwrap();
    let value = [&encode_bucket(PageId(0), 0x1122_3344_5566_7788, Endian::Little)[..], &inline].concat();
    let element = LeafElement { flags: 1, key: &b"ab"[..], value: &value[..] };
    let run = encode_leaf(PageId(4), &[element], layout(4096, Endian::Little)).unwrap();
    let expected = "0400000000000000 0200 0100 00000000 01000000 10000000 02000000 34000000 6162 \
                    0000000000000000 8877665544332211 0000000000000000 0200 0100 00000000 \
                    00000000 10000000 01000000 03000000 4b 56414c";
    assert_eq!(support::dump::hex(&run[..16 + 16 + 2 + 52]), expected.replace(' ', ""));
}

#[test]
fn more_elements_than_a_page_can_count_are_refused() {
    let one = LeafElement { flags: 0, key: &b"k"[..], value: &b""[..] };
    let layout = layout(4096, Endian::Little);
    assert!(encode_leaf(PageId(2), &vec![one; 65534], layout).is_ok());
    assert_eq!(encode_leaf(PageId(2), &vec![one; 65535], layout), Err(EncodeError::TooManyElements { count: 65535 }));
    assert_eq!(encode_inline(&vec![one; 65535], Endian::Big), Err(EncodeError::TooManyElements { count: 65535 }));
}

/// Bytes that pass for a page at the door, and anything behind it.
#[derive(Debug, Clone)]
struct HostilePage {
    layout: AnyLayout,
    id: u64,
    bytes: Vec<u8>,
}

impl Arbitrary for HostilePage {
    fn arbitrary(g: &mut Gen) -> HostilePage {
        let AnyLayout(layout) = AnyLayout::arbitrary(g);
        let page_size = layout.page_size.get().min(8192);
        let layout = support::layout::layout(page_size, layout.endian);
        let mut bytes = if bool::arbitrary(g) { encoded(g, layout) } else { Vec::new() };
        if bytes.is_empty() {
            bytes = (0..page_size * (1 + u32::arbitrary(g) % 3)).map(|_| u8::arbitrary(g)).collect();
        }
        let overflow = bytes.len() as u32 / page_size - 1;
        for _ in 0..u8::arbitrary(g) % 8 {
            // Most of what matters lies at the start.
            let reach = *g.choose(&[16, 48, 256, bytes.len()]).expect("some to choose from");
            let at = usize::arbitrary(g) % reach.min(bytes.len());
            bytes[at] = *g.choose(&[0, 1, 2, 0x10, 0x7F, 0x80, 0xFE, 0xFF]).expect("some to choose from");
        }
        let id = u64::arbitrary(g);
        let flags = if u8::arbitrary(g) < 250 { *g.choose(&[1, 2, 4, 16]).expect("four kinds") } else { u16::arbitrary(g) };
        let found = PageHeader::read(&bytes, layout.endian).expect("at least a page");
        let count = if bool::arbitrary(g) { found.count } else { u16::arbitrary(g) >> (u8::arbitrary(g) % 16) };
        let header = PageHeader { id: PageId(id), flags, count, overflow };
        bytes[..16].copy_from_slice(&header.encode(layout.endian));
        HostilePage { layout: AnyLayout(layout), id, bytes }
    }
}

/// A sound page of any kind, its id not yet right.
fn encoded(g: &mut Gen, layout: unbolt::format::Layout) -> Vec<u8> {
    let pairs: Vec<Pair> = Arbitrary::arbitrary(g);
    let run = match u8::arbitrary(g) % 3 {
        0 => encode_leaf(PageId(0), &leaf_elements(&pairs), layout),
        1 => {
            let children: Vec<_> =
                pairs.iter().map(|(child, key, _)| BranchElement { key: &key[..], child: PageId(u64::from(*child)) }).collect();
            encode_branch(PageId(0), &children, layout)
        }
        _ => {
            let ids: Vec<_> = pairs.iter().map(|(id, ..)| PageId(u64::from(*id))).collect();
            encode_freelist(PageId(0), &ids, (16 + 8 * ids.len() as u64).div_ceil(layout.page_size.bytes()), layout)
        }
    };
    run.unwrap_or_default()
}

/// Whether every key and value that a leaf gives lies between its element headers and its end.
fn leaf_is_in_bounds<B: Bytes>(leaf: &Leaf<B>, target: &[u8]) -> bool {
    let run = leaf.page().bytes().clone();
    let data = 16 + 16 * leaf.len()..=run.len();
    let elements = (0..leaf.len() + 2).all(|i| match (leaf.element(i), leaf.span(i)) {
        (Ok(element), Ok(span)) => {
            let middle = span.start + element.key.len();
            i < leaf.len()
                && data.contains(&span.start)
                && data.contains(&span.end)
                && *element.key == run[span.start..middle]
                && *element.value == run[middle..span.end]
                && leaf.key(i).is_ok_and(|key| *key == *element.key)
        }
        (Err(_), Err(_)) => leaf.key(i).is_ok_and(|key| key.len() <= run.len()) || leaf.key(i).is_err(),
        _ => false,
    });
    let buckets = (0..leaf.len()).all(|i| match leaf.item(i) {
        Ok(LeafItem::Bucket(BucketHeader { root: BucketRoot::Inline(page), .. })) => {
            let value = leaf.element(i).expect("an item is an element").value;
            let inside = page.bytes().len() + BUCKET_HEADER_SIZE == value.len();
            // One level down is enough: what nests there is parsed by the same code.
            inside
                && page
                    .into_leaf()
                    .is_ok_and(|inner| (0..inner.len()).all(|i| inner.element(i).is_err() || inner.span(i).is_ok()))
        }
        _ => true,
    });
    let found = leaf.lower_bound(target).map_or(true, |(at, exact)| at <= leaf.len() && (!exact || leaf.key(at) == Ok(target)));
    elements && buckets && found
}

#[test]
fn whatever_parses_lies_inside_its_run() {
    fn in_bounds<B: Bytes>(page: Page<B>, target: &[u8]) -> bool {
        let len = page.bytes().len();
        match page.kind() {
            PageKind::Leaf => page.into_leaf().is_ok_and(|leaf| leaf_is_in_bounds(&leaf, target)),
            PageKind::Branch => match page.into_branch() {
                Ok(branch) => {
                    let elements = (0..branch.len() + 2).all(|i| match (branch.element(i), branch.span(i)) {
                        (Ok(element), Ok(span)) => {
                            span.start >= 16 + 16 * branch.len()
                                && *element.key == branch.page().bytes()[span]
                                && branch.child(i) == Ok(element.child)
                                && branch.key(i).is_ok_and(|key| *key == *element.key)
                        }
                        (Err(_), Err(_)) => branch.key(i).is_err(),
                        _ => false,
                    });
                    elements && branch.child_index(target).map_or(true, |at| at < branch.len())
                }
                Err(_) => true,
            },
            PageKind::Freelist => {
                page.into_freelist().map_or(true, |list| list.ids().len() == list.len() && list.len() * 8 + 16 <= len)
            }
            PageKind::Meta => {
                page.clone().into_leaf().is_err() && page.clone().into_branch().is_err() && page.into_freelist().is_err()
            }
        }
    }
    fn holds(HostilePage { layout: AnyLayout(layout), id, bytes }: HostilePage, target: Vec<u8>) -> bool {
        let shared = SharedBytes::new(bytes.clone().into());
        match (Page::parse(&bytes[..], PageId(id), layout), Page::parse(shared, PageId(id), layout)) {
            (Ok(slice), Ok(shared)) => in_bounds(slice, &target) && in_bounds(shared, &target),
            (Err(slice), Err(shared)) => slice == shared,
            _ => false,
        }
    }
    QuickCheck::new().tests(5 * CASES).quickcheck(holds as fn(HostilePage, Vec<u8>) -> bool);
}

#[test]
fn any_bytes_read_as_a_bucket_end_in_a_bucket_or_an_error() {
    fn holds(bytes: Vec<u8>, inline: bool, leaf: bool, big: bool) -> bool {
        let mut bytes = bytes;
        let endian = ENDIANS[usize::from(big)];
        if let Some(root) = bytes.get_mut(..8).filter(|_| inline) {
            root.fill(0);
        }
        if let Some(flags) = bytes.get_mut(24..26).filter(|_| leaf) {
            flags.copy_from_slice(&if big { 2_u16.to_be_bytes() } else { 2_u16.to_le_bytes() });
        }
        match BucketHeader::parse(&bytes[..], 3, PageId(4), 5, endian) {
            Ok(BucketHeader { root: BucketRoot::Page(id), .. }) => id != PageId(0) && bytes.len() >= 16,
            Ok(BucketHeader { root: BucketRoot::Inline(page), .. }) => {
                page.bytes().len() + 16 == bytes.len() && page.into_leaf().is_ok_and(|leaf| leaf_is_in_bounds(&leaf, b"key"))
            }
            Err(corruption) => corruption.page == Some(PageId(4)),
        }
    }
    property(holds as fn(Vec<u8>, bool, bool, bool) -> bool);
}

#[test]
fn a_run_is_refused_for_a_wrong_number_kind_or_length() {
    fn holds(AnyLayout(layout): AnyLayout, pairs: Vec<Pair>, id: u64, other: u64, cut: usize) -> bool {
        let run = encode_leaf(PageId(id), &leaf_elements(&pairs), layout).expect("elements that fit");
        let cut = &run[..cut % run.len()];
        let longer = [&run[..], &[0]].concat();
        let mut kind = run.clone();
        kind[if layout.endian == Endian::Little { 8 } else { 9 }] = 3;
        let refused = |bytes: &[u8], id: u64| Page::parse(bytes, PageId(id), layout).is_err();
        (other == id || refused(&run, other)) && refused(cut, id) && refused(&longer, id) && refused(&kind, id)
    }
    property(holds as fn(AnyLayout, Vec<Pair>, u64, u64, usize) -> bool);
}
