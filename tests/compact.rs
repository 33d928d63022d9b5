//! Promise: a state that is built anew holds what it held, whatever its byte order, page size and shape; an image of a
//! state is the one that Go makes; and neither appears under its name before it is whole.

mod go;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::dump::dump;
use support::image::Image;
use support::shape::shapes;
use support::swap::to_big_endian;
use support::testdata::{Database, Expected, database, databases, databases_up_to};
use unbolt::check::check_snapshot;
use unbolt::format::{Endian, PageId};
use unbolt::tree::{BuildOptions, compact_state, verify};
use unbolt::{Backing, Corruption, CorruptionKind, Db, Error, MemoryDisk, Snapshot};

fn compacted(bytes: &[u8], options: &BuildOptions) -> Result<Vec<u8>, Error> {
    let disk = MemoryDisk::new();
    let built = compact_state(Snapshot::from_bytes(bytes)?.pages(), &disk, options)?;
    assert_eq!(built.bytes, disk.to_bytes().len() as u64);
    Ok(disk.to_bytes())
}

/// Fails unless these bytes are a sound database with what Go read in another.
fn assert_same(bytes: &[u8], original: &Database) {
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    verify(snapshot.pages()).unwrap_or_else(|e| panic!("{}: {e}", original.name));
    check_snapshot(&snapshot, &mut |finding| panic!("{}: {finding}", original.name)).unwrap();
    dump(&snapshot.root().unwrap()).unwrap().assert_is(&original.expected(), &original.name);
}

#[test]
fn every_database_is_the_same_after_it_was_built_anew() {
    let program = go::program("dump");
    let scratch = tempfile::tempdir().unwrap();
    for original in databases() {
        for page_size in [1024, 4096, 65536] {
            let bytes = compacted(&original.bytes(), BuildOptions::default().page_size(page_size)).unwrap();
            assert_same(&bytes, &original);
            let again = compacted(&bytes, BuildOptions::default().page_size(page_size)).unwrap();
            assert!(again == bytes, "{}: what is compact stays as it is", original.name);
            if let Some(program) = &program {
                let path = scratch.path().join("compact.db");
                fs::write(&path, &bytes).unwrap();
                assert_eq!(read_by_go(program, &path, &original.expected()), None, "{}", original.name);
            }
        }
    }
}

/// Where what Go reads in a file differs from what is expected.
fn read_by_go(program: &Path, file: &Path, expected: &Expected) -> Option<String> {
    let (flag, expected) = match expected {
        Expected::Dump(dump) => ("-digest=false", dump),
        Expected::Digest(digest) => ("-digest", digest),
    };
    let output = Command::new(program).arg(flag).arg(file).output().unwrap();
    let read = String::from_utf8(output.stdout).unwrap();
    (!output.status.success() || read != *expected)
        .then(|| format!("{}, {} bytes: {}", output.status, read.len(), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_file_of_the_other_byte_order_is_built_anew_in_this_one() {
    for original in databases_up_to(1 << 20) {
        let little = original.bytes();
        let from_little = compacted(&little, &BuildOptions::default()).unwrap();
        let from_big = compacted(&to_big_endian(&little), &BuildOptions::default()).unwrap();
        assert!(from_little == from_big, "{}", original.name);
        assert_eq!(Snapshot::from_bytes(from_big).unwrap().layout().endian, Endian::NATIVE);
    }
}

#[test]
fn trees_that_go_wrote_in_one_transaction_are_cut_at_the_same_places() {
    for (name, fill) in [("V3", 0.5), ("V4", 1.0), ("V5", 0.5), ("V5a", 0.5), ("V7", 0.5)] {
        let original = database(&format!("golden/{name}.db")).bytes();
        let bytes = compacted(&original, BuildOptions::default().fill_percent(fill)).unwrap();
        let cuts = |bytes: &[u8]| shapes(Snapshot::from_bytes(bytes).unwrap().pages());
        assert_eq!(cuts(&bytes), cuts(&original), "{name}");
    }
}

/// A tree that no Go wrote: an empty leaf, inexact separators, a bucket inside of an inline one, flags without meaning.
fn odd() -> Vec<u8> {
    let mut image = Image::new(4096, Endian::Little);
    let inner = support::damage::inline(&[(0, b"k", b"v")]);
    let outer = support::damage::inline(&[(1, b"inner", &inner)]);
    let leaves =
        [image.leaf(&[(0, b"b", b"1"), (6, b"c", b"2")]), image.leaf(&[]), image.leaf(&[(1, b"p", &outer), (0, b"q", b"3")])];
    let root = image.branch(&[(b"a", leaves[0]), (b"d", leaves[1]), (b"o", leaves[2])]);
    image.finish(root, None)
}

#[test]
fn what_gos_writer_could_not_bear_is_gone() {
    let mut findings = 0;
    check_snapshot(&Snapshot::from_bytes(odd()).unwrap(), &mut |_| findings += 1).unwrap();
    assert!(findings > 4, "only {findings} things are odd about it");
    let bytes = compacted(&odd(), &BuildOptions::default()).unwrap();
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    check_snapshot(&snapshot, &mut |finding| panic!("{finding}")).unwrap();
    let text = dump(&snapshot.root().unwrap()).unwrap();
    assert_eq!(text.text(), dump(&Snapshot::from_bytes(odd()).unwrap().root().unwrap()).unwrap().text());
}

#[test]
fn a_state_that_cannot_be_read_whole_is_an_error_that_names_the_page() {
    type Leaf<'a> = &'a [(u32, &'a [u8], &'a [u8])];
    let build = |first: Leaf<'_>, second: Leaf<'_>| {
        let mut image = Image::new(4096, Endian::Little);
        let leaves = [image.leaf(first), image.leaf(second)];
        let root = image.branch(&[(b"a", leaves[0]), (b"m", leaves[1])]);
        compacted(&image.finish(root, None), &BuildOptions::default())
    };
    let page = |result| match result {
        Err(Error::Corrupt(Corruption { kind: CorruptionKind::Tree { .. }, page, .. })) => page,
        other => panic!("{other:?}"),
    };
    let plain = (0, &b"n"[..], &b""[..]);
    let bucket = support::damage::inline(&[]);
    assert!(build(&[(0, b"a", b"")], &[plain]).is_ok());
    assert_eq!(page(build(&[(0, b"b", b""), (0, b"a", b"")], &[plain])), Some(PageId(2)));
    assert_eq!(page(build(&[(0, b"z", b"")], &[plain])), Some(PageId(3)));
    assert_eq!(page(build(&[(0, b"n", b"")], &[plain])), Some(PageId(3)), "the same key twice");
    assert_eq!(page(build(&[(0, b"n", b"")], &[(1, b"n", &bucket)])), Some(PageId(3)), "the name of a bucket");
    assert_eq!(page(build(&[(0, b"", b"")], &[plain])), Some(PageId(2)));
}

/// A folder with a database in it.
fn folder_with(name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.db");
    fs::write(&path, database(name).bytes()).unwrap();
    (folder, path)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn a_database_is_built_anew_beside_itself_and_harms_nothing_there() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder_with("bbolt/churn-1024.db");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let db = Db::open(&path).unwrap();
    let small = folder.path().join("small.db");
    let built = db.compact_to(&small).unwrap();
    assert!(built.bytes == fs::metadata(&small).unwrap().len() && built.bytes < fs::metadata(&path).unwrap().len());
    assert_eq!(mode(&small), 0o600);
    assert_same(&fs::read(&small).unwrap(), &database("bbolt/churn-1024.db"));
    for taken in [&small, &path] {
        match db.compact_to(taken) {
            Err(Error::Io { op: "create", path, source }) => {
                assert!(path == *taken && source.kind() == std::io::ErrorKind::AlreadyExists);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(db.compact_to(folder.path().join("missing/small.db")).unwrap_err().is_not_found());
    assert_eq!(names(folder.path()), ["small.db", "source.db"]);
    assert!(fs::read(&path).unwrap() == database("bbolt/churn-1024.db").bytes());
}

#[test]
fn an_image_is_byte_for_byte_the_one_that_go_makes() {
    // Go made these two with Tx.WriteTo; an image of an image is that image.
    for name in ["bbolt/backup-even.db", "bbolt/backup-odd.db"] {
        let bytes = database(name).bytes();
        let (_folder, path) = folder_with(name);
        for backing in [Backing::Map, Backing::Heap] {
            let db = Db::options().read_only(true).backing(backing).open(&path).unwrap();
            let mut image = Vec::new();
            let written = db.begin_read().unwrap().write_to(&mut image).unwrap();
            assert!(image == bytes && written == bytes.len() as u64, "{name}, {backing:?}");
        }
    }
}

#[test]
fn an_image_is_as_long_as_its_pages_and_holds_them_as_they_lie() {
    for original in databases_up_to(1 << 20) {
        let bytes = original.bytes();
        let tx = Db::from_bytes(bytes.clone()).unwrap().begin_read().unwrap();
        let mut image = Vec::new();
        assert_eq!(tx.write_to(&mut image).unwrap(), tx.size(), "{}", original.name);
        assert_eq!(image.len() as u64, tx.size(), "{}", original.name);
        let snapshot = Snapshot::from_bytes(&image[..]).unwrap();
        let metas = 2 * snapshot.layout().page_size.bytes() as usize;
        assert!(image[metas..] == bytes[metas..image.len()], "{}", original.name);
        let txids = snapshot.metas().slots.map(|slot| slot.meta.unwrap().txid.0);
        assert_eq!(txids, [tx.id().0, tx.id().0 - 1], "{}", original.name);
        assert!(snapshot.is_provable() && snapshot.metas().is_provable(&snapshot.metas().previous().unwrap()));
        assert_same(&image, &original);
    }
}

#[cfg(unix)]
#[test]
fn an_image_replaces_an_older_one_in_one_step_and_never_the_database() {
    let (folder, path) = folder_with("docker/live-28.5.2.db");
    let db = Db::options().read_only(true).open(&path).unwrap();
    let tx = db.begin_read().unwrap();
    let backup = folder.path().join("backup.db");
    fs::write(&backup, "an older one").unwrap();
    assert_eq!(tx.copy_file(&backup).unwrap(), tx.size());
    assert_eq!(mode(&backup), mode(&path));
    assert_same(&fs::read(&backup).unwrap(), &database("docker/live-28.5.2.db"));
    let link = folder.path().join("link.db");
    fs::hard_link(&path, &link).unwrap();
    for own in [&path, &link] {
        assert!(matches!(tx.copy_file(own), Err(Error::Unsupported { .. })));
    }
    assert!(fs::read(&path).unwrap() == database("docker/live-28.5.2.db").bytes());
    assert_eq!(names(folder.path()), ["backup.db", "link.db", "source.db"]);
}

/// A stream that takes so many bytes.
struct Narrow(usize);

impl std::io::Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = bytes.len().min(self.0).min(1000);
        self.0 -= n;
        if n == 0 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(n) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_image_that_cannot_be_written_is_an_error() {
    let db = Db::from_bytes(database("docker/live-28.5.2.db").bytes()).unwrap();
    let tx = db.begin_read().unwrap();
    for room in [0, 5000, 20_000] {
        match tx.write_to(&mut Narrow(room)) {
            Err(error @ Error::Io { op: "write", .. }) => assert_eq!(error.to_string(), "cannot write"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(tx.write_to(&mut Narrow(usize::MAX)).unwrap(), tx.size());
}
