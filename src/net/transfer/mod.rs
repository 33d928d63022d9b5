//! Networks on their way from one file to another: as a document, as records of another host, as commands.

mod blueprint;
mod claim;
mod conflict;
mod document;
mod export;
mod migration;
mod packing;
mod renumber;
mod rivals;
mod script;
mod strip;
mod target;

pub use blueprint::{Blueprint, Driver};
pub use claim::Claim;
pub use conflict::{Conflict, ConflictKind, NotWhole, Rival};
pub use document::NotAnExport;
pub use export::{Export, ExportedNetwork, ExportedRecord};
pub use migration::{Coming, Migration, MigrationError, Plan};
pub use script::{Script, compose, docker};
pub use strip::Stripped;
