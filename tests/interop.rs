//! Promise: scripts of transactions leave the file that Go leaves, and Go goes on with ours as we with Go's.
//!
//! `SEED` repeats a run, `SCRIPTS` and `TURNS` set how many scripts there are, `FULL=1` takes as many as it needs to
//! be believed. A script that fails is made short and kept in `testdata/regress`, and run ever after.

mod go;
mod scripts;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scripts::judge::{Judge, Verdict};
use scripts::random::seed;
use scripts::script::Script;
use scripts::seen::Seen;
use scripts::{directed, generate};

/// After so many failures a run gives up.
const ENOUGH: usize = 5;
/// How long one failing script may be made shorter.
const PATIENCE: Duration = Duration::from_secs(40);

#[test]
fn a_script_is_what_its_text_says() {
    for seed in 0..50 {
        for script in [generate::script(seed), generate::turns(seed)] {
            assert_eq!(Script::parse(&script.to_string()), Ok(script));
        }
    }
}

#[test]
fn random_scripts_leave_the_file_that_go_leaves() {
    let (seed, count) = (seed(), count("SCRIPTS", 300, 5000));
    let directed = directed::scripts();
    let many = directed.len() as u64;
    let script = |number: u64| match number.checked_sub(many) {
        None => directed[number as usize].clone(),
        Some(number) => generate::script(seed.wrapping_add(number)),
    };
    let Some(run) = Run::of(many + count, script) else { return };
    println!("SEED={seed}\n{run}");
    println!("seen: {}", run.seen);
    run.assert_good();
    for (what, count) in run.seen.counts() {
        assert!(count > 0, "no {what}");
    }
}

#[test]
fn go_goes_on_with_our_file_and_we_with_gos() {
    let (seed, count) = (seed(), count("TURNS", 40, 500));
    let script = |number| {
        let script = generate::turns(seed.wrapping_add(number));
        assert_eq!(script.rounds().len(), generate::ROUNDS);
        script
    };
    let Some(run) = Run::of(count, script) else { return };
    println!("SEED={seed}\n{run}");
    run.assert_good();
}

#[test]
fn scripts_that_failed_once_pass() {
    let Some(program) = go::program("script") else { return };
    let mut judge = Judge::new(&program);
    for path in fs::read_dir(regress()).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "script") {
            let script = Script::parse(&fs::read_to_string(&path).unwrap()).unwrap();
            let verdict = judge.judge(&script, &mut Seen::default());
            println!("{}: {verdict:?}", path.display());
            assert!(verdict.is_ok(), "{}: {verdict:?}", path.display());
        }
    }
}

/// How many scripts: as many as asked for, else these.
fn count(variable: &str, few: u64, full: u64) -> u64 {
    let asked = std::env::var(variable).ok().map(|count| count.parse().unwrap_or_else(|_| panic!("{variable}={count}")));
    asked.unwrap_or(if std::env::var("FULL").is_ok_and(|full| full == "1") { full } else { few })
}

fn regress() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/regress")
}

/// What came of many scripts.
struct Run {
    scripts: u64,
    took: Duration,
    verdicts: BTreeMap<String, u64>,
    seen: Seen,
    failures: Vec<String>,
}

impl Run {
    /// Runs them on all processors, each thread with a Go of its own.
    fn of(count: u64, script: impl Fn(u64) -> Script + Sync) -> Option<Run> {
        let program = go::program("script")?;
        let start = Instant::now();
        let next = AtomicU64::new(0);
        let run =
            Run { scripts: count, took: start.elapsed(), verdicts: BTreeMap::new(), seen: Seen::default(), failures: vec![] };
        let run = Mutex::new(run);
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    let (mut judge, mut seen) = (Judge::new(&program), Seen::default());
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count || run.lock().unwrap().failures.len() >= ENOUGH {
                            break run.lock().unwrap().seen.add(&seen);
                        }
                        let script = script(number);
                        let verdict = judge.judge(&script, &mut seen);
                        let failure = verdict.as_ref().err().map(|why| keep(&mut judge, &script, why));
                        let mut run = run.lock().unwrap();
                        run.failures.extend(failure);
                        *run.verdicts.entry(name(&script, verdict)).or_default() += 1;
                    }
                });
            }
        });
        Some(Run { took: start.elapsed(), ..run.into_inner().unwrap() })
    }

    fn assert_good(&self) {
        assert!(self.failures.is_empty(), "{} scripts failed:\n{}", self.failures.len(), self.failures.join("\n"));
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} scripts in {:.1?}", self.scripts, self.took)?;
        self.verdicts.iter().try_for_each(|(verdict, count)| writeln!(f, "{count:6} {verdict}"))
    }
}

fn name(script: &Script, verdict: Result<Verdict, String>) -> String {
    let verdict = match verdict {
        Ok(Verdict::SameBytes) => "the same bytes",
        Ok(Verdict::OneOfGos) => "the bytes of one of Go's runs, which differ",
        Ok(Verdict::SameSize) => "the same length and pages where Go's runs differ in bytes",
        Ok(Verdict::GoVaries) => "Go's own runs differ in length or pages",
        Ok(Verdict::OlderDiffers) => "another file than bbolt 1.5.0 makes; ours is like the latter's",
        Err(_) => "failed",
    };
    format!("{}: {verdict}", script.engine.name())
}

/// Makes a failing script short, keeps it, and says what is wrong with it.
fn keep(judge: &mut Judge, script: &Script, why: &str) -> String {
    let mut unseen = Seen::default();
    // Made short, a script may fail for another reason, which is no reason to the libraries before.
    let fails_alike = |other: String| other.split(':').next() == why.split(':').next();
    let short = scripts::shrink::shrink(script, PATIENCE, |script| judge.judge(script, &mut unseen).is_err_and(fails_alike));
    let still = judge.judge(&short, &mut unseen).err().unwrap_or_else(|| "it does not fail each time".into());
    let text = short.to_string();
    let hash = support::swap::fnv1a(text.as_bytes());
    let path = regress().join(format!("{hash:016x}.script"));
    fs::create_dir_all(regress()).unwrap();
    fs::write(&path, &text).unwrap();
    format!("{}: {still}\n  at its full length: {why}", path.display())
}
