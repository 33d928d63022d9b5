//! The program: the command line on real files and streams.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use unbolt::cli::{Context, run};
use unbolt::forensic::Evidence;
use unbolt::{OpenOptions, Snapshot};

fn main() -> ExitCode {
    let mut out = io::BufWriter::new(io::stdout().lock());
    // Not locked: progress is drawn on it by a thread of its own.
    let mut err = io::stderr();
    let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|wish| wish.is_empty());
    let progress = io::stderr().is_terminal() && std::env::var_os("CI").is_none_or(|value| value != "true");
    let mut context = Context {
        open: &|path| Snapshot::open(path),
        open_evidence: &|path, assumed| Evidence::open_as(path, assumed),
        open_to_write: &|path, options: &OpenOptions| options.open(path),
        input: &mut io::stdin().lock(),
        out: &mut out,
        err: &mut err,
        color,
        progress,
    };
    let status = run(std::env::args_os(), &mut context);
    // Whatever could not be flushed was reported by the command; nothing must be tried again on drop.
    let _ = out.flush();
    status.into()
}
