//! A crash at any moment leaves the state before it or the one after it, with nothing to repair.
//!
//! What is done to the disk is recorded, and everything that a crash could have left of it is made and judged.
//! `CRASH_STATES=1000000` looks at as many states and at all combinations of up to 14 units, `CRASH_SEED` begins
//! elsewhere, and `CRASH='NAME'` looks at the one state that a failure named.

mod go;
mod states;
mod support;

use std::io::Write;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use states::defect::Defect;
use states::enumerate::Depth;
use states::record::Recorder;
use states::run::{Plan, replay, run, until_wrong};
use states::workload::{workload, workloads};
use support::digest::digest;
use unbolt::Snapshot;

/// How many states there are at least, and all combinations of how many units are tried.
const QUICK: (usize, Depth) = (24_000, Depth { all_of: 8, samples: 20 });
const LONG: Depth = Depth { all_of: 14, samples: 500 };

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().unwrap())
}

/// bbolt in a process that lasts: it opens, checks and digests what it is given.
struct Go {
    process: Mutex<go::Beside>,
    _folder: tempfile::TempDir,
}

impl Go {
    fn start() -> Option<Go> {
        let (program, folder) = (go::program("crash")?, tempfile::tempdir().unwrap());
        let process = Mutex::new(go::Beside::start(Command::new(program).arg(folder.path())));
        Some(Go { process, _folder: folder })
    }

    fn agrees(&self, bytes: &[u8]) -> Result<(), String> {
        let mut go = self.process.lock().unwrap();
        let input = go.input();
        input.write_all(&(bytes.len() as u32).to_le_bytes()).and_then(|()| input.write_all(bytes)).unwrap();
        input.flush().unwrap();
        let said = go.line().ok_or("it ended")?;
        drop(go);
        let snapshot = Snapshot::from_bytes(bytes.to_vec()).map_err(|e| e.to_string())?;
        let ours = snapshot.root().and_then(|root| digest(&root, None)).map_err(|e| e.to_string())?;
        let ours = format!("{} {ours:016x}", snapshot.meta().txid);
        if said == ours { Ok(()) } else { Err(format!("{said}, not {ours}")) }
    }
}

#[test]
fn every_crash_leaves_the_state_before_or_after_and_nothing_to_repair() {
    let many = number("CRASH_STATES");
    let (states, depth) = many.map_or(QUICK, |many| (many as usize, LONG));
    if let Ok(name) = std::env::var("CRASH") {
        let verdict = replay(&name, depth).or_else(|_| replay(&name, LONG));
        println!("{name}: {verdict:?}");
        return assert!(verdict.is_ok());
    }
    let (go, start, seed) = (Go::start(), Instant::now(), number("CRASH_SEED").unwrap_or(0));
    let peer = |bytes: &[u8]| go.as_ref().map_or(Ok(()), |go| go.agrees(bytes));
    let (again_every, peer_every) = if many.is_some() { (300, 100) } else { (100, 100) };
    let plan = Plan { states, depth, seed, again_every, peer_every, peer: go.is_some().then_some(&peer) };
    let counts = run(&plan).unwrap_or_else(|wrong| panic!("{wrong}"));
    let (mut all, mut again, mut epochs, mut whole) = (0, 0, 0, 0);
    for (name, count) in &counts {
        println!("{name:17}{count}");
        all += count.states;
        again += count.again;
        epochs += count.epochs.all;
        whole += count.epochs.whole;
    }
    let (share, took) = (100 * whole / epochs.max(1), start.elapsed());
    println!("{all} states and {again} of second crashes, {share} % of the epochs whole, seed {seed}, {took:.1?}");
    assert!(all + again >= states, "only {all} states");
    if many.is_some() {
        assert!(share >= 95, "only {share} % of the epochs have all combinations");
        let in_full = |name: &str| name != "creation" && workload(name).part() == 1;
        let few = counts.iter().find(|(name, count)| in_full(name) && count.states < all / 20);
        assert!(few.is_none(), "too few of {few:?}");
    }
}

/// The same test finds the defects that are planted between the engine and its disk, each within a thousand states.
#[test]
fn every_planted_defect_is_found() {
    let mut lost = Vec::new();
    for defect in Defect::ALL {
        let workload = workload(defect.workload());
        let (count, found) = until_wrong(&workload, 0..9, &|| Recorder::new(Some(defect)), QUICK.1);
        println!("{:22} {count:5} states  {}", format!("{defect:?}"), found.as_deref().unwrap_or("not found"));
        if found.is_none() || count > 1000 {
            lost.push(defect);
        }
    }
    assert!(lost.is_empty(), "not found: {lost:?}");
}

/// What `tests/mutants/run` plants in a copy of the engine.
#[test]
#[ignore = "fails where there is no defect"]
fn a_defect_in_the_engine_is_found() {
    let (mut all, only) = (0, std::env::var("CRASH_WORKLOAD").unwrap_or_default());
    for workload in workloads().into_iter().filter(|workload| only.is_empty() || workload.name == only) {
        let (count, found) = until_wrong(&workload, 0..2, &|| Recorder::new(None), Depth { all_of: 4, samples: 2 });
        all += count;
        if let Some(found) = found {
            println!("found after {all} states: {found}");
            return assert!(all <= 1000, "too late");
        }
    }
    panic!("not found in {all} states");
}

#[test]
fn every_test_that_the_page_on_durability_names_is_there() {
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let tests = std::fs::read_dir("tests").unwrap().map(|entry| entry.unwrap().path());
    let tests: String = tests.filter(|path| path.extension().is_some_and(|rs| rs == "rs")).map(|path| read(&path)).collect();
    let page = read("docs/durability.md".as_ref());
    let code: Vec<&str> = page.split('`').skip(1).step_by(2).collect();
    let names = code.iter().filter(|word| word.matches('_').count() >= 4);
    assert!(names.clone().count() > 8);
    names.for_each(|name| assert!(tests.contains(&format!("fn {name}()")), "{name}"));
    let patches = code.iter().filter(|word| word.contains('-') && !word.contains(' '));
    patches.for_each(|patch| assert!(std::path::Path::new(&format!("tests/mutants/{patch}.patch")).exists(), "{patch}"));
    let planted = code.iter().filter(|word| word.starts_with("Name"));
    planted.for_each(|name| assert!(Defect::ALL.iter().any(|defect| format!("{defect:?}") == **name), "{name}"));
}
