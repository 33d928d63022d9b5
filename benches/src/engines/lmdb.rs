//! LMDB by way of heed, opened read-only.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, RoTxn, WithTls};

use super::{Engine, Table};
use crate::meter::Measured;
use crate::pairs::Order;

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
    // SAFETY: neither flag weakens a guarantee: a read-only environment in a plain file.
    unsafe { options.flags(access | EnvFlags::NO_SUB_DIR) };
    // SAFETY: the work directory is ours, so that nobody else changes the file.
    Ok(unsafe { options.open(path) }?)
}

impl Lmdb {
    pub fn load(path: &Path, order: Order, n: u64) -> Result<()> {
        fs::File::create(path)?;
        let env = open_env(path, EnvFlags::empty())?;
        let table: TableHandle = env
            .create_databases_and_commit(env.write_txn()?, |opener, tx| {
                opener.create_database(tx, Some(TABLE)).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit();
        for batch in order.batches(n) {
            let mut tx = env.write_txn()?;
            for (key, value) in batch {
                table.put(&mut tx, &key, &value)?;
            }
            tx.commit()?;
        }
        env.prepare_for_closing().wait();
        Ok(())
    }
}

impl Engine for Lmdb {
    type Table<'tx> = LmdbTable<'tx>;

    fn open(path: &Path) -> Result<Self> {
        let env = open_env(path, EnvFlags::READ_ONLY)?;
        let table: Option<TableHandle> = env
            .open_databases_and_commit(env.read_txn()?, |opener, tx| {
                opener.open_database(tx, Some(TABLE)).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit();
        let table = table.context("the table is missing")?;
        Ok(Self { env, table })
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
