//! Owns the two shapes of our own listings, and the choice of an older state.

use clap::ValueEnum;

/// `--format table|json` of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// For people
    #[default]
    Table,
    /// One JSON object per line
    Json,
}
