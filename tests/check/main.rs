//! The integrity check: it finds each kind of damage where it was planted, and nothing in sound files.

mod buckets;
mod elements;
mod file;
mod freelist;
mod metas;
mod pages;
mod planted;
mod sound;
mod whole;
