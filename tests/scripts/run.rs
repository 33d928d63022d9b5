//! Our side: scripts run by this crate, on a file or in memory.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use unbolt::{Db, Entry, Error, FreelistMode, MemoryDisk, OpenOptions, Snapshot, WriteTx};

use super::bytes::Recipe;
use super::script::{Action, Operation, Script, Transaction};
use super::seen::{Seen, Shape};

/// Where a database is.
enum Place<'p> {
    File(&'p Path),
    Memory(Arc<MemoryDisk>),
}

/// Runs a whole script on a new file, looks at each state, and names the operations that failed. Every other script
/// runs in memory first.
pub fn whole(script: &Script, file: &Path, seen: &mut Seen) -> Result<Vec<String>, Error> {
    let all = 0..script.transactions.len();
    if script.transactions.len().is_multiple_of(2) {
        return run(script, all, &Place::File(file), Some(seen));
    }
    let disk = Arc::new(MemoryDisk::new());
    let failed = run(script, all, &Place::Memory(Arc::clone(&disk)), Some(seen))?;
    fs::write(file, disk.to_bytes()).expect("a file can be written");
    Ok(failed)
}

/// Runs some transactions on a file that may be there.
pub fn round(script: &Script, transactions: Range<usize>, file: &Path) -> Result<Vec<String>, Error> {
    run(script, transactions, &Place::File(file), None)
}

/// The bytes that a script leaves, made in memory.
pub fn bytes(script: &Script) -> Vec<u8> {
    let disk = Arc::new(MemoryDisk::new());
    let failed = run(script, 0..script.transactions.len(), &Place::Memory(Arc::clone(&disk)), None).expect("it runs");
    assert_eq!(failed, [""; 0]);
    disk.to_bytes()
}

fn run(
    script: &Script,
    transactions: Range<usize>,
    place: &Place<'_>,
    mut seen: Option<&mut Seen>,
) -> Result<Vec<String>, Error> {
    let options = options(script);
    let mut db = place.open(&options)?;
    let mut shape = Shape::default();
    let mut failed = Vec::new();
    for number in transactions.clone() {
        let transaction = &script.transactions[number];
        if transaction.reopen && number > transactions.start {
            db.close()?;
            db = place.open(&options)?;
        }
        let in_this = transact(&db, transaction)?;
        failed.extend(in_this.iter().map(|operation| format!("{number}:{operation}")));
        if let Some(seen) = &mut seen {
            seen.look(&mut shape, &place.snapshot()?)?;
        }
    }
    db.close()?;
    Ok(failed)
}

fn options(script: &Script) -> OpenOptions {
    let mut options = Db::options();
    // Go commits whatever a transaction did; the syncs change nothing that is compared.
    options.commit_unchanged(true).no_sync(true).no_grow_sync(script.no_grow_sync);
    options.page_size(script.page_size).initial_map_size(script.initial_map);
    if script.no_freelist_sync {
        options.freelist(FreelistMode::Never);
    }
    options
}

impl Place<'_> {
    fn open(&self, options: &OpenOptions) -> Result<Db, Error> {
        match self {
            Place::File(path) => options.open(path),
            Place::Memory(disk) => options.open_disk(Arc::clone(disk) as Arc<dyn unbolt::Disk>),
        }
    }

    fn snapshot(&self) -> Result<Snapshot, Error> {
        match self {
            Place::File(path) => Snapshot::open(path),
            Place::Memory(disk) => Snapshot::from_bytes(disk.to_bytes()),
        }
    }
}

/// Runs a transaction, and lists the operations in it that failed.
fn transact(db: &Db, transaction: &Transaction) -> Result<Vec<usize>, Error> {
    let mut tx = db.begin_write()?;
    let mut failed = Vec::new();
    for (number, operation) in transaction.operations.iter().enumerate() {
        match apply(&mut tx, operation) {
            Ok(()) => {}
            Err(error) if is_refusal(&error) => failed.push(number),
            Err(error) => return Err(error),
        }
    }
    match transaction.commit {
        true => tx.commit()?,
        false => tx.rollback(),
    }
    Ok(failed)
}

/// The operation was refused; the transaction goes on.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::KeyRequired
            | Error::KeyTooLarge { .. }
            | Error::BucketNameRequired
            | Error::BucketExists { .. }
            | Error::BucketNotFound { .. }
            | Error::IncompatibleValue { .. }
    )
}

fn names(path: &[Recipe]) -> Vec<Vec<u8>> {
    path.iter().map(Recipe::bytes).collect()
}

fn apply(tx: &mut WriteTx, operation: &Operation) -> Result<(), Error> {
    let path = names(&operation.path);
    if let (Action::Create | Action::Ensure | Action::Drop, Some((name, parent))) = (&operation.action, path.split_last()) {
        let mut parent = tx.bucket_mut_at(parent)?;
        return match operation.action {
            Action::Create => parent.create_bucket(name).map(drop),
            Action::Ensure => parent.create_bucket_if_missing(name).map(drop),
            _ => parent.delete_bucket(name),
        };
    }
    if let Action::Move(to) = &operation.action {
        return tx.move_bucket(&path, &names(to));
    }
    let mut bucket = tx.bucket_mut_at(&path)?;
    match &operation.action {
        Action::Put(key, value) => bucket.put(key.bytes(), value.bytes()),
        Action::Delete(key) => bucket.delete(key.bytes()).map(drop),
        Action::Erase(from, count) => {
            let (from, mut cursor) = (from.bytes(), bucket.cursor_mut());
            for _ in 0..*count {
                let Some((_, Entry::Value(_))) = cursor.seek(&from)? else { break };
                cursor.delete()?;
            }
            Ok(())
        }
        Action::Sequence(to) => bucket.set_sequence(*to),
        Action::Next => bucket.next_sequence().map(drop),
        Action::Fill(percent) => {
            bucket.fill_percent(*percent);
            Ok(())
        }
        Action::Create | Action::Ensure | Action::Drop | Action::Move(_) => panic!("the root bucket has no name"),
    }
}
