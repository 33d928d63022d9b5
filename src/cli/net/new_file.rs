//! Owns the making of a new `local-kv.db`: beside its name until it is whole.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::status::Status;
use crate::format::SharedBytes;
use crate::store::{DOCKER_BUCKET, KvPair, encode};
use crate::tree::{BuildOptions, Builder};
use crate::{Error, OutputFile};

/// Makes a file of these records, with their indexes, for whoever may read what they come from.
pub fn make(path: &Path, source: &Path, replace: bool, mut pairs: Vec<KvPair>) -> Result<(), Failure> {
    pairs.sort_by(|a, b| a.key.cmp(&b.key));
    let file = output::begin(path, source, replace)?;
    fill(&file, &pairs).map_err(|e| match e {
        Error::Io { source, .. } => Failure::at(Status::Io, path, format_args!("cannot write: {source}")),
        e => Failure::of(path, e),
    })?;
    output::finish(file)
}

fn fill(file: &OutputFile, pairs: &[KvPair]) -> crate::Result<()> {
    let mut options = BuildOptions::default();
    // The file is synced before it gets its name.
    options.no_sync(true);
    let mut builder: Builder<'_, SharedBytes> = Builder::new(file.file(), &options)?;
    builder.begin_bucket(DOCKER_BUCKET.as_bytes().to_vec().into())?;
    // The next index is above all of them.
    let counted = pairs.iter().map(|pair| pair.last_index).filter(|index| *index < 1 << 63);
    builder.set_sequence(counted.max().unwrap_or(0));
    for pair in pairs {
        builder.put(pair.key.clone().into_bytes().into(), encode(pair.last_index, &pair.value).into())?;
    }
    builder.end_bucket()?;
    builder.finish().map(drop)
}
