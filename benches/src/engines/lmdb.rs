//! LMDB by way of heed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use heed::types::Bytes;
use heed::{CommitOrAbort, CompactionOption, Database, Env, EnvFlags, EnvOpenOptions, RoTxn, RwTxn, WithTls};

use super::{Durability, Reader, Table, TableMut, Writer};
use crate::meter::Measured;

const TABLE: &str = "b";
type TableHandle = Database<'static, Bytes, Bytes>;

/// Address space only.
const MAP_SIZE: usize = 8 << 30;

/// The table's handle is kept, as LMDB's users keep it: it outlives transactions.
pub struct Lmdb {
    env: Env<WithTls>,
    table: TableHandle,
}

fn open_env(path: &Path, access: EnvFlags) -> Result<Env<WithTls>> {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_SIZE).max_dbs(1);
    // SAFETY: read-only access and a plain file weaken no guarantee. Without syncs the file may
    // be lost when the machine stops, and nobody reads it then.
    unsafe { options.flags(access | EnvFlags::NO_SUB_DIR) };
    // SAFETY: the work directory is ours, so that nobody else changes the file.
    Ok(unsafe { options.open(path) }?)
}

impl Lmdb {
    fn open_table(env: Env<WithTls>) -> Result<Self> {
        let table: Option<TableHandle> = env
            .open_databases_and_commit(env.read_txn()?, |opener, tx| {
                opener.open_database(tx, Some(TABLE)).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit();
        let table = table.context("the table is missing")?;
        Ok(Self { env, table })
    }
}

impl Reader for Lmdb {
    type Table<'tx> = LmdbTable<'tx>;

    fn open(path: &Path) -> Result<Self> {
        Self::open_table(open_env(path, EnvFlags::READ_ONLY)?)
    }

    fn read<T>(&self, body: impl FnOnce(&Self::Table<'_>) -> Result<T>) -> Result<T> {
        body(&LmdbTable { tx: self.env.read_txn()?, table: self.table })
    }

    fn close(self) {
        self.env.prepare_for_closing().wait();
    }

    fn open_and_close(path: &Path) -> Result<()> {
        let env = open_env(path, EnvFlags::READ_ONLY)?;
        drop(env.read_txn()?);
        env.prepare_for_closing().wait();
        Ok(())
    }

    fn check(_: &Path) -> Result<Measured> {
        bail!("LMDB has no check")
    }
}

pub struct LmdbTable<'tx> {
    tx: RoTxn<'tx, WithTls>,
    table: TableHandle,
}

impl Table for LmdbTable<'_> {
    fn get<T>(&self, key: &[u8], visit: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(self.table.get(&self.tx, key)?.map(visit))
    }

    fn scan(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        for pair in self.table.iter(&self.tx)? {
            let (key, value) = pair?;
            visit(key, value);
        }
        Ok(())
    }

    fn prefix(&self, prefix: &[u8], mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        for pair in self.table.prefix_iter(&self.tx, prefix)? {
            let (key, value) = pair?;
            visit(key, value);
        }
        Ok(())
    }

    fn seek_each<'k>(&self, targets: impl Iterator<Item = &'k [u8]>, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        for target in targets {
            if let Some((key, value)) = self.table.get_greater_than_or_equal_to(&self.tx, target)? {
                visit(key, value);
            }
        }
        Ok(())
    }
}

pub struct LmdbWriter(Lmdb);

impl Writer for LmdbWriter {
    type Reader = Lmdb;
    type TableMut<'tx> = LmdbTableMut<'tx>;

    fn create(path: &Path) -> Result<Self> {
        fs::File::create(path)?;
        let env = open_env(path, EnvFlags::empty())?;
        let table: TableHandle = env
            .create_databases_and_commit(env.write_txn()?, |opener, tx| {
                opener.create_database(tx, Some(TABLE)).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit();
        Ok(Self(Lmdb { env, table }))
    }

    fn open(path: &Path, durability: Durability) -> Result<Self> {
        let flags = match durability {
            Durability::EachCommit => EnvFlags::empty(),
            Durability::None => EnvFlags::NO_SYNC,
        };
        Ok(Self(Lmdb::open_table(open_env(path, flags)?)?))
    }

    fn read<T>(&self, body: impl FnOnce(&LmdbTable<'_>) -> Result<T>) -> Result<T> {
        self.0.read(body)
    }

    fn write<T>(&mut self, body: impl FnOnce(&mut Self::TableMut<'_>) -> Result<T>) -> Result<T> {
        let mut table = LmdbTableMut { tx: self.0.env.write_txn()?, table: self.0.table };
        let value = body(&mut table)?;
        table.tx.commit()?;
        Ok(value)
    }

    fn close(self) -> Result<()> {
        self.0.close();
        Ok(())
    }

    fn compact(from: &Path, to: &Path) -> Result<()> {
        let env = open_env(from, EnvFlags::empty())?;
        env.copy_to_path(to, CompactionOption::Enabled)?;
        env.prepare_for_closing().wait();
        Ok(())
    }
}

pub struct LmdbTableMut<'tx> {
    tx: RwTxn<'tx>,
    table: TableHandle,
}

impl TableMut for LmdbTableMut<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.table.put(&mut self.tx, key, value)?)
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        ensure!(self.table.delete(&mut self.tx, key)?, "the key to delete is missing");
        Ok(())
    }
}
