//! Every class of damage that is known, each with what must come of it.

mod support;

use support::image::Image;
use unbolt::format::{Endian, LeafElement, PageId, encode_bucket, encode_inline};
use unbolt::tree::{reach, walk};
use unbolt::{Corruption, CorruptionKind, Snapshot, Storage};

/// How many page runs a whole look at a database may ask for.
fn budget(snapshot: &Snapshot) -> u64 {
    8 * (snapshot.size() / snapshot.layout().page_size.bytes()) + 1000
}

fn inline_bucket(entries: &[(u32, &[u8], &[u8])]) -> Vec<u8> {
    let elements: Vec<_> =
        entries.iter().map(|(flags, key, value)| LeafElement { flags: *flags, key: *key, value: *value }).collect();
    let page = encode_inline(&elements, Endian::Little).unwrap();
    [&encode_bucket(PageId(0), 0, Endian::Little)[..], &page].concat()
}

/// A leaf page whose elements all lie over the same bytes, and these are again such a page: no page is loaded
/// twice, and yet there are `width` to the power of `depth` ways through it.
fn overlapping(depth: usize, width: u32) -> Vec<u8> {
    let mut inner = inline_bucket(&[(0, b"k", b"v")]);
    for _ in 0..depth {
        let mut page =
            encode_inline(&vec![LeafElement { flags: 1, key: &b""[..], value: &b""[..] }; width as usize], Endian::Little)
                .unwrap();
        for i in 0..width {
            let at = 16 + 16 * i as usize;
            let (pos, ksize, vsize) = (16 * (width - i), 1_u32, inner.len() as u32);
            page[at + 4..at + 8].copy_from_slice(&pos.to_le_bytes());
            page[at + 8..at + 12].copy_from_slice(&ksize.to_le_bytes());
            page[at + 12..at + 16].copy_from_slice(&vsize.to_le_bytes());
        }
        page.push(b'k');
        page.extend_from_slice(&inner);
        inner = [&encode_bucket(PageId(0), 0, Endian::Little)[..], &page].concat();
    }
    inner
}

#[test]
fn a_walk_through_inline_buckets_that_overlap_ends() {
    let mut image = Image::new(4096, Endian::Little);
    let value = overlapping(16, 8);
    let root = image.leaf(&[(1, b"bucket", &value)]);
    let snapshot = Snapshot::from_bytes(image.finish(root, None)).unwrap();
    let reached = reach(snapshot.pages()).unwrap();
    assert!(reached.problems.iter().any(|problem| matches!(problem.kind, CorruptionKind::ElementOverlap { .. })));
}

/// Branches in levels, each element of a level leading to the same page of the next: 2^levels ways down.
fn shared_branches(image: &mut Image, levels: usize, leaves: [PageId; 2]) -> PageId {
    (0..levels)
        .fold(image.branch(&[(b"a", leaves[0]), (b"m", leaves[1])]), |child, _| image.branch(&[(b"a", child), (b"m", child)]))
}

#[test]
fn a_scan_over_shared_leaves_whose_keys_are_not_sorted_ends() {
    let mut image = Image::new(512, Endian::Little);
    let one = image.leaf(&[(0, b"z", b""), (0, b"a", b"")]);
    let other = image.leaf(&[(0, b"b", b""), (0, b"y", b"")]);
    let root = shared_branches(&mut image, 24, [one, other]);
    scans_end(image.finish(root, None));
}

#[test]
fn a_scan_over_shared_empty_leaves_ends_within_the_budget() {
    let mut image = Image::new(512, Endian::Little);
    let empty = image.leaf(&[]);
    // A long way down to each of them, and entries in between.
    let far = (0..50).fold(empty, |child, _| image.branch(&[(b"a", child)]));
    let children: Vec<_> = (0..400_u32)
        .map(|i| {
            let key = format!("{i:04}").into_bytes();
            let child = if i % 20 == 0 { image.leaf(&[(0, &key, b"")]) } else { far };
            (key, child)
        })
        .collect();
    let children: Vec<_> = children.iter().map(|(key, child)| (&key[..], *child)).collect();
    let root = image.branch(&children);
    scans_end(image.finish(root, None));
}

/// Scans the root bucket both ways, which must come to an error within the budget.
fn scans_end(bytes: Vec<u8>) {
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    let root = snapshot.root().unwrap();
    let forward = root.iter().try_for_each(|pair| pair.map(drop));
    assert!(forward.unwrap_err().is_corrupt());
    assert!(snapshot.runs_read() <= budget(&snapshot), "{} runs read", snapshot.runs_read());
    let before = snapshot.runs_read();
    assert!(root.iter().rev().try_for_each(|pair| pair.map(drop)).unwrap_err().is_corrupt());
    assert!(snapshot.runs_read() - before <= budget(&snapshot), "{} runs read", snapshot.runs_read() - before);
}
