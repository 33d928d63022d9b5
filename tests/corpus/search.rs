//! Finds by a search of raw bytes which pairs are present outside of the pages in use.
//!
//! It knows a Bolt file by itself, with nothing of the crate that is tested, and trusts its input: sound files of the
//! answer keys. A pair is present where its key stands before its value, all bytes of both on pages that the current
//! state does not use. Values tell which they are: `<<` and sixteen digits, `>>`.

use std::collections::HashMap;

use super::answer::Written;

/// A pair that is present: its position among those written, and the offset of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    pub written: usize,
    pub offset: usize,
}

/// All places outside of the pages in use where a pair is.
pub fn present(bytes: &[u8], written: &[Written]) -> Vec<Present> {
    let (page_size, live) = live_pages(bytes);
    // Under one number there is one value, and where its bucket was renamed more than one pair.
    let mut by_number: HashMap<usize, Vec<usize>> = HashMap::new();
    for (n, pair) in written.iter().enumerate() {
        by_number.entry(number_at(&pair.value, 0).unwrap()).or_default().push(n);
    }
    let mut found = Vec::new();
    for at in 2..bytes.len().saturating_sub(19) {
        let Some(named) = number_at(bytes, at).and_then(|number| by_number.get(&number)) else { continue };
        for n in named.iter().copied() {
            let pair = &written[n];
            let Some(offset) = at.checked_sub(pair.key.len()) else { continue };
            let end = at + pair.value.len();
            let is_here = bytes.get(offset..at) == Some(&pair.key[..]) && bytes.get(at..end) == Some(&pair.value[..]);
            let pages = offset / page_size..=(end - 1) / page_size;
            if is_here && pages.clone().all(|page| !live.get(page).copied().unwrap_or(false)) {
                found.push(Present { written: n, offset });
            }
        }
    }
    found
}

/// The number of the value that begins here.
fn number_at(bytes: &[u8], at: usize) -> Option<usize> {
    let text = bytes.get(at..at + 20)?;
    if !text.starts_with(b"<<") || !text.ends_with(b">>") {
        return None;
    }
    usize::from_str_radix(std::str::from_utf8(&text[2..18]).ok()?, 16).ok()
}

/// The size of a page, and which pages the current state uses.
fn live_pages(bytes: &[u8]) -> (usize, Vec<bool>) {
    let page_size = u32_at(bytes, 24);
    let txid = |page: usize| u64_at(bytes, page * page_size + 64);
    let current = if txid(1) > txid(0) { page_size } else { 0 };
    let (root, list) = (u64_at(bytes, current + 32), u64_at(bytes, current + 48));
    let mut live = vec![false; bytes.len() / page_size];
    live[0] = true;
    live[1] = true;
    let mut open = vec![root];
    if list != u64::MAX as usize {
        take(bytes, list, page_size, &mut live);
    }
    while let Some(page) = open.pop() {
        take(bytes, page, page_size, &mut live);
        let at = page * page_size;
        let (flags, count) = (u16_at(bytes, at + 8), u16_at(bytes, at + 10));
        for element in (0..count).map(|i| at + 16 + 16 * i) {
            if flags == 1 {
                open.push(u64_at(bytes, element + 8));
            } else if u32_at(bytes, element) & 1 == 1 {
                let value = element + u32_at(bytes, element + 4) + u32_at(bytes, element + 8);
                let root = u64_at(bytes, value);
                if root != 0 {
                    open.push(root);
                }
            }
        }
    }
    (page_size, live)
}

fn take(bytes: &[u8], page: usize, page_size: usize, live: &mut [bool]) {
    let overflow = u32_at(bytes, page * page_size + 12);
    live[page..=page + overflow].fill(true);
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()))
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn u64_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}
