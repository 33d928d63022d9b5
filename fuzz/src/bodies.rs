//! What the fuzz targets do with their input, as plain functions that the crate's own tests run too.
#![allow(dead_code, reason = "each target calls one of them")]

use std::path::Path;
use std::sync::LazyLock;

use clap::Parser;
use unbolt::check::check_snapshot;
use unbolt::cli::{Cli, Context, Status};
use unbolt::forensic::{Evidence, History, Wanted, audit};
use unbolt::format::{
    BranchElement, BucketHeader, BucketRoot, Bytes, Endian, Layout, Leaf, LeafElement, Page, PageHeader, PageId, PageKind,
    PageSize, RawMeta, encode_branch, encode_freelist, encode_inline, encode_leaf, encode_meta,
};
use unbolt::net::doctor::Doctor;
use unbolt::net::{Draft, ROOT};
use unbolt::store::KvPair;
use unbolt::tree::{BucketAt, Entry, Place, Visitor, bucket_stats, reach, read_freelist, verify, walk};
use unbolt::{Corruption, Error, Snapshot, Storage, TxSelector};

/// Parses the input as a page run, as a bucket's value and as a meta page, and encodes what was parsed.
///
/// The first byte chooses page size and byte order; the id and the overflow are made to fit, so that the input
/// gets past the door.
pub fn format(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let endian = if choice & 1 == 0 { Endian::Little } else { Endian::Big };
    let Some(page_size) = PageSize::new(512 << (choice >> 1 & 3)) else { return };
    let layout = Layout { page_size, endian };
    bucket(data, endian);
    meta(data, layout);
    let Some(header) = PageHeader::read(data, endian) else { return };
    let pages = data.len().div_ceil(page_size.get() as usize);
    let mut run = data.to_vec();
    run.resize(pages * page_size.get() as usize, 0);
    run[..16].copy_from_slice(&PageHeader { overflow: pages as u32 - 1, ..header }.encode(endian));
    if let Ok(page) = Page::parse(&run[..], header.id, layout) {
        reencodes(page, layout);
    }
}

/// What was parsed as a page and can be read whole, encodes to a page that reads the same.
fn reencodes(page: Page<&[u8]>, layout: Layout) {
    let id = page.id();
    match page.kind() {
        PageKind::Leaf => {
            let leaf = page.into_leaf().expect("its kind says so");
            let Some(elements) = leaf_elements(&leaf) else { return };
            // Elements may share bytes, and then take more room when each has its own.
            let Ok(run) = encode_leaf(id, &elements, layout) else { return };
            let again = Page::parse(&run[..], id, layout).expect("a page").into_leaf().expect("a leaf");
            assert_eq!(leaf_elements(&again), Some(elements));
        }
        PageKind::Branch => {
            let Ok(branch) = page.into_branch() else { return };
            assert!(branch.child_index(b"key").map_or(true, |i| i < branch.len()));
            let elements: Result<Vec<BranchElement<&[u8]>>, _> = (0..branch.len()).map(|i| branch.element(i)).collect();
            let Ok(elements) = elements else { return };
            let Ok(run) = encode_branch(id, &elements, layout) else { return };
            let again = Page::parse(&run[..], id, layout).expect("a page").into_branch().expect("a branch");
            assert!((0..again.len()).all(|i| again.element(i).as_ref() == Ok(&elements[i])));
        }
        PageKind::Freelist => {
            let pages = u64::from(page.overflow()) + 1;
            let Ok(list) = page.into_freelist() else { return };
            let ids: Vec<PageId> = list.ids().collect();
            let Ok(run) = encode_freelist(id, &ids, pages, layout) else { return };
            let again = Page::parse(&run[..], id, layout).expect("a page").into_freelist().expect("a freelist");
            assert!(again.ids().eq(ids));
        }
        PageKind::Meta => assert!(page.into_leaf().is_err()),
    }
}

/// All elements, if all can be read; each lies between the element headers and the end.
fn leaf_elements<'b>(leaf: &Leaf<&'b [u8]>) -> Option<Vec<LeafElement<&'b [u8]>>> {
    let run = *leaf.page().bytes();
    assert!(leaf.lower_bound(b"key").map_or(true, |(i, _)| i <= leaf.len()));
    let element = |i| {
        let element = leaf.element(i).ok()?;
        let span = leaf.span(i).expect("what can be read has a place");
        assert!(span.start >= 16 + 16 * leaf.len() && span.end <= run.len());
        assert_eq!([element.key, element.value].concat(), run[span]);
        Some(element)
    };
    (0..leaf.len()).map(element).collect()
}

fn bucket(value: &[u8], endian: Endian) {
    let Ok(BucketHeader { root: BucketRoot::Inline(page), .. }) = BucketHeader::parse(value, 0, PageId(9), 0, endian) else {
        return;
    };
    let leaf = page.into_leaf().expect("an inline page is a leaf");
    let Some(elements) = leaf_elements(&leaf) else { return };
    for element in &elements {
        bucket_one_level(element.value, endian);
    }
    let Ok(inline) = encode_inline(&elements, endian) else { return };
    let again = BucketHeader::parse(&[&value[..16], &inline[..]].concat()[..], 0, PageId(9), 0, endian).map(|_| ());
    assert_eq!(again, Ok(()));
}

fn bucket_one_level(value: &[u8], endian: Endian) {
    let _ = BucketHeader::parse(value, 0, PageId(9), 0, endian);
}

fn meta(data: &[u8], layout: Layout) {
    let mut page = data.to_vec();
    repair(&mut page, 0);
    let Some(raw) = RawMeta::on_page(&page) else { return };
    let Ok(meta) = raw.verify() else { return };
    let _ = (meta.validate(), meta.layout());
    let layout = Layout { endian: meta.endian, ..layout };
    assert_eq!(RawMeta::on_page(&encode_meta(PageId(0), &meta, layout)), Some(raw));
}

/// Makes the checksum of a meta at this offset right, in whichever byte order it is.
fn repair(file: &mut [u8], page: usize) {
    let Some(raw) = file.get(page..).and_then(RawMeta::on_page) else { return };
    let sum = raw.checksum();
    let big = file[page + 16..page + 20] == unbolt::format::MAGIC.to_be_bytes();
    file[page + 72..page + 80].copy_from_slice(&if big { sum.to_be_bytes() } else { sum.to_le_bytes() });
}

/// Opens the input as a file, the checksums of its metas made right, and reads it in every way.
pub fn open(data: &[u8]) {
    let mut file = data.to_vec();
    repair(&mut file, 0);
    // The second meta lies where the first one says; where that is no meta, at any power of two.
    let said = file.get(24..28).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    for page in [said, said.swap_bytes(), 512, 1024, 4096] {
        repair(&mut file, page as usize);
    }
    examine(&file);
    let Ok(snapshot) = Snapshot::from_bytes(file.clone()) else { return };
    read(&snapshot);
    export(&file);
    if let Ok(older) = Snapshot::from_bytes(file).and_then(|snapshot| snapshot.at(TxSelector::Previous)) {
        read(&older);
    }
}

/// Looks for everything that the file holds: what is found lies where it says, and every byte is of one class.
fn examine(file: &[u8]) {
    let Ok(evidence) = Evidence::from_bytes(file) else { return };
    let Ok(history) = History::of(&evidence) else { return };
    assert_eq!(history.census().account().total(), file.len() as u64);
    let all = Wanted { live: true, copies: true };
    let shown = history.each(&all, &mut |item| {
        for (bytes, offset) in [(&item.key, item.key_offset), (&item.value, item.value_offset)] {
            let there = usize::try_from(offset).ok().and_then(|at| file.get(at..)).unwrap_or_default();
            assert!(there.starts_with(bytes), "{item:?}");
        }
        Ok::<(), Error>(())
    });
    shown.expect("memory can be read");
    audit(&history, &mut drop).expect("memory can be read");
}

/// Exports the file, as text to nowhere.
fn export(file: &[u8]) {
    static EXPORT: LazyLock<Cli> = LazyLock::new(|| Cli::parse_from(["unbolt", "export", "fuzz.db"]));
    let open = |_: &Path| Snapshot::from_bytes(file);
    let (mut out, mut err) = (std::io::sink(), Vec::new());
    let mut context = Context {
        open: &open,
        open_evidence: &|_, assumed| Evidence::from_bytes_as(file, assumed),
        open_to_write: &|_, _| Err(Error::ReadOnly),
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        color: false,
        progress: false,
    };
    let status = EXPORT.run(&mut context);
    assert!(matches!(status, Status::Done | Status::No | Status::Corrupt), "{status:?}");
    assert!(status != Status::Corrupt || !err.is_empty());
}

/// Page runs asked for may be so many per look at the file.
fn budget(snapshot: &Snapshot) -> u64 {
    8 * (snapshot.size() / snapshot.layout().page_size.bytes()) + 1000
}

fn read(snapshot: &Snapshot) {
    let pages = snapshot.pages();
    let mut before = 0;
    let mut spent = |what: &str| {
        let now = snapshot.runs_read();
        assert!(now - before <= budget(snapshot), "{what} read {} runs", now - before);
        before = now;
    };
    let sound = verify(pages).is_ok();
    spent("verify");
    let summary =
        check_snapshot(snapshot, &mut |finding| assert!(!finding.to_string().is_empty())).expect("memory can be read");
    assert!(sound || !summary.is_sound(), "verify fails where check finds nothing");
    spent("check");
    let problems = reach(pages).expect("memory can be read").problems;
    assert!(!sound || problems.is_empty());
    spent("reach");
    let _ = read_freelist(pages);
    spent("the freelist");
    let mut everything = Everything { bytes: 0 };
    let _ = walk(pages, &mut everything);
    assert!(everything.bytes <= 2 * snapshot.size(), "more was read than there is");
    spent("a walk");
    let Ok(root) = snapshot.root() else { return };
    let _ = bucket_stats(&root);
    spent("statistics");
    let mut open = vec![root];
    for _ in 0..8 {
        let Some(bucket) = open.pop() else { break };
        let forward: Result<Vec<_>, _> = bucket.iter().collect();
        spent("a scan");
        let back: Result<Vec<_>, _> = bucket.iter().rev().collect();
        spent("a scan back");
        let Ok(forward) = forward else { continue };
        assert!(back.is_ok_and(|back| back.iter().rev().map(|(key, _)| key).eq(forward.iter().map(|(key, _)| key))));
        if let Some((key, _)) = forward.get(forward.len() / 2) {
            let _ = (bucket.get(key), bucket.cursor().seek(key), bucket.prefix(key).next_back());
        }
        open.extend(forward.into_iter().filter_map(|(_, entry)| match entry {
            Entry::Bucket(nested) => Some(nested),
            Entry::Value(_) => None,
        }));
        spent("look-ups");
    }
}

/// Counts the bytes of what a walk shows.
struct Everything {
    bytes: u64,
}

impl<B: Bytes> Visitor<B> for Everything {
    type Stop = Corruption;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), Corruption> {
        self.bytes += bucket.name.len() as u64;
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, _: &Place<'_, B>) -> Result<(), Corruption> {
        self.bytes += (key.len() + value.len()) as u64;
        Ok(())
    }
}

/// The kinds of records that the input is read as, one after the other.
const RECORDS: [&str; 9] = [
    "network/n/",
    "endpoint/n/e/",
    "endpoint_count/n/",
    "sandbox/s/",
    "bridge/n/",
    "bridge-endpoint/e/",
    "ipvlan/network/n/",
    "ipam/default/data/L/10.0.0.0/8/",
    "ipam/default/config/L/",
];

/// Reads the input as values of Docker's records, parted by zero bytes; looks at them with several versions in mind, and
/// mends what can be mended.
pub fn net(data: &[u8]) {
    let pair = |(key, value): (&str, &[u8])| Ok(KvPair { key: format!("{ROOT}{key}"), value: value.into(), last_index: 1 });
    for version in ["1.10", "20.10", "27.0", "29.0"] {
        let mut draft = Draft::read(RECORDS.into_iter().zip(data.split(|byte| *byte == 0)).map(pair)).expect("in memory");
        let fixed = Doctor::new().target(version.parse().expect("a version")).fix(&mut draft, |_| true);
        assert!(fixed.left.iter().all(|finding| finding.mends.is_empty()), "{fixed:?}");
    }
}
