//! The directories that a store's file lies in, made where they are missing.

use std::path::Path;

use crate::error::{Error, Result};
use crate::storage::{Directory, parent};

/// As libnetwork makes them.
const MODE: u32 = 0o750;

/// Makes the directory that a file is to lie in, and those above it. Each is durable before anything is put in it.
pub(super) fn make_parents<D: Directory>(directory: &D, path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !matches!(directory.vacant(folder), Ok(None));
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    missing.into_iter().rev().try_for_each(|folder| {
        let made = directory.make(folder, MODE).and_then(|()| directory.sync(parent(folder)));
        made.map_err(|e| Error::io("create", folder, e))
    })
}
