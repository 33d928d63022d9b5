//! Every bucket, pair and sequence of every database in `testdata` equals what Go read in it.

mod support;

use support::dump::{Dump, dump};
use support::testdata::{Expected, databases};
use unbolt::format::{Bytes, Endian};
use unbolt::tree::{BucketAt, Place, Visitor, bucket_stats, reach, read_freelist, verify, walk};
use unbolt::{Backing, Db, Error, Snapshot, Verify};

/// Large files are expanded in memory only up to this size.
const IN_MEMORY: u64 = 16 << 20;

#[test]
fn what_is_read_by_position_is_what_go_read() {
    let scratch = tempfile::tempdir().unwrap();
    for database in databases() {
        let file = database.file(scratch.path());
        let (dump, rejected) = Snapshot::read(&file, 1, |snapshot| dump(&snapshot.root()?)).unwrap();
        assert_eq!(rejected, 0);
        dump.assert_is(&database.expected(), &database.name);
    }
}

#[test]
fn what_is_read_from_memory_is_what_go_read() {
    for database in databases().into_iter().filter(|database| database.size() <= IN_MEMORY) {
        let snapshot = Snapshot::from_bytes(database.bytes()).unwrap();
        assert_eq!(snapshot.layout().endian, Endian::Little);
        dump(&snapshot.root().unwrap()).unwrap().assert_is(&database.expected(), &database.name);
    }
}

#[test]
fn what_a_mapped_or_loaded_database_gives_is_what_go_read() {
    let scratch = tempfile::tempdir().unwrap();
    for database in databases() {
        let file = database.file(scratch.path());
        for backing in [Backing::Map, Backing::Heap] {
            // Files that are almost all holes need not be in memory.
            if backing == Backing::Heap && database.size() > IN_MEMORY {
                continue;
            }
            let db = Db::options().read_only(true).backing(backing).verify(Verify::Tree).open(&file).unwrap();
            let mut dump = Dump::default();
            db.view(|tx| dump_bucket(tx.root()?, &mut dump)).unwrap();
            dump.assert_is(&database.expected(), &database.name);
        }
    }
}

/// The entries of a bucket of the engine, back to front and turned round, each found again by its key.
fn dump_bucket<'tx>(root: unbolt::Bucket<'tx>, dump: &mut Dump) -> Result<(), Error> {
    let entries = |bucket: &unbolt::Bucket<'tx>| bucket.iter().rev().collect::<Result<Vec<_>, _>>();
    let mut open = vec![(root, entries(&root)?)];
    while let Some((bucket, rest)) = open.last_mut() {
        match rest.pop() {
            Some((key, unbolt::Entry::Value(value))) => {
                assert_eq!(bucket.get(key)?, Some(value));
                dump.pair(key, value);
            }
            Some((name, unbolt::Entry::Bucket(nested))) => {
                assert_eq!(bucket.bucket(name)?.map(|found| found.root_page()), Some(nested.root_page()));
                dump.enter(name, nested.sequence());
                open.push((nested, entries(&nested)?));
            }
            None => {
                open.pop();
                dump.leave();
            }
            Some(_) => unreachable!("values and buckets are all there is"),
        }
    }
    Ok(())
}

#[test]
fn what_a_walk_meets_is_what_go_read() {
    let scratch = tempfile::tempdir().unwrap();
    for database in databases() {
        let snapshot = Snapshot::open(database.file(scratch.path())).unwrap();
        let mut walked = Walked(Dump::default());
        walk(snapshot.pages(), &mut walked).map_err(Error::from).unwrap();
        walked.0.assert_is(&database.expected(), &database.name);
    }
}

struct Walked(Dump);

impl<B: Bytes> Visitor<B> for Walked {
    type Stop = Error;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), Error> {
        self.0.enter(bucket.name, bucket.header.sequence);
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Error> {
        self.0.leave();
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, _: &Place<'_, B>) -> Result<(), Error> {
        self.0.pair(key, value);
        Ok(())
    }

    fn problem(&mut self, corruption: unbolt::Corruption, _: &Place<'_, B>) -> Result<(), Error> {
        Err(corruption.into())
    }
}

#[test]
fn every_page_of_every_file_is_in_a_tree_or_free() {
    let scratch = tempfile::tempdir().unwrap();
    for database in databases() {
        let snapshot = Snapshot::open(database.file(scratch.path())).unwrap();
        let pages = snapshot.pages();
        verify(pages).unwrap_or_else(|e| panic!("{}: {e}", database.name));
        let reached = reach(pages).unwrap().pages.len();
        let stats = bucket_stats(&snapshot.root().unwrap()).unwrap();
        let counted = stats.branch_pages + stats.branch_overflow + stats.leaf_pages + stats.leaf_overflow;
        assert_eq!(reached, counted, "{}", database.name);
        if let Some(free) = read_freelist(pages).unwrap() {
            let listed = free.ids().len() as u64 + free.own_run().count() as u64;
            assert_eq!(2 + reached + listed, snapshot.meta().high_water.0, "{}", database.name);
        }
    }
}

#[test]
fn a_wrong_sequence_or_a_missing_pair_is_told_from_what_go_read() {
    let mut dump = Dump::default();
    dump.enter(b"a", 7);
    dump.pair(b"k", &[0; 65]);
    let right = Expected::Dump(dump.text().to_owned());
    let mut other = Dump::default();
    other.enter(b"a", 8);
    other.pair(b"k", &[0; 65]);
    let mut fewer = Dump::default();
    fewer.enter(b"a", 7);
    dump.assert_is(&right, "the same");
    for wrong in [other, fewer] {
        assert!(std::panic::catch_unwind(|| wrong.assert_is(&right, "not the same")).is_err());
        assert_ne!(wrong.digest(), dump.digest());
    }
}
