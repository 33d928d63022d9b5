//! What a report shows of a file beside the versions of its pairs: every page in its place, in a picture too, the
//! buckets of the current state, and Docker's networks where it holds them.

mod contents;
mod networks;
mod page_map;
mod spans;

pub use contents::{BucketSummary, buckets};
pub use networks::{Networks, networks};
pub use page_map::{Cell, PageMap};
pub use spans::{PageSpan, page_spans};
