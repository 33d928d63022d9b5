//! Owns the shape that four listings share: what is in networks, or in one of them, as a table or as JSON.

use std::path::PathBuf;

use serde_json::Value;

use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::listing::Listing;
use crate::cli::status::Status;
use crate::cli::table::Table;
use crate::cli::txid::TxidArg;
use crate::net::Inventory;

/// What each of them takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only those of this network
    #[arg(value_name = "NETWORK")]
    pub network: Option<String>,
    /// Whole ids
    #[arg(long)]
    pub no_trunc: bool,
    /// As a table, or one JSON object per row of it
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

/// One of what is listed.
#[derive(Debug)]
pub struct Row {
    /// The ids of the networks that it is in.
    pub networks: Vec<String>,
    pub cells: Vec<String>,
    pub object: Value,
}

impl ListArgs {
    /// Lists what `rows` makes of the records, with whole ids in the cells or as much of them as docker shows.
    pub fn list(
        &self,
        context: &mut Context<'_>,
        heading: &[&str],
        rows: impl Fn(&Inventory, bool) -> Vec<Row>,
    ) -> Result<Status, Failure> {
        records::read(&self.file, &self.state, context, |file, inventory, spool| {
            let network = records::find_if_named(file, inventory, &self.network)?;
            let mut rows = rows(inventory, self.no_trunc);
            rows.retain(|row| network.is_none_or(|network| row.networks.contains(&network.id)));
            match self.format {
                Listing::Json => rows.iter().try_for_each(|row| json::write_line(spool.out(), &row.object))?,
                Listing::Table => {
                    let mut table = Table::new(heading);
                    rows.into_iter().for_each(|row| table.row(row.cells));
                    table.write(spool.out())?;
                }
            }
            Ok(Status::Done)
        })
    }
}
