//! Owns where a command that makes a new file puts it: beside its name until it is whole, and never over anything that
//! it was not told to replace.

use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::path::Path;

use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::txid::TxidArg;
use crate::{Error, OutputFile, Snapshot};

/// The mode of a file that is made of nothing that has one.
const NEW: u32 = 0o644;

/// Refuses what would overwrite something, or what the new file is made of.
pub fn refuse_unsafe(out: &Path, source: &Path, force: bool) -> Result<(), Failure> {
    let refused = |words: &str| Failure::at(Status::Refused, out, words);
    match fs::metadata(out) {
        Ok(there) if is_same_file(&there, out, source) => return Err(refused("is the file that is read")),
        Ok(there) if !there.is_file() => return Err(refused("is there and not a regular file")),
        _ => {}
    }
    match !force && fs::symlink_metadata(out).is_ok() {
        true => Err(refused("is there already").hint("--force replaces it")),
        false => Ok(()),
    }
}

/// Whether two paths lead to one file.
pub fn is_same(a: &Path, b: &Path) -> bool {
    fs::metadata(a).is_ok_and(|there| is_same_file(&there, a, b))
}

#[cfg(unix)]
fn is_same_file(there: &Metadata, _: &Path, source: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(source).is_ok_and(|source| (source.dev(), source.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_same_file(_: &Metadata, out: &Path, source: &Path) -> bool {
    fs::canonicalize(out).is_ok_and(|out| fs::canonicalize(source).is_ok_and(|source| out == source))
}

/// Begins a new file for whoever may read what it is made of.
pub fn begin(out: &Path, source: &Path, replace: bool) -> Result<OutputFile, Failure> {
    let mut output = OutputFile::beside(out, mode_of(source)).map_err(|e| match e {
        Error::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            Failure::at(Status::Io, out, "cannot create: its directory is not there")
        }
        e => Failure::of(out, e),
    })?;
    output.replace(replace);
    Ok(output)
}

#[cfg(unix)]
fn mode_of(source: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let file = fs::metadata(source).ok().filter(Metadata::is_file);
    file.map_or(NEW, |file| file.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode_of(_: &Path) -> u32 {
    NEW
}

/// Makes the content of a new file from the state of a database, again where a writer comes in between. Says how many
/// attempts that took.
pub fn fill<T>(
    context: &mut Context<'_>,
    source: &Path,
    state: &TxidArg,
    output: &OutputFile,
    mut make: impl FnMut(&Snapshot, &File) -> crate::Result<T>,
) -> Result<(T, u32), Failure> {
    let (mut attempts, mut made, mut unwritable) = (0, None, None);
    let end = context.read(source, state, |snapshot, _| {
        attempts += 1;
        match make(snapshot, output.file()) {
            Ok(value) => made = Some(value),
            // What has no path is the new file.
            Err(Error::Io { path, source, .. }) if path.as_os_str().is_empty() => {
                unwritable = Some(Failure::at(Status::Io, output.path(), format_args!("cannot write: {source}")));
                // A file that cannot be written ends all attempts, as output that cannot be written does.
                return Err(Failure::Output(source));
            }
            Err(e) => return Err(Failure::of(source, e)),
        }
        Ok(Status::Done)
    });
    match (unwritable, end, made) {
        (Some(failure), ..) | (None, Err(failure), _) => Err(failure),
        (None, Ok(_), Some(made)) => Ok((made, attempts)),
        (None, Ok(_), None) => Err(Failure::at(Status::Io, source, "nothing was read")),
    }
}

/// Gives the new file its name.
pub fn finish(output: OutputFile) -> Result<(), Failure> {
    let out = output.path().to_path_buf();
    output.persist().map_err(|e| match e {
        Error::Io { source, .. } if source.kind() == ErrorKind::AlreadyExists => {
            Failure::at(Status::Refused, &out, "is there by now").hint("--force replaces it")
        }
        Error::Io { source, .. } => Failure::at(Status::Io, &out, format_args!("cannot write: {source}")),
        e => Failure::of(&out, e),
    })
}
