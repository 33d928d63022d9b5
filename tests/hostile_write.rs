//! Whatever one byte of a database is, a transaction that writes to it ends, in an error or in a commit, within little
//! memory; and what it commits can be read again.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use support::alloc::{Counting, peak_of};
use support::damage::{inline, paged};
use support::image::{Image, Numbers};
use unbolt::format::{Endian, PageId};
use unbolt::{Bucket, Db, Entry, Error, MemoryDisk, Verify, WriteTx};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PAGE: usize = 1024;
/// The whole file a few times over: a copy for those who read after each commit, pages that are staged, nodes.
const MEMORY: usize = 2 << 20;
/// More pairs than there are.
const MANY: usize = 3000;

/// Buckets inline, on one page and on several, one inside of another, a long value, a list of free pages.
fn sound() -> Vec<u8> {
    let mut image = Image::new(PAGE as u32, Endian::Little);
    let list = image.freelist(&[PageId(3), PageId(4)]);
    image.leaf(&[]);
    image.leaf(&[]);
    let leaf = |image: &mut Image, first: &str| {
        let keys: Vec<_> = (0..6).map(|n| format!("{first}{n}")).collect();
        let pairs: Vec<_> = keys.iter().map(|key| (0, key.as_bytes(), &b"a value of some length"[..])).collect();
        image.leaf(&pairs)
    };
    let leaves = ["a", "b", "c"].map(|first| (format!("{first}0"), leaf(&mut image, first)));
    let children: Vec<_> = leaves.iter().map(|(key, page)| (key.as_bytes(), *page)).collect();
    let branch = paged(image.branch(&children));
    let long = vec![7; 2 * PAGE];
    let inner = paged(image.leaf(&[(0, b"k", b"v"), (0, b"long", &long)]));
    let outer = paged(image.leaf(&[(1, b"inner", &inner), (0, b"k", b"v")]));
    let small = inline(&[(0, b"one", b"1"), (0, b"two", b"2")]);
    let root = image.leaf(&[(1, b"outer", &outer), (1, b"small", &small), (1, b"tree", &branch), (0, b"z", b"plain")]);
    image.finish(root, Some(list))
}

type Change = fn(&mut WriteTx) -> Result<(), Error>;

const CHANGES: [Change; 9] = [
    |tx| tx.bucket_mut("tree")?.put("b35", "new"),
    |tx| {
        let mut tree = tx.bucket_mut("tree")?;
        for key in ["a0", "a1", "a2", "a3", "a4", "a5", "b0", "c5"] {
            tree.delete(key)?;
        }
        Ok(())
    },
    |tx| tx.bucket_mut("tree")?.retain(|key, _| key.last() == Some(&b'1')).map(drop),
    |tx| tx.bucket_mut_at(&["outer", "inner"])?.put("long", "short"),
    |tx| tx.bucket_mut("small")?.create_bucket("more")?.put("k", vec![1; PAGE]),
    |tx| tx.delete_bucket("outer"),
    |tx| tx.delete_bucket("tree"),
    |tx| tx.move_bucket(&["outer", "inner"], &["small"]),
    |tx| {
        let mut root = tx.root_mut();
        root.delete_range::<&[u8]>(..)?;
        root.next_sequence().map(drop)
    },
];

/// Goes through a bucket and those in it, from both ends, as far as makes sense.
fn read(bucket: &Bucket<'_>, deep: usize) -> Result<usize, Error> {
    let mut count = 0;
    for pair in bucket.iter().rev().take(MANY) {
        pair?;
    }
    for pair in bucket.iter().take(MANY) {
        count += 1;
        if let (_, Entry::Bucket(inner)) = pair?
            && deep < 8
        {
            count += read(&inner, deep + 1)?;
        }
    }
    Ok(count)
}

/// Everything that is done to one file.
fn bear(bytes: &[u8], verify: Verify) -> u64 {
    let mut committed = 0;
    for change in CHANGES {
        let disk = Arc::new(MemoryDisk::from(bytes.to_vec()));
        let Ok(db) = Db::options().verify(verify).open_disk(Arc::clone(&disk) as _) else { continue };
        // Twice: what the first one leaves is what the second begins with.
        for _ in 0..2 {
            let done = db.update(|tx| {
                change(tx)?;
                read(&tx.root(), 0).map(drop)
            });
            committed += u64::from(done.is_ok());
            assert!(!matches!(done, Err(Error::Poisoned | Error::CommitUnknown { .. })), "{done:?}");
        }
        let _ = db.normalize();
        let tx = db.begin_read().unwrap();
        let _ = read(&tx.root().unwrap(), 0);
        let again = Db::options().open_disk(Arc::new(MemoryDisk::from(disk.to_bytes())));
        assert!(again.is_ok() || committed == 0 || verify == Verify::Meta);
    }
    committed
}

fn must_bear(bytes: &[u8], what: &str) -> u64 {
    let (borne, peak) =
        peak_of(|| catch_unwind(AssertUnwindSafe(|| [Verify::Meta, Verify::Tree].map(|verify| bear(bytes, verify)))));
    assert!(peak <= MEMORY, "{what}: {peak} bytes");
    match borne {
        Ok(committed) => committed.iter().sum(),
        Err(_) => panic!("{what}"),
    }
}

#[test]
fn whatever_a_byte_is_a_transaction_that_writes_ends() {
    let sound = sound();
    let all = must_bear(&sound, "sound");
    assert!(all > CHANGES.len() as u64 * 2, "{all} commits of the sound one");
    let mut committed = 0;
    // Headers, elements and keys; of the long value only its beginning.
    let bytes = (2 * PAGE..sound.len()).filter(|at| at % PAGE < 700 && sound[at - at % PAGE..][..PAGE] != [7; PAGE]);
    for at in bytes {
        for value in [0, 0xFF, sound[at].wrapping_add(1)] {
            if value != sound[at] {
                let mut damaged = sound.clone();
                damaged[at] = value;
                committed += must_bear(&damaged, &format!("byte {at} is {value}"));
            }
        }
    }
    println!("{committed} commits");
    assert!(committed > 50_000);
}

#[test]
fn whatever_a_meta_says_a_transaction_that_writes_ends() {
    let sound = sound();
    for field in [32, 40, 48, 56, 64] {
        for value in (0..40).chain([1 << 31, 1 << 32, 1 << 40, 1 << 52, 1 << 62, u64::MAX - 2, u64::MAX - 1, u64::MAX]) {
            let mut damaged = sound.clone();
            damaged.set_u64(field, value);
            damaged.repair_meta(0);
            must_bear(&damaged, &format!("the number at {field} is {value}"));
        }
    }
}
