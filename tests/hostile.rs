//! Every small file in `testdata`, damaged at every byte that matters: whatever is done with it ends, within 64 MiB
//! and a bounded number of page visits, without a panic, and leaves the bytes as they are.

#![cfg(all(unix, feature = "cli"))]

mod support;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::alloc::{Counting, peak_of};
use support::commands::{Asked, Command, commands, run};
use support::exercise::{Reading, exercise};
use support::image::Numbers;
use support::testdata::{Database, databases_up_to};
use unbolt::Snapshot;
use unbolt::cli::Status;
use unbolt::format::Bytes;
use unbolt::tree::{Place, Visitor, walk};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The files that are damaged.
const LARGEST: u64 = 65536;
/// The most memory, beside the file itself.
const MEMORY: usize = 64 << 20;
/// What each byte of a header is set to.
const VALUES: [u8; 4] = [0, 1, 0x7F, 0xFF];
/// One byte in so many is flipped outside of headers.
const STRIDE: usize = 17;
/// How many commands are run on one image; the next image gets the next ones.
const TURN: usize = 3;

/// Where in a file its headers are.
#[derive(Debug)]
struct Map {
    /// The bytes of page headers, element headers and bucket headers, and of the metas and the freelist's first ids.
    headers: BTreeSet<usize>,
    page_size: usize,
    /// Some of the keys.
    keys: Vec<Vec<u8>>,
    /// What commands ask for.
    asked: Asked,
}

impl Map {
    fn of(bytes: &[u8]) -> Map {
        let snapshot = Snapshot::from_bytes(bytes).expect("a sound file");
        let page_size = snapshot.layout().page_size.get() as usize;
        let mut map = Map { headers: BTreeSet::new(), page_size, keys: Vec::new(), asked: Asked::default() };
        map.asked.root = snapshot.meta().root.0;
        let freelist = snapshot.meta().freelist.map_or(0, |page| page.0 as usize * page_size);
        map.headers.extend(freelist..freelist + 16 + 4 * 8);
        for meta in [0, page_size] {
            map.headers.extend(meta..meta + 80);
        }
        // Pages that are free are no longer part of a tree, but tools read them too.
        for page in (0..bytes.len()).step_by(page_size) {
            map.headers.extend(page..page + 16);
        }
        let Ok(()) = walk(snapshot.pages(), &mut Headers(&mut map)) else { panic!("a sound file") };
        let every = map.keys.len() / 6 + 1;
        map.keys = map.keys.iter().step_by(every).cloned().chain([Vec::new(), vec![0xFF; 40]]).collect();
        if map.asked.bucket.is_empty() {
            (map.asked.bucket, map.asked.key) = (vec![b"none".to_vec()], b"none".to_vec());
        }
        map
    }
}

/// Collects what a walk over a sound file comes to.
struct Headers<'m>(&'m mut Map);

impl<B: Bytes> Visitor<B> for Headers<'_> {
    type Stop = unbolt::Corruption;
    const VALUES: bool = true;

    fn page(&mut self, page: &unbolt::format::Page<B>, _: &Place<'_, B>) -> Result<(), Self::Stop> {
        let start = page.offset() as usize;
        self.0.headers.extend(start..start + 16 + 16 * usize::from(page.count()));
        if let Ok(leaf) = page.clone().into_leaf() {
            for i in (0..leaf.len()).filter(|i| leaf.is_bucket(*i) == Ok(true)) {
                let value = leaf.value_offset(i) as usize;
                self.0.headers.extend(value..value + 16);
            }
        }
        Ok(())
    }

    fn value(&mut self, key: &B, _: &B, place: &Place<'_, B>) -> Result<(), Self::Stop> {
        if self.0.asked.bucket.is_empty() {
            self.0.asked.bucket = place.buckets.iter().map(|name| name.to_vec()).collect();
            self.0.asked.key = key.to_vec();
        }
        self.0.keys.push(key.to_vec());
        Ok(())
    }
}

/// One damage to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// A byte set to a value.
    Byte { at: usize, value: u8 },
    /// The same in the meta on a page, its checksum made right again.
    Meta { page: usize, at: usize, value: u8 },
    /// Only so many bytes are left.
    Cut { len: usize },
}

/// All damages that a file is to bear.
fn damages(sound: &[u8], map: &Map) -> Vec<Damage> {
    let mut all = Vec::new();
    let values = |at: usize| VALUES.into_iter().filter(move |value| *value != sound[at]);
    for end in (0..=sound.len()).step_by(map.page_size) {
        let beside = [end.checked_sub(1), Some(end), Some(end + 1)];
        all.extend(beside.into_iter().flatten().filter(|len| *len < sound.len()).map(|len| Damage::Cut { len }));
    }
    for page in [0, map.page_size] {
        for at in page + 16..page + 72 {
            all.extend(values(at).map(|value| Damage::Meta { page, at, value }));
        }
    }
    for at in map.headers.iter().copied() {
        all.extend(values(at).map(|value| Damage::Byte { at, value }));
    }
    let others = (0..sound.len()).step_by(STRIDE).filter(|at| !map.headers.contains(at));
    all.extend(others.map(|at| Damage::Byte { at, value: !sound[at] }));
    all
}

/// A file that is damaged and healed again and again.
struct Patient<'s> {
    file: &'s File,
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
        let all = &self.file.commands;
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

/// Whether every command is to be run on every image, which takes an hour.
fn full() -> bool {
    std::env::var_os("FULL").is_some_and(|full| full == "1")
}

/// A sound file, and what is to be done to it.
struct File {
    name: String,
    sound: Vec<u8>,
    map: Map,
    damages: Vec<Damage>,
    commands: Vec<Command>,
}

impl File {
    fn of(database: &Database) -> File {
        let sound = database.bytes();
        let map = Map::of(&sound);
        let damages = damages(&sound, &map);
        let commands = commands(&map.asked);
        File { name: database.name.clone(), sound, map, damages, commands }
    }
}

/// Bears one share of the damages of a file.
fn share<'s>(file: &'s File, damages: &[Damage]) -> Patient<'s> {
    let mut patient = Patient { file, image: file.sound.as_slice().into(), images: 0, runs: 0, whole: 0, peak: 0 };
    damages.iter().for_each(|damage| patient.bear(*damage));
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
    let shares: Vec<_> = files.iter().flat_map(|file| file.damages.chunks(1000).map(move |share| (file, share))).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut sum = Sum::default();
        while let Some((file, damages)) = shares.get(next.fetch_add(1, Ordering::Relaxed)) {
            let patient = share(file, damages);
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
    assert!(sum.images >= 300_000 && sum.runs >= TURN * sum.images, "{sum:?}");
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
            // Only libnetwork keeps what `kv` reads, not every file holds what is searched for, and not every root
            // is a leaf.
            let asks = ["kv", "search", "page-item"].iter().any(|word| command.line.starts_with(word));
            if plain && !asks && !command.line.contains("--txid") {
                assert_eq!(ended.status, Status::Done, "{}: {}: {}", database.name, command.line, text(&ended.err));
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
