//! Owns the way to the addresses that containers ask for: `containers/*/config.v2.json` below docker's root.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::net::transfer::Claim;

/// Docker's root that a `local-kv.db` lies in, if it has containers.
pub fn root_of(file: &Path) -> Option<PathBuf> {
    let file = fs::canonicalize(file).or_else(|_| std::path::absolute(file)).ok()?;
    let root = file.parent().filter(|folder| folder.ends_with("network/files"))?.parent()?.parent()?;
    root.join("containers").is_dir().then(|| root.into())
}

/// What the containers of a host ask for.
pub fn read(root: &Path, context: &mut Context<'_>) -> Result<Vec<Claim>, Failure> {
    let folder = root.join("containers");
    let failed = |path: &Path, e| Failure::at(Status::Io, path, format_args!("cannot read: {e}"));
    let mut folders = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|e| failed(&folder, e))? {
        folders.push(entry.map_err(|e| failed(&folder, e))?.path());
    }
    folders.sort();
    let mut claims = Vec::new();
    for path in folders.into_iter().map(|folder| folder.join("config.v2.json")) {
        let config = match fs::read(&path) {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            read => read.map_err(|e| failed(&path, e))?,
        };
        match Claim::of_container(&config) {
            Ok(of_one) => claims.extend(of_one),
            Err(e) => _ = writeln!(context.err, "unbolt: {}: its addresses are not known: it is {e}", path.display()),
        }
    }
    Ok(claims)
}
