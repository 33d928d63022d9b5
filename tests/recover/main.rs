//! Whatever happened to a file, what can still be read of it comes into a new one that is sound, and all of it is counted.

mod content;
mod homeless;
mod states;
#[path = "../support/mod.rs"]
mod support;
mod whole;

use support::alloc::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;
