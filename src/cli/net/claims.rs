//! Owns the way to the containers that will start with a file: those of docker's root that it lies in.

use std::fs;
use std::path::{Path, PathBuf};

use super::doctor::read_containers;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::net::Containers;

/// Docker's root that a `local-kv.db` lies in, or that a directory is, if it has containers.
pub fn root_of(file: &Path) -> Option<PathBuf> {
    let file = fs::canonicalize(file).or_else(|_| std::path::absolute(file)).ok()?;
    file.ancestors()
        .take(4)
        .find(|folder| folder.join("containers").is_dir() && folder.join("network").is_dir())
        .map(Path::to_path_buf)
}

/// The containers below a root. One that cannot be read is named, for nobody knows what it asks for.
pub fn read(root: &Path, context: &mut Context<'_>) -> Result<Containers, Failure> {
    let containers = read_containers(root)?;
    for (file, why) in &containers.unreadable {
        let _ = writeln!(context.err, "unbolt: {}: its addresses are not known: {why}", file.display());
    }
    Ok(containers)
}
