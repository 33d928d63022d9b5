//! redb.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use redb::{Database, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};

use super::{Durability, Reader, Table, TableMut, Writer};
use crate::meter::{Done, Measured, measure};

const TABLE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("b");

pub struct Redb(ReadOnlyDatabase);

impl Reader for Redb {
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
            Ok(Done::reading(1, u64::from(!is_sound)))
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

pub struct RedbWriter {
    database: Database,
    durability: redb::Durability,
}

impl Writer for RedbWriter {
    type Reader = Redb;
    type TableMut<'tx> = redb::Table<'tx, &'static [u8], &'static [u8]>;

    fn create(path: &Path) -> Result<Self> {
        let database = Database::create(path)?;
        let tx = database.begin_write()?;
        tx.open_table(TABLE)?;
        tx.commit()?;
        Ok(Self { database, durability: redb::Durability::Immediate })
    }

    fn open(path: &Path, durability: Durability) -> Result<Self> {
        let durability = match durability {
            Durability::EachCommit => redb::Durability::Immediate,
            Durability::None => redb::Durability::None,
        };
        Ok(Self { database: Database::open(path)?, durability })
    }

    fn read<T>(&self, body: impl FnOnce(&<Redb as Reader>::Table<'_>) -> Result<T>) -> Result<T> {
        body(&self.database.begin_read()?.open_table(TABLE)?)
    }

    fn write<T>(&mut self, body: impl FnOnce(&mut Self::TableMut<'_>) -> Result<T>) -> Result<T> {
        let mut tx = self.database.begin_write()?;
        tx.set_durability(self.durability)?;
        let value = body(&mut tx.open_table(TABLE)?)?;
        tx.commit()?;
        Ok(value)
    }

    /// In place, which is the only way it has.
    fn compact(from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to)?;
        Database::open(to)?.compact()?;
        Ok(())
    }
}

impl TableMut for redb::Table<'_, &'static [u8], &'static [u8]> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.insert(key, value)?;
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        ensure!(self.remove(key)?.is_some(), "the key to delete is missing");
        Ok(())
    }
}
