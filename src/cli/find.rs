//! Owns `find`: the Bolt files under a directory, and what wrote them.

use std::path::PathBuf;

use super::listing::Listing;

/// List the Bolt files under a directory and what wrote them
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt find /var/lib
  unbolt find --format json /var/lib/docker /var/lib/containerd")]
pub struct Args {
    /// Where to look; symbolic links are not followed
    #[arg(value_name = "DIR", required = true)]
    pub directories: Vec<PathBuf>,
    /// As a table, or one JSON object per file
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
}
