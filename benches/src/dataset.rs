//! The files of one data set: which they are, how they are made, when they are whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::engines::{Lmdb, Redb};
use crate::pairs::{GROUP_SIZE, Order};
use crate::workload::Workload;

const GO_SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/bench");
const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target");
/// Written last, so that a data set without it is made anew.
const MARKER: &str = "complete";
/// Raised whenever the pairs or their layout change.
const GENERATION: u32 = 1;
const SMALLEST: u64 = 1_000;

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
}

impl EngineName {
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub fn has(self, workload: Workload) -> bool {
        match self {
            Self::Heed => workload != Workload::Check,
            // Reading itself does not depend on how the file was opened.
            Self::GoRo => matches!(workload, Workload::Open | Workload::OpenGet | Workload::GetTx),
            Self::Go | Self::Unbolt | Self::Redb => true,
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Go | Self::GoRo | Self::Unbolt => "bolt",
            Self::Redb => "redb",
            Self::Heed => "lmdb",
        }
    }
}

/// Where the files are, and how many pairs each holds.
#[derive(Args)]
pub struct Dataset {
    /// Where the files are [default: readbench-N in the target directory]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How many pairs
    #[arg(long, default_value_t = 1_000_000)]
    pub n: u64,
}

impl Dataset {
    pub fn dir(&self) -> PathBuf {
        let default = || Path::new(TARGET).join(format!("readbench-{}", self.n));
        self.dir.clone().unwrap_or_else(default)
    }

    pub fn file(&self, engine: EngineName, order: Order) -> PathBuf {
        self.dir().join(format!("{}.{}", order.stem(), engine.extension()))
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        [EngineName::Go, EngineName::Redb, EngineName::Heed]
            .into_iter()
            .flat_map(|engine| Order::BOTH.map(|order| self.file(engine, order)))
    }

    fn title(&self) -> String {
        format!("readbench data set, generation {GENERATION}, {} pairs\n", self.n)
    }

    pub fn is_complete(&self) -> bool {
        fs::read_to_string(self.dir().join(MARKER)).is_ok_and(|title| title == self.title())
    }

    /// Makes the files, unless they are there.
    pub fn generate(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let n = self.n;
        ensure!(n >= SMALLEST && n.is_multiple_of(GROUP_SIZE), "--n is a multiple of {GROUP_SIZE} from {SMALLEST} on");
        fs::create_dir_all(self.dir())?;
        self.build_go()?;
        self.remove_files()?;
        for order in Order::BOTH {
            eprintln!("loading {n} pairs, {}: redb, LMDB", order.stem());
            Redb::load(&self.file(EngineName::Redb, order), order, n)?;
            Lmdb::load(&self.file(EngineName::Heed, order), order, n)?;
        }
        eprintln!("loading {n} pairs, both orders: bbolt");
        succeed(Command::new(self.go_program()).arg("generate").args(self.arguments()))?;
        fs::write(self.dir().join(MARKER), self.title())?;
        Ok(())
    }

    fn remove_files(&self) -> Result<()> {
        let marker = self.dir().join(MARKER);
        for path in self.files().chain([marker]).filter(|path| path.exists()) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// The arguments by which another process finds this data set.
    pub fn arguments(&self) -> [std::ffi::OsString; 4] {
        ["--dir".into(), self.dir().into(), "--n".into(), self.n.to_string().into()]
    }

    pub fn go_program(&self) -> PathBuf {
        self.dir().join("readbench-go")
    }

    pub fn build_go(&self) -> Result<()> {
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(self.go_program()).arg(".").current_dir(GO_SOURCE);
        succeed(&mut go)
    }
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
