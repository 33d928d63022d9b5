//! Random scripts: each has a style of its own, so that each kind of tree comes about, and none does what Go gets
//! wrong (a bucket is moved or deleted in no transaction that has touched it, and moved into no bucket inside it).

use super::bytes::Recipe;
use super::model::Level;
use super::random::Random;
use super::script::{Action, Engine, Operation, Path, Script, Transaction};

/// The rounds in which Go and this crate take turns.
pub const ROUNDS: usize = 20;
/// Four bytes come before it.
const LONGEST_KEY: u64 = 32_768 - 4;
const LARGEST_VALUE: u64 = 1 << 20;
/// Bytes of values in one script: beyond it they stay small.
const BUDGET: u64 = 24 << 20;

/// A script of at least twenty transactions of up to two hundred operations.
pub fn script(seed: u64) -> Script {
    let mut random = Random::new(seed);
    let engine = *random.choose(&[Engine::Bbolt150, Engine::Bbolt150, Engine::Bbolt150, Engine::Bbolt131, Engine::Boltdb131]);
    let mut writer = Writer::new(engine, random);
    let transactions = writer.random.within(20, 28);
    for number in 0..transactions {
        let reopen = number > 0 && writer.random.percent(3);
        writer.transaction(reopen, 200);
    }
    writer.script
}

/// A script of twenty rounds, between which the file changes hands.
pub fn turns(seed: u64) -> Script {
    let mut random = Random::new(!seed);
    let engine = *random.choose(&Engine::ALL);
    let mut writer = Writer::new(engine, random);
    writer.script.turns = true;
    // Go gives a file without a list one when it opens it to write lists.
    writer.script.no_freelist_sync = false;
    for round in 0..ROUNDS {
        for first in 0..writer.random.within(1, 3) {
            writer.transaction(round > 0 && first == 0, 60);
        }
    }
    writer.script
}

/// What a script is like from its first transaction to its last.
struct Style {
    /// Each transaction dirties one bucket, so that Go's bytes depend on no hash map.
    one_bucket: bool,
    keys: Keys,
    /// The largest value of most pairs, and of a few of them.
    values: u64,
    few_values: u64,
    /// How many buckets there are about.
    buckets: usize,
    /// Plain pairs beside the buckets of the root bucket.
    root_pairs: bool,
    fills: bool,
    /// Operations that fail.
    mistakes: bool,
}

enum Keys {
    Counting,
    Scattered { space: u64 },
    Long { space: u64, most: u64 },
    Binary { space: u64 },
}

/// What most operations of a transaction do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Grow,
    Overwrite,
    Shrink,
    Mix,
}

struct Writer {
    random: Random,
    style: Style,
    script: Script,
    model: Level,
    touched: Vec<Path>,
    operations: Vec<Operation>,
    mood: Mood,
    counter: u64,
    spent: u64,
}

impl Style {
    fn random(random: &mut Random, page_size: u64, engine: Engine) -> Style {
        let space = *random.choose(&[40, 300, 2000]);
        let keys = match random.below(8) {
            0..3 => Keys::Counting,
            3..6 => Keys::Scattered { space },
            6 => Keys::Long { space, most: *random.choose(&[60, 300, page_size, page_size, 2 * page_size, LONGEST_KEY]) },
            _ => Keys::Binary { space },
        };
        let values = *random.choose(&[0, 12, 60, 60, 200, page_size / 4, page_size / 2, page_size]);
        let few_values = match random.below(40) {
            0 => LARGEST_VALUE,
            1..4 => 20 * page_size,
            4..12 => 4 * page_size,
            _ => values,
        };
        Style {
            one_bucket: random.percent(60),
            keys,
            values,
            few_values,
            buckets: *random.choose(&[1, 1, 2, 3, 5, 8, 80]),
            root_pairs: random.percent(5),
            // Go's threshold for merging follows the fill percent only since 1.4.
            fills: engine == Engine::Bbolt150 && random.percent(15),
            mistakes: random.percent(30),
        }
    }
}

impl Writer {
    fn new(engine: Engine, mut random: Random) -> Writer {
        let page_size = *random.choose(&[1024, 1024, 1024, 4096, 4096, 16384]);
        let mut script = Script::new(engine, page_size);
        script.initial_map = if random.percent(6) { *random.choose(&[40_000, 1 << 18, 3 << 20]) } else { 0 };
        script.no_grow_sync = random.percent(8);
        // boltdb knows no such thing, and early bbolts do not survive a rollback then.
        script.no_freelist_sync = engine == Engine::Bbolt150 && random.percent(8);
        let style = Style::random(&mut random, page_size.into(), engine);
        let (model, touched, operations) = Default::default();
        Writer { random, style, script, model, touched, operations, mood: Mood::Grow, counter: 0, spent: 0 }
    }

    fn transaction(&mut self, reopen: bool, most: u64) {
        let commit = !self.random.percent(4);
        let before = (!commit).then(|| self.model.clone());
        self.touched.clear();
        self.mood = *self.random.choose(&[Mood::Grow, Mood::Grow, Mood::Overwrite, Mood::Shrink, Mood::Mix]);
        let count = match self.random.below(10) {
            0 => self.random.below(2),
            1..4 => self.random.within(1, 12),
            4..8 => self.random.within(most / 10, most / 2),
            _ => self.random.within(most / 2, most),
        };
        let only = self.style.one_bucket.then(|| self.pick_bucket());
        while (self.operations.len() as u64) < count {
            let path = only.clone().unwrap_or_else(|| self.pick_bucket());
            self.operate(path, (count as usize) - self.operations.len());
        }
        let operations = std::mem::take(&mut self.operations);
        self.script.transactions.push(Transaction { reopen, operations, commit });
        if let Some(before) = before {
            self.model = before;
        }
    }

    /// The root bucket where there is no other yet, and now and then.
    fn pick_bucket(&mut self) -> Path {
        let all = self.model.buckets();
        match all.is_empty() || self.random.percent(if self.style.root_pairs { 30 } else { 8 }) {
            true => Vec::new(),
            false => self.random.choose(&all).clone(),
        }
    }

    fn operate(&mut self, path: Path, room: usize) {
        if self.style.mistakes && self.random.percent(2) {
            return self.err(path);
        }
        let pairs = !path.is_empty() || self.style.root_pairs;
        let structure = if path.is_empty() { 40 } else { 2 };
        if !pairs || self.random.percent(structure) {
            return self.structure(path);
        }
        if !path.is_empty() && self.random.percent(2) {
            let any = self.random.next() >> self.random.below(64);
            return self.emit(path, if any.is_multiple_of(2) { Action::Next } else { Action::Sequence(any) });
        }
        if self.style.fills && self.random.percent(2) {
            let fill = *self.random.choose(&[0.0, 0.05, 0.1, 0.25, 0.333, 0.5, 0.75, 0.9, 1.0, 1.5]);
            return self.emit(path, Action::Fill(fill));
        }
        let (puts, overwrites) = match self.mood {
            Mood::Grow => (92, 4),
            Mood::Overwrite => (10, 80),
            Mood::Shrink => (6, 4),
            Mood::Mix => (45, 15),
        };
        match self.random.below(100) {
            roll if roll < puts => {
                let key = self.new_key();
                self.put(path, key);
            }
            roll if roll < puts + overwrites => {
                let key = self.old_key(&path);
                self.put(path, key);
            }
            _ => self.delete(path, room),
        }
    }

    fn put(&mut self, path: Path, key: Recipe) {
        let level = self.model.at(&path).expect("a bucket that is there");
        if !level.is_bucket(&key) {
            level.put(&key);
        }
        let value = self.value();
        self.emit(path, Action::Put(key, value));
    }

    /// One pair, or many that follow each other.
    fn delete(&mut self, path: Path, room: usize) {
        let from = self.old_key(&path);
        let level = self.model.at(&path).expect("a bucket that is there");
        if level.near(&from).is_none() {
            let key = self.new_key();
            return self.put(path, key);
        }
        let most = if self.random.percent(70) { 1 } else { self.random.within(2, 80) as usize };
        if self.random.percent(15) {
            level_delete(level, &from, most);
            return self.emit(path, Action::Erase(from, most as u64));
        }
        for key in level_delete(level, &from, most.min(room)) {
            self.emit(path.clone(), Action::Delete(key));
        }
    }

    fn structure(&mut self, path: Path) {
        let buckets = self.model.buckets();
        let many = buckets.len() >= self.style.buckets;
        let inside: Vec<Path> = buckets.iter().filter(|b| b.len() == path.len() + 1 && b.starts_with(&path)).cloned().collect();
        let idle: Vec<Path> =
            inside.into_iter().filter(|bucket| !self.touched.iter().any(|touched| touched.starts_with(bucket))).collect();
        if !idle.is_empty() && self.random.percent(if many { 70 } else { 10 }) {
            let bucket = self.random.choose(&idle).clone();
            return match self.script.engine == Engine::Bbolt150 && !self.style.one_bucket && self.random.percent(40) {
                true => self.rehang(bucket, &buckets),
                false => self.drop(bucket),
            };
        }
        if path.len() < 4 {
            let name = Recipe::text(format!("b{}", self.random.below(4 * self.style.buckets as u64)));
            self.create(path, name);
        } else {
            self.emit(path, Action::Next);
        }
    }

    fn create(&mut self, path: Path, name: Recipe) {
        let level = self.model.at(&path).expect("a bucket that is there");
        let new = !level.holds(&name);
        if new {
            level.create(&name);
        }
        let path = [path, vec![name]].concat();
        let action = if new && self.random.percent(70) { Action::Create } else { Action::Ensure };
        if new {
            self.touched.push(path.clone());
        }
        self.touched.push(path[..path.len() - 1].to_vec());
        self.operations.push(Operation { path, action });
    }

    fn drop(&mut self, bucket: Path) {
        let (name, parent) = bucket.split_last().expect("no root bucket");
        self.model.at(parent).expect("its parent").take(name);
        self.touched.push(parent.to_vec());
        self.operations.push(Operation { path: bucket, action: Action::Drop });
    }

    /// Moves a bucket to another parent.
    fn rehang(&mut self, bucket: Path, all: &[Path]) {
        let (name, parent) = bucket.split_last().expect("no root bucket");
        let mut parents = vec![Vec::new()];
        parents.extend(all.iter().filter(|to| !to.starts_with(&bucket)).cloned());
        let to = self.random.choose(&parents).clone();
        if to == parent || self.model.at(&to).expect("it is there").holds(name) {
            return self.drop(bucket);
        }
        let moved = self.model.at(parent).expect("its parent").take(name).expect("it is there");
        self.model.at(&to).expect("it is there").insert(name, moved);
        self.touched.extend([parent.to_vec(), [&to[..], std::slice::from_ref(&name)].concat()]);
        self.operations.push(Operation { path: bucket.clone(), action: Action::Move(to) });
    }

    /// Something that fails, or changes nothing.
    fn err(&mut self, path: Path) {
        let missing = Recipe::text("no-such");
        let inside = [&path[..], std::slice::from_ref(&missing)].concat();
        let value = Recipe::text("v");
        let old = self.script.engine != Engine::Bbolt150;
        match self.random.below(8) {
            0 => self.emit(path, Action::Put(Recipe::noise(0, 0), value)),
            1 => self.emit(path, Action::Put(Recipe::same(32_769, b'k'), value)),
            2 => self.emit(inside, Action::Put(missing, value)),
            3 => self.emit(inside, Action::Drop),
            4 if !path.is_empty() => self.emit(path, Action::Create),
            // The older libraries look at the key that comes next instead.
            5 if !old => self.emit(path, Action::Delete(missing)),
            6 if !path.is_empty() => {
                let (name, parent) = path.split_last().expect("not the root bucket");
                self.emit(parent.to_vec(), Action::Put(name.clone(), value));
            }
            7 if !path.is_empty() => {
                let (name, parent) = path.split_last().expect("not the root bucket");
                self.emit(parent.to_vec(), Action::Delete(name.clone()));
            }
            _ => self.emit(inside, Action::Next),
        }
    }

    fn emit(&mut self, path: Path, action: Action) {
        self.touched.push(path.clone());
        self.operations.push(Operation { path, action });
    }

    fn new_key(&mut self) -> Recipe {
        if let Keys::Counting = self.style.keys {
            self.counter += 1;
            return Recipe::text(format!("{:08}", self.counter));
        }
        self.any_key()
    }

    fn any_key(&mut self) -> Recipe {
        match self.style.keys {
            Keys::Counting => Recipe::text(format!("{:08}", self.random.below(self.counter + 1))),
            Keys::Scattered { space } => Recipe::text(format!("k{:05x}", self.random.below(space))),
            Keys::Long { space, most } => {
                let id = self.random.below(space);
                let len = Random::new(id).within(0, most).min(LONGEST_KEY);
                Recipe::text(format!("{id:04x}")).then(Recipe::noise(len as usize, id))
            }
            Keys::Binary { space } => {
                let id = self.random.below(space);
                Recipe::noise(1 + (id % 7) as usize, id)
            }
        }
    }

    /// A key that is there, if any is.
    fn old_key(&mut self, path: &[Recipe]) -> Recipe {
        let probe = self.any_key();
        let level = self.model.at(path).expect("a bucket that is there");
        level.near(&probe).unwrap_or(probe)
    }

    fn value(&mut self) -> Recipe {
        let few = self.random.percent(4);
        let most = if few && self.spent < BUDGET { self.style.few_values } else { self.style.values };
        let len = self.random.within(0, most);
        self.spent += len;
        Recipe::noise(len as usize, self.random.below(1 << 20))
    }
}

/// Deletes the plain pairs from a key on, up to a bucket, and says which.
fn level_delete(level: &mut Level, from: &Recipe, most: usize) -> Vec<Recipe> {
    let keys = level.keys_from(&from.bytes(), most);
    keys.iter().for_each(|key| level.delete(key));
    keys
}
