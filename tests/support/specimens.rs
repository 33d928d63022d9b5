//! Everything that a file can be: the databases of `testdata`, cut, without their metas, damaged in every known way, and in
//! the other byte order.

use super::damage::Base;
use super::swap::to_big_endian;
use super::testdata::{Database, databases_up_to};

/// A file by its name. What is sound has the name of the database alone.
pub type Specimen = (String, Vec<u8>);

/// All that is made of the databases of at most this many bytes, and the damaged ones.
pub fn specimens(largest: u64) -> Vec<Specimen> {
    databases_up_to(largest).iter().flat_map(of).chain(damaged()).collect()
}

/// What is made of one database, itself the last.
pub fn of(database: &Database) -> Vec<Specimen> {
    let bytes = database.bytes();
    let cut = |part| (format!("{} cut after {part}/4", database.name), bytes[..bytes.len() * part / 4 + 7].to_vec());
    let mut specimens: Vec<Specimen> = (1..4).map(cut).collect();
    let mut without_metas = bytes.clone();
    let page_size = u32::from_le_bytes(bytes[24..28].try_into().expect("four bytes")) as usize;
    without_metas[..2 * page_size].fill(0);
    specimens.push((format!("{} without metas", database.name), without_metas));
    specimens.push((database.name.clone(), bytes));
    specimens
}

/// Every class of damage, and the base of it all with its bytes in the other order.
pub fn damaged() -> Vec<Specimen> {
    let base = Base::new();
    let classes = base.classes().into_iter().map(|damaged| (format!("{} {}", damaged.class, damaged.what), damaged.bytes));
    classes.chain([("big-endian".to_owned(), to_big_endian(&base.bytes))]).collect()
}
