//! Bolt files and pages are found in an image of whatever, wherever they lie in it, and come out of it as they are.

#![cfg(unix)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use support::swap::to_big_endian;
use support::testdata::database;
use unbolt::forensic::{Carved, Hit, HitKind, Image, Sha256Sum, carve};
use unbolt::format::{Endian, PageId, encode_freelist, encode_leaf};
use unbolt::tree::{BuildOptions, compact_state};
use unbolt::{MemoryDisk, Snapshot};

/// An image in the making: noise where nothing lies, then a file, and so on.
struct Disk {
    bytes: Vec<u8>,
    noise: u64,
}

impl Disk {
    fn new() -> Disk {
        Disk { bytes: Vec::new(), noise: 0x9E37_79B9_7F4A_7C15 }
    }

    fn noise(&mut self, sectors: usize) {
        for _ in 0..sectors * 64 {
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 7;
            self.noise ^= self.noise << 17;
            self.bytes.extend(self.noise.to_le_bytes());
        }
    }

    fn zeros(&mut self, sectors: usize) {
        self.bytes.extend(vec![0; sectors * 512]);
    }

    /// Adds the bytes of a file and says where they begin.
    fn file(&mut self, bytes: &[u8]) -> u64 {
        let at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        at
    }

    fn carved(&self) -> Carved {
        carve(&mut &self.bytes[..], 0).unwrap()
    }
}

/// What of a file its newest meta speaks of.
fn used(bytes: &[u8]) -> usize {
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    (snapshot.meta().high_water.0 * snapshot.layout().page_size.bytes()) as usize
}

/// A file whose metas are gone.
fn deleted(mut bytes: Vec<u8>) -> Vec<u8> {
    let page_size = Snapshot::from_bytes(bytes.clone()).unwrap().layout().page_size.get() as usize;
    bytes[..2 * page_size].fill(0);
    bytes
}

fn compacted(bytes: &[u8]) -> Vec<u8> {
    let (snapshot, disk) = (Snapshot::from_bytes(bytes).unwrap(), MemoryDisk::new());
    compact_state(snapshot.pages(), &disk, &BuildOptions::default()).unwrap();
    disk.into_bytes()
}

fn extracted(hit: &Hit, image: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (copy, mut seen) = (MemoryDisk::new(), Vec::new());
    hit.extract(&MemoryDisk::from(image.to_vec()), &copy, &mut |bytes| seen.extend_from_slice(bytes)).unwrap();
    (copy.into_bytes(), seen)
}

#[test]
fn every_file_of_an_image_is_found_in_its_place() {
    let docker = database("docker/live-20.10.24.db").bytes();
    let small = database("bbolt/page-1024.db").bytes();
    let churned = deleted(database("bbolt/churn-small.db").bytes());
    // Without free pages, which would stay in the other order.
    let big = to_big_endian(&compacted(&database("bbolt/page-512.db").bytes()));
    let mut disk = Disk::new();
    disk.noise(3);
    let first = disk.file(&docker);
    disk.zeros(1001);
    let second = disk.file(&small);
    disk.noise(7);
    let third = disk.file(&churned);
    disk.zeros(40);
    let fourth = disk.file(&big);
    disk.noise(5);
    assert!(!first.is_multiple_of(4096) && !third.is_multiple_of(1024), "neither lies where its pages do");

    let carved = disk.carved();
    assert_eq!((carved.bytes, carved.left_out), (disk.bytes.len() as u64, 0));
    let found: Vec<_> =
        carved.hits.iter().map(|hit| (hit.kind, hit.base, hit.page_size.get(), hit.endian, hit.meta().is_some())).collect();
    let at = |offset: u64| offset as i64;
    assert_eq!(
        found,
        [
            (HitKind::File, at(first), 4096, Endian::Little, true),
            (HitKind::File, at(second), 1024, Endian::Little, true),
            (HitKind::Pages, at(third), 1024, Endian::Little, false),
            (HitKind::File, at(fourth), 4096, Endian::Big, true),
        ]
    );
    for (hit, file) in carved.hits.iter().zip([&docker, &small, &churned, &big]) {
        let (copy, seen) = extracted(hit, &disk.bytes);
        let start = hit.start as usize;
        assert_eq!(seen, file[start..start + seen.len()]);
        assert_eq!(copy, [&vec![0; start], &seen[..]].concat(), "each byte is at its place");
        if hit.kind == HitKind::File {
            assert!(copy.len() >= used(file) && !hit.is_cut());
            assert_eq!(copy[..used(file)], file[..used(file)]);
        } else {
            assert!(hit.pages >= 5 && copy[2 * 1024..] == file[2 * 1024..copy.len()], "{hit:?}");
        }
    }
}

#[test]
fn the_tree_of_a_file_is_verified_where_it_lies() {
    let mut disk = Disk::new();
    disk.noise(1);
    disk.file(&database("docker/live-20.10.24.db").bytes());
    let mut hurt = database("bbolt/page-1024.db").bytes();
    let root = Snapshot::from_bytes(hurt.clone()).unwrap().meta().root;
    hurt[root.0 as usize * 1024..][..1024].fill(0xAA);
    disk.file(&hurt);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    fs::write(&path, &disk.bytes).unwrap();
    let carved = disk.carved();
    let verify = |hit: &Hit| hit.verify(File::open(&path).unwrap(), &path, carved.bytes);
    assert!(verify(&carved.hits[0]).is_ok());
    assert!(verify(&carved.hits[1]).unwrap_err().is_corrupt());
}

#[test]
fn a_meta_that_does_not_verify_is_found_and_said_to_be_so() {
    let mut bytes = database("docker/live-20.10.24.db").bytes();
    bytes[72] ^= 1;
    bytes[4096 + 72] ^= 1;
    let mut disk = Disk::new();
    disk.file(&bytes);
    disk.noise(9);
    let carved = disk.carved();
    let [hit] = &carved.hits[..] else { panic!("{carved:?}") };
    assert_eq!((hit.kind, hit.base, hit.meta(), hit.expected), (HitKind::File, 0, None, None));
    assert!(hit.metas.iter().flatten().all(|found| found.refusal.is_some()));
    // The noise behind the file is not taken: the file's last page is known by itself.
    assert!(hit.end <= bytes.len() as u64 && hit.pages > 5);
}

#[test]
fn a_file_without_its_first_page_is_found_by_its_second_meta() {
    let bytes = database("docker/live-20.10.24.db").bytes();
    for lost in [512, 4096] {
        let disk = Disk { bytes: bytes[lost..].to_vec(), noise: 1 };
        let carved = disk.carved();
        let [hit] = &carved.hits[..] else { panic!("{carved:?}") };
        assert_eq!((hit.kind, hit.base, hit.start), (HitKind::File, -(lost as i64), lost as u64));
        assert!(hit.is_cut() && hit.meta().is_some());
        assert_eq!(extracted(hit, &disk.bytes).0[lost..used(&bytes)], bytes[lost..used(&bytes)]);
    }
}

#[test]
fn a_piece_at_a_wrong_place_is_said_to_be_one() {
    let bytes = database("bbolt/many-buckets.db").bytes();
    let (half, end) = (32768, used(&bytes));
    let mut disk = Disk::new();
    disk.file(&bytes[..half]);
    disk.noise(8);
    let piece = disk.file(&bytes[half..end]);
    let carved = disk.carved();
    let [file, pages] = &carved.hits[..] else { panic!("{carved:#?}") };
    assert_eq!((file.kind, file.base, file.expected), (HitKind::File, 0, Some(end as u64)));
    assert_eq!((pages.kind, pages.base), (HitKind::Pages, piece as i64 - half as i64));
    assert_eq!(pages.may_belong_to, [0]);
    let (copy, _) = extracted(pages, &disk.bytes);
    assert_eq!(copy[pages.start as usize..], bytes[pages.start as usize..copy.len()]);
}

#[test]
fn a_single_page_is_found_where_elements_lie_on_it() {
    let layout = support::layout::layout(4096, Endian::Little);
    let element = unbolt::format::LeafElement { flags: 0, key: &b"key"[..], value: &b"value"[..] };
    let mut disk = Disk::new();
    disk.zeros(9);
    let at = disk.file(&encode_leaf(PageId(77), &[element], layout).unwrap());
    disk.zeros(4);
    disk.file(&encode_leaf(PageId(78), &[], layout).unwrap());
    disk.zeros(3);
    disk.file(&encode_freelist(PageId(99), &[], 1, layout).unwrap());
    let carved = disk.carved();
    let [page] = &carved.hits[..] else { panic!("{carved:#?}") };
    assert_eq!((page.kind, page.offset(), page.start), (HitKind::Page, at, 77 * 4096));
}

#[test]
fn what_is_found_does_not_depend_on_how_the_image_is_read() {
    /// Gives a few bytes at a time.
    struct Slow<'b>(&'b [u8]);
    impl std::io::Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = buffer.len().min(777).min(self.0.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let mut disk = Disk::new();
    disk.noise(2047);
    disk.file(&database("docker/live-20.10.24.db").bytes());
    disk.noise(3000);
    disk.file(&deleted(database("bbolt/churn-small.db").bytes()));
    disk.bytes.extend_from_slice(b"a tail shorter than a sector");
    let (one, other) = (disk.carved(), carve(&mut Slow(&disk.bytes), 0).unwrap());
    assert_eq!((&one.hits, one.bytes), (&other.hits, other.bytes));
    assert_eq!(one.hits.len(), 2);
}

#[test]
fn noise_and_zeros_hold_no_files() {
    let mut disk = Disk::new();
    disk.noise(20_000);
    disk.zeros(20_000);
    assert!(disk.carved().hits.is_empty());
}

#[test]
fn every_whole_file_of_testdata_is_found_alone_and_whole() {
    for database in support::testdata::databases_up_to(1 << 20) {
        let bytes = database.bytes();
        let Ok(snapshot) = Snapshot::from_bytes(bytes.clone()) else { continue };
        let carved = carve(&mut &bytes[..], 0).unwrap();
        let files: Vec<_> = carved.hits.iter().filter(|hit| hit.kind == HitKind::File).collect();
        let [file] = files[..] else { panic!("{}: {carved:?}", database.name) };
        assert_eq!((file.base, file.meta()), (0, Some(*snapshot.meta())), "{}", database.name);
        assert_eq!(carved.hits.len(), 1, "{}: {:?}", database.name, carved.hits);
    }
}

#[test]
fn an_image_that_changes_while_it_is_looked_at_is_known_by_its_bytes() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("image");
    let bytes = [vec![7; 512 * 3], database("golden/V1.db").bytes()].concat();
    fs::write(&path, &bytes).unwrap();
    let mut image = Image::open(&path, 512, true).unwrap();
    assert_eq!(carve(&mut image, 512).unwrap().hits[0].offset(), 512 * 3);
    assert_eq!(image.sha256(), Some(Sha256Sum::of(&bytes[512..])));
    assert!(image.is_unchanged().unwrap());
    // As somebody does who hides it.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let writer = File::options().write(true).open(&path).unwrap();
    writer.write_all_at(b"x", 700).unwrap();
    writer.set_modified(modified).unwrap();
    assert!(!image.is_unchanged().unwrap());
}

#[cfg(feature = "cli")]
/// Runs the program with no more than this address space.
fn within(kib: u32, arguments: &[&str], image: &std::path::Path, folder: &std::path::Path) -> std::process::Output {
    let line = format!("ulimit -v {kib} && exec \"$0\" \"$@\"");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_unbolt"), "carve"]).args(arguments);
    command.arg(image).arg("-o").arg(folder).output().unwrap()
}

#[cfg(feature = "cli")]
#[test]
fn three_files_are_taken_out_of_a_sparse_image_of_10_gb_within_64_mib() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, found) = (scratch.path().join("image"), scratch.path().join("found"));
    let image = File::create(&path).unwrap();
    image.set_len(10_000_000_000).unwrap();
    let places =
        [("docker/live-20.10.24.db", 512 * 7777), ("bbolt/page-1024.db", 5_000_000_512), ("golden/V1.db", 9_999_000_064)];
    let mut files = Vec::new();
    for (name, at) in places {
        let bytes = database(name).bytes();
        let at = at / 512 * 512;
        image.write_all_at(&bytes, at).unwrap();
        files.push((at, bytes));
    }
    let ended = within(65536, &["--no-hash", "--format", "json"], &path, &found);
    let (out, err) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert_eq!((ended.status.code(), err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(fs::read_to_string(found.join("manifest.jsonl")).unwrap(), out);
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{out}");
    for (line, (at, bytes)) in lines.iter().zip(&files) {
        assert_eq!((line["offset"].as_u64(), line["tree"].as_str()), (Some(*at), Some("sound")), "{line}");
        let copy = fs::read(found.join(line["file"].as_str().unwrap())).unwrap();
        assert_eq!(copy[..], bytes[..copy.len()]);
        assert!(copy.len() >= used(bytes));
    }
    // Again it writes over nothing, unless it is told to.
    assert_eq!(within(65536, &["--no-hash"], &path, &found).status.code(), Some(6));
}
