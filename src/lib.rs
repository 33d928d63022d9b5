//! Reads BoltDB files.

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
