//! Damaged and foreign files, read only: what each byte is, and what is left of what no state shows any more.
//!
//! [`Evidence`] is a file that is looked at and never touched. [`Census`] puts every page and every byte of it into
//! exactly one class. [`History`] shows the versions of pairs that can still be found, each with its place in the file,
//! a [`State`], a [`Grade`] and the reasons for both. [`audit`] tells what no Bolt writer leaves behind. [`diff`] compares
//! two states, and [`surgery`] changes single pages of a copy.
//!
//! Bolt has no checksum and no transaction id in its pages. So what is found outside of the current state is told with
//! what can be shown of it and nothing more: a bucket is named only where a whole tree leads to the page, and whatever
//! a transaction could have written that never committed carries a mark ([`Item::uncommitted`]).
//!
//! ```
//! use unbolt::forensic::{Evidence, History, State, Wanted};
//! let evidence = Evidence::open("testdata/docker/live-20.10.24.db")?;
//! let history = History::of(&evidence)?;
//! history.each(&Wanted::default(), &mut |item| {
//!     if item.state == State::Deleted {
//!         println!("{}: {} bytes at {}", item.key.escape_ascii(), item.value.len(), item.value_offset);
//!     }
//!     Ok::<_, unbolt::Error>(())
//! })?;
//! assert!(evidence.examine_again()?.is_unchanged());
//! # Ok::<(), unbolt::Error>(())
//! ```

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions))]

mod account;
mod audit;
mod bucket_names;
mod by_bucket;
mod carve;
mod census;
mod clock;
mod custody;
pub mod diff;
mod evidence;
mod generations;
mod guess;
mod head;
mod history;
mod item;
mod judge;
mod leftover;
mod live;
mod recover;
pub mod report;
mod scan;
pub mod surgery;
mod window;

pub use account::{Account, Class};
pub use audit::{Observation, audit};
pub use bucket_names::{BucketNames, BucketRef};
pub use carve::{Carved, ExtractError, FoundMeta, Hit, HitKind, Image, carve};
pub use census::{Census, Content, PageEntry, Standing};
pub use clock::{Clock, clocks, rfc3339};
pub use custody::{Custody, Sha256Sum, Stamp};
pub use evidence::{Assumed, Evidence};
pub use generations::{Doubt, Generations, Root, RootLabel, RootOrigin};
pub use guess::LayoutSource;
pub use history::{History, Wanted};
pub use item::{Grade, Item, ItemKind, Reason, State};
pub use leftover::{Leftover, Run};
pub use recover::{ListState, PageCounts, Problems, RecoverOptions, Recovery, RecoveryReport, StateSource, Tally};
