//! Whether a file of ours is what Go makes of the same script.
//!
//! Every script is run twice by Go. Where its two files are equal, ours equals them byte by byte; elsewhere they
//! agree on everything but where pages lie. Content and soundness agree always, whoever reads.

use std::fs;
use std::path::{Path, PathBuf};

use super::peer::Peer;
use super::report::Report;
use super::run;
use super::script::{Engine, Script};
use super::seen::Seen;

/// How often Go is run at most where its files differ in size: some of its files come about in one run of ten.
const MOST_RUNS: usize = 40;
/// How often where they do not: with many buckets in a transaction each order in which Go may take them is rare, and so
/// may be the one that takes a page more. One came in 32 of 1,200 runs, all others being the same.
const MOST_RUNS_OF_ONE_SIZE: usize = 600;
/// How often turns are taken before the file is believed to be wrong.
const TURNS_TAKEN: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go's two files and ours are the same.
    SameBytes,
    /// Go does not always make the same file, and ours is one of those that it made.
    OneOfGos,
    /// Go does not always make the same file; ours is as long, with as many pages everywhere.
    SameSize,
    /// Go's own files differ in length, high-water mark or pages, and ours is none of those that it made.
    GoVaries,
    /// An older library makes another file than bbolt 1.5.0; ours is the latter's, or both in turn.
    OlderDiffers,
}

/// One place to run scripts, with a Go beside it.
pub struct Judge {
    peer: Peer,
    folder: tempfile::TempDir,
}

impl Judge {
    pub fn new(program: &Path) -> Judge {
        // Nothing here asks what reaches a disk.
        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).expect("a folder");
        Judge { peer: Peer::start(program), folder }
    }

    /// Runs a script on both sides and compares; what unfolded on our side is counted.
    pub fn judge(&mut self, script: &Script, seen: &mut Seen) -> Result<Verdict, String> {
        self.peer.load(script)?;
        if !script.turns {
            let ours = self.by_us(script, seen)?;
            return self.compare(script, ours);
        }
        // Go's part of such a file differs from run to run too.
        let mut outcome = Err(String::new());
        for _ in 0..TURNS_TAKEN {
            let ours = self.by_turns(script)?;
            outcome = self.compare(script, ours);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn compare(&mut self, script: &Script, (ours_failed, ours): (Vec<String>, Report)) -> Result<Verdict, String> {
        let (failed, first) = self.by_go(script, script.engine)?;
        let (_, second) = self.by_go(script, script.engine)?;
        if ours_failed != failed {
            let [only_ours, only_gos] = [(&ours_failed, &failed), (&failed, &ours_failed)]
                .map(|(these, others)| these.iter().find(|operation| !others.contains(operation)));
            return Err(format!("operations that failed: first only here {only_ours:?}, only with Go {only_gos:?}"));
        }
        if ours.digest != first.digest {
            return Err(format!("the content differs: {}, Go has {}", ours.digest, first.digest));
        }
        self.verdict(script, script.engine, &ours, vec![first, second])
    }

    fn verdict(&mut self, script: &Script, engine: Engine, ours: &Report, mut gos: Vec<Report>) -> Result<Verdict, String> {
        loop {
            let same_bytes = gos.iter().any(|go| go.same_bytes(ours, engine));
            let go_differs = gos.iter().any(|go| !go.same_bytes(&gos[0], engine));
            let enough = gos.len() >= MOST_RUNS && Self::settled(engine, &gos);
            match (same_bytes, go_differs) {
                (true, false) => return Ok(Verdict::SameBytes),
                (true, true) => return Ok(Verdict::OneOfGos),
                (false, true) if gos.iter().any(|go| go.same_size(ours, engine)) => return Ok(Verdict::SameSize),
                _ if enough => break,
                _ => gos.push(self.by_go(script, engine)?.1),
            }
        }
        match Self::last_resort(engine, ours, &gos) {
            Err(_) if engine != Engine::Bbolt150 => self.beside_a_late_one(script, ours, &gos),
            verdict => verdict,
        }
    }

    /// Go's files were seen in two sizes, or for long enough.
    fn settled(engine: Engine, gos: &[Report]) -> bool {
        gos.len() >= MOST_RUNS_OF_ONE_SIZE || gos.iter().any(|go| !go.same_size(&gos[0], engine))
    }

    /// Ours is none of Go's many files, and as large as none of them.
    fn last_resort(engine: Engine, ours: &Report, gos: &[Report]) -> Result<Verdict, String> {
        let (differences, runs) = (ours.size.differences(&gos[0].size, engine), gos.len());
        if gos.iter().any(|go| !go.same_size(&gos[0], engine)) {
            return Ok(Verdict::GoVaries);
        }
        let gos = if gos.iter().all(|go| go.same_bytes(&gos[0], engine)) { "the same file" } else { "files of one size" };
        let place = if differences.is_empty() { "the pages lie elsewhere" } else { &differences };
        Err(format!("Go makes {gos} in {runs} runs, ours is another one, {place}"))
    }

    /// The older libraries give a node of exactly some pages one page more, and write a leaf anew from which a key is
    /// deleted that it does not have. Where they differ from bbolt 1.5.0 in size, it is that one that ours is compared
    /// with, and where they differ in bytes only, ours may be a file of that one; a file that an older one wrote too is
    /// neither's.
    fn beside_a_late_one(&mut self, script: &Script, ours: &Report, olds: &[Report]) -> Result<Verdict, String> {
        let late = vec![self.by_go(script, Engine::Bbolt150)?.1, self.by_go(script, Engine::Bbolt150)?.1];
        if olds.iter().any(|old| old.same_size(&late[0], script.engine)) {
            let is_lates = late.iter().any(|late| late.same_bytes(ours, Engine::Bbolt150));
            return if is_lates { Ok(Verdict::OlderDiffers) } else { Self::last_resort(script.engine, ours, olds) };
        }
        if !script.turns {
            self.verdict(script, Engine::Bbolt150, ours, late)?;
        }
        Ok(Verdict::OlderDiffers)
    }

    fn new_file(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let _ = fs::remove_file(&path);
        path
    }

    /// Go runs it all, and both sides read what came of it.
    fn by_go(&mut self, script: &Script, engine: Engine) -> Result<(Vec<String>, Report), String> {
        let path = self.new_file("go.db");
        let failed = self.peer.run(engine, 0..script.transactions.len(), &path)?;
        Ok((failed, self.agreed(&path, "Go's file")?))
    }

    fn by_us(&mut self, script: &Script, seen: &mut Seen) -> Result<(Vec<String>, Report), String> {
        let path = self.new_file("ours.db");
        let failed = run::whole(script, &path, seen).map_err(|e| format!("our side: {e}"))?;
        Ok((failed, self.agreed(&path, "our file")?))
    }

    /// Round by round Go and we, and whoever did not write it checks it.
    fn by_turns(&mut self, script: &Script) -> Result<(Vec<String>, Report), String> {
        let path = self.new_file("turns.db");
        let ours_first = script.transactions.len().is_multiple_of(2);
        let mut failed = Vec::new();
        for (number, round) in script.rounds().into_iter().enumerate() {
            let told = |e: String| format!("round {number}: {e}");
            let (by, more) = match ours_first == number.is_multiple_of(2) {
                true => ("us", run::round(script, round, &path).map_err(|e| told(format!("our side: {e}")))?),
                false => ("Go", self.peer.run(script.engine, round, &path).map_err(told)?),
            };
            self.agreed(&path, &format!("the file after round {number} by {by}"))?;
            failed.extend(more);
        }
        Ok((failed, self.agreed(&path, "the file")?))
    }

    /// What both sides say of a file, which is the same, and that it is sound.
    fn agreed(&mut self, path: &Path, whose: &str) -> Result<Report, String> {
        let bytes = fs::read(path).map_err(|e| format!("{whose}: {e}"))?;
        let ours = Report::of(bytes).map_err(|e| format!("{whose}: {e}"))?;
        let gos = self.peer.report(path).map_err(|e| format!("{whose}: {e}"))?;
        if !gos.check.is_empty() {
            return Err(format!("{whose}: Go's check: {:?}", gos.check));
        }
        if !ours.check.is_empty() {
            return Err(format!("{whose}: our check: {:?}", ours.check));
        }
        match ours == gos {
            true => Ok(gos),
            false => Err(format!("{whose}: both read it differently: {ours:?}, Go {gos:?}")),
        }
    }
}
