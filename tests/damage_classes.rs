//! Every class of damage that is known, each with what must come of it.

mod support;

use support::alloc::{Counting, peak_of};
#[cfg(all(unix, feature = "cli"))]
use support::commands::{Asked, commands, run};
use support::damage::{Base, Damaged, paged};
use support::exercise::{Content, Reading, exercise};
use support::image::{Image, Numbers};
use unbolt::check::{Code, Severity};
use unbolt::format::{Endian, LeafElement, PageId, encode_bucket, encode_inline};
use unbolt::tree::{reach, verify};
use unbolt::{Corruption, CorruptionKind, Snapshot, Storage};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most memory that any class may take, beside the file itself.
const MEMORY: usize = 64 << 20;

/// What is read of a damaged file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// It is not opened.
    Refused,
    /// An error comes before everything is read.
    Error,
    /// All that the sound file holds.
    Same,
    /// Something else, and nothing but a check, if even that, can tell.
    Other,
}
use Read::{Error, Other, Refused, Same};

/// For each class: what is read, whether the tree and the freelist verify, and what `check` must find at least.
/// Go's check says OK to 6, 12, 13, 17, 18, 39, 48, 53, 59, 60, 61 and 66, and does not survive 4, 5, 14, 15, 22 to 25, 27
/// to 29, 38, 41, 51, 54, 67 and 70.
const WANTED: [(u32, Read, bool, Option<Code>); 73] = [
    (1, Refused, false, None),
    (2, Refused, false, None),
    (3, Error, false, Some(Code::FileShort)),
    (4, Error, false, Some(Code::FileShort)),
    (5, Error, false, Some(Code::FileShort)),
    (6, Error, false, Some(Code::FileShort)),
    (7, Same, true, None),
    (8, Refused, false, None),
    (9, Same, true, Some(Code::MetaRefused)),
    (10, Same, true, Some(Code::MetaRefused)),
    (11, Refused, false, None),
    (12, Same, true, Some(Code::MetaRefused)),
    (13, Same, true, Some(Code::MetaRefused)),
    (14, Error, false, Some(Code::FileShort)),
    (15, Refused, false, None),
    (16, Refused, false, None),
    (17, Same, true, Some(Code::TxidEqual)),
    (18, Same, true, Some(Code::TxidLast)),
    (19, Error, false, Some(Code::MetaField)),
    (20, Error, false, Some(Code::MetaField)),
    (21, Error, false, Some(Code::MetaField)),
    (22, Error, false, Some(Code::PageKind)),
    // The trees are sound, but a state whose meta cannot be true is not read.
    (23, Error, false, Some(Code::MetaField)),
    (24, Error, false, Some(Code::MetaField)),
    (25, Same, false, Some(Code::PageKind)),
    (26, Error, false, Some(Code::MetaField)),
    (27, Same, false, Some(Code::FileShort)),
    (28, Error, false, Some(Code::PageCycle)),
    (29, Error, false, Some(Code::PageCycle)),
    (30, Error, false, Some(Code::PageShared)),
    (31, Error, false, Some(Code::PageRange)),
    (32, Error, false, Some(Code::PageRange)),
    (33, Error, false, Some(Code::PageRange)),
    // An older leaf with the same keys, and only the freelist knows.
    (34, Other, false, Some(Code::ReachableFree)),
    (35, Error, false, Some(Code::PageId)),
    (36, Error, false, Some(Code::PageKind)),
    (37, Error, false, Some(Code::PageKind)),
    (38, Error, false, Some(Code::ElementCount)),
    (39, Other, true, Some(Code::EmptyLeaf)),
    (40, Error, false, Some(Code::EmptyBranch)),
    (41, Error, false, Some(Code::PageRun)),
    (42, Error, false, Some(Code::PageRun)),
    (43, Error, false, Some(Code::PageShared)),
    // Verifying looks at pages, not at the values on them.
    (44, Error, true, Some(Code::ElementSpan)),
    (45, Error, true, Some(Code::ElementSpan)),
    (46, Error, true, Some(Code::ElementSpan)),
    (47, Error, true, Some(Code::ElementSpan)),
    (48, Error, true, Some(Code::ElementSpan)),
    (49, Other, true, Some(Code::KeyEmpty)),
    (50, Other, true, Some(Code::KeyOrder)),
    (51, Error, false, Some(Code::ElementSpan)),
    (52, Error, false, Some(Code::PageRange)),
    (53, Same, true, Some(Code::ElementFlags)),
    (54, Error, false, Some(Code::PageCycle)),
    (55, Error, false, Some(Code::PageShared)),
    (56, Error, false, Some(Code::PageRange)),
    (57, Error, false, Some(Code::PageRange)),
    (58, Error, false, Some(Code::InlinePage)),
    (59, Error, false, Some(Code::ElementCount)),
    (60, Error, true, Some(Code::ElementSpan)),
    (61, Error, false, Some(Code::InlinePage)),
    (62, Same, false, Some(Code::FreelistRange)),
    (63, Same, false, Some(Code::ReachableFree)),
    (64, Same, false, Some(Code::FreelistDuplicate)),
    (65, Same, false, Some(Code::FreelistRange)),
    (66, Same, false, Some(Code::FreelistUnsorted)),
    (67, Same, false, Some(Code::ElementCount)),
    (68, Same, false, Some(Code::UnreachableUnfreed)),
    (69, Same, false, Some(Code::ElementCount)),
    (70, Error, false, Some(Code::PageShared)),
    (71, Other, true, Some(Code::InlineBucket)),
    (72, Other, true, None),
    (73, Other, true, None),
];

#[test]
fn every_known_class_of_damage_ends_in_an_error_or_a_right_answer() {
    let base = Base::new();
    let Reading::Whole(sound, found) = exercise(&base.bytes.clone().into(), &[]) else { panic!("the base is sound") };
    assert!(found.verified.is_ok() && found.problems.is_empty());
    let keys: Vec<_> =
        ["key-00", "key-13", "key-29", "one", "a", "z", "n", ""].iter().map(|key| key.as_bytes().to_vec()).collect();
    let classes = base.classes();
    for (class, read, verified, code) in WANTED {
        let variants: Vec<_> = classes.iter().filter(|damaged| damaged.class == class).collect();
        assert!(!variants.is_empty(), "class {class} is missing");
        for damaged in variants {
            let bytes = damaged.bytes.clone().into();
            let (reading, peak) = peak_of(|| exercise(&bytes, &keys));
            assert_eq!(outcome(&reading, &sound), (read, verified), "{}: {reading:#?}", name(damaged));
            assert!(peak <= MEMORY, "{}: {peak} bytes", name(damaged));
            let (found, severity) = findings(&reading);
            assert!(code.is_none_or(|code| found.contains(&code)), "{}: {code:?} is not in {found:?}", name(damaged));
            assert!(code.is_some() || severity.is_none_or(|worst| worst == Severity::Note), "{}: {found:?}", name(damaged));
            assert!(code.is_none() || severity > Some(Severity::Note), "{}: only notes", name(damaged));
        }
    }
    assert_eq!(WANTED.map(|(class, ..)| class), std::array::from_fn(|i| i as u32 + 1));
}

fn findings(reading: &Reading) -> (&[Code], Option<Severity>) {
    match reading {
        Reading::Refused(_) => (&[], None),
        Reading::Broken(_, found) | Reading::Whole(_, found) => (&found.codes, found.severity),
    }
}

fn name(damaged: &Damaged) -> String {
    format!("class {} ({})", damaged.class, damaged.what)
}

fn outcome(reading: &Reading, sound: &Content) -> (Read, bool) {
    match reading {
        Reading::Refused(_) => (Refused, false),
        Reading::Broken(_, found) => (Error, found.verified.is_ok()),
        Reading::Whole(content, found) if content == sound => (Same, found.verified.is_ok()),
        Reading::Whole(_, found) => (Other, found.verified.is_ok()),
    }
}

#[test]
fn buckets_nested_deeply_are_read_to_the_bottom() {
    for (class, buckets) in [(71, 121), (72, 5000)] {
        let classes = Base::new().classes();
        let damaged = classes.iter().find(|damaged| damaged.class == class).unwrap();
        let Reading::Whole(content, _) = exercise(&damaged.bytes.clone().into(), &[]) else { panic!("{}", name(damaged)) };
        assert_eq!((content.buckets, content.pairs), (buckets, 1));
    }
}

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

/// A file of one page with such a bucket.
fn overlapping_buckets() -> Vec<u8> {
    let mut image = Image::new(4096, Endian::Little);
    let value = overlapping(16, 8);
    let root = image.leaf(&[(1, b"bucket", &value)]);
    image.finish(root, None)
}

#[test]
fn a_walk_through_inline_buckets_that_overlap_ends() {
    let snapshot = Snapshot::from_bytes(overlapping_buckets()).unwrap();
    let reached = reach(snapshot.pages()).unwrap();
    assert!(reached.problems.iter().any(|problem| matches!(problem.kind, CorruptionKind::ElementOverlap { .. })));
}

/// Branches in levels, each element of a level leading to the same page of the next: 2^levels ways down.
fn shared_branches(image: &mut Image, levels: usize, leaves: [PageId; 2]) -> PageId {
    (0..levels)
        .fold(image.branch(&[(b"a", leaves[0]), (b"m", leaves[1])]), |child, _| image.branch(&[(b"a", child), (b"m", child)]))
}

fn shared_unsorted_leaves() -> Vec<u8> {
    let mut image = Image::new(512, Endian::Little);
    let one = image.leaf(&[(0, b"z", b""), (0, b"a", b"")]);
    let other = image.leaf(&[(0, b"b", b""), (0, b"y", b"")]);
    let root = shared_branches(&mut image, 24, [one, other]);
    image.finish(root, None)
}

#[test]
fn a_scan_over_shared_leaves_whose_keys_are_not_sorted_ends() {
    scans_end(shared_unsorted_leaves());
}

fn shared_empty_leaves() -> Vec<u8> {
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
    image.finish(root, None)
}

#[test]
fn a_scan_over_shared_empty_leaves_ends_within_the_budget() {
    scans_end(shared_empty_leaves());
}

/// Buckets that lie in one another many times over, none of them on a page of its own ancestors.
fn shared_buckets(levels: usize) -> Vec<u8> {
    let mut image = Image::new(512, Endian::Little);
    let innermost = image.leaf(&[(0, b"k", b"v")]);
    let root = (0..levels).fold(innermost, |page, _| {
        let value = paged(page);
        image.leaf(&[(1, b"a", &value), (1, b"b", &value)])
    });
    image.finish(root, None)
}

#[test]
#[cfg(all(unix, feature = "cli"))]
fn every_command_ends_on_every_class_of_damage() {
    let shapes = [
        (overlapping_buckets(), "overlapping buckets"),
        (overlapping_leaf().0, "overlapping leaf"),
        (overlapping_branch(), "overlapping branch"),
        (shared_unsorted_leaves(), "unsorted"),
        (shared_empty_leaves(), "empty"),
        (shared_buckets(30), "shared buckets"),
    ];
    let shapes = shapes.into_iter().map(|(bytes, what)| Damaged { class: 0, what, bytes });
    let asked = Asked { bucket: vec![b"tree".to_vec()], key: b"key-13".to_vec(), root: 11 };
    let commands = commands(&asked);
    for damaged in Base::new().classes().into_iter().chain(shapes) {
        let bytes: std::sync::Arc<[u8]> = damaged.bytes.clone().into();
        for command in &commands {
            let (ended, peak) = peak_of(|| run(command, &bytes));
            // What 5,000 nested buckets are called fills hundreds of megabytes; half of the limit is its spool's.
            assert!(peak <= MEMORY + 2 * bytes.len(), "{}: {}: {peak} bytes", name(&damaged), command.line);
            let nested = damaged.class == 72;
            assert!(nested || ended.written < 1 << 20, "{}: {}: {} bytes", name(&damaged), command.line, ended.written);
        }
    }
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

/// What a result says is wrong, and with which page.
fn blamed<T>(result: Result<T, unbolt::Error>) -> (Option<CorruptionKind>, Option<PageId>) {
    match result {
        Err(unbolt::Error::Corrupt(corruption)) => (Some(corruption.kind), corruption.page),
        _ => (None, None),
    }
}

#[test]
fn a_seek_that_meets_a_lower_key_on_the_next_leaf_is_an_error() {
    let mut image = Image::new(512, Endian::Little);
    let first = image.leaf(&[(0, b"m", b"")]);
    let second = image.leaf(&[(0, b"n", b""), (0, b"z", b"")]);
    let root = image.branch(&[(b"a", first), (b"zz", second)]);
    let snapshot = Snapshot::from_bytes(image.finish(root, None)).unwrap();
    let bucket = snapshot.root().unwrap();
    let expected = (Some(CorruptionKind::PageOrder), Some(second));
    assert_eq!(blamed(bucket.cursor().seek(b"z")), expected);
    assert_eq!(blamed(bucket.prefix(b"z").next().unwrap()), expected);
    assert_eq!(blamed(bucket.range(..&b"z"[..]).next_back().unwrap()), expected);
    assert_eq!(bucket.iter().filter(Result::is_ok).count(), 3);
}

#[test]
fn a_range_yields_no_key_outside_of_it_where_keys_are_not_sorted() {
    let mut image = Image::new(512, Endian::Little);
    let root = image.leaf(&[(0, b"m1", b""), (0, b"a", b""), (0, b"m2", b""), (0, b"z", b""), (0, b"m3", b"")]);
    let snapshot = Snapshot::from_bytes(image.finish(root, None)).unwrap();
    let bucket = snapshot.root().unwrap();
    let expected = (Some(CorruptionKind::PageOrder), Some(root));
    for mut forward in [bucket.prefix(b"m1"), bucket.range(&b"b"[..]..)] {
        assert!(forward.all(|pair| pair.map_or_else(|e| blamed::<()>(Err(e)) == expected, |(key, _)| &key[..] >= b"b")));
    }
    let mut back = bucket.range(..&b"m9"[..]).rev();
    assert!(back.all(|pair| pair.map_or_else(|e| blamed::<()>(Err(e)) == expected, |(key, _)| &key[..] < b"m9")));
}

/// A leaf between two others whose elements all have the same bytes, which are most of its run. The keys ascend, each
/// a byte longer.
fn overlapping_leaf() -> (Vec<u8>, PageId) {
    let mut image = Image::new(512, Endian::Little);
    let long = vec![b'x'; 60_000];
    let count = 1000_u32;
    let mut elements: Vec<(u32, &[u8], &[u8])> = vec![(0, b"", b""); count as usize - 1];
    elements.push((0, &long, b""));
    let id = image.leaf(&elements);
    let at = (id.0 * image.layout.page_size.bytes()) as usize + 16;
    for i in 0..count {
        let header = at + 16 * i as usize;
        image.bytes.set_u32(header + 4, 16 * (count - i));
        image.bytes.set_u32(header + 8, 50_000 + i);
    }
    let [before, after] = [&b"a"[..], b"z"].map(|key| image.leaf(&[(0, key, b"")]));
    let root = image.branch(&[(b"a", before), (b"b", id), (b"z", after)]);
    (image.finish(root, None), id)
}

/// A branch whose separators all have the same bytes, each with a leaf of its own.
fn overlapping_branch() -> Vec<u8> {
    let mut image = Image::new(512, Endian::Little);
    let leaves: Vec<_> = (0..100).map(|_| image.leaf(&[(0, b"k", b"v")])).collect();
    let long = vec![b'x'; 60_000];
    let mut children: Vec<_> = leaves.iter().map(|leaf| (&b""[..], *leaf)).collect();
    children[99].0 = &long;
    let root = image.branch(&children);
    let at = root.0 as usize * 512 + 16;
    for i in 0..100 {
        image.bytes.set_u32(at + 16 * i, 16 * (100 - i as u32));
        image.bytes.set_u32(at + 16 * i + 4, 50_000 + i as u32);
    }
    image.finish(root, None)
}

#[test]
fn a_walk_takes_no_more_separators_than_their_branch_has_bytes() {
    let snapshot = Snapshot::from_bytes(overlapping_branch()).unwrap();
    let problems = reach(snapshot.pages()).unwrap().problems;
    assert!(matches!(problems[..], [Corruption { kind: CorruptionKind::ElementOverlap { index: 1, .. }, .. }]), "{problems:?}");
}

#[test]
fn a_leaf_whose_elements_share_their_bytes_is_refused_by_every_scan() {
    let (bytes, overlapping) = overlapping_leaf();
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    let bucket = snapshot.root().unwrap();
    let refused =
        |result| matches!(blamed(result), (Some(CorruptionKind::ElementOverlap { .. }), Some(page)) if page == overlapping);
    for scan in [&mut bucket.iter() as &mut dyn Iterator<Item = _>, &mut bucket.iter().rev()] {
        assert!(scan.next().unwrap().is_ok());
        assert!(refused(scan.next().unwrap().map(drop)));
        assert!(scan.next().is_none());
    }
    let key = [b'x'; 50_500];
    assert!(refused(bucket.prefix(b"x").next().unwrap().map(drop)));
    assert!(refused(bucket.range(..=&key[..]).next_back().unwrap().map(drop)));
    assert!(refused(bucket.cursor().seek(&key).map(drop)));
    assert!(bucket.get(&key).unwrap().is_some(), "a look-up takes no more than it finds");
}

#[test]
fn a_cursor_a_look_up_and_a_walk_go_down_to_the_same_level() {
    for (branches, sound) in [(63, true), (64, false)] {
        let mut image = Image::new(512, Endian::Little);
        let leaf = image.leaf(&[(0, b"k", b"v")]);
        let root = (0..branches).fold(leaf, |child, _| image.branch(&[(b"k", child)]));
        let snapshot = Snapshot::from_bytes(image.finish(root, None)).unwrap();
        let bucket = snapshot.root().unwrap();
        let expected = if sound { (None, None) } else { (Some(CorruptionKind::TooDeep { limit: 64 }), Some(leaf)) };
        assert_eq!(blamed(bucket.get(b"k")), expected);
        assert_eq!(blamed(bucket.cursor().first()), expected);
        assert_eq!(blamed(bucket.cursor().seek(b"k")), expected);
        assert_eq!(blamed(verify(snapshot.pages())), expected);
    }
}

#[test]
fn a_cut_file_is_too_short_before_its_freelist_is_blamed() {
    let mut image = Image::new(512, Endian::Little);
    let root = image.leaf(&[(0, b"k", b"v")]);
    let free = image.freelist(&[PageId(4), PageId(5)]);
    image.bytes.extend([0; 2 * 512]);
    let mut bytes = image.finish(root, Some(free));
    verify(Snapshot::from_bytes(bytes.clone()).unwrap().pages()).unwrap();
    bytes.truncate(5 * 512);
    let cut = Snapshot::from_bytes(bytes).unwrap();
    let expected = CorruptionKind::ShortFile { expected: 6 * 512, found: 5 * 512 };
    assert_eq!(blamed(verify(cut.pages())), (Some(expected), None));
}

#[test]
fn a_tree_page_on_the_run_of_the_freelist_is_in_use_and_not_free() {
    let mut image = Image::new(512, Endian::Little);
    let free = image.freelist(&[]);
    let root = image.leaf(&[(0, b"k", b"v")]);
    let mut bytes = image.finish(root, Some(free));
    bytes.set_u32(2 * 512 + 12, 1);
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    assert_eq!(blamed(verify(snapshot.pages())), (Some(CorruptionKind::FreelistInUse), Some(root)));
}
