//! What is done to a database while its disk is watched.

use unbolt::store::{BoltStore, Store};
use unbolt::tree::BuildOptions;
use unbolt::{Db, FreelistMode, OpenOptions, OutputFile, Result, WriteTx};

use super::numbers;
use super::oracle::Model;
use super::record::{Op, Recorder};
use super::world::World;

/// How a run goes on, and which states it may leave.
#[derive(Debug, Clone)]
pub struct Workload {
    pub name: &'static str,
    pub options: OpenOptions,
    kind: Kind,
    pub page_size: u32,
    /// What the database is called.
    pub path: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Creation,
    /// Changes, so many and of this kind.
    Changes(usize, fn(&mut WriteTx, &mut dyn FnMut() -> u64) -> Result<()>),
    /// The same, with the database closed and opened in between.
    Sessions(usize, fn(&mut WriteTx, &mut dyn FnMut() -> u64) -> Result<()>),
    /// Changes to a backup one of whose metas is damaged.
    Restored(fn(&mut WriteTx, &mut dyn FnMut() -> u64) -> Result<()>),
    /// A database built anew under a name that is free, or that another has, and changes to it.
    Compaction {
        replace: bool,
    },
    /// Changes to a database with so many free pages that only what changes in their list is written.
    LongList(fn(&mut WriteTx, &mut dyn FnMut() -> u64) -> Result<()>),
    Store,
}

/// What was done, and what there was at each mark.
pub struct Trace {
    pub start: World,
    pub ops: Vec<Op>,
    /// By mark. Before the first there may be nothing at all.
    pub models: Vec<Option<Model>>,
    /// Whether a file that is there under its name is whole.
    pub whole: bool,
}

pub fn workloads() -> Vec<Workload> {
    let of = |name, kind, set: &dyn Fn(&mut OpenOptions)| {
        let mut options = Db::options();
        options.page_size(1024);
        set(&mut options);
        Workload { name, options, kind, page_size: 1024, path: "db" }
    };
    let nothing = |_: &mut OpenOptions| {};
    let mut all = vec![
        of("creation", Kind::Creation, &nothing),
        of("singles", Kind::Changes(40, single), &nothing),
        of("bursts", Kind::Changes(14, burst), &nothing),
        of("buckets", Kind::Changes(25, buckets), &nothing),
        of("large values", Kind::Changes(8, large), &nothing),
        of("growth", Kind::Changes(12, growth), &|options| _ = options.growth_step(2048)),
        of("grown by writing", Kind::Changes(12, growth), &|options| _ = options.no_grow_sync(true)),
        of("no list", Kind::Changes(30, single), &|options| _ = options.freelist(FreelistMode::Never)),
        of("list on close", Kind::Sessions(12, burst), &|options| _ = options.freelist(FreelistMode::OnClose)),
        of("restored", Kind::Restored(single), &nothing),
        of("compaction", Kind::Compaction { replace: false }, &nothing),
        of("replacement", Kind::Compaction { replace: true }, &nothing),
        of("store", Kind::Store, &nothing),
        of("long list", Kind::LongList(single), &nothing),
        of("4096", Kind::Changes(14, burst), &|options| _ = options.page_size(4096)),
    ];
    for workload in &mut all {
        match workload.name {
            "store" => (workload.path, workload.page_size) = ("network/files/local-kv.db", 4096),
            "4096" => workload.page_size = 4096,
            _ => {}
        }
    }
    all
}

pub fn workload(name: &str) -> Workload {
    workloads().into_iter().find(|workload| workload.name == name).expect("a workload of this name")
}

fn single(tx: &mut WriteTx, next: &mut dyn FnMut() -> u64) -> Result<()> {
    let mut bucket = tx.create_bucket_if_missing("bucket")?;
    let key = format!("{:03}", next() % 40);
    match next() % 4 {
        0 => bucket.delete(key).map(drop),
        _ => bucket.put(key, vec![next() as u8; 20 + next() as usize % 90]),
    }
}

fn burst(tx: &mut WriteTx, next: &mut dyn FnMut() -> u64) -> Result<()> {
    let mut bucket = tx.create_bucket_if_missing("bucket")?;
    let (first, count, byte) = (next() % 60, 10 + next() % 30, next() as u8);
    for key in first..first + count {
        match next() % 3 {
            0 => _ = bucket.delete(format!("{key:03}"))?,
            _ => bucket.put(format!("{key:03}"), vec![byte; 10 + next() as usize % 30])?,
        }
    }
    Ok(())
}

fn buckets(tx: &mut WriteTx, next: &mut dyn FnMut() -> u64) -> Result<()> {
    let names = ["a", "b", "c"].map(|name| name.as_bytes());
    let (name, other) = (names[next() as usize % 3], names[next() as usize % 3]);
    let inner = format!("inner {}", next() % 4);
    let mut target = tx.create_bucket_if_missing(other)?;
    target.set_sequence(next() % 1000)?;
    let taken = target.bucket(&inner)?.is_some();
    let mut outer = tx.create_bucket_if_missing(name)?;
    match (next() % 4, outer.bucket(&inner)?.is_some()) {
        (0, true) => outer.delete_bucket(&inner)?,
        (1, true) if !taken => tx.move_bucket(&[name, inner.as_bytes()], &[other])?,
        _ => {
            let (len, key) = (next() as usize % 300, next() % 5);
            outer.create_bucket_if_missing(&inner)?.put(key.to_string(), vec![7; len])?;
        }
    }
    Ok(())
}

fn large(tx: &mut WriteTx, next: &mut dyn FnMut() -> u64) -> Result<()> {
    let mut bucket = tx.create_bucket_if_missing("bucket")?;
    bucket.put((next() % 3).to_string(), vec![next() as u8; 1500 + next() as usize % 7000])
}

fn growth(tx: &mut WriteTx, next: &mut dyn FnMut() -> u64) -> Result<()> {
    let mut bucket = tx.create_bucket_if_missing("bucket")?;
    let first = bucket.next_sequence()? * 100;
    (first..first + 3 + next() % 8).try_for_each(|key| bucket.put(format!("{key:05}"), vec![1; 400]))
}

impl Workload {
    /// Which part of the share of the others is enough: a file with a long list takes long to look at.
    pub fn part(&self) -> usize {
        match self.kind {
            Kind::LongList(_) => 4,
            _ => 1,
        }
    }

    /// Whether nothing is special about how its file is made.
    pub fn is_made_as_any_other(&self) -> bool {
        matches!(self.kind, Kind::Changes(..) | Kind::Sessions(..))
    }

    /// Runs on a recorder.
    pub fn record(&self, round: u64, recorder: Recorder) -> std::result::Result<Trace, String> {
        let mut run = Run { workload: self, next: Box::new(numbers(round)), recorder, models: vec![None] };
        let words = |e: unbolt::Error| e.to_string();
        let (start, whole) = match self.kind {
            Kind::Creation => (run.creation(round)?, !matches!(round % 3, 1 | 2)),
            Kind::Changes(count, change) => {
                let db = run.open()?;
                run.changes(&db, count, change)?;
                (World::default(), true)
            }
            Kind::Sessions(count, change) => {
                for _ in 0..3 {
                    let db = run.open()?;
                    run.changes(&db, count / 3, change)?;
                    db.close().map_err(words)?;
                    run.mark()?;
                }
                (World::default(), true)
            }
            Kind::Restored(change) => (run.restored(round, change)?, true),
            Kind::Compaction { replace } => (run.compaction(replace)?, true),
            Kind::LongList(change) => (run.long_list(change)?, true),
            Kind::Store => {
                run.store().map_err(|e| e.to_string())?;
                (World::default(), true)
            }
        };
        Ok(Trace { start, ops: run.recorder.ops(), models: run.models, whole })
    }
}

struct Run<'w> {
    workload: &'w Workload,
    next: Box<dyn FnMut() -> u64>,
    recorder: Recorder,
    models: Vec<Option<Model>>,
}

impl Run<'_> {
    fn open(&mut self) -> std::result::Result<Db, String> {
        let db = self.workload.options.open_in(&self.recorder, self.workload.path).map_err(|e| e.to_string())?;
        self.mark()?;
        Ok(db)
    }

    /// Notes that everything done so far was acknowledged.
    fn mark(&mut self) -> std::result::Result<(), String> {
        let bytes = self.recorder.bytes(self.workload.path);
        self.recorder.mark(self.models.len());
        self.models.push(Some(Model::of(bytes, &self.workload.options)?));
        Ok(())
    }

    fn changes(
        &mut self,
        db: &Db,
        count: usize,
        change: fn(&mut WriteTx, &mut dyn FnMut() -> u64) -> Result<()>,
    ) -> std::result::Result<(), String> {
        let words = |e: unbolt::Error| e.to_string();
        let mut reader = None;
        for turn in 0..count {
            let mut tx = db.begin_write().map_err(words)?;
            change(&mut tx, &mut self.next).map_err(words)?;
            match (self.next)() % 6 {
                0 => tx.rollback(),
                _ => {
                    tx.commit().map_err(words)?;
                    self.mark()?;
                }
            }
            // Somebody reads an old state now and then, whose pages must stay.
            if turn % 4 == 0 {
                reader = (turn % 8 == 0).then(|| db.begin_read().map_err(words)).transpose()?;
            }
        }
        drop(reader);
        Ok(())
    }

    /// A new file; one made where no file can have two names; one made of an empty file. Of every page size.
    fn creation(&mut self, round: u64) -> std::result::Result<World, String> {
        let start = match round % 3 {
            2 => World::of(self.workload.path, Vec::new()),
            _ => World::default(),
        };
        let defect = self.recorder.planted();
        self.recorder = if round % 3 == 2 { Recorder::over(&start, defect) } else { Recorder::new(defect) };
        self.recorder.links = round.is_multiple_of(3);
        self.open()?;
        Ok(start)
    }

    fn restored(
        &mut self,
        round: u64,
        change: fn(&mut WriteTx, &mut dyn FnMut() -> u64) -> Result<()>,
    ) -> std::result::Result<World, String> {
        let words = |e: unbolt::Error| e.to_string();
        let source = Recorder::new(None);
        let db = self.workload.options.open_in(&source, "db").map_err(words)?;
        for _ in 0..4 + round % 2 {
            db.update(|tx| change(tx, &mut self.next)).map_err(words)?;
        }
        // The state's own meta on page 0, its twin on page 1; or the file as it lies.
        let mut bytes = source.bytes("db");
        if round % 4 < 2 {
            bytes.clear();
            db.begin_read().map_err(words)?.write_to(&mut bytes).map_err(words)?;
        }
        let holds_current = if round % 4 < 2 { 0 } else { db.begin_read().map_err(words)?.id().0 as usize % 2 };
        bytes[(1 - holds_current) * 1024 + 60] ^= 0x55;
        let start = World::of("db", bytes);
        self.recorder = Recorder::over(&start, self.recorder.planted());
        // What is there at the beginning was acknowledged long ago.
        let db = self.open()?;
        self.changes(&db, 5, change)?;
        Ok(start)
    }

    fn long_list(
        &mut self,
        change: fn(&mut WriteTx, &mut dyn FnMut() -> u64) -> Result<()>,
    ) -> std::result::Result<World, String> {
        let words = |e: unbolt::Error| e.to_string();
        let source = Recorder::new(None);
        let db = self.workload.options.open_in(&source, "db").map_err(words)?;
        db.update(|tx| {
            let mut bucket = tx.create_bucket("deleted")?;
            (0..1150_u32).try_for_each(|key| bucket.put(key.to_be_bytes(), vec![1; 900]))
        })
        .map_err(words)?;
        db.update(|tx| tx.delete_bucket("deleted")).map_err(words)?;
        let start = World::of("db", source.bytes("db"));
        self.recorder = Recorder::over(&start, self.recorder.planted());
        let db = self.open()?;
        self.changes(&db, 12, change)?;
        Ok(start)
    }

    fn compaction(&mut self, replace: bool) -> std::result::Result<World, String> {
        let words = |e: unbolt::Error| e.to_string();
        let (source, old) = (Recorder::new(None), Recorder::new(None));
        let db = self.workload.options.open_in(&source, "db").map_err(words)?;
        for _ in 0..2 + (self.next)() % 5 {
            db.update(|tx| burst(tx, &mut self.next)).map_err(words)?;
        }
        let start = match replace {
            true => {
                let db = self.workload.options.open_in(&old, "db").map_err(words)?;
                db.update(|tx| single(tx, &mut self.next)).map_err(words)?;
                World::of("db", old.bytes("db"))
            }
            false => World::default(),
        };
        self.recorder = Recorder::over(&start, self.recorder.planted());
        if replace {
            self.mark()?;
        }
        let mut output = OutputFile::beside_in(self.recorder.clone(), "db", 0o644).map_err(words)?;
        output.replace(replace);
        let mut options = BuildOptions::default();
        options.page_size(1024);
        db.begin_read().and_then(|tx| tx.compact_to(output.file(), &options)).map_err(words)?;
        output.persist().map_err(words)?;
        self.mark()?;
        let db = self.workload.options.open_in(&self.recorder, "db").map_err(words)?;
        self.changes(&db, 8, burst)?;
        Ok(start)
    }

    fn store(&mut self) -> std::result::Result<(), Box<dyn std::error::Error>> {
        let store = BoltStore::open_in(&self.recorder, self.workload.path, "libnetwork")?;
        self.mark()?;
        for _ in 0..10 {
            let next = &mut self.next;
            let key = format!("docker/network/v1.0/network/{}/", next() % 4);
            let value = vec![b'{'; 10 + next() as usize % 200];
            match next() % 5 {
                0 => store.put(&key, &value)?,
                1 if store.exists(&key)? => _ = store.delete_tree(&key)?,
                2 => {
                    let previous = store.get(&key)?;
                    store.atomic_put(&key, &value, previous.as_ref())?;
                }
                3 => {
                    if let Some(pair) = store.get(&key)? {
                        store.atomic_delete(&key, Some(&pair))?;
                    }
                }
                _ => store.update(|store| {
                    store.put(&key, &value)?;
                    store.put("docker/network/v1.0/endpoint_count/1/", &value)
                })?,
            }
            self.mark()?;
        }
        Ok(())
    }
}
