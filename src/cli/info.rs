//! Owns `info`: what the meta pages say about a file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::context::Context;
use super::failure::Failure;
use super::json;
use super::listing::Listing;
use super::status::Status;
use super::txid::TxidArg;
use crate::format::{Endian, Meta, MetaSlot, PageId};
use crate::tree::read_freelist;
use crate::{Error, Holder, Snapshot, Storage, lock_holders};

/// Print the page size; with --verbose everything the meta pages tell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt info /var/lib/docker/network/files/local-kv.db
  unbolt info --verbose local-kv.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Show size, byte order, both meta pages and why one was refused, freelist and lock holder
    #[arg(long, short)]
    pub verbose: bool,
    /// As a table, or as one JSON object with everything
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    context.read_showing_metas(&args.file, &args.state, |snapshot, spool| {
        match (args.format, args.verbose) {
            (Listing::Json, _) => json::write_line(spool.out(), &Facts::of(snapshot, &args.file)?.object())?,
            (Listing::Table, true) => Facts::of(snapshot, &args.file)?.write(spool.out())?,
            (Listing::Table, false) => write_page_size(snapshot, spool.out())?,
        }
        Ok(Status::Done)
    })
}

fn write_page_size(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Page Size: {}", snapshot.layout().page_size)
}

/// Everything there is to tell.
struct Facts<'s> {
    snapshot: &'s Snapshot,
    file: &'s Path,
    free: FreeList,
    holders: Vec<Holder>,
}

/// What the state says about free pages.
enum FreeList {
    NotStored,
    Stored { first: PageId, pages: usize, free: usize },
    Unreadable(Error),
}

impl<'s> Facts<'s> {
    fn of(snapshot: &'s Snapshot, file: &'s Path) -> Result<Self, Failure> {
        let free = match (read_freelist(snapshot.pages()), snapshot.meta().freelist) {
            (Ok(Some(list)), Some(first)) => FreeList::Stored { first, pages: list.own_run().count(), free: list.ids().len() },
            (Ok(_), _) => FreeList::NotStored,
            (Err(e), _) if e.is_corrupt() => FreeList::Unreadable(e),
            (Err(e), _) => return Err(Failure::of(file, e)),
        };
        Ok(Facts { snapshot, file, free, holders: lock_holders(file) })
    }

    fn is_current(&self, slot: &MetaSlot) -> bool {
        let metas = self.snapshot.metas();
        let current = metas.slots.iter().find(|slot| slot.meta.ok().is_some_and(|meta| metas.current() == Some(meta)));
        current.is_some_and(|current| current.page == slot.page)
    }

    fn is_provable(&self, meta: &Meta) -> bool {
        self.snapshot.metas().is_provable(meta)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write_page_size(self.snapshot, out)?;
        let pages = self.snapshot.pages();
        writeln!(out, "File Size: {} ({} pages)", self.snapshot.size(), pages.stored())?;
        writeln!(out, "Byte Order: {}-endian", byte_order(self.snapshot.layout().endian))?;
        for slot in &self.snapshot.metas().slots {
            write!(out, "Meta {}: ", slot.page)?;
            match slot.meta {
                Ok(meta) => self.write_meta(slot, &meta, out)?,
                Err(refusal) => writeln!(out, "refused: {refusal}")?,
            }
        }
        match &self.free {
            FreeList::NotStored => writeln!(out, "Freelist: none is stored")?,
            FreeList::Stored { first, pages, free } => {
                let of = if *pages == 1 { format!("page {first}") } else { format!("page {first} and {} more", pages - 1) };
                writeln!(out, "Freelist: {free} free pages, listed on {of}")?;
            }
            FreeList::Unreadable(e) => writeln!(out, "Freelist: cannot be read: {e}")?,
        }
        match self.holders.as_slice() {
            // Holders in another process namespace are in no table that this process can see.
            [] => writeln!(out, "Lock: no holder known"),
            holders => {
                let holders: Vec<String> = holders.iter().map(holder_text).collect();
                writeln!(out, "Lock: held by {}", holders.join(", "))
            }
        }
    }

    fn write_meta(&self, slot: &MetaSlot, meta: &Meta, out: &mut dyn Write) -> io::Result<()> {
        let freelist = meta.freelist.map_or("none".to_owned(), |page| page.to_string());
        let current = if self.is_current(slot) { ", current" } else { "" };
        writeln!(
            out,
            "transaction {}, root {}, freelist {freelist}, high-water mark {}{current}",
            meta.txid, meta.root, meta.high_water
        )
    }

    fn object(&self) -> Value {
        let layout = self.snapshot.layout();
        json!({
            "schema": 1,
            "file": self.file.to_string_lossy(),
            "size": self.snapshot.size(),
            "page_size": layout.page_size.get(),
            "byte_order": byte_order(layout.endian),
            "pages": self.snapshot.pages().stored(),
            "metas": self.snapshot.metas().slots.iter().map(|slot| self.meta_object(slot)).collect::<Value>(),
            "freelist": match &self.free {
                FreeList::NotStored => Value::Null,
                FreeList::Stored { first, pages, free } => json!({ "page": first.0, "pages": pages, "free": free }),
                FreeList::Unreadable(e) => json!({ "error": e.to_string() }),
            },
            "holders": self.holders.iter().map(holder_object).collect::<Value>(),
        })
    }

    fn meta_object(&self, slot: &MetaSlot) -> Value {
        match slot.meta {
            Ok(meta) => json!({
                "page": slot.page.0,
                "valid": true,
                "current": self.is_current(slot),
                "provable": self.is_provable(&meta),
                "txid": meta.txid.0,
                "root": meta.root.0,
                "freelist": meta.freelist.map(|page| page.0),
                "high_water": meta.high_water.0,
                "checksum": format!("{:016x}", meta.encode().stored_checksum(meta.endian)),
            }),
            Err(refusal) => json!({ "page": slot.page.0, "valid": false, "refused": refusal.to_string() }),
        }
    }
}

fn byte_order(endian: Endian) -> &'static str {
    match endian {
        Endian::Little => "little",
        Endian::Big => "big",
    }
}

fn holder_text(holder: &Holder) -> String {
    format!("{holder}, {}", if holder.exclusive { "exclusive" } else { "shared" })
}

fn holder_object(holder: &Holder) -> Value {
    json!({ "pid": holder.pid, "command": holder.command, "exclusive": holder.exclusive })
}
