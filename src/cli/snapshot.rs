//! Owns `snapshot`: a consistent copy of a file that another process may be writing to.

use std::path::PathBuf;

/// Copy a database that may be in use, without its lock
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The copy is one committed state of the file, verified; the process that writes to it is neither stopped nor asked.

Examples:
  unbolt snapshot /var/lib/docker/network/files/local-kv.db copy.db
  unbolt snapshot --raw meta.db evidence.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The copy
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Copy the pages that the state does not reach too, as they lie in the file
    ///
    /// That is where deleted data are. They are not verified: a writer may have changed them meanwhile.
    #[arg(long)]
    pub raw: bool,
    /// Replace OUT, and read from a network or shared file system
    #[arg(long)]
    pub force: bool,
}
