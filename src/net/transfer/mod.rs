//! Networks on their way from one file to another.
//!
//! An [`Export`] is a document that people can read and edit, of which the same records can be made again. A
//! [`Migration`] brings networks into a file of other ones, under other names and with other subnets where that is wanted,
//! for another version of Docker, and names everything that stands in the way. Endpoints and sandboxes stay behind: docker
//! makes them with each start of a container, and removes those whose containers do not run. [`Stripped`] is what is left
//! of a file without anything that ran. [`docker()`] and [`compose()`] say how somebody would make the networks by hand.

mod blueprint;
mod conflict;
mod document;
mod export;
mod migration;
mod packing;
mod rivals;
mod script;
mod strip;
mod target;

pub use blueprint::{Blueprint, Driver};
pub use conflict::{Conflict, ConflictKind, NotWhole, Rival};
pub use document::NotAnExport;
pub use export::{Export, ExportedNetwork, ExportedRecord};
pub use migration::{Coming, Migration, MigrationError, Plan};
pub use script::{Script, compose, docker};
pub use strip::Stripped;
