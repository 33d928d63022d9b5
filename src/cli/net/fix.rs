//! Owns `net fix`: what the doctor found, mended.

use std::path::PathBuf;

use super::change::{self, ChangeArgs};
use super::doctor::{MindArgs, note_unreadable};
use super::records::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::net::doctor::{self, Rule};

/// Mend what `net doctor` finds
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Prints the records that would change, and with --apply changes them: in place, in one transaction,
after a copy of the file. Stop dockerd first. What somebody has to choose is left, named on standard
error, and the exit status is 1 then.

Examples:
  unbolt net fix /var/lib/docker
  unbolt net fix --rule orphan-docker0 --apply local-kv.db")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Mend only what this rule finds; may be given several times
    #[arg(long = "rule", value_name = "RULE", value_parser = rule)]
    pub rules: Vec<&'static Rule>,
    #[command(flatten)]
    pub mind: MindArgs,
    #[command(flatten)]
    pub change: ChangeArgs,
}

fn rule(code: &str) -> Result<&'static Rule, String> {
    doctor::rule(code).ok_or_else(|| {
        let codes: Vec<&str> = doctor::rules().map(Rule::code).collect();
        format!("the rules are {}", codes.join(", "))
    })
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let containers = args.mind.containers()?;
    change::change(&args.file, &args.change, context, |file, draft, spool| {
        containers.iter().for_each(|containers| note_unreadable(containers, spool));
        let wanted = |rule: &Rule| args.rules.is_empty() || args.rules.contains(&rule);
        let fixed = args.mind.doctor(&containers).fix(draft, wanted);
        for finding in &fixed.mended {
            spool.note(format_args!("{}: {}: {}", file.display(), finding.rule.code(), text(&finding.to_string())));
        }
        for finding in &fixed.left {
            let (code, words) = (finding.rule.code(), text(&finding.to_string()));
            spool.note(format_args!("{}: not mended: {code}: {words}: {}", file.display(), finding.rule.remedy()));
        }
        Ok(if fixed.left.is_empty() { Status::Done } else { Status::No })
    })
}
