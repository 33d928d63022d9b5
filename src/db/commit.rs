//! The commit, step by step.
//!
//! 1. Merge and cut the edited nodes, and give each its new place. Nothing is written yet.
//! 2. Give the list of free pages its place.
//! 3. Extend the file, and sync its length. Where a crash has left a part of a meta, remove that first.
//! 4. Write all pages in page order, neighbours together.
//! 5. Sync. From here on the new state is on the disk, and nothing leads to it.
//! 6. Write one meta page: this is the moment at which the transaction counts.
//! 7. Sync, and let readers begin with the new state.
//!
//! Up to step 5 a failure leaves the old state as it was. Where the disk was merely full the database goes on; after
//! any other failure nothing is known about what a later sync would make durable, so it is not written to again.
//! From step 6 on it is not known which of the two states the disk has.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

use super::gather::Gather;
use super::generation::Generation;
use super::list::List;
use super::options::FreelistMode;
use super::shared::{Shared, lock};
use super::stats::WriteStats;
use super::writer::{Claim, Writer};
use crate::error::{Error, Result};
use crate::format::{Layout, META_SIZE, Meta, MetaPair, MetaSlot, PageId, encode_blank_meta, encode_meta, freelist_bytes};
use crate::storage::{Disk, Medium, Storage, write_all_at};
use crate::tree::{Edit, Pages, Run, Spilled, verify};

/// Memory for staged pages that is kept from one commit to the next. It has room for a value of some megabytes: asked for
/// anew by each commit, it costs as much as all else that is done with values of a megabyte before they are written.
const KEPT: usize = 4 << 20;

/// What is to be on the disk before the new meta is.
struct Prepared {
    meta: Meta,
    page: PageId,
    spilled: Spilled,
    list: Option<List>,
}

/// Commits the changes of a transaction and makes the new state the current one.
pub(super) fn commit(shared: &Shared, writer: &mut Writer, edit: &mut Edit, mode: FreelistMode) -> Result<()> {
    shared.trust.test()?;
    let doubt = shared.trust.doubt();
    let committed = run(shared, writer, edit, mode);
    doubt.end();
    committed
}

fn run(shared: &Shared, writer: &mut Writer, edit: &mut Edit, mode: FreelistMode) -> Result<()> {
    let start = Instant::now();
    let before = shared.current();
    let mut stats = WriteStats::default();
    let mut claim = Claim::new(writer, &before.meta);
    let prepared = prepare(&mut claim, edit, &before, mode)?;
    stats.spill_time = start.elapsed();
    let medium = write_pages(shared, &mut claim, edit, &before, &prepared, &mut stats)?;
    let (slot, raw) = (prepared.page, encode_meta(prepared.page, &prepared.meta, before.layout));
    if let Err(source) = write_meta(shared, claim.writer(), before.layout, slot, &raw, &mut stats) {
        shared.trust.lose();
        return Err(Error::CommitUnknown { source });
    }
    let mut metas: MetaPair = before.metas;
    metas.slots[slot.0 as usize] = MetaSlot::new(slot, &raw);
    shared.publish(Generation::new(medium, before.layout, metas, prepared.meta));
    claim.writer().list = prepared.list.as_ref().map(List::run);
    prepared.list.into_iter().for_each(|list| claim.writer().lists.keep(list));
    stats.pages_allocated = claim.keep(prepared.meta.txid, &prepared.spilled.freed);
    *lock(&shared.space) = Some(writer.space());
    stats.add_counts(edit.counts());
    stats.commits = 1;
    stats.write_time = start.elapsed() - stats.spill_time;
    lock(&shared.stats).add(&stats);
    Ok(())
}

fn prepare(claim: &mut Claim<'_>, edit: &mut Edit, before: &Generation, mode: FreelistMode) -> Result<Prepared> {
    edit.rebalance()?;
    let mut spilled = edit.spill(&mut |pages| claim.take(pages))?;
    claim.writer().allocator.none_free(&spilled.freed)?;
    spilled.freed.extend(claim.writer().list);
    let list = match mode {
        FreelistMode::EachCommit => Some(place_list(claim, &spilled.freed, before.layout)?),
        FreelistMode::OnClose | FreelistMode::Never => None,
    };
    let (txid, page) = before.next_meta()?;
    let freelist = list.as_ref().map(|list| list.run().first);
    let Spilled { root, root_sequence, .. } = spilled;
    let meta = Meta { root, root_sequence, freelist, high_water: claim.high_water, txid, ..before.meta };
    Ok(Prepared { meta, page, spilled, list })
}

/// The list is as long as it is before its own pages are taken, so it may have room to spare.
fn place_list(claim: &mut Claim<'_>, freed: &[Run], layout: Layout) -> Result<List> {
    let bytes = freelist_bytes(claim.writer().allocator.count(freed));
    let pages = bytes / layout.page_size.bytes() + 1;
    let run = Run { first: claim.take(pages)?, pages };
    let free = claim.writer().allocator.list(freed);
    Ok(claim.writer().lists.place(run, free, layout))
}

/// Steps 3 to 5. Gives back what readers of the new state read from.
fn write_pages(
    shared: &Shared,
    claim: &mut Claim<'_>,
    edit: &Edit,
    before: &Generation,
    prepared: &Prepared,
    stats: &mut WriteStats,
) -> Result<Arc<Medium>> {
    let disk = shared.volume.target()?;
    let high_water = prepared.meta.high_water;
    let rises = high_water > before.meta.high_water;
    let blanked = blank_torn_meta(shared, disk, claim.writer(), before, prepared.page, stats);
    blanked
        .and_then(|()| if rises { grow(shared, disk, claim.writer(), high_water, stats) } else { Ok(()) })
        .and_then(|()| write_dirty(shared, disk, claim.writer(), edit, prepared, before.layout, stats))
        .inspect_err(|error| {
            if leaves_doubt(error) {
                shared.trust.lose();
            }
        })?;
    let end = before.layout.run_bytes(high_water.0);
    claim.writer().growth.file = claim.writer().growth.file.max(end);
    if !claim.writer().options.no_sync {
        stats.syncs += 1;
        shared.trust.sync(|| disk.sync_data()).map_err(|source| shared.volume.error("sync", source))?;
    }
    let file = claim.writer().growth.file;
    let medium = match shared.volume.follows() && end <= before.medium.size() {
        true => Arc::clone(&before.medium),
        false => Arc::new(shared.volume.medium(file, before.layout)?),
    };
    if claim.writer().options.strict {
        verify(Pages::new(&*medium, before.layout, &prepared.meta)).inspect_err(|_| shared.trust.lose())?;
    }
    Ok(medium)
}

/// Makes zeros of what a crash has left of a meta, before anything is written that it could lead to.
///
/// The transaction that comes after a crash has the number of the one that was lost, and may well take the same pages.
/// If its own meta was torn too, what is left of both could be put together to the whole meta of the lost one, whose
/// pages are written over by then.
fn blank_torn_meta(
    shared: &Shared,
    disk: &dyn Disk,
    writer: &mut Writer,
    before: &Generation,
    page: PageId,
    stats: &mut WriteStats,
) -> Result<()> {
    let slot = before.metas.slots.iter().find(|slot| slot.page == page);
    if slot.is_none_or(|slot| slot.meta.is_ok() || slot.raw.is_none_or(|raw| raw.as_bytes() == &[0; META_SIZE])) {
        return Ok(());
    }
    let blank = encode_blank_meta(page, before.layout);
    write_all_at(disk, &blank, before.layout.offset(page)).map_err(|source| shared.volume.error("write", source))?;
    stats.writes += 1;
    stats.bytes_written += blank.len() as u64;
    if writer.options.no_sync {
        return Ok(());
    }
    stats.syncs += 1;
    shared.trust.sync(|| disk.sync_data()).map_err(|source| shared.volume.error("sync", source))
}

fn grow(shared: &Shared, disk: &dyn Disk, writer: &mut Writer, high_water: PageId, stats: &mut WriteStats) -> Result<()> {
    match writer.growth.target(high_water, &writer.options) {
        Some(target) if !writer.options.no_grow_sync => {
            disk.set_len(target).map_err(|source| shared.volume.error("extend", source))?;
            log::debug!("extended to {target} bytes");
            writer.growth.file = target;
            stats.syncs += 1;
            // A length that is not durable could come back shorter than the pages that a durable meta names.
            shared.trust.sync(|| disk.sync_all()).map_err(|source| shared.volume.error("sync", source))
        }
        _ => Ok(()),
    }
}

fn write_dirty(
    shared: &Shared,
    disk: &dyn Disk,
    writer: &mut Writer,
    edit: &Edit,
    prepared: &Prepared,
    layout: Layout,
    stats: &mut WriteStats,
) -> Result<()> {
    let trust = (!writer.options.no_sync).then_some(&shared.trust);
    let mut gather = Gather::new(disk, trust, std::mem::take(&mut writer.staged));
    let failed = |source| shared.volume.error("write", source);
    let mut list = prepared.list.as_ref();
    let runs = &prepared.spilled.dirty;
    for (at, dirty) in runs.iter().enumerate() {
        edit.prefetch(runs.get(at + 2), runs.get(at + 4));
        if let Some(list) = list.take_if(|list| list.run().first < dirty.run.first) {
            list.encode(layout, gather.add(list.part(layout)).map_err(failed)?)?;
        }
        let part = (layout.offset(dirty.run.first), layout.run_bytes(dirty.run.pages));
        edit.encode(dirty, gather.add(part).map_err(failed)?)?;
    }
    if let Some(list) = list {
        list.encode(layout, gather.add(list.part(layout)).map_err(failed)?)?;
    }
    let gathered = gather.end().map_err(failed)?;
    stats.writes += gathered.writes;
    stats.bytes_written += gathered.bytes;
    writer.staged = gathered.staged;
    writer.staged.shrink_to(KEPT);
    Ok(())
}

/// Steps 6 and 7.
fn write_meta(
    shared: &Shared,
    writer: &mut Writer,
    layout: Layout,
    page: PageId,
    raw: &[u8],
    stats: &mut WriteStats,
) -> io::Result<()> {
    let disk = shared.volume.target().map_err(io::Error::other)?;
    write_all_at(disk, raw, layout.offset(page))?;
    stats.writes += 1;
    stats.bytes_written += raw.len() as u64;
    if writer.options.no_sync {
        return Ok(());
    }
    stats.syncs += 1;
    shared.trust.sync(|| disk.sync_data())
}

/// Whether a write failed for another reason than that there was no room for it. Pages that cannot be made at all are
/// never written.
fn leaves_doubt(error: &Error) -> bool {
    let Error::Io { source, .. } = error else { return false };
    !matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
