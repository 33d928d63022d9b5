//! The workloads: what each begins with, and which engine has it.

use clap::ValueEnum;

use crate::engines::EngineName;

/// A row of the tables. How large each is follows from n, the number of pairs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Workload {
    /// Opening, one read transaction that reads nothing, and closing
    Open,
    /// Opening, one value, and closing
    OpenGet,
    /// Gets in random order, in one transaction
    Get1,
    /// The same by two threads, each in its own transaction
    Get2,
    /// Gets in random order, each in its own transaction
    GetTx,
    /// All pairs in their order, once: the first touch of each page included
    Scan,
    /// All pairs in their order, after a first time that is not counted
    ScanAgain,
    /// The 100 pairs of a prefix, for all prefixes in random order
    Prefix100,
    /// Seeks to a 15-byte key in random order, reading one pair
    Seek1,
    /// The library's whole check
    Check,
    /// Opening and scanning a file that is not in the page cache
    ScanCold,
    /// All pairs in the order of their keys, into a new file
    LoadSeq,
    /// All pairs in random order, into a new file
    LoadRand,
    /// Pairs in random order, all in one transaction
    OneTxRand,
    /// Overwrites in random order, each in its own durable transaction
    Commit,
    /// The same without any sync
    CommitNosync,
    /// Read transactions of 90 gets and durable write transactions of 10 overwrites in turns
    Mixed,
    /// The same without any sync
    MixedNosync,
    /// Deletes of half of the pairs in random order
    Del50,
    /// Nested buckets of ten pairs that fill a page
    Buckets,
    /// Nested buckets of ten pairs that lie within their parent's page
    BucketsInline,
    /// Values of 1 MiB, ten in a transaction
    Large,
    /// Compaction after half of the pairs was deleted
    Compact,
    /// Opening a file with many free pages for writing, and closing it
    OpenFree,
    /// Durable overwrites in a file whose many free pages are neighbours
    FreeContig,
    /// Durable overwrites in a file of whose pages every second one is free
    FreeFrag,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Side {
    Reading,
    Writing,
}

/// A file of the data set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Source {
    /// All pairs, loaded in the order of their keys
    Seq,
    /// All pairs, loaded in random order
    Rand,
    /// The latter, of which half was deleted
    Half,
    /// Few pairs and n free pages in one piece
    FreeContig,
    /// Few pairs, and n / 2 free pages between as many that nobody has
    FreeFrag,
}

impl Source {
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl Workload {
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub fn side(self) -> Side {
        match self {
            Self::Open | Self::OpenGet | Self::Get1 | Self::Get2 | Self::GetTx | Self::Scan => Side::Reading,
            Self::ScanAgain | Self::Prefix100 | Self::Seek1 | Self::Check | Self::ScanCold => Side::Reading,
            _ => Side::Writing,
        }
    }

    /// The file that it reads, or writes to a copy of; none makes a new one.
    pub fn source(self) -> Option<Source> {
        match self {
            Self::Check | Self::ScanCold => Some(Source::Seq),
            Self::LoadSeq | Self::LoadRand | Self::OneTxRand => None,
            Self::Buckets | Self::BucketsInline | Self::Large => None,
            Self::Compact => Some(Source::Half),
            Self::OpenFree | Self::FreeContig => Some(Source::FreeContig),
            Self::FreeFrag => Some(Source::FreeFrag),
            _ => Some(Source::Rand),
        }
    }

    pub fn is_cold(self) -> bool {
        self == Self::ScanCold
    }

    pub fn is_of(self, engine: EngineName) -> bool {
        match engine {
            EngineName::Go | EngineName::Unbolt => true,
            // Reading itself does not depend on how the file was opened.
            EngineName::GoRo => matches!(self, Self::Open | Self::OpenGet | Self::GetTx),
            // Their files have other free lists; LMDB has no check, and a connection of
            // SQLite serves one thread.
            EngineName::Redb => !self.needs_free_pages(),
            EngineName::Heed => !self.needs_free_pages() && self != Self::Check,
            EngineName::Sqlite => !self.needs_free_pages() && self != Self::Get2,
        }
    }

    fn needs_free_pages(self) -> bool {
        matches!(self.source(), Some(Source::FreeContig | Source::FreeFrag))
    }
}
