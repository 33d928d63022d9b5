//! Whatever happened to a file, what can still be read of it comes into a new one that is sound, and all of it is counted.

mod support;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;

use support::alloc::{Counting, peak_of};
use support::damage::{Base, Damaged};
use support::image::{Image, Numbers};
use support::testdata::databases;
use unbolt::check::check_snapshot;
use unbolt::forensic::{Evidence, RecoverOptions, Recovery, RecoveryReport, StateSource};
use unbolt::format::{Bytes, Endian, PageId};
use unbolt::tree::{BucketAt, Place, Visitor, walk};
use unbolt::{Corruption, Db, MemoryDisk, Snapshot};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most memory that a recovery may take beside a few times the file.
const MEMORY: usize = 64 << 20;

type Path = Vec<Vec<u8>>;
type Pairs = BTreeMap<(Path, Vec<u8>), Vec<u8>>;

/// Every pair of a database by its path, and every bucket.
#[derive(Default)]
struct Content {
    pairs: Pairs,
    buckets: Vec<Path>,
}

fn path_of<B: Bytes>(place: &Place<'_, B>) -> Path {
    place.buckets.iter().map(|name| name.to_vec()).collect()
}

impl<B: Bytes> Visitor<B> for Content {
    type Stop = Infallible;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, _: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        self.buckets.push(path_of(place));
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, place: &Place<'_, B>) -> Result<(), Infallible> {
        self.pairs.insert((path_of(place), key.to_vec()), value.to_vec());
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Infallible> {
        panic!("{corruption}")
    }
}

impl Content {
    fn of(bytes: &[u8]) -> Content {
        let (snapshot, mut content) = (Snapshot::from_bytes(bytes).unwrap(), Content::default());
        walk(snapshot.pages(), &mut content).unwrap();
        content
    }

    /// The pairs that came from the file, not the words about them.
    fn brought(&self) -> impl Iterator<Item = (&Path, &Vec<u8>, &Vec<u8>)> {
        let pairs = self.pairs.iter().map(|((path, key), value)| (path, key, value));
        pairs.filter(|(path, ..)| !(path.len() == 2 && is_group(&path[0]) && path[1] == b"provenance"))
    }

    fn at(&self, path: &[&str]) -> BTreeMap<String, String> {
        let path: Path = path.iter().map(|name| name.as_bytes().to_vec()).collect();
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let own = self.pairs.iter().filter(|((own, _), _)| *own == path);
        own.map(|((_, key), value)| (text(key), text(value))).collect()
    }
}

fn is_group(name: &[u8]) -> bool {
    name.starts_with(b"lost+found") || name.starts_with(b"deleted")
}

fn options(deleted: bool) -> RecoverOptions {
    let mut options = RecoverOptions::default();
    options.deleted(deleted);
    options
}

/// What a recovery makes of these bytes; `None` where there is nothing to recover. Whatever it makes is sound, and the
/// numbers of its report are those of what was made.
fn recovered(bytes: &Arc<[u8]>, deleted: bool, name: &str) -> (RecoveryReport, Option<Vec<u8>>) {
    let before = bytes.to_vec();
    let ((report, new), peak) = peak_of(|| {
        let evidence = Evidence::from_bytes(Arc::clone(bytes)).unwrap();
        let recovery = Recovery::plan(&evidence, &options(deleted)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let report = recovery.report().clone();
        if report.is_empty() {
            return (report, None);
        }
        let disk = MemoryDisk::new();
        recovery.write(&disk).unwrap_or_else(|e| panic!("{name}: {e}: {report:#?}"));
        (report, Some(disk.into_bytes()))
    });
    assert!(peak <= MEMORY + 12 * bytes.len(), "{name}: {peak} bytes");
    assert!(before == bytes[..], "{name}: the evidence was changed");
    let pairs = &report.pairs;
    assert_eq!(pairs.kept + pairs.lost + pairs.duplicate, pairs.found, "{name}: {pairs:?}");
    assert_eq!(pairs.in_place + pairs.lost_and_found + pairs.deleted, pairs.kept, "{name}: {pairs:?}");
    if let Some(new) = &new {
        let copy = Snapshot::from_bytes(new.clone()).unwrap();
        check_snapshot(&copy, &mut |finding| panic!("{name}: {finding}")).unwrap();
        assert_eq!(Content::of(new).brought().count() as u64, pairs.kept, "{name}");
        // A page of each bucket, those with a home and those without, and as much again for the shape of trees.
        assert!(new.len() <= 4 * bytes.len() + (2 << 20), "{name}: {} bytes of {}", new.len(), bytes.len());
    }
    (report, new)
}

fn of(bytes: Vec<u8>) -> (RecoveryReport, Content) {
    let (report, new) = recovered(&bytes.into(), false, "a file");
    (report, Content::of(&new.expect("something to recover")))
}

#[test]
fn a_sound_file_is_brought_whole_and_nothing_else() {
    for database in databases() {
        let bytes = database.bytes();
        if Snapshot::from_bytes(bytes.clone()).is_err() {
            continue;
        }
        let (report, new) = recovered(&bytes.clone().into(), false, &database.name);
        let (before, after) = (Content::of(&bytes), Content::of(&new.unwrap()));
        assert!(report.is_whole(), "{}: {report:#?}", database.name);
        assert!(before.pairs == after.pairs && before.buckets == after.buckets, "{}", database.name);
    }
}

/// What came back of a file, in percent: pairs in their places, pairs anywhere, buckets.
fn shares(before: &Content, after: &Content) -> [f64; 3] {
    let mut anywhere: BTreeMap<(&[u8], &[u8]), usize> = BTreeMap::new();
    for (_, key, value) in after.brought() {
        *anywhere.entry((key, value)).or_default() += 1;
    }
    let found = before.pairs.iter().filter(|((_, key), value)| anywhere.contains_key(&(&key[..], &value[..])));
    let in_place = before.pairs.iter().filter(|(at, value)| after.pairs.get(*at) == Some(*value));
    let buckets = before.buckets.iter().filter(|path| after.buckets.contains(path));
    let share = |part: usize, all: usize| if all == 0 { 100.0 } else { 100.0 * part as f64 / all as f64 };
    [
        share(in_place.count(), before.pairs.len()),
        share(found.count(), before.pairs.len()),
        share(buckets.count(), before.buckets.len()),
    ]
}

#[test]
fn with_both_metas_gone_nearly_everything_comes_back() {
    let (mut files, mut poorest) = (0, [100.0_f64; 3]);
    for (name, bytes) in databases().into_iter().map(|database| (database.name.clone(), database.bytes())).chain(made()) {
        let Ok(snapshot) = Snapshot::from_bytes(bytes.clone()) else { continue };
        let (before, page) = (Content::of(&bytes), snapshot.layout().page_size.get() as usize);
        if before.pairs.is_empty() {
            continue;
        }
        let mut damaged = bytes;
        damaged[..2 * page].fill(0);
        let (report, new) = recovered(&damaged.into(), false, &name);
        let after = Content::of(&new.unwrap_or_else(|| panic!("{name}: nothing")));
        let found = shares(&before, &after);
        println!(
            "{name:45} {:6} pairs: {:5.1} % in place, {:5.1} % in all, {:5.1} % of {} buckets; {:?}, {} rivals",
            before.pairs.len(),
            found[0],
            found[1],
            found[2],
            before.buckets.len(),
            report.source,
            report.rivals
        );
        for (poorest, found) in poorest.iter_mut().zip(found) {
            *poorest = poorest.min(found);
        }
        assert!(found[1] >= 99.0, "{name}: {found:?}");
        files += 1;
    }
    println!("{files} files, the poorest: {poorest:?}");
    assert!(files >= 50, "only {files} files");
}

/// Files with a past: many small transactions that write, overwrite and delete, in buckets in buckets.
fn made() -> Vec<(String, Vec<u8>)> {
    (0..8_u64).map(|seed| (format!("made {seed}"), with_a_past(seed, 60, seed % 2 == 0))).collect()
}

fn with_a_past(seed: u64, transactions: u64, store_list: bool) -> Vec<u8> {
    let disk = Arc::new(MemoryDisk::new());
    let mut options = Db::options();
    options.page_size(1024);
    if !store_list {
        options.freelist(unbolt::FreelistMode::Never);
    }
    let db = options.open_disk(Arc::clone(&disk) as _).unwrap();
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = |most: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % most
    };
    for tx in 0..transactions {
        let mut write = db.begin_write().unwrap();
        {
            let mut top = write.create_bucket_if_missing(format!("bucket-{}", below(4))).unwrap();
            let mut nested = top.create_bucket_if_missing(format!("nested-{}", below(3))).unwrap();
            for _ in 0..20 {
                let key = format!("key-{:04}", below(400));
                if below(4) == 0 {
                    nested.delete(&key).unwrap();
                } else {
                    nested.put(&key, format!("value {tx} {} {}", below(1000), "x".repeat(below(90) as usize))).unwrap();
                }
            }
        }
        write.commit().unwrap();
    }
    drop(db);
    disk.to_bytes()
}

fn truncations(bytes: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    [25, 50, 75].into_iter().map(|percent| (format!("cut at {percent} %"), bytes[..bytes.len() * percent / 100].to_vec()))
}

/// Every class of damage, and truncations of several files.
fn damages() -> Vec<(String, Vec<u8>)> {
    let classes = Base::new().classes().into_iter();
    let mut all: Vec<_> = classes.map(|Damaged { class, what, bytes }| (format!("class {class} ({what})"), bytes)).collect();
    for name in
        ["docker/live-20.10.24.db", "bbolt/churn-small.db", "bbolt/page-512.db", "bbolt/inline-zoo.db", "bbolt/deep-40.db"]
    {
        let bytes = support::testdata::database(name).bytes();
        all.extend(truncations(&bytes).map(|(what, bytes)| (format!("{name} {what}"), bytes)));
    }
    all
}

#[test]
fn whatever_is_brought_of_a_damaged_file_is_sound_for_us_and_for_go() {
    let bbolt = std::env::var_os("BBOLT").filter(|path| !path.is_empty());
    if bbolt.is_none() {
        println!("without bbolt's own check: BBOLT not set");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recovered.db");
    let (mut brought, mut nothing) = (0, Vec::new());
    for (name, bytes) in damages() {
        let bytes: Arc<[u8]> = bytes.into();
        for deleted in [false, true] {
            let (_, new) = recovered(&bytes, deleted, &name);
            let Some(new) = new else {
                nothing.push(name.clone());
                continue;
            };
            brought += 1;
            if let Some(bbolt) = &bbolt {
                std::fs::write(&path, &new).unwrap();
                let said = Command::new(bbolt).arg("check").arg(&path).output().unwrap();
                assert!(said.status.success() && said.stdout == b"OK\n", "{name}: {said:?}");
            }
        }
    }
    nothing.dedup();
    println!("{brought} files; nothing in {nothing:?}");
    assert!(brought > 150, "only {brought}");
    // No bytes, one byte, one meta, metas only, zeros: there is nothing.
    let is_bare =
        |name: &String| ["class 1 ", "class 2 ", "class 3 ", "class 4 ", "class 8 "].iter().any(|bare| name.starts_with(bare));
    assert!(nothing.iter().all(is_bare), "{nothing:?}");
}

#[test]
fn pairs_of_damaged_files_come_back_as_far_as_their_pages_are_whole() {
    let base = Base::new();
    let sound = Content::of(&base.bytes);
    for Damaged { class, what, bytes } in base.classes() {
        // Files of other shapes; what is cut off; pages, elements and buckets that cannot be read or are changed.
        let wanted = match class {
            1..=4 | 8 | 70..=72 => continue,
            5 | 6 => 0,
            // A leaf or the values on it.
            34 => 10,
            29 | 35..=39 | 41 | 42 => 10,
            43 | 44..=50 | 53 | 73 => 1,
            52 => 1,
            58..=61 => 3,
            _ => 0,
        };
        let (report, new) = recovered(&bytes.into(), false, what);
        let after = Content::of(&new.unwrap_or_else(|| panic!("class {class} ({what}): nothing")));
        let missing: Vec<_> = sound
            .pairs
            .iter()
            .filter(|((_, key), value)| !after.brought().any(|(_, k, v)| k == key && v == *value))
            .map(|((_, key), _)| String::from_utf8_lossy(key).into_owned())
            .collect();
        let most = if matches!(class, 5 | 6) { 41 } else { wanted };
        assert!(missing.len() <= most, "class {class} ({what}): {missing:?} {report:#?}");
    }
}

/// A file of pages of 1024 bytes: bucket `b` with two leaves below a branch.
struct Small {
    bytes: Vec<u8>,
    leaves: [PageId; 2],
    branch: PageId,
    root: PageId,
}

impl Small {
    fn new() -> Small {
        let mut image = Image::new(1024, Endian::Little);
        let list = image.freelist(&[]);
        let one = image.leaf(&[(0, b"a", b"1"), (0, b"b", b"2")]);
        let two = image.leaf(&[(0, b"m", b"3"), (0, b"n", b"4")]);
        let branch = image.branch(&[(b"a", one), (b"m", two)]);
        let value = support::damage::paged(branch);
        let root = image.leaf(&[(1, b"b", &value), (0, b"z", b"plain")]);
        Small { bytes: image.finish(root, Some(list)), leaves: [one, two], branch, root }
    }

    fn at(page: PageId) -> usize {
        page.0 as usize * 1024
    }
}

#[test]
fn what_nothing_leads_to_any_more_is_found_by_its_page_and_told_of() {
    let mut small = Small::new();
    small.bytes[Small::at(small.branch)..][..1024].fill(0xAA);
    let (report, content) = of(small.bytes);
    assert!(!report.is_whole() && report.pairs.lost == 0 && report.pages.homeless == 2);
    assert_eq!(content.at(&[]), [("z".into(), "plain".into())].into());
    let [one, two] = small.leaves.map(|page| format!("page-{page}"));
    assert_eq!(content.at(&["lost+found", &one]), [("a".into(), "1".into()), ("b".into(), "2".into())].into());
    assert_eq!(content.at(&["lost+found", &two]), [("m".into(), "3".into()), ("n".into(), "4".into())].into());
    let notes = content.at(&["lost+found", "provenance"]);
    let offset = small.leaves[0].0 * 1024;
    let why = r#""why":"nothing leads here, and the page is not free","provable":false"#;
    let expected = format!(r#"{{"page":{},"offset":{offset},{why}}}"#, small.leaves[0]);
    assert_eq!((notes.len(), &notes[&one]), (2, &expected));
}

#[test]
fn where_the_root_is_gone_trees_keep_their_shape_without_a_name() {
    let mut small = Small::new();
    small.bytes[Small::at(small.root)..][..1024].fill(0);
    let (report, content) = of(small.bytes);
    assert_eq!((report.source, report.pairs.lost_and_found), (None, 4));
    let tree = format!("page-{}", small.branch);
    assert_eq!(content.at(&["lost+found", &tree]).len(), 4, "both leaves, below their branch");
}

#[test]
fn an_older_page_tells_what_a_tree_without_a_name_was_called() {
    let mut image = Image::new(1024, Endian::Little);
    let leaf = image.leaf(&[(0, b"k", b"v")]);
    let value = support::damage::paged(leaf);
    let older = image.leaf(&[(1, b"networks", &value)]);
    let list = image.freelist(&[older]);
    let root = image.leaf(&[(1, b"networks", &value), (0, b"z", b"plain")]);
    let mut bytes = image.finish(root, Some(list));
    bytes[Small::at(root)..][..1024].fill(0);
    let (_, content) = of(bytes);
    let name = format!("page-{leaf}");
    assert_eq!(content.at(&["lost+found", &name]), [("k".into(), "v".into())].into());
    let note = &content.at(&["lost+found", "provenance"])[&name];
    assert!(note.ends_with(r#","was_called":"networks"}"#), "{note}");
}

#[test]
fn what_is_out_of_order_has_lost_its_place_and_nothing_else() {
    let mut small = Small::new();
    // Both leaves change places below their branch.
    let element = Small::at(small.branch) + 16;
    let [one, two] = small.leaves;
    small.bytes.set_u64(element + 8, two.0);
    small.bytes.set_u64(element + 24, one.0);
    let (report, content) = of(small.bytes);
    assert_eq!((report.pairs.found, report.pairs.kept, report.pairs.lost), (5, 5, 0));
    assert_eq!(content.at(&["b"]).len(), 2);
    assert_eq!(
        content.at(&["lost+found", &format!("page-{one}-stray")]),
        [("a".into(), "1".into()), ("b".into(), "2".into())].into()
    );
}

#[test]
fn of_two_pairs_with_one_key_the_other_is_kept_elsewhere_and_an_equal_one_is_a_duplicate() {
    let mut image = Image::new(1024, Endian::Little);
    let entries: Vec<support::image::Entry<'_>> =
        vec![(0, b"a", b"1"), (0, b"a", b"1"), (0, b"a", b"2"), (0, b"a", b"3"), (0, b"b", b"4"), (0, b"", b"5")];
    let leaf = image.leaf(&entries);
    let (report, content) = of(image.finish(leaf, None));
    let pairs = &report.pairs;
    assert_eq!((pairs.found, pairs.in_place, pairs.lost_and_found, pairs.duplicate, pairs.lost), (6, 2, 2, 1, 1));
    assert_eq!(content.at(&["lost+found", &format!("page-{leaf}-stray")]), [("a".into(), "2".into())].into());
    assert_eq!(content.at(&["lost+found", &format!("page-{leaf}-stray-00002")]), [("a".into(), "3".into())].into());
}

#[test]
fn a_bucket_of_that_name_keeps_it() {
    let mut image = Image::new(1024, Endian::Little);
    let inner = image.leaf(&[(0, b"k", b"v")]);
    let homeless = image.leaf(&[(0, b"x", b"y")]);
    let value = support::damage::paged(inner);
    let list = image.freelist(&[]);
    let root = image.leaf(&[(1, b"lost+found", &value)]);
    let (_, content) = of(image.finish(root, Some(list)));
    assert_eq!(content.at(&["lost+found"]), [("k".into(), "v".into())].into());
    assert_eq!(content.at(&["lost+found-2", &format!("page-{homeless}")]), [("x".into(), "y".into())].into());
}

#[test]
fn deleted_pairs_are_brought_where_they_are_wanted_and_no_live_one_is_called_deleted() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    let key = |i: u32| format!("key-{i:04}");
    let change = |change: &dyn Fn(&mut unbolt::BucketMut<'_>)| {
        let mut tx = db.begin_write().unwrap();
        change(&mut tx.create_bucket_if_missing("b").unwrap());
        tx.commit().unwrap();
    };
    change(&|bucket| (0..500).for_each(|i| bucket.put(key(i), format!("value of {i}")).unwrap()));
    change(&|bucket| (0..500).step_by(5).for_each(|i| assert!(bucket.delete(key(i)).unwrap())));
    drop(db);
    let bytes: Arc<[u8]> = disk.to_bytes().into();
    let (report, new) = recovered(&bytes, false, "without");
    assert!(report.is_whole() && report.pairs.kept == 400 && report.pages.not_brought > 0, "{report:#?}");
    assert!(!Content::of(&new.unwrap()).buckets.iter().any(|path| is_group(&path[0])));
    let (report, new) = recovered(&bytes, true, "with");
    let content = Content::of(&new.unwrap());
    let deleted: Vec<_> = content.brought().filter(|(path, ..)| path[0] == b"deleted").map(|(_, key, _)| key.clone()).collect();
    let expected: Vec<_> = (0..500).step_by(5).map(|i| key(i).into_bytes()).collect();
    assert_eq!((report.pairs.in_place, report.pairs.deleted), (400, 100));
    let mut sorted = deleted;
    sorted.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn the_meta_that_still_bears_is_taken_and_its_rung_is_told() {
    let bytes = support::testdata::database("docker/live-20.10.24.db").bytes();
    let rung = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        let (report, _) = recovered(&bytes.into(), false, "a rung");
        (report.source, report.pairs.in_place)
    };
    let newest = usize::from(bytes.u64_at(64) < bytes.u64_at(4096 + 64));
    let (root, pairs) = (bytes.u64_at(newest * 4096 + 32) as usize, Content::of(&bytes).pairs.len() as u64);
    let at = |page: usize| PageId(page as u64);
    assert_eq!(rung(&|_| {}), (Some(StateSource::Current { meta: at(newest) }), pairs));
    let both_wrong = |bytes: &mut Vec<u8>| [72, 4096 + 72].into_iter().for_each(|at| bytes[at] ^= 1);
    assert_eq!(rung(&both_wrong), (Some(StateSource::Unverified { meta: at(newest) }), pairs));
    let (source, _) = rung(&|bytes| bytes[root * 4096..][..4096].fill(0));
    assert_eq!(source, Some(StateSource::Older { meta: at(1 - newest) }));
    let (source, _) = rung(&|bytes| bytes[..8192].fill(0));
    assert!(matches!(source, Some(StateSource::Complement { .. })), "{source:?}");
}

#[test]
fn what_only_the_newest_state_has_is_not_called_free_where_an_older_one_is_brought() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    for turn in 0..3 {
        db.update(|tx| {
            let mut bucket = tx.create_bucket_if_missing("b")?;
            (0..200).try_for_each(|i| bucket.put(format!("key-{i:03}"), format!("{}", if i < 150 { 0 } else { turn })))?;
            Ok::<(), unbolt::Error>(())
        })
        .unwrap();
    }
    drop(db);
    let mut bytes = disk.to_bytes();
    let before = Content::of(&bytes);
    let root = Snapshot::from_bytes(bytes.clone()).unwrap().meta().root.0 as usize;
    bytes[root * 4096..][..4096].fill(0);
    let (report, after) = of(bytes);
    assert!(matches!(report.source, Some(StateSource::Older { .. })), "{report:#?}");
    assert_eq!(shares(&before, &after)[1], 100.0, "the newest values are there");
    assert!(report.is_doubtful && report.pairs.duplicate > 0 && report.pairs.lost_and_found < 100, "{report:#?}");
}

#[test]
fn a_page_size_that_is_wrong_in_the_meta_is_found_by_the_pages() {
    let mut small = Small::new();
    small.bytes.set_u32(24, 4096);
    small.bytes.repair_meta(0);
    small.bytes[1024..2048].fill(0);
    let (report, content) = of(small.bytes);
    assert_eq!((report.layout.page_size.get(), report.pairs.kept), (1024, 5));
    assert_eq!(content.at(&["b"]).len(), 4);
}

#[test]
fn files_of_the_other_byte_order_are_recovered_too() {
    let bytes = support::swap::to_big_endian(&support::testdata::database("bbolt/page-1024.db").bytes());
    let before = Content::of(&bytes);
    let mut damaged = bytes;
    damaged[..2048].fill(0);
    let (_, after) = of(damaged);
    assert!(shares(&before, &after)[1] >= 99.0);
}

#[test]
fn no_byte_of_a_file_brings_a_recovery_down() {
    // Every byte of the pages that lead anywhere, in a small file.
    let small = Small::new();
    for at in 0..small.bytes.len() {
        if at % 1024 >= 120 {
            continue;
        }
        for value in [0, 1, 0x7F, 0xFF, small.bytes[at] ^ 4] {
            let mut bytes = small.bytes.clone();
            bytes[at] = value;
            recovered(&bytes.into(), at % 2 == 0, &format!("byte {at} = {value}"));
        }
    }
}
