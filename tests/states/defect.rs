//! Defects that a writer could have, planted between the engine and its disk: calls that are left out, made at another
//! time, or made in the wrong place.

use std::io;

use super::record::{Last, RecordedFile};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A commit does not sync its pages.
    NoDataSync,
    /// A commit does not sync its meta.
    NoMetaSync,
    /// Each sync comes before the writes that it is there for.
    SyncBeforeWrite,
    /// The meta is written and synced before the pages that it leads to.
    MetaBeforeData,
    /// The meta goes to the page of the transaction after it.
    MetaInWrongPlace,
    /// Every meta goes to page 0.
    MetaInOnePlace,
    /// The meta goes to both pages at once.
    MetaInBothPlaces,
    /// The list of free pages is written after the sync of the pages.
    ListAfterSync,
    /// The last sector of the pages is written after their sync.
    TailAfterSync,
    /// A new length is not synced.
    LengthNotSynced,
    /// A creation writes its metas before its pages are durable.
    MetasBeforePages,
    /// A new file gets its name before it is durable.
    NamedBeforeDurable,
    /// A new file is made under its own name.
    NamedBeforeWhole,
    /// The directory of a new file is not synced.
    NamesNotSynced,
    /// What is replaced is removed first.
    RemovedBeforeRenamed,
}

/// The pages of all workloads that a defect is planted in.
const PAGE: usize = 1024;

impl Defect {
    pub const ALL: [Defect; 15] = [
        Defect::NoDataSync,
        Defect::NoMetaSync,
        Defect::SyncBeforeWrite,
        Defect::MetaBeforeData,
        Defect::MetaInWrongPlace,
        Defect::MetaInOnePlace,
        Defect::MetaInBothPlaces,
        Defect::ListAfterSync,
        Defect::TailAfterSync,
        Defect::LengthNotSynced,
        Defect::MetasBeforePages,
        Defect::NamedBeforeDurable,
        Defect::NamedBeforeWhole,
        Defect::NamesNotSynced,
        Defect::RemovedBeforeRenamed,
    ];

    /// Whether it shows only while a file is made.
    pub fn is_in_creation(self) -> bool {
        matches!(self.workload(), "creation" | "replacement")
    }

    /// The workload that shows it.
    pub fn workload(self) -> &'static str {
        match self {
            Defect::LengthNotSynced => "growth",
            Defect::MetasBeforePages | Defect::NamedBeforeDurable | Defect::NamedBeforeWhole | Defect::NamesNotSynced => {
                "creation"
            }
            Defect::RemovedBeforeRenamed => "replacement",
            _ => "singles",
        }
    }

    pub fn write(self, file: &RecordedFile, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let meta = file.last() == Last::Meta;
        let other = offset ^ PAGE as u64;
        match self {
            Defect::SyncBeforeWrite => file.write_later(bytes, offset),
            Defect::MetaBeforeData if !meta => file.write_later(bytes, offset),
            Defect::MetaInWrongPlace if meta && bytes.len() == PAGE => file.write(&as_page(bytes, other), other),
            Defect::MetaInOnePlace if meta && bytes.len() == PAGE => file.write(&as_page(bytes, 0), 0),
            Defect::MetaInBothPlaces if meta && bytes.len() == PAGE => {
                file.write(&as_page(bytes, other), other)?;
                file.write(bytes, offset)
            }
            Defect::ListAfterSync if !meta => {
                for (at, page) in bytes.chunks(PAGE).enumerate() {
                    let offset = offset + (at * PAGE) as u64;
                    match page.get(8..10) {
                        Some([16, 0]) => file.write_later(page, offset)?,
                        _ => file.write(page, offset)?,
                    };
                }
                Ok(bytes.len())
            }
            Defect::TailAfterSync if !meta => {
                let (body, tail) = bytes.split_at(bytes.len() - bytes.len().min(512));
                file.write(body, offset)?;
                file.write_later(tail, offset + body.len() as u64)?;
                Ok(bytes.len())
            }
            _ => file.write(bytes, offset),
        }
    }

    pub fn sync(self, file: &RecordedFile, all: bool) {
        match (self, file.last()) {
            (Defect::NoDataSync, Last::Data)
            | (Defect::NoMetaSync | Defect::NamedBeforeDurable, Last::Meta)
            | (Defect::MetasBeforePages, Last::Data)
            | (Defect::LengthNotSynced, Last::Len) => {}
            (Defect::MetaBeforeData, Last::Data) => file.sync_later(all),
            _ => {
                file.sync(all);
                file.release();
            }
        }
    }
}

/// The same page with the number that it has there.
fn as_page(bytes: &[u8], offset: u64) -> Vec<u8> {
    [&(offset / PAGE as u64).to_le_bytes(), &bytes[8..]].concat()
}
