//! The files of one data set: which they are, and how they are made.

use std::ffi::OsString;
use std::fs;
use std::path::{self, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::engines::{EngineName, LmdbWriter, RedbWriter, SqliteWriter, Writer};
use crate::pairs::{GROUP_SIZE, Order};
use crate::scratch::Scratch;
use crate::workload::{Source, Workload};
use crate::writing;

const GO_SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/bench");
const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target");
/// Raised whenever the pairs or their layout change, so that old files are not taken.
const GENERATION: u32 = 2;
const SMALLEST: u64 = 2_000;

/// Where the files are, and how many pairs each holds.
#[derive(Args)]
pub struct Dataset {
    /// Where the files are [default: bench-data in the target directory]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How many pairs
    #[arg(long, default_value_t = 1_000_000)]
    pub n: u64,
}

impl Dataset {
    pub fn dir(&self) -> PathBuf {
        let parent = self.dir.clone().unwrap_or_else(|| Path::new(TARGET).join("bench-data"));
        parent.join(format!("{}-generation-{GENERATION}", self.n))
    }

    /// A file that is there is whole: it gets its name last.
    pub fn file(&self, engine: EngineName, source: Source) -> PathBuf {
        self.dir().join(format!("{}.{}", source.name(), engine.extension()))
    }

    /// The file that the workload begins with, which was made before.
    pub fn source(&self, engine: EngineName, workload: Workload) -> Result<Option<PathBuf>> {
        let file = workload.source().map(|source| self.file(engine, source));
        if let Some(file) = &file {
            ensure!(file.exists(), "{} is missing: generate makes it", file.display());
        }
        Ok(file)
    }

    /// Builds the Go program, and makes all files that are missing.
    pub fn generate(&self) -> Result<()> {
        self.build_go()?;
        let every = Workload::value_variants().iter();
        every.flat_map(|&w| EngineName::value_variants().iter().map(move |&e| (e, w))).try_for_each(|(e, w)| self.prepare(e, w))
    }

    /// Makes what the workload begins with, unless it is there.
    pub fn prepare(&self, engine: EngineName, workload: Workload) -> Result<()> {
        match workload.source() {
            Some(source) if workload.is_of(engine) => self.make(engine, source),
            _ => Ok(()),
        }
    }

    fn make(&self, engine: EngineName, source: Source) -> Result<()> {
        let file = self.file(engine, source);
        if file.exists() {
            return Ok(());
        }
        let scratch = if source == Source::Half {
            self.make(engine, Source::Rand)?;
            Scratch::copy_of(&self.file(engine, Source::Rand))?
        } else {
            Scratch::empty(&self.dir(), engine.extension())?
        };
        eprintln!("making {}", file.display());
        match engine {
            EngineName::Go | EngineName::GoRo | EngineName::Unbolt => {
                succeed(self.go("make", &[&source.name()], scratch.path()))?;
            }
            EngineName::Redb => write::<RedbWriter>(source, scratch.path(), self.n)?,
            EngineName::Heed => write::<LmdbWriter>(source, scratch.path(), self.n)?,
            EngineName::Sqlite => write::<SqliteWriter>(source, scratch.path(), self.n)?,
        }
        scratch.keep_as(&file)
    }

    /// The arguments by which another process finds this data set.
    pub fn arguments(&self) -> Vec<OsString> {
        let dir = self.dir.iter().flat_map(|dir| ["--dir".into(), dir.into()]);
        dir.chain(["--n".into(), self.n.to_string().into()]).collect()
    }

    pub fn go_program(&self) -> PathBuf {
        self.dir().join("bench-go")
    }

    /// The Go program, told what to do to one file.
    pub fn go(&self, what: &str, names: &[&str], file: &Path) -> Command {
        let mut go = Command::new(self.go_program());
        go.arg(what).args(names).arg("--file").arg(file).args(["--n", &self.n.to_string()]);
        go
    }

    pub fn build_go(&self) -> Result<()> {
        let n = self.n;
        ensure!(n >= SMALLEST && n.is_multiple_of(GROUP_SIZE), "--n is a multiple of {GROUP_SIZE} from {SMALLEST} on");
        fs::create_dir_all(self.dir())?;
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(path::absolute(self.go_program())?).arg(".").current_dir(GO_SOURCE);
        succeed(go)
    }
}

fn write<W: Writer>(source: Source, path: &Path, n: u64) -> Result<()> {
    match source {
        Source::Seq => writing::load_pairs::<W>(path, Order::Sequential, n)?,
        Source::Rand => writing::load_pairs::<W>(path, Order::Random, n)?,
        Source::Half => writing::delete_half::<W>(path, n)?,
        Source::FreeContig | Source::FreeFrag => bail!("only Bolt files have a list of free pages"),
    };
    Ok(())
}

fn succeed(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
