//! SQLite by way of rusqlite: a write-ahead log, and a table that is the tree of its keys.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior};

use super::{Durability, Reader, Table, TableMut, Writer};
use crate::meter::{Done, Measured, measure};

const SCHEMA: &str = "CREATE TABLE b (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID";
const GET: &str = "SELECT v FROM b WHERE k = ?1";
const SCAN: &str = "SELECT k, v FROM b ORDER BY k";
const FROM: &str = "SELECT k, v FROM b WHERE k >= ?1 ORDER BY k";
const PUT: &str = "INSERT OR REPLACE INTO b VALUES (?1, ?2)";
const DELETE: &str = "DELETE FROM b WHERE k = ?1";

/// 2 GiB of the file are mapped, the most there may be, and the cache holds the pages
/// of any one transaction here: the default of 2 MB writes most of them twice.
const MEMORY: &str = "PRAGMA mmap_size = 2147418112; PRAGMA cache_size = -262144;";

/// A connection serves one thread at a time.
pub struct Sqlite(Mutex<Connection>);

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute_batch(MEMORY)?;
    Ok(connection)
}

impl Reader for Sqlite {
    type Table<'tx> = SqliteTable<'tx>;

    fn open(path: &Path) -> Result<Self> {
        Ok(Self(Mutex::new(connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)))
    }

    fn read<T>(&self, body: impl FnOnce(&Self::Table<'_>) -> Result<T>) -> Result<T> {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner), body)
    }

    fn open_and_close(path: &Path) -> Result<()> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(connection.execute_batch("BEGIN; COMMIT;")?)
    }

    fn check(path: &Path) -> Result<Measured> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        measure(|| {
            let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            Ok(Done::reading(1, u64::from(verdict != "ok")))
        })
    }
}

fn read<T>(connection: &Connection, body: impl FnOnce(&SqliteTable<'_>) -> Result<T>) -> Result<T> {
    let tx = connection.unchecked_transaction()?;
    let table = SqliteTable { get: RefCell::new(tx.prepare_cached(GET)?), tx: &tx };
    body(&table)
}

pub struct SqliteTable<'tx> {
    tx: &'tx Transaction<'tx>,
    get: RefCell<CachedStatement<'tx>>,
}

impl Table for SqliteTable<'_> {
    fn get<T>(&self, key: &[u8], visit: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        let mut get = self.get.borrow_mut();
        Ok(get.query_row([key], |row| Ok(visit(row.get_ref(0)?.as_blob()?))).optional()?)
    }

    fn scan(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        let mut scan = self.tx.prepare_cached(SCAN)?;
        let mut rows = scan.query([])?;
        while let Some(row) = rows.next()? {
            let (key, value) = pair(row)?;
            visit(key, value);
        }
        Ok(())
    }

    fn prefix(&self, prefix: &[u8], mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        let mut from = self.tx.prepare_cached(FROM)?;
        let mut rows = from.query([prefix])?;
        while let Some(row) = rows.next()? {
            let (key, value) = pair(row)?;
            if !key.starts_with(prefix) {
                break;
            }
            visit(key, value);
        }
        Ok(())
    }

    fn seek_each<'k>(&self, targets: impl Iterator<Item = &'k [u8]>, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        let mut from = self.tx.prepare_cached(FROM)?;
        for target in targets {
            if let Some(row) = from.query([target])?.next()? {
                let (key, value) = pair(row)?;
                visit(key, value);
            }
        }
        Ok(())
    }
}

fn pair<'r>(row: &'r Row<'_>) -> Result<(&'r [u8], &'r [u8])> {
    Ok((row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?))
}

pub struct SqliteWriter(Connection);

impl Writer for SqliteWriter {
    type Reader = Sqlite;
    type TableMut<'tx> = SqliteTableMut<'tx>;

    fn create(path: &Path) -> Result<Self> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(connection))
    }

    /// The file remembers that it has a log.
    fn open(path: &Path, durability: Durability) -> Result<Self> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute_batch(match durability {
            Durability::EachCommit => "PRAGMA synchronous = FULL",
            Durability::None => "PRAGMA synchronous = OFF",
        })?;
        Ok(Self(connection))
    }

    fn read<T>(&self, body: impl FnOnce(&SqliteTable<'_>) -> Result<T>) -> Result<T> {
        read(&self.0, body)
    }

    fn write<T>(&mut self, body: impl FnOnce(&mut Self::TableMut<'_>) -> Result<T>) -> Result<T> {
        let tx = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = body(&mut SqliteTableMut { put: tx.prepare_cached(PUT)?, delete: tx.prepare_cached(DELETE)? })?;
        tx.commit()?;
        Ok(value)
    }

    fn compact(from: &Path, to: &Path) -> Result<()> {
        let connection = connect(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute("VACUUM INTO ?1", [to.to_str()])?;
        Ok(())
    }
}

pub struct SqliteTableMut<'tx> {
    put: CachedStatement<'tx>,
    delete: CachedStatement<'tx>,
}

impl TableMut for SqliteTableMut<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.put.execute([key, value])?;
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        ensure!(self.delete.execute([key])? == 1, "the key to delete is missing");
        Ok(())
    }
}
