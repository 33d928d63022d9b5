//! redb, opened read-only.

use std::path::Path;

use anyhow::Result;
use redb::TableDefinition;
use redb::{Database, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase, ReadableTable};

use super::{Engine, Table};
use crate::meter::{Done, Measured, measure};
use crate::pairs::Order;

const TABLE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("b");

pub struct Redb(ReadOnlyDatabase);

impl Redb {
    pub fn load(path: &Path, order: Order, n: u64) -> Result<()> {
        let database = Database::create(path)?;
        for batch in order.batches(n) {
            let tx = database.begin_write()?;
            let mut table = tx.open_table(TABLE)?;
            for (key, value) in batch {
                table.insert(&key[..], &value[..])?;
            }
            drop(table);
            tx.commit()?;
        }
        Ok(())
    }
}

impl Engine for Redb {
    type Table<'tx> = ReadOnlyTable<&'static [u8], &'static [u8]>;

    fn open(path: &Path) -> Result<Self> {
        Ok(Self(ReadOnlyDatabase::open(path)?))
    }

    fn read<T>(&self, body: impl FnOnce(&Self::Table<'_>) -> Result<T>) -> Result<T> {
        body(&self.0.begin_read()?.open_table(TABLE)?)
    }

    fn open_and_close(path: &Path) -> Result<()> {
        let engine = Self::open(path)?;
        drop(engine.0.begin_read()?);
        engine.close();
        Ok(())
    }

    /// redb checks only a database that is open for writing.
    fn check(path: &Path) -> Result<Measured> {
        let mut database = Database::open(path)?;
        measure(|| {
            let is_sound = database.check_integrity()?;
            Ok(Done { ops: 1, checksum: u64::from(!is_sound) })
        })
    }
}

impl Table for ReadOnlyTable<&'static [u8], &'static [u8]> {
    fn get<T>(&self, key: &[u8], visit: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(ReadableTable::get(self, key)?.map(|value| visit(value.value())))
    }

    fn scan(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        for pair in self.iter()? {
            let (key, value) = pair?;
            visit(key.value(), value.value());
        }
        Ok(())
    }

    fn prefix(&self, prefix: &[u8], mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        for pair in self.range(prefix..)? {
            let (key, value) = pair?;
            if !key.value().starts_with(prefix) {
                break;
            }
            visit(key.value(), value.value());
        }
        Ok(())
    }

    fn seek_each<'k>(&self, targets: impl Iterator<Item = &'k [u8]>, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        for target in targets {
            if let Some((key, value)) = self.range(target..)?.next().transpose()? {
                visit(key.value(), value.value());
            }
        }
        Ok(())
    }
}
