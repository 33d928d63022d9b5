//! Owns `carve`: Bolt files and pages in the image of a disk, listed, and taken out of it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::bytes::hex;
use super::context::Context;
use super::failure::Failure;
use super::json;
use super::listing::Listing;
use super::naming::count;
use super::number;
use super::output;
use super::progress::{Counted, Course, Progress};
use super::status::Status;
use super::table::Table;
use crate::forensic::{Carved, ExtractError, FoundMeta, Hit, HitKind, Image, carve};
use crate::format::Endian;

/// The list of what was taken out, beside it.
const MANIFEST: &str = "manifest.jsonl";

/// Find Bolt files and pages in the image of a disk, and take them out of it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The image may be anything: a disk, a partition, a device, a file of another kind. At \
each multiple of 512 bytes a file may begin, in either byte order. A `file` has at least one meta; its \
length is that which its newest verified meta says, or goes to its last page where that is more. `pages` \
are pages of one file without its metas: they are known by their own numbers, which are their places in \
the file. A `page` is a single one. A file in several pieces is found as one of each: MAY BELONG TO names \
the files that pages can be a part of.

TREE tells whether all that a file's newest meta leads to is there and sound. What is not may have been \
overwritten, or lie in another piece; `unbolt recover` takes what is left, also from pages alone.

With -o each is written to a file of its own, its pages at their places, what is missing before them a \
hole; manifest.jsonl there has what --format json prints, sha256 being that of the bytes that were taken, \
image_sha256 that of the image. The image is only read, and in the end hashed again; where it changed \
meanwhile, the exit status is 3. --no-hash leaves both to length and time of change.

The exit status is 1 where nothing was found.

Examples:
  unbolt carve disk.img
  unbolt carve /dev/sdb1 -o found --format json")]
pub struct Args {
    /// The image; - is standard input, which can only be listed
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,
    /// Write what is found into this directory, which is made where there is none
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Begin at this byte of the image, a multiple of 512
    #[arg(long, value_name = "OFFSET", value_parser = number::sector, default_value_t = 0, hide_default_value = true)]
    pub from: u64,
    /// As a table, or one JSON object per file
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    /// Replace files of the same names in DIR
    #[arg(long)]
    pub force: bool,
    /// Read the image once only, without its hash before and after
    #[arg(long)]
    pub no_hash: bool,
}

/// What is known of a hit once it was looked at more closely.
struct Found {
    hit: Hit,
    /// What is wrong with its tree; nothing can be told of pages alone.
    tree: Option<Result<(), String>>,
    /// The file that it was written to, and the hash of the bytes that were taken.
    taken: Option<(String, String)>,
    image_sha256: Option<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let is_stream = args.image == Path::new("-");
    if is_stream && (args.output.is_some() || args.from > 0) {
        return Err(Failure::usage("standard input is read once: -o and --from need an image that can be read again"));
    }
    if let Some(folder) = &args.output {
        // Before an hour is spent on reading.
        output::refuse_unsafe(&folder.join(MANIFEST), &args.image, args.force)?;
    }
    let image = if is_stream { None } else { Some(open(args)?) };
    let (Carved { hits, left_out, bytes, .. }, image) = scan(args, image, context)?;
    let mut found: Vec<Found> =
        hits.into_iter().map(|hit| Found { hit, tree: None, taken: None, image_sha256: None }).collect();
    let image_sha256 = image.as_ref().and_then(Image::sha256).map(|sum| sum.to_string());
    if let Some(image) = &image {
        for found in found.iter_mut().filter(|found| found.hit.meta().is_some()) {
            let file = image.file().try_clone().map_err(|e| unreadable(args, &e))?;
            let tree = found.hit.verify(file, &args.image, bytes);
            found.tree = Some(tree.map_err(|e| e.to_string()));
        }
    }
    found.iter_mut().for_each(|found| found.image_sha256.clone_from(&image_sha256));
    if let (Some(folder), Some(image)) = (&args.output, &image) {
        take_all(args, image, folder, &mut found, bytes.saturating_sub(args.from), context)?;
    }
    match args.format {
        Listing::Table if !found.is_empty() => table(&found).write(context.out)?,
        Listing::Table => {}
        Listing::Json => found.iter().try_for_each(|found| json::write_line(context.out, &object(found)))?,
    }
    if left_out > 0 {
        let more = count(left_out, "more file or page");
        let _ =
            writeln!(context.err, "unbolt: {}: {more} than can be listed at once; --from begins later", args.image.display());
    }
    if !image.is_none_or(|image| image.is_unchanged().is_ok_and(|is| is)) {
        return Err(Failure::at(Status::Io, &args.image, "changed while it was looked at: what was found is of no one moment"));
    }
    match found.is_empty() {
        true => Err(Failure::at(Status::No, &args.image, format_args!("no Bolt file and no page of one in {bytes} bytes"))),
        false => Ok(Status::Done),
    }
}

/// Reads it all, an image or standard input.
fn scan(args: &Args, image: Option<Image>, context: &mut Context<'_>) -> Result<(Carved, Option<Image>), Failure> {
    let counted = Arc::default();
    let course = |end| Course { what: args.image.display().to_string(), count: Arc::clone(&counted), end, unit: "bytes" };
    let end = length(&args.image).map(|len| len.saturating_sub(args.from));
    let _progress = Progress::follow(context.progress, || course(end));
    let failed = |e| unreadable(args, &e);
    match image {
        Some(mut image) => {
            let carved = carve(&mut Counted::new(&mut image, &counted), args.from).map_err(failed)?;
            Ok((carved, Some(image)))
        }
        None => Ok((carve(&mut Counted::new(&mut context.input, &counted), args.from).map_err(failed)?, None)),
    }
}

fn unreadable(args: &Args, e: &std::io::Error) -> Failure {
    Failure::at(Status::Io, &args.image, format_args!("cannot read: {e}"))
}

fn open(args: &Args) -> Result<Image, Failure> {
    if args.image.is_dir() {
        let failure = Failure::at(Status::Io, &args.image, "is a directory");
        return Err(failure.hint("`unbolt find` looks at the files in one"));
    }
    Image::open(&args.image, args.from, !args.no_hash).map_err(|e| Failure::of(&args.image, e))
}

/// How long a regular file is.
fn length(image: &Path) -> Option<u64> {
    fs::metadata(image).ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len())
}

/// Writes all that was found, and the manifest. Nothing is written where anything is there already.
fn take_all(
    args: &Args,
    image: &Image,
    folder: &Path,
    found: &mut [Found],
    room: u64,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| Failure::at(Status::Io, folder, format_args!("cannot create: {e}")))?;
    let manifest = folder.join(MANIFEST);
    let names = found.iter().map(|found| folder.join(name(&found.hit)));
    for path in names.chain([manifest.clone()]) {
        output::refuse_unsafe(&path, &args.image, args.force)?;
    }
    // Files do not lie over each other, but damage may say so again and again.
    let mut room = room.saturating_mul(2);
    for found in found.iter_mut() {
        let name = name(&found.hit);
        match room.checked_sub(found.hit.length()) {
            Some(left) => {
                room = left;
                let sha256 = take(args, image, &folder.join(&name), &found.hit)?;
                found.taken = Some((name, sha256));
            }
            None => {
                let _ = writeln!(context.err, "unbolt: {name}: not written: what was found has more bytes than the image");
            }
        }
    }
    let mut lines = Vec::new();
    found.iter().try_for_each(|found| json::write_line(&mut lines, &object(found)))?;
    let file = output::begin(&manifest, &args.image, args.force)?;
    file.file().write_all(&lines).map_err(|e| Failure::at(Status::Io, &manifest, format_args!("cannot write: {e}")))?;
    output::finish(file)
}

/// Names sort by the place in the image. Several files can have begun before it, all of which begin in it with its first
/// byte, and each of these says how much of it is missing.
fn name(hit: &Hit) -> String {
    let order = if hit.endian == Endian::Big { "-big-endian" } else { "" };
    let missing = match hit.kind {
        HitKind::File if hit.start > 0 => format!("-without-{:x}", hit.start),
        _ => String::new(),
    };
    format!("{:012x}-{}-{}{order}{missing}.db", hit.offset(), kind(hit), hit.page_size)
}

/// Writes what the image has of a file, and gives back its hash.
fn take(args: &Args, image: &Image, path: &Path, hit: &Hit) -> Result<String, Failure> {
    let output = output::begin(path, &args.image, args.force)?;
    let mut hash = Sha256::new();
    let copied = hit.extract(image.file(), output.file(), &mut |bytes| hash.update(bytes));
    copied.map_err(|e| match e {
        ExtractError::Image(e) => Failure::at(Status::Io, &args.image, format_args!("cannot read: {e}")),
        ExtractError::Copy(e) => Failure::at(Status::Io, path, format_args!("cannot write: {e}")),
    })?;
    output::finish(output)?;
    Ok(hex(&hash.finalize()))
}

fn table(found: &[Found]) -> Table {
    let mut table =
        Table::new(&["OFFSET", "KIND", "LENGTH", "PAGE SIZE", "BYTE ORDER", "TXID", "PAGES", "TREE", "MAY BELONG TO"]);
    for Found { hit, tree, .. } in found {
        let meta = hit.meta();
        table.row([
            hit.offset().to_string(),
            kind(hit).to_owned(),
            hit.length().to_string(),
            if hit.kind == HitKind::Page { "unknown".into() } else { hit.page_size.to_string() },
            order(hit).to_owned(),
            match (meta, hit.kind) {
                (Some(meta), _) => meta.txid.to_string(),
                (None, HitKind::File) => "unverified".into(),
                (None, _) => "-".into(),
            },
            hit.pages.to_string(),
            match tree {
                Some(Ok(())) => "sound",
                Some(Err(_)) => "damaged",
                None => "-",
            }
            .into(),
            match &hit.may_belong_to[..] {
                [] => "-".into(),
                owners => owners.iter().map(u64::to_string).collect::<Vec<_>>().join(","),
            },
        ]);
    }
    table
}

fn kind(hit: &Hit) -> &'static str {
    match hit.kind {
        HitKind::File => "file",
        HitKind::Pages => "pages",
        HitKind::Page => "page",
    }
}

fn order(hit: &Hit) -> &'static str {
    match hit.endian {
        Endian::Little => "little",
        Endian::Big => "big",
    }
}

fn object(Found { hit, tree, taken, image_sha256 }: &Found) -> Value {
    let (file, sha256) = taken.clone().unzip();
    json!({
        "schema": 1,
        "kind": kind(hit),
        "offset": hit.offset(),
        "length": hit.length(),
        // Where the first byte belongs in the file.
        "start": hit.start,
        "page_size": (hit.kind != HitKind::Page).then(|| hit.page_size.get()),
        "byte_order": order(hit),
        "pages": hit.pages,
        "metas": hit.metas.iter().flatten().map(meta).collect::<Vec<_>>(),
        "expected_length": hit.expected,
        "cut": hit.is_cut(),
        "tree": tree.as_ref().map(|tree| if tree.is_ok() { "sound" } else { "damaged" }),
        "problem": tree.as_ref().and_then(|tree| tree.as_ref().err()),
        "may_belong_to": hit.may_belong_to,
        "file": file,
        "sha256": sha256,
        "image_sha256": image_sha256,
    })
}

fn meta(found: &FoundMeta) -> Value {
    json!({
        "page": found.page.0,
        "txid": found.meta.txid.0,
        "high_water": found.meta.high_water.0,
        "verified": found.refusal.is_none(),
        "refused": found.refusal.map(|refusal| refusal.to_string()),
    })
}
