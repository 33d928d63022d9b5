//! The engines by their names.

use clap::ValueEnum;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum EngineName {
    /// bbolt, as `bolt.Open` opens without options
    Go,
    /// bbolt, opened read-only
    GoRo,
    Unbolt,
    Redb,
    /// LMDB
    Heed,
    Sqlite,
}

impl EngineName {
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Engines of the same extension read the same files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Go | Self::GoRo | Self::Unbolt => "bolt",
            Self::Redb => "redb",
            Self::Heed => "lmdb",
            Self::Sqlite => "sqlite",
        }
    }
}
