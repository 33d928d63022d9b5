//! Promise: `recover` says first what it would bring, never touches what it reads nor what lies where it writes, and tells
//! by its status whether all came back; `carve` does the same for images.

#![cfg(feature = "cli")]

mod command;

use std::fs;
use std::path::{Path, PathBuf};

use command::{Outcome, testdata, unbolt};
use serde_json::Value;
use tempfile::TempDir;
use unbolt::forensic::Sha256Sum;
use unbolt::store::{BoltStore, DOCKER_BUCKET, Store};
use unbolt::{Snapshot, TxSelector};

/// A directory with one file in it.
struct Desk {
    folder: TempDir,
    file: PathBuf,
}

impl Desk {
    fn with(change: impl FnOnce(&mut Vec<u8>)) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("broken.db");
        let mut bytes = fs::read(testdata().join("docker/networks-stopped-20.10.24.db")).unwrap();
        change(&mut bytes);
        fs::write(&file, bytes).unwrap();
        Desk { folder, file }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// FILE is the file, a word that begins with + a name beside it.
    fn run(&self, line: &str) -> Outcome {
        let word = |word: &str| match word.strip_prefix('+') {
            Some(name) => self.path(name).into_os_string(),
            None if word == "FILE" => self.file.clone().into(),
            None => word.into(),
        };
        unbolt(line.split(' ').map(word))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn keys(file: &Path) -> Vec<String> {
    let store = BoltStore::open_read_only(file, DOCKER_BUCKET).unwrap();
    store.list("").unwrap().into_iter().map(|pair| pair.key).collect()
}

fn root(bytes: &[u8]) -> usize {
    Snapshot::from_bytes(bytes).unwrap().meta().root.0 as usize * 4096
}

#[test]
fn a_sound_file_is_brought_whole_with_status_0() {
    let desk = Desk::with(|_| {});
    let ended = desk.run("recover FILE -o +new.db");
    assert_eq!((ended.status, ended.err.as_str()), (0, ""), "{}", ended.text());
    assert!(ended.text().contains("by the newest meta") && ended.text().contains(" 0 lost "), "{}", ended.text());
    assert_eq!(keys(&desk.path("new.db")), keys(&desk.file));
    assert_eq!(desk.run("check +new.db").text(), "OK\n");
}

#[test]
fn a_file_without_metas_comes_back_with_status_1_and_the_report_adds_up() {
    let desk = Desk::with(|bytes| bytes[..8192].fill(0));
    let ended = desk.run("recover FILE -o +new.db --format json");
    assert_eq!(ended.status, 1, "{}", ended.err);
    let report: Value = serde_json::from_slice(&ended.out).unwrap();
    let pairs = &report["pairs"];
    let number = |name: &str| pairs[name].as_u64().unwrap();
    assert_eq!(number("kept") + number("lost") + number("duplicate"), number("found"));
    assert_eq!((&report["schema"], &report["state"]["provable"]), (&Value::from(1), &Value::from(false)));
    assert_eq!(report["sha256"].as_str().unwrap().len(), 64);
    assert!(report["unknown"].as_array().unwrap().len() >= 2);
    let (made, sound) = (keys(&desk.path("new.db")), keys(&testdata().join("docker/networks-stopped-20.10.24.db")));
    assert!(sound.iter().all(|key| made.contains(key)), "{made:?}");
}

#[test]
fn the_plan_says_all_of_it_and_writes_nothing() {
    let desk = Desk::with(|bytes| bytes[..8192].fill(0));
    let plan = desk.run("recover --plan FILE");
    assert_eq!((plan.status, desk.names()), (1, vec!["broken.db".to_owned()]));
    let made = desk.run("recover FILE -o +new.db");
    let without_last_step =
        |text: &str| text.lines().filter(|line| !line.contains("write ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(without_last_step(plan.text()), without_last_step(made.text()));
    assert!(plan.text().contains("not to be known:"), "{}", plan.text());
}

#[test]
fn nothing_is_written_over_and_never_the_file_itself() {
    let desk = Desk::with(|_| {});
    fs::write(desk.path("new.db"), "mine").unwrap();
    let before = fs::read(&desk.file).unwrap();
    for line in ["recover FILE -o +new.db", "recover FILE -o FILE", "recover FILE -o FILE --force"] {
        assert_eq!(desk.run(line).status, 6, "{line}");
    }
    assert!(fs::read(&desk.file).unwrap() == before && fs::read(desk.path("new.db")).unwrap() == b"mine");
    assert_eq!(desk.run("recover FILE -o +new.db --force").status, 0);
    assert_eq!(desk.run("recover FILE").status, 2);
    assert_eq!(desk.run("recover FILE --plan -o +other.db").status, 2);
    assert_eq!(desk.run("recover +missing.db -o +other.db").status, 3);
    assert_eq!(desk.names(), ["broken.db", "new.db"]);
}

#[test]
fn where_there_is_nothing_it_is_said_with_status_5() {
    let desk = Desk::with(|bytes| bytes.fill(0));
    let ended = desk.run("recover FILE -o +new.db");
    assert_eq!((ended.status, desk.names()), (5, vec!["broken.db".to_owned()]));
    assert!(ended.err.contains("nothing to recover") && ended.err.contains("hint: "), "{}", ended.err);
}

#[test]
fn a_given_page_size_counts_against_what_the_file_says() {
    let desk = Desk::with(|_| {});
    assert_eq!(desk.run("recover FILE --plan --page-size 1024").status, 5);
    assert_eq!(desk.run("recover FILE --plan --page-size 4096").status, 0);
    assert_eq!(desk.run("recover FILE --plan --page-size 12").status, 2);
}

#[test]
fn what_has_no_home_makes_a_lost_file_whole_again() {
    let desk = Desk::with(|bytes| {
        // The root is gone, and of the state before too.
        let older = Snapshot::from_bytes(bytes.clone()).unwrap().at(TxSelector::Previous).unwrap().meta().root.0 as usize;
        let root = root(bytes);
        bytes[older * 4096..][..4096].fill(0);
        bytes[root..][..4096].fill(0);
    });
    let sound = testdata().join("docker/networks-stopped-20.10.24.db");
    assert_eq!(desk.run("recover FILE -o +saved.db").status, 1);
    fs::create_dir_all(desk.path("containers")).unwrap();
    let root = desk.folder.path().display().to_string();
    let ended = desk.run(&format!("net rebuild {root} -o +new.db --with +saved.db"));
    assert_eq!(ended.status, 0, "{}", ended.err);
    assert!(ended.err.contains("in lost+found, which may be older"), "{}", ended.err);
    let (made, wanted) = (keys(&desk.path("new.db")), keys(&sound));
    let missing: Vec<_> = wanted.iter().filter(|key| !made.contains(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // What is in its place in another file counts before what has none.
    fs::copy(&sound, desk.path("sound.db")).unwrap();
    let ended = desk.run(&format!("net rebuild {root} -o +both.db --with +saved.db --with +sound.db"));
    assert_eq!(ended.status, 0, "{}", ended.err);
    let value = |file: &Path, key: &str| {
        let store = BoltStore::open_read_only(file, DOCKER_BUCKET).unwrap();
        store.get(key).unwrap().unwrap().value
    };
    assert!(wanted.iter().all(|key| value(&desk.path("both.db"), key) == value(&sound, key)));
}

#[test]
fn carve_lists_and_takes_out_what_it_finds_and_writes_over_nothing() {
    let desk = Desk::with(|bytes| {
        let file = bytes.clone();
        bytes.splice(0..0, [0xA5; 512 * 5]);
        bytes.extend(vec![0; 512 * 9]);
        bytes.extend(file);
    });
    let listed = desk.run("carve FILE --format json");
    let lines: Vec<Value> = listed.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let offsets: Vec<_> = lines.iter().map(|line| (line["offset"].as_u64().unwrap(), line["tree"].as_str().unwrap())).collect();
    assert_eq!((listed.status, offsets), (0, vec![(2560, "sound"), (2560 + 131072 + 4608, "sound")]));
    assert_eq!(desk.names(), ["broken.db"], "a listing writes nothing");
    let table = desk.run("carve FILE");
    assert!(table.lines().len() == 3 && table.lines()[0].starts_with("OFFSET "), "{}", table.text());

    assert_eq!(desk.run("carve FILE -o +found").status, 0);
    let found = |name: &str| desk.path("found").join(name);
    let manifest = fs::read_to_string(found("manifest.jsonl")).unwrap();
    for line in manifest.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let file = found(line["file"].as_str().unwrap());
        assert_eq!(keys(&file).len(), 35);
        let sum = Sha256Sum::of(&fs::read(file).unwrap()).to_string();
        assert_eq!(line["sha256"].as_str(), Some(sum.as_str()));
    }
    assert_eq!(desk.run("carve FILE -o +found").status, 6);
    assert_eq!(desk.run("carve FILE -o +found --force").status, 0);
    assert_eq!(desk.run("carve FILE --from 131072").lines().len(), 2, "a heading and the second file");
    assert_eq!(desk.run("carve FILE --from 100").status, 2);
    assert_eq!(desk.run("carve - -o +found").status, 2);
    let nothing = Desk::with(|bytes| bytes.fill(7));
    assert_eq!(nothing.run("carve FILE").status, 1);
}

#[test]
fn files_that_begin_before_the_image_have_names_of_their_own() {
    let desk = Desk::with(|bytes| {
        // The page of the older meta says that it is another one: its meta is that of page 1, then, of another file.
        *bytes = fs::read(testdata().join("bbolt/backup-odd.db")).unwrap();
        bytes[7] = 127;
    });
    let taken = desk.run("carve FILE -o +found --format json");
    assert_eq!(taken.status, 0, "{}", taken.err);
    let lines: Vec<Value> = taken.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [whole, cut] = &lines[..] else { panic!("{lines:?}") };
    let places = [whole, cut].map(|line| [&line["offset"], &line["start"]].map(|number| number.as_u64().unwrap()));
    assert_eq!(places, [[0, 0], [0, 4096]]);
    for line in [whole, cut] {
        let bytes = fs::read(desk.path("found").join(line["file"].as_str().unwrap())).unwrap();
        let size = line["start"].as_u64().unwrap() + line["length"].as_u64().unwrap();
        assert_eq!(bytes.len() as u64, size, "{line}");
    }
}
