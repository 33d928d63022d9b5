//! The digest of `interop/internal/digest`: a hash of a file's content that does not depend on order.

use sha2::{Digest, Sha256};
use unbolt::tree::{Bucket, Entry};
use unbolt::{Result, Storage};

/// The digest of everything in a root bucket but one of its buckets.
pub fn digest<S: Storage>(root: &Bucket<'_, S>, except: Option<&[u8]>) -> Result<u64> {
    let mut sum = 0;
    add_entries(root, &[], except, &mut sum)?;
    Ok(sum)
}

fn add_entries<S: Storage>(bucket: &Bucket<'_, S>, path: &[u8], except: Option<&[u8]>, sum: &mut u64) -> Result<()> {
    for pair in bucket.iter() {
        match pair? {
            (key, Entry::Value(value)) => add_term(sum, 0, path, &[&key, &value]),
            (name, Entry::Bucket(_)) if except == Some(&*name) => {}
            (name, Entry::Bucket(child)) => {
                let path = [path, &(name.len() as u32).to_le_bytes(), &name].concat();
                add_term(sum, 1, &path, &[&child.sequence().to_le_bytes()]);
                add_entries(&child, &path, None, sum)?;
            }
        }
    }
    Ok(())
}

fn add_term(sum: &mut u64, kind: u8, path: &[u8], strings: &[&[u8]]) {
    let mut hash = Sha256::new();
    hash.update([kind]);
    hash.update(path);
    for string in strings {
        hash.update((string.len() as u32).to_le_bytes());
        hash.update(string);
    }
    let first: [u8; 8] = hash.finalize()[..8].try_into().expect("a hash has more than eight bytes");
    *sum = sum.wrapping_add(u64::from_le_bytes(first));
}
