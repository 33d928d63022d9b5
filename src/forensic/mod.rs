//! Files that are damaged, deleted, or part of something larger: what can still be read in them, never changing them.
//!
//! Bolt's pages say who they are: a page's number times the page size is its place in the file. So data can be found
//! where no meta leads to it any more, and whole files in the image of a disk. What is found is given with its place and
//! with what was verified of it; what cannot be known is said.

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod carve;
mod head;
mod window;

pub use carve::{Carved, ExtractError, FoundMeta, Hit, HitKind, carve};
