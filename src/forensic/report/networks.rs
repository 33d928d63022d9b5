//! Docker's networks, where the current state holds them.

use crate::error::{Error, Result};
use crate::forensic::evidence::Evidence;
use crate::net::{Inventory, ROOT};
use crate::store::{DOCKER_BUCKET, StoreError, records};

/// Docker's own files have some hundred KiB of records at most. What goes beyond this is not one of them.
const MOST: usize = 64 << 20;

/// What the current state holds of Docker's networks.
#[derive(Debug)]
pub struct Networks {
    /// The records.
    pub inventory: Inventory,
    /// Why not all of them could be read.
    pub cut: Option<Error>,
}

/// Docker's networks; `None` where the current state has no bucket of that name with such keys in it.
///
/// # Errors
///
/// Only what cannot be read at all. Where damage hides records, those before it are there, and [`Networks::cut`] tells.
pub fn networks(evidence: &Evidence) -> Result<Option<Networks>> {
    let found = evidence.current().map(|current| current.root()?.bucket(DOCKER_BUCKET.as_bytes()));
    let bucket = match found {
        Some(Ok(Some(bucket))) => bucket,
        Some(Err(e)) if !e.is_corrupt() => return Err(e),
        Some(Ok(None) | Err(_)) | None => return Ok(None),
    };
    if bucket.prefix(ROOT.as_bytes()).next().is_none() {
        return Ok(None);
    }
    let (mut cut, mut room) = (None, MOST);
    let entries = records(&bucket, b"").map_while(|entry| match entry {
        Err(StoreError::Db(e)) => {
            cut = Some(e);
            None
        }
        Ok(pair) => {
            room = room.checked_sub(pair.key.len().saturating_add(pair.value.len()))?;
            Some(Ok(pair))
        }
        entry => Some(entry),
    });
    match Inventory::read(entries) {
        Ok(inventory) => match cut {
            Some(e) if !e.is_corrupt() => Err(e),
            cut => Ok(Some(Networks { inventory, cut })),
        },
        // Every error of the database ended the entries before.
        Err(_) => Ok(None),
    }
}
