//! Every small file in `testdata`, damaged at every byte that matters: whatever is done with it ends, within 64 MiB
//! and a bounded number of page visits, without a panic, and leaves the bytes as they are. `FULL=1` runs every command on
//! every image, `HOSTILE_EVERY=30` looks at every thirtieth image only, for a run in which everything takes longer.

#![cfg(all(unix, feature = "cli"))]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::alloc::{Counting, peak_of};
use support::commands::{Command, UNWRITABLE, commands, run};
use support::exercise::{Reading, exercise};
use support::image::Numbers;
use support::patient::{Damage, File, Map};
use support::testdata::databases_up_to;
use unbolt::cli::Status;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The files that are damaged.
const LARGEST: u64 = 65536;
/// The most memory, beside the file itself.
const MEMORY: usize = 64 << 20;
/// How many commands are run on one image; the next image gets the next ones.
const TURN: usize = 3;

/// A file that is damaged and healed again and again.
struct Patient<'s> {
    file: &'s File,
    commands: &'s [Command],
    /// The bytes that are read; nobody else holds them between two readings.
    image: Arc<[u8]>,
    images: usize,
    runs: usize,
    whole: usize,
    peak: usize,
}

impl<'s> Patient<'s> {
    fn bear(&mut self, damage: Damage) {
        let sound = &self.file.sound;
        let places = match damage {
            Damage::Cut { len } => return self.read(damage, &sound[..len].into()),
            Damage::Byte { at, .. } => [at..at + 1, 0..0],
            Damage::Meta { page, at, .. } => [at..at + 1, page + 72..page + 80],
        };
        let image = Arc::get_mut(&mut self.image).expect("nobody holds the last image any more");
        if let Damage::Byte { at, value } | Damage::Meta { at, value, .. } = damage {
            image[at] = value;
        }
        if let Damage::Meta { page, .. } = damage {
            image.repair_meta(page);
        }
        let image = Arc::clone(&self.image);
        self.read(damage, &image);
        drop(image);
        let image = Arc::get_mut(&mut self.image).expect("whoever read the image let go of it");
        for place in places {
            image[place.clone()].copy_from_slice(&sound[place]);
        }
    }

    /// The commands whose turn it is: a few on each image, or all of them.
    fn commands(&self) -> impl Iterator<Item = &'s Command> + use<'s> {
        let all = self.commands;
        let turn = if full() { all.len() } else { TURN };
        (self.images * TURN..).take(turn).map(|i| &all[i % all.len()])
    }

    fn read(&mut self, damage: Damage, image: &Arc<[u8]>) {
        let name = &self.file.name;
        let before = sum(image);
        let read = catch_unwind(AssertUnwindSafe(|| {
            for command in self.commands() {
                self.runs += 1;
                let (_, peak) = peak_of(|| run(command, image));
                assert!(peak <= MEMORY, "{}: {peak} bytes", command.line);
            }
            peak_of(|| exercise(image, &self.file.map.keys))
        }));
        let Ok((reading, peak)) = read else { panic!("{name}: {damage:?}") };
        assert_eq!(sum(image), before, "{name}: {damage:?}: the bytes were changed");
        assert!(peak <= MEMORY, "{name}: {damage:?}: {peak} bytes");
        self.images += 1;
        self.peak = self.peak.max(peak);
        self.whole += usize::from(matches!(reading, Reading::Whole(..)));
    }
}

/// A cheap look at all bytes.
fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
    words.fold(0, |sum, word| sum.wrapping_mul(31).wrapping_add(word))
}

/// Whether every command is to be run on every image, which takes ten minutes.
fn full() -> bool {
    std::env::var_os("FULL").is_some_and(|full| full == "1")
}

/// Every which image is looked at.
fn every() -> usize {
    std::env::var("HOSTILE_EVERY").map_or(1, |every| every.parse().expect("a number"))
}

/// Bears one share of the damages of a file.
fn share<'s>(file: &'s File, commands: &'s [Command], damages: &[Damage]) -> Patient<'s> {
    let mut patient = Patient { file, commands, image: file.sound.as_slice().into(), images: 0, runs: 0, whole: 0, peak: 0 };
    damages.iter().step_by(every()).for_each(|damage| patient.bear(*damage));
    assert!(patient.image[..] == file.sound[..], "{}: not healed", file.name);
    patient
}

/// What all was done.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    /// Damaged files.
    images: usize,
    /// Commands run on them.
    runs: usize,
    /// How many of the files could be read whole.
    whole: usize,
    /// The most bytes of memory that anything took.
    peak: usize,
}

impl Sum {
    fn and(self, other: Sum) -> Sum {
        let Sum { images, runs, whole, peak } = other;
        Sum { images: self.images + images, runs: self.runs + runs, whole: self.whole + whole, peak: self.peak.max(peak) }
    }
}

#[test]
fn no_damage_to_a_small_file_makes_anything_panic_hang_or_run_out_of_memory() {
    let files: Vec<_> = databases_up_to(LARGEST).iter().map(File::of).collect();
    assert!(files.len() >= 30, "only {} files", files.len());
    let files: Vec<_> = files.into_iter().map(|file| (commands(&file.map.asked), file)).collect();
    let mut shares = Vec::new();
    for (commands, file) in &files {
        shares.extend(file.damages.chunks(1000).map(|share| (commands, file, share)));
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut sum = Sum::default();
        while let Some((commands, file, damages)) = shares.get(next.fetch_add(1, Ordering::Relaxed)) {
            let patient = share(file, commands, damages);
            sum = sum.and(Sum { images: patient.images, runs: patient.runs, whole: patient.whole, peak: patient.peak });
        }
        sum
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let sum = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let done = running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        done.fold(Sum::default(), Sum::and)
    });
    println!("{} files: {sum:?}", files.len());
    assert!(sum.images >= 300_000 / every() && sum.runs >= TURN * sum.images, "{sum:?}");
    // Some damage is to what no reader looks at, and much must be noticed.
    assert!(sum.whole < sum.images && sum.whole > sum.images / 10, "{sum:?}");
}

#[test]
fn on_a_sound_file_every_command_says_yes() {
    for database in databases_up_to(LARGEST) {
        let bytes = database.bytes();
        let map = Map::of(&bytes);
        let plain = map.asked.bucket != [b"none"];
        for command in commands(&map.asked) {
            let ended = run(&command, &bytes.clone().into());
            // Only libnetwork keeps what `kv` and `net` read, not every file holds what is searched for or anything of the
            // past, and not every root is a leaf.
            let asks =
                ["kv", "net", "search", "page-item", "history", "audit"].iter().any(|word| command.line.starts_with(word));
            let cannot = command.writes && UNWRITABLE.iter().any(|words| text(&ended.err).contains(words));
            if plain && !asks && !cannot && !command.line.contains("--txid") {
                assert_eq!(ended.status, Status::Done, "{}: {}: {}", database.name, command.line, text(&ended.err));
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
