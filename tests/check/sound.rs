//! Nothing is found where nothing is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use crate::planted::sound_in;
use unbolt::Snapshot;
use unbolt::check::check_snapshot;
use unbolt::format::Endian;

fn databases() -> Vec<PathBuf> {
    let folders = fs::read_dir("testdata").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "db" || end == "sparse")).collect()
}

/// The bytes of a database; `testdata/MANIFEST.md` says how those without their zeros are kept.
fn read(path: &Path) -> Vec<u8> {
    let stored = fs::read(path).unwrap();
    if path.extension().is_some_and(|end| end == "db") {
        return stored;
    }
    let mut whole = Vec::new();
    let mut rest = &stored[..];
    loop {
        let (header, data) = rest.split_at(12);
        let offset = u64::from_le_bytes(header[..8].try_into().unwrap()) as usize;
        let len = u32::from_le_bytes(header[8..].try_into().unwrap()) as usize;
        whole.resize(offset, 0);
        if len == 0 {
            return whole;
        }
        whole.extend_from_slice(&data[..len]);
        rest = &data[len..];
    }
}

#[test]
fn nothing_is_wrong_with_any_sound_file() {
    let databases = databases();
    assert!(databases.len() > 50, "only {} databases", databases.len());
    for path in databases {
        let snapshot = Snapshot::from_bytes(read(&path)).unwrap();
        let summary = check_snapshot(&snapshot, &mut |it| panic!("{}: {} {it}", path.display(), it.code)).unwrap();
        assert!(summary.is_sound() && summary.pages > 0);
        assert!(snapshot.runs_read() <= 2 * summary.pages + 5, "{}: {} runs", path.display(), snapshot.runs_read());
    }
}

#[test]
fn nothing_is_wrong_with_the_file_that_damage_is_planted_in_in_either_byte_order() {
    for endian in [Endian::Little, Endian::Big] {
        let planted = sound_in(endian);
        planted.finds(&[]);
        let (_, summary) = planted.check();
        assert_eq!((summary.pages, summary.free, summary.buckets, summary.keys), (6, 3, 2, 10));
        assert!(summary.is_sound());
    }
}
