//! The directories that a store's file lies in, made where they are missing.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::{Error, Result};

/// As libnetwork makes them.
#[cfg(unix)]
const MODE: u32 = 0o750;

/// Makes the directory that a file is to lie in, and those above it. Each is durable before anything is put in it.
pub(super) fn make_parents(path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let missing: Vec<&Path> =
        parent.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    missing.into_iter().rev().try_for_each(|folder| make(folder).map_err(|e| Error::io("create", folder, e)))
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, MODE);
    match builder.create(folder) {
        // Somebody else was faster.
        Err(e) if e.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
