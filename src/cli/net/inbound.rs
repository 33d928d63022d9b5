//! Owns how networks come into a file: in one transaction of one that is there, after a copy of it is kept, or as a new
//! one; and nothing at all where something stands in the way.

use std::io::ErrorKind;
use std::path::Path;

use super::change::back_up;
use super::new_file;
use super::records::{id, text};
use crate::cli::context::{Context, Open};
use crate::cli::failure::Failure;
use crate::cli::kv::change::{self, Missing, Stop};
use crate::cli::naming::count;
use crate::cli::status::Status;
use crate::cli::transaction::{Report, WriteArgs};
use crate::net::Inventory;
use crate::net::transfer::{MigrationError, Plan};
use crate::store::{DOCKER_BUCKET, KvPair};
use crate::{Error, Snapshot};

/// Whether there is no file of this name yet.
pub fn is_new(file: &Path, open: Open<'_>) -> Result<bool, Failure> {
    match open(file) {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(true),
        _ if file.is_dir() => Ok(false),
        opened => opened.map(|_: Snapshot| false).map_err(|e| Failure::of(file, e)),
    }
}

/// Puts what is planned into a file that is there.
pub fn put(
    file: &Path,
    how: &WriteArgs,
    context: &mut Context<'_>,
    plan: impl Fn(&Inventory) -> Result<Plan, MigrationError>,
) -> Result<Status, Failure> {
    let open = context.open;
    change::change(file, DOCKER_BUCKET.as_ref(), Missing::Made, how, context, |file, store, report| {
        let there = Inventory::read(store.entries("")?)?;
        let plan = plan(&there).map_err(|error| told(file, error, |words| report.note(words)))?;
        tell(file, &plan, report)?;
        if !plan.records().is_empty() && !report.is_dry_run() {
            // Under the lock the file stands still.
            let copy = open(file).map_err(|e| Failure::of(file, e)).and_then(|snapshot| back_up(file, &snapshot))?;
            report.note(format_args!("{}: as it was before is {}", file.display(), copy.display()));
        }
        plan.put(store).map_err(Stop::from)
    })
}

fn tell(file: &Path, plan: &Plan, report: &mut Report<'_>) -> Result<(), Failure> {
    for line in lines(plan) {
        report.plan(&line)?;
        if !report.is_dry_run() {
            report.note(format_args!("{}: {line}", file.display()));
        }
    }
    if let Some(words) = left_behind(plan) {
        report.note(format_args!("{}: {words}", file.display()));
    }
    Ok(())
}

/// What people might look for and will not find.
fn left_behind(plan: &Plan) -> Option<String> {
    let endpoints: u64 = plan.coming.iter().map(|one| one.endpoints).sum();
    let endpoints = (endpoints > 0).then(|| count(endpoints, "endpoint"))?;
    Some(format!("{endpoints} left behind: docker makes endpoints anew when their containers start"))
}

/// Makes a file of what is planned, or says only what would be in it.
pub fn make(
    file: &Path,
    source: &Path,
    dry_run: bool,
    plan: Result<Plan, MigrationError>,
    context: &mut Context<'_>,
) -> Result<Status, Failure> {
    let plan = plan.map_err(|error| told(file, error, |words| _ = writeln!(context.err, "unbolt: {words}")))?;
    let records = plan.records().into_iter().zip(1..);
    let pairs = records.map(|((key, value), index)| KvPair { key: key.to_string(), value: value.into(), last_index: index });
    let pairs: Vec<KvPair> = pairs.collect();
    if let Some(words) = left_behind(&plan) {
        let _ = writeln!(context.err, "unbolt: {}: {words}", file.display());
    }
    if dry_run {
        return say_only(file, lines(&plan), context);
    }
    new_file::make(file, source, false, pairs)?;
    for line in lines(&plan) {
        let _ = writeln!(context.err, "unbolt: {}: {line}", file.display());
    }
    Ok(Status::Done)
}

/// The plan of a file that is not made.
pub fn say_only(file: &Path, lines: Vec<String>, context: &mut Context<'_>) -> Result<Status, Failure> {
    for line in lines {
        writeln!(context.out, "{line}")?;
    }
    let _ = writeln!(context.err, "unbolt: {}: dry run, it is not there and is not made", file.display());
    Ok(Status::Done)
}

/// The plan in words.
fn lines(plan: &Plan) -> Vec<String> {
    let coming = plan.coming.iter().map(|one| {
        let network = format!("network {} ({})", text(&one.name), id(&one.id, false));
        let changes: String = one.changes.iter().map(|change| format!(", {}", text(change))).collect();
        format!("{network}: {}{changes}", count(one.blueprint.records().len() as u64, "record"))
    });
    let already = plan.already.iter().map(|name| format!("network {}: there already", text(name)));
    let counts = plan.counts.iter().map(|(key, value)| format!("record {key}: {}", text(&String::from_utf8_lossy(value))));
    coming.chain(already).chain(counts).collect()
}

/// Why there is no plan; what stands in the way is said one by one before.
fn told(file: &Path, error: MigrationError, mut say: impl FnMut(String)) -> Failure {
    let conflicts = match error {
        MigrationError::Conflicts(conflicts) => conflicts,
        MigrationError::Nothing | MigrationError::Find(_) => return Failure::no(text(&error.to_string())),
        error => return Failure::usage(text(&error.to_string())),
    };
    conflicts.iter().for_each(|conflict| say(format!("{}: {}", file.display(), text(&conflict.to_string()))));
    let number = count(conflicts.len() as u64, "conflict");
    Failure::at(Status::Refused, file, format_args!("{number}, nothing is written"))
}
