//! Reads a database in every way that the library has, and sees to it that each way ends.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use unbolt::check::{Code, Severity, check_from, check_snapshot};
use unbolt::format::{Bytes, PageId};
use unbolt::tree::{
    BucketAt, BuildOptions, Entry, Place, Visitor, WalkError, bucket_stats, compact_state, reach, read_freelist, verify, walk,
};
use unbolt::{Corruption, CorruptionKind, Error, MemoryDisk, Snapshot, Storage, TxSelector};

/// What came of it.
#[derive(Debug)]
pub enum Reading {
    /// The file was not opened.
    Refused(Error),
    /// It was, and this is what a walk met first that cannot be followed.
    Broken(Corruption, Found),
    /// It was, and everything could be read.
    Whole(Content, Found),
}

/// What else was found.
#[derive(Debug)]
pub struct Found {
    /// The outcome of `verify`.
    pub verified: Result<(), Error>,
    /// Everything that `reach` reports.
    pub problems: Vec<Corruption>,
    /// The codes of what `check` finds, each once.
    pub codes: Vec<Code>,
    /// The worst that it finds.
    pub severity: Option<Severity>,
}

/// The most buckets that are scanned in one file, and in how many of them keys are looked up.
const SCANS: usize = 320;
const LOOK_UPS: usize = 24;

/// Counts page runs against the budget of one look at a file.
struct Budget<'s> {
    snapshot: &'s Snapshot,
    most: u64,
    before: u64,
}

impl<'s> Budget<'s> {
    fn of(snapshot: &'s Snapshot) -> Budget<'s> {
        let pages = snapshot.size() / snapshot.layout().page_size.bytes();
        Budget { snapshot, most: 8 * pages + 1000, before: snapshot.runs_read() }
    }

    /// One look is over; the next begins.
    fn spent(&mut self, on: &str) {
        let now = self.snapshot.runs_read();
        assert!(now - self.before <= self.most, "{on} read {} runs, the most is {}", now - self.before, self.most);
        self.before = now;
    }
}

/// Reads these bytes in every way; `keys` are looked up in every bucket.
pub fn exercise(bytes: &Arc<[u8]>, keys: &[Vec<u8>]) -> Reading {
    let snapshot = match Snapshot::from_bytes(Arc::clone(bytes)) {
        Ok(snapshot) => snapshot,
        Err(e) => return Reading::Refused(e),
    };
    let found = look_around(&snapshot);
    let mut whole = Whole::default();
    let mut budget = Budget::of(&snapshot);
    let walked = snapshot.meta().validate().map_err(WalkError::Stopped).and_then(|()| walk(snapshot.pages(), &mut whole));
    budget.spent("a walk with values");
    let content = walked.is_ok().then(|| whole.content());
    build_anew(&snapshot, content);
    if let Ok(root) = snapshot.root() {
        scan_all(&snapshot, root, keys);
    }
    if let Ok(older) = Snapshot::from_bytes(Arc::clone(bytes)).and_then(|snapshot| snapshot.at(TxSelector::Previous)) {
        let mut budget = Budget::of(&older);
        let _ = verify(older.pages());
        budget.spent("verifying the older state");
    }
    match walked {
        Ok(()) => Reading::Whole(whole.content(), found),
        Err(WalkError::Stopped(corruption)) => Reading::Broken(corruption, found),
        Err(WalkError::Storage(e)) => panic!("memory cannot fail to be read: {e}"),
    }
}

/// Builds the state anew: what can be read whole is the same afterwards, and sound, unless its keys do not ascend.
fn build_anew(snapshot: &Snapshot, content: Option<Content>) {
    let mut budget = Budget::of(snapshot);
    let disk = MemoryDisk::new();
    let built = compact_state(snapshot.pages(), &disk, &BuildOptions::default());
    budget.spent("building anew");
    match (built, content) {
        (Ok(_), Some(content)) => {
            let copy = Snapshot::from_bytes(disk.into_bytes()).expect("a database");
            check_snapshot(&copy, &mut |finding| panic!("built anew: {finding}")).expect("memory can be read");
            let mut whole = Whole::default();
            walk(copy.pages(), &mut whole).expect("a sound database");
            assert_eq!(whole.content(), content, "built anew");
        }
        (Err(Error::Corrupt(Corruption { kind: CorruptionKind::Tree { .. }, .. })), Some(_)) => {}
        (Err(Error::Corrupt(_)), None) => {}
        (built, content) => panic!("{built:?} where the walk found {content:?}"),
    }
}

/// Everything that looks at the file as a whole.
fn look_around(snapshot: &Snapshot) -> Found {
    let pages = snapshot.pages();
    let mut budget = Budget::of(snapshot);
    let verified = verify(pages);
    budget.spent("verify");
    let problems = reach(pages).expect("memory can be read").problems;
    budget.spent("reach");
    let _ = read_freelist(pages);
    budget.spent("the freelist");
    let _ = snapshot.root().and_then(|root| bucket_stats(&root));
    budget.spent("statistics");
    for page in 0..pages.stored() {
        let _ = snapshot.page(PageId(page));
    }
    budget.spent("every page");
    let (mut codes, mut severity) = (Vec::new(), None);
    let summary = check_snapshot(snapshot, &mut |finding| {
        severity = severity.max(Some(finding.severity));
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    })
    .expect("memory can be read");
    budget.spent("the check");
    assert!(summary.is_sound() == (severity <= Some(Severity::Note)));
    assert!(verified.is_ok() || !summary.is_sound(), "verify fails where check finds nothing: {verified:?}");
    check_from(pages, snapshot.meta().root, &mut |_| {}).expect("memory can be read");
    budget.spent("the check of a part");
    Found { verified, problems, codes, severity }
}

/// Scans every bucket that can be reached, both ways, and looks keys up in it.
fn scan_all<'s>(snapshot: &'s Snapshot, root: unbolt::tree::Bucket<'s, Snapshot>, keys: &[Vec<u8>]) {
    let mut budget = Budget::of(snapshot);
    let mut open = vec![root];
    let mut scanned = 0;
    while let Some(bucket) = open.pop().filter(|_| scanned < SCANS) {
        scanned += 1;
        let mut forward = 0_u64;
        let mut whole = true;
        for pair in bucket.iter() {
            match pair {
                Ok((_, Entry::Bucket(nested))) => open.push(nested),
                Ok(_) => {}
                Err(_) => whole = false,
            }
            forward += 1;
        }
        budget.spent("a scan");
        let mut back = 0_u64;
        for pair in bucket.iter().rev() {
            whole &= pair.is_ok();
            back += 1;
        }
        budget.spent("a scan back");
        assert!(!whole || forward == back, "{forward} entries one way, {back} the other");
        for key in keys.iter().filter(|_| scanned <= LOOK_UPS) {
            let found = bucket.get(key);
            assert!(found.is_ok() || found.is_err_and(|e| e.is_corrupt()));
            let _ = bucket.cursor().seek(key);
        }
        budget.before = snapshot.runs_read();
    }
}

/// Everything that a database holds, as far as two can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    pub buckets: u64,
    pub pairs: u64,
    pub hash: u64,
}

/// A walk that takes in everything and stops where something cannot be followed.
#[derive(Default)]
struct Whole {
    buckets: u64,
    pairs: u64,
    hash: DefaultHasher,
}

impl Whole {
    fn content(&self) -> Content {
        Content { buckets: self.buckets, pairs: self.pairs, hash: self.hash.finish() }
    }
}

impl<B: Bytes> Visitor<B> for Whole {
    type Stop = Corruption;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), Corruption> {
        self.buckets += 1;
        ("enter", &bucket.name[..], bucket.header.sequence).hash(&mut self.hash);
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Corruption> {
        "leave".hash(&mut self.hash);
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, _: &Place<'_, B>) -> Result<(), Corruption> {
        self.pairs += 1;
        ("pair", &key[..], &value[..]).hash(&mut self.hash);
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Corruption> {
        Err(corruption)
    }
}
