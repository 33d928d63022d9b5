//! unbolt.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use unbolt::{Bucket, BucketMut, Db, Entry, Iter};

use super::{Durability, Reader, Table, TableMut, Writer};
use crate::meter::{Done, Measured, measure};

const BUCKET: &str = "b";

pub struct Unbolt(Db);

impl Reader for Unbolt {
    type Table<'tx> = Bucket<'tx>;

    fn open(path: &Path) -> Result<Self> {
        Ok(Self(Db::options().read_only(true).open(path)?))
    }

    fn read<T>(&self, body: impl FnOnce(&Self::Table<'_>) -> Result<T>) -> Result<T> {
        read(&self.0, body)
    }

    fn open_and_close(path: &Path) -> Result<()> {
        let engine = Self::open(path)?;
        drop(engine.0.begin_read()?);
        engine.close();
        Ok(())
    }

    fn check(path: &Path) -> Result<Measured> {
        let db = Db::options().read_only(true).open(path)?;
        let tx = db.begin_read()?;
        measure(|| {
            let summary = unbolt::check::check(tx.pages(), Some(&tx.metas()), &mut |finding| eprintln!("{finding}"))?;
            Ok(Done::reading(1, summary.errors + summary.hazards))
        })
    }
}

fn read<T>(db: &Db, body: impl FnOnce(&Bucket<'_>) -> Result<T>) -> Result<T> {
    let tx = db.begin_read()?;
    let bucket = tx.bucket(BUCKET)?.context("the bucket is missing")?;
    body(&bucket)
}

impl Table for Bucket<'_> {
    fn get<T>(&self, key: &[u8], visit: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(Bucket::get(self, key)?.map(visit))
    }

    fn scan(&self, visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        visit_values(self.iter(), visit)
    }

    fn scan_nested(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        let mut composite = Vec::new();
        for pair in self.iter() {
            match pair? {
                (key, Entry::Value(value)) => visit(key, value),
                (name, Entry::Bucket(nested)) => visit_values(nested.iter(), |key, value| {
                    composite.clear();
                    composite.extend_from_slice(name);
                    composite.extend_from_slice(key);
                    visit(&composite, value);
                })?,
                (key, _) => bail!("key {} leads to something new", key.escape_ascii()),
            }
        }
        Ok(())
    }

    fn prefix(&self, prefix: &[u8], visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        visit_values(Bucket::prefix(self, prefix), visit)
    }

    fn seek_each<'k>(&self, targets: impl Iterator<Item = &'k [u8]>, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        let mut cursor = self.cursor();
        for target in targets {
            if let Some((key, Entry::Value(value))) = cursor.seek(target)? {
                visit(key, value);
            }
        }
        Ok(())
    }
}

fn visit_values(pairs: Iter<'_>, mut visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
    for pair in pairs {
        if let (key, Entry::Value(value)) = pair? {
            visit(key, value);
        }
    }
    Ok(())
}

pub struct UnboltWriter(Db);

impl Writer for UnboltWriter {
    type Reader = Unbolt;
    type TableMut<'tx> = BucketMut<'tx>;

    fn create(path: &Path) -> Result<Self> {
        let db = Db::open(path)?;
        let mut tx = db.begin_write()?;
        tx.create_bucket(BUCKET)?;
        tx.commit()?;
        Ok(Self(db))
    }

    fn open(path: &Path, durability: Durability) -> Result<Self> {
        Ok(Self(Db::options().create(false).no_sync(durability == Durability::None).open(path)?))
    }

    fn read<T>(&self, body: impl FnOnce(&Bucket<'_>) -> Result<T>) -> Result<T> {
        read(&self.0, body)
    }

    fn write<T>(&mut self, body: impl FnOnce(&mut Self::TableMut<'_>) -> Result<T>) -> Result<T> {
        let mut tx = self.0.begin_write()?;
        let value = body(&mut tx.bucket_mut(BUCKET)?)?;
        tx.commit()?;
        Ok(value)
    }

    fn close(self) -> Result<()> {
        Ok(self.0.close()?)
    }

    fn compact(from: &Path, to: &Path) -> Result<()> {
        let db = Db::options().read_only(true).open(from)?;
        db.compact_to(to)?;
        Ok(db.close()?)
    }
}

impl TableMut for BucketMut<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(BucketMut::put(self, key, value)?)
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        ensure!(BucketMut::delete(self, key)?, "the key to delete is missing");
        Ok(())
    }

    fn put_bucket<'p>(&mut self, name: &[u8], mut pairs: impl Iterator<Item = (&'p [u8], &'p [u8])>) -> Result<()> {
        let mut bucket = self.create_bucket(name)?;
        pairs.try_for_each(|(key, value)| Ok(bucket.put(key, value)?))
    }
}
