//! Promise: what is built in one pass is a sound database with exactly what was put in, cut into pages as Go's writer
//! cuts them; every page is written once, front to back, the metas last; and little memory is taken for it.

mod support;

use std::collections::BTreeMap;
use std::io;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use quickcheck::{Arbitrary, Gen, QuickCheck};
use support::alloc::{Counting, peak_of};
use support::dump::{Dump, dump};
use support::shape::{Shapes, shapes};
use unbolt::check::check_snapshot;
use unbolt::format::{PageId, SharedBytes, TxId};
use unbolt::tree::{BuildOptions, Builder, Built, read_freelist, verify};
use unbolt::{Disk, Error, MemoryDisk, Snapshot};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CASES: u64 = 500;
/// Of so many built databases one is shown to bbolt.
const SHOWN: u64 = 10;

/// A bucket of the model.
#[derive(Debug, Clone, Default)]
struct Tree {
    sequence: u64,
    entries: BTreeMap<Vec<u8>, Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Value(Vec<u8>),
    Bucket(Tree),
}

/// A database of the model, and how it is to be built.
#[derive(Debug, Clone)]
struct Plan {
    root: Tree,
    page_size: u32,
    fill: f64,
    gather: u64,
}

impl Arbitrary for Plan {
    fn arbitrary(g: &mut Gen) -> Plan {
        let page_size = *g.choose(&[1024, 1024, 1024, 4096, 65536]).unwrap();
        let fill = *g.choose(&[1.0, 1.0, 1.0, 0.5, 0.8, 0.05, 7.0]).unwrap();
        let gather = *g.choose(&[65536, 0, 5000, u64::MAX]).unwrap();
        Plan { root: tree(g, page_size as usize, 0), page_size, fill, gather }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Plan>> {
        let plan = self.clone();
        Box::new(self.root.entries.clone().into_iter().flat_map(move |(key, node)| {
            let mut without = plan.clone();
            without.root.entries.remove(&key);
            let inner = match node {
                Node::Bucket(root) => Some(Plan { root, ..plan.clone() }),
                Node::Value(_) => None,
            };
            std::iter::once(without).chain(inner)
        }))
    }
}

/// Sizes around everything that decides on pages: a quarter of one, a part, one and a half, several.
fn size(g: &mut Gen, page_size: usize) -> usize {
    let small = usize::arbitrary(g) % 24;
    match u8::arbitrary(g) {
        0..=8 => page_size * 3 / 2 + small,
        9..=16 => usize::arbitrary(g) % (4 * page_size),
        17..=32 => page_size / 4 - 40 + small,
        33..=64 => usize::arbitrary(g) % (page_size / 2),
        _ => small,
    }
}

fn tree(g: &mut Gen, page_size: usize, depth: usize) -> Tree {
    let most = *g.choose(&[0, 2, 4, 5, 7, 12, 60, 400]).unwrap() / (1 + depth);
    // As many bytes in large pages as in small ones.
    let most = most.min((1 << 20) / page_size);
    let long_keys = u8::arbitrary(g) < 40;
    let mut tree = Tree { sequence: u64::arbitrary(g), entries: BTreeMap::new() };
    for _ in 0..usize::arbitrary(g) % (most + 1) {
        let number = u32::arbitrary(g) % 100_000;
        let mut key = format!("{number:0width$}", width = 1 + number as usize % 9).into_bytes();
        if long_keys {
            key.resize(key.len() + size(g, page_size).min(32_000), b'k');
        }
        let node = match u8::arbitrary(g) {
            0..30 if depth < 5 => Node::Bucket(self::tree(g, page_size, depth + 1)),
            start => Node::Value((0..size(g, page_size)).map(|i| start.wrapping_add(i as u8)).collect()),
        };
        tree.entries.insert(key, node);
    }
    tree
}

impl Plan {
    fn build(&self, disk: &dyn Disk) -> Result<Built, Error> {
        let mut options = BuildOptions::default();
        options.page_size(self.page_size).fill_percent(self.fill).gather(self.gather);
        let mut builder = Builder::new(disk, &options)?;
        self.root.feed(&mut builder)?;
        builder.finish()
    }

    /// The bytes of the database.
    fn built(&self) -> (Vec<u8>, Built) {
        let disk = MemoryDisk::new();
        let built = self.build(&disk).unwrap();
        (disk.to_bytes(), built)
    }
}

impl Tree {
    fn feed<'t>(&'t self, builder: &mut Builder<'_, &'t [u8]>) -> Result<(), Error> {
        builder.set_sequence(self.sequence);
        for (key, node) in &self.entries {
            match node {
                Node::Value(value) => builder.put(&key[..], &value[..])?,
                Node::Bucket(tree) => {
                    builder.begin_bucket(&key[..])?;
                    tree.feed(builder)?;
                    builder.end_bucket()?;
                }
            }
        }
        Ok(())
    }

    fn dump_to(&self, dump: &mut Dump) {
        for (key, node) in &self.entries {
            match node {
                Node::Value(value) => dump.pair(key, value),
                Node::Bucket(tree) => {
                    dump.enter(key, tree.sequence);
                    tree.dump_to(dump);
                    dump.leave();
                }
            }
        }
    }
}

/// Where one node with all elements is cut, in the words of the format's description: the elements of each page.
fn cut(sizes: &[usize], page: usize, fill: usize) -> Vec<usize> {
    let (mut parts, mut rest) = (Vec::new(), sizes);
    loop {
        let n = rest.len();
        if n <= 4 || 16 + rest.iter().sum::<usize>() < page {
            parts.push(n);
            return parts;
        }
        let mut running = 16;
        let mut at = n - 3;
        for (i, size) in rest[..=n - 3].iter().enumerate() {
            if i >= 2 && running + size > fill {
                at = i;
                break;
            }
            running += size;
        }
        parts.push(at);
        rest = &rest[at..];
    }
}

/// What a tree comes to: its shapes, and how long its bucket's value is.
fn expected(tree: &Tree, is_root: bool, page: usize, fill: usize, path: &mut Vec<Vec<u8>>, shapes: &mut Shapes) -> usize {
    let (mut elements, mut holds_bucket) = (Vec::new(), false);
    for (key, node) in &tree.entries {
        let value = match node {
            Node::Value(value) => value.len(),
            Node::Bucket(tree) => {
                holds_bucket = true;
                path.push(key.clone());
                let len = expected(tree, false, page, fill, path, shapes);
                path.pop();
                len
            }
        };
        elements.push((key.len(), 16 + key.len() + value));
    }
    let used = 16 + elements.iter().map(|(_, size)| size).sum::<usize>();
    let sizes: Vec<usize> = elements.iter().map(|(_, size)| *size).collect();
    let mut levels = vec![cut(&sizes, page, fill)];
    if levels[0].len() == 1 && !is_root && !holds_bucket && used <= page / 4 {
        shapes.insert(path.clone(), Vec::new());
        return 16 + used;
    }
    // The first keys of the pages of a level are the keys of the level above.
    let mut keys: Vec<usize> = elements.iter().map(|(key, _)| *key).collect();
    while levels[0].len() > 1 {
        let firsts = levels[0].iter().scan(0, |at, count| Some(std::mem::replace(at, *at + count)));
        keys = firsts.map(|at| keys[at]).collect();
        let sizes: Vec<usize> = keys.iter().map(|key| 16 + key).collect();
        levels.insert(0, cut(&sizes, page, fill));
    }
    shapes.insert(path.clone(), levels);
    16
}

/// How often something was seen that the model must bring about.
#[derive(Default)]
struct Seen {
    built: AtomicU64,
    three_levels: AtomicU64,
    inline: AtomicU64,
    overflow: AtomicU64,
}

#[test]
fn what_is_built_is_sound_and_what_was_put_in_and_cut_as_go_cuts_it() {
    static SEEN: Seen = Seen {
        built: AtomicU64::new(0),
        three_levels: AtomicU64::new(0),
        inline: AtomicU64::new(0),
        overflow: AtomicU64::new(0),
    };
    fn holds(plan: Plan) -> bool {
        let (bytes, built) = plan.built();
        let snapshot = Snapshot::from_bytes(&bytes[..]).unwrap();
        let summary = check_snapshot(&snapshot, &mut |finding| panic!("{finding}")).unwrap();
        verify(snapshot.pages()).unwrap();
        assert_eq!((summary.pages + 3) * u64::from(plan.page_size), bytes.len() as u64, "metas, freelist and trees");
        assert_eq!((built.bytes, built.buckets), (bytes.len() as u64, summary.buckets));
        assert_eq!(built.pairs, summary.keys - summary.buckets);
        assert!(read_freelist(snapshot.pages()).unwrap().unwrap().ids().is_empty());
        let metas = snapshot.metas().slots.map(|slot| slot.meta.unwrap());
        assert_eq!(metas.map(|meta| meta.txid), [TxId(0), TxId(1)]);
        assert_eq!((metas[0].root, metas[0].high_water), (metas[1].root, metas[1].high_water));

        let root = snapshot.root().unwrap();
        assert_eq!(root.sequence(), plan.root.sequence);
        let mut model = Dump::default();
        plan.root.dump_to(&mut model);
        assert!(dump(&root).unwrap().text() == model.text());

        let fill = (f64::from(plan.page_size) * plan.fill.clamp(0.1, 1.0)) as usize;
        let (mut cuts, found) = (Shapes::new(), shapes(snapshot.pages()));
        expected(&plan.root, true, plan.page_size as usize, fill, &mut Vec::new(), &mut cuts);
        assert_eq!(found, cuts);

        let stats = unbolt::tree::bucket_stats(&root).unwrap();
        SEEN.three_levels.fetch_add(found.values().filter(|levels| levels.len() > 2).count() as u64, Ordering::Relaxed);
        SEEN.inline.fetch_add(stats.inline_buckets, Ordering::Relaxed);
        SEEN.overflow.fetch_add(stats.leaf_overflow.min(1) + stats.branch_overflow, Ordering::Relaxed);
        if SEEN.built.fetch_add(1, Ordering::Relaxed).is_multiple_of(SHOWN) {
            assert_sound_to_bbolt(&bytes);
        }
        true
    }
    QuickCheck::new().tests(CASES).max_tests(CASES).quickcheck(holds as fn(Plan) -> bool);
    let seen = [&SEEN.three_levels, &SEEN.inline, &SEEN.overflow].map(|count| count.load(Ordering::Relaxed));
    println!("trees of three levels, inline buckets, overflow runs: {seen:?}");
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// Shows a database to bbolt's own check, where there is one.
fn assert_sound_to_bbolt(bytes: &[u8]) {
    let Some(bbolt) = std::env::var_os("BBOLT").filter(|path| !path.is_empty()) else {
        println!("skipped: BBOLT not set");
        return;
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let checked = Command::new(bbolt).arg("check").arg(file.path()).output().unwrap();
    assert!(checked.status.success() && checked.stdout == b"OK\n", "{checked:?}");
}

#[test]
fn keys_that_are_empty_or_do_not_ascend_are_refused() {
    let disk = MemoryDisk::new();
    let mut builder = Builder::<&[u8]>::new(&disk, &BuildOptions::default()).unwrap();
    let order = |result: Result<(), Error>| match result {
        Err(Error::KeyOrder { key, previous }) => (key, previous),
        other => panic!("{other:?}"),
    };
    builder.put(b"b", b"").unwrap();
    assert_eq!(order(builder.put(b"b", b"")), (b"b".to_vec(), b"b".to_vec()));
    assert_eq!(order(builder.put(b"a", b"")), (b"a".to_vec(), b"b".to_vec()));
    assert_eq!(order(builder.begin_bucket(b"b")), (b"b".to_vec(), b"b".to_vec()));
    assert!(matches!(builder.put(b"", b""), Err(Error::KeyRequired)));
    assert!(matches!(builder.begin_bucket(b""), Err(Error::KeyRequired)));
    assert!(matches!(builder.end_bucket(), Err(Error::Unsupported { what: "no bucket is open" })));
    builder.begin_bucket(b"c").unwrap();
    builder.put(b"a", b"in a bucket of its own").unwrap();
    builder.end_bucket().unwrap();
    assert_eq!(order(builder.put(b"bb", b"")), (b"bb".to_vec(), b"c".to_vec()));
    // What was refused is not there, and what was open ends with the database.
    builder.begin_bucket(b"d").unwrap();
    builder.begin_bucket(b"e").unwrap();
    let built = builder.finish().unwrap();
    assert_eq!((built.buckets, built.pairs), (3, 2));
    let snapshot = Snapshot::from_bytes(disk.to_bytes()).unwrap();
    assert!(snapshot.root().unwrap().descend(&["d", "e"]).is_ok());
    assert!(check_snapshot(&snapshot, &mut |_| {}).unwrap().is_sound());
}

#[test]
fn a_database_has_a_page_size_that_go_can_open_it_by() {
    for size in [0, 512, 1000, 4097, 131_072, 1 << 31] {
        let disk = MemoryDisk::new();
        let refused = Builder::<&[u8]>::new(&disk, BuildOptions::default().page_size(size));
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{size}");
    }
}

/// What was asked of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Write { offset: u64, len: u64 },
    SetLen(u64),
    SyncData,
    SyncAll,
}

/// A disk that notes what it is asked, and takes no more than so many bytes.
#[derive(Debug)]
struct Noted {
    calls: Mutex<Vec<Call>>,
    room: u64,
}

impl Noted {
    fn new(room: u64) -> Noted {
        Noted { calls: Mutex::default(), room }
    }

    fn note(&self, call: Call) -> io::Result<()> {
        self.calls.lock().unwrap().push(call);
        Ok(())
    }
}

impl Disk for Noted {
    fn size(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Ok(0)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let len = bytes.len() as u64;
        if offset + len > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.note(Call::Write { offset, len }).map(|()| bytes.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.note(Call::SetLen(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.note(Call::SyncData)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.note(Call::SyncAll)
    }
}

/// Builds a bucket of so many pairs of 116 bytes.
fn build_many(disk: &dyn Disk, options: &BuildOptions, pairs: u64) -> Result<Built, Error> {
    let mut builder = Builder::<SharedBytes>::new(disk, options)?;
    builder.begin_bucket(b"many".to_vec().into())?;
    for i in 0..pairs {
        builder.put(format!("{i:016}").into_bytes().into(), vec![i as u8; 100].into())?;
    }
    builder.finish()
}

#[test]
fn every_byte_is_written_once_front_to_back_in_small_pieces_and_the_metas_last() {
    for (page_size, gather, most) in [(4096, 1 << 30, 65536), (1024, 5000, 4096), (65536, 0, 65536)] {
        let disk = Noted::new(u64::MAX);
        let mut options = BuildOptions::default();
        let built = build_many(&disk, options.page_size(page_size).gather(gather), 20_000).unwrap();
        let page = u64::from(page_size);
        let calls = disk.calls.into_inner().unwrap();
        assert_eq!(calls[0], Call::SetLen(0));
        let metas = [0, page].map(|offset| Call::Write { offset, len: page });
        assert_eq!(calls[calls.len() - 4..], [Call::SyncData, metas[0], metas[1], Call::SyncAll]);
        let mut end = 2 * page;
        for call in &calls[1..calls.len() - 4] {
            match *call {
                Call::Write { offset, len } if offset == end && len <= most => end += len,
                other => panic!("{other:?} at {end}"),
            }
            assert!(end % most == 0 || end == built.bytes, "pieces end at multiples of their length");
        }
        assert_eq!(end, built.bytes);
    }
    let disk = Noted::new(u64::MAX);
    build_many(&disk, BuildOptions::default().no_sync(true), 1000).unwrap();
    assert!(!disk.calls.into_inner().unwrap().iter().any(|call| matches!(call, Call::SyncData | Call::SyncAll)));
}

#[test]
fn a_disk_that_is_full_is_an_error_and_no_database() {
    for room in [0, 4096, 100_000, 1_000_000] {
        let disk = Noted::new(room);
        match build_many(&disk, &BuildOptions::default(), 20_000) {
            Err(Error::Io { op: "write", source, .. }) => assert_eq!(source.kind(), io::ErrorKind::StorageFull),
            other => panic!("{other:?}"),
        }
        let wrote_meta = |call: &Call| matches!(call, Call::Write { offset: 0..8192, .. });
        assert!(!disk.calls.into_inner().unwrap().iter().any(wrote_meta));
    }
}

#[test]
fn memory_is_that_of_the_levels_however_much_is_built() {
    let disk = Noted::new(u64::MAX);
    let (built, peak) = peak_of(|| build_many(&disk, &BuildOptions::default(), 400_000).unwrap());
    assert!(built.bytes > 50 << 20);
    assert!(peak < 1 << 20, "{peak} bytes for a database of {}", built.bytes);
}

#[test]
fn buckets_nested_deeper_than_any_stack_are_built() {
    const DEPTH: usize = 100_000;
    let disk = MemoryDisk::new();
    let mut builder = Builder::<&[u8]>::new(&disk, BuildOptions::default().page_size(1024)).unwrap();
    for _ in 0..DEPTH {
        builder.begin_bucket(b"n").unwrap();
    }
    let built = builder.finish().unwrap();
    assert_eq!(built.buckets, DEPTH as u64);
    // The innermost bucket is inline.
    assert_eq!(built.bytes, (3 + DEPTH as u64) * 1024);
    let snapshot = Snapshot::from_bytes(disk.to_bytes()).unwrap();
    let summary = check_snapshot(&snapshot, &mut |finding| panic!("{finding}")).unwrap();
    assert_eq!(summary.buckets, DEPTH as u64);
    assert_eq!(snapshot.meta().root, PageId(2 + DEPTH as u64));
}
