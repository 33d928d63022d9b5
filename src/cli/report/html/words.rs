//! Owns the words that explain the names in a report to whoever reads it.

/// What a class of bytes is, in a few words, and what stands in a cell of its pages.
pub fn class(name: &str) -> (&'static str, &'static str) {
    match name {
        "meta" => ("the two pages that name the state of the file", "meta"),
        "live-branch" => ("current state: where keys are looked up", "branch"),
        "live-leaf" => ("current state: keys and values", "leaf"),
        "live-overflow" => ("current state: further pages of a long branch or leaf", "more"),
        "freelist" => ("the current list of free pages", "free list"),
        "damaged" => ("the current state leads here, and it cannot be read", "damaged"),
        "stale-branch" => ("not in use, still a branch", "stale branch"),
        "stale-leaf" => ("not in use, still with keys and values: where deleted data is", "stale leaf"),
        "stale-freelist" => ("not in use, still a list of free pages", "stale list"),
        "stale-overflow" => ("not in use, further pages of one of these", "stale more"),
        "free-zero" => ("not in use, nothing but zeros", "zeros"),
        "orphan" => ("not in use, bytes without a header that tells what they are", "orphan"),
        "beyond-hwm" => ("behind the high-water mark, where the current state never was", "beyond"),
        "slack" => ("unused room on all of these pages", "slack"),
        "tail" => ("the end of the file, shorter than a page", "tail"),
        _ => ("", ""),
    }
}

/// What it means that an item is of a state.
pub fn state(name: &str) -> &'static str {
    match name {
        "live" => "The current state has this very pair.",
        "superseded" => "The current state has another value under this key.",
        "deleted" => "The current state does not have this key.",
        "dropped-bucket" => "The current state does not have the bucket any more.",
        "uncommitted" => "Part of a whole state that was written after the current one and that no meta names.",
        "orphan-fragment" => "Bytes without a header: nothing tells where a key ends and a value begins.",
        "slack" => "Bytes that are not zero where a page has nothing. Bolt writes zeros there.",
        "beyond-hwm" => "Behind the high-water mark, where no committed state since then had anything.",
        "unjudged" => "There is no current state to hold it against, or what of that cannot be read may have it.",
        _ => "",
    }
}

/// What is said of items beside their state where they carry the mark U.
pub const OR_UNCOMMITTED: &str =
    "They may be of a transaction that never committed: whether they are older than the current state is not known.";

/// The grades and marks, each with what it says.
pub const GRADES: [(&str, &str); 6] = [
    ("A", "in a state that a valid meta names and that could be read whole"),
    ("B", "on a whole page with its own number, its keys in order"),
    ("C", "on what is left of a page, or on one that breaks a rule"),
    ("D", "bytes without a header"),
    ("U", "fits a writer that was stopped before it committed: whether it is older than the current state is not known"),
    ("X", "on a page that trees name for different buckets"),
];

/// What no report of a Bolt file can tell.
pub const LIMITS: [&str; 4] = [
    "Bolt keeps no time and no transaction number in its pages. Order and times are given only where a value itself tells \
     them, with their source.",
    "That anything outside of the current state was ever committed is not provable: what a transaction wrote that did not \
     commit looks like what an earlier one wrote. What fits a writer that was stopped has the mark U; what has no mark is \
     older, provided that no write was lost on its way to the disk and that pages were chosen as Bolt does by default, with \
     no reader beside the writer.",
    "Pages have no checksum. A value that was changed inside a sound page cannot be told from one that was written so.",
    "A page that is used again is gone, and so is what was deleted on it. That nothing was found does not mean that nothing \
     was there.",
];
