//! unbolt, opened read-only.

use std::path::Path;

use anyhow::{Context, Result, bail};
use unbolt::{Bucket, Db, Entry, Iter};

use super::{Reader, Table};
use crate::meter::{Done, Measured, measure};

const BUCKET: &str = "b";

pub struct Unbolt(Db);

impl Reader for Unbolt {
    type Table<'tx> = Bucket<'tx>;

    fn open(path: &Path) -> Result<Self> {
        Ok(Self(Db::options().read_only(true).open(path)?))
    }

    fn read<T>(&self, body: impl FnOnce(&Self::Table<'_>) -> Result<T>) -> Result<T> {
        let tx = self.0.begin_read()?;
        let bucket = tx.bucket(BUCKET)?.context("the bucket is missing")?;
        body(&bucket)
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
