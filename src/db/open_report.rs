//! What opening a database for writing found out.

use crate::error::Corruption;

/// What opening a database found out that its user may want to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenReport {
    /// Where the free pages were taken from.
    pub freelist: FreelistSource,
}

/// Where the free pages of a database were taken from when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FreelistSource {
    /// The database was opened read-only: nobody asked.
    #[default]
    NotRead,
    /// The list that the file stores.
    Stored,
    /// The file stores no list, so all pages in use were found and the others are free.
    Scanned,
    /// The list that the file stores cannot be true, so it was not believed, and all pages in use were found. The next
    /// commit writes a good one. Nothing was written to the file yet.
    Rebuilt {
        /// What is wrong with the list.
        refused: Corruption,
    },
}
