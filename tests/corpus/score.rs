//! Holds what the history of a file shows against the answer key and against what is present.

use std::collections::HashMap;
use std::fmt;
use std::ops::AddAssign;

use unbolt::Error;
use unbolt::forensic::{Evidence, History, Item, ItemKind, RootLabel, RootOrigin, State, Wanted};

use super::answer::{Answer, Path};
use super::search::{Present, present};

/// What came of one file, or of many.
#[derive(Debug, Clone, Copy, Default)]
pub struct Score {
    pub files: usize,
    /// Pairs not in the current state that are present, each place counted.
    pub present: usize,
    /// Of those, found as a pair with its key and value.
    pub as_pairs: usize,
    /// Of those, found in bytes without a header.
    pub in_fragments: usize,
    /// Pairs that were shown and are not in the current state.
    pub shown: usize,
    /// Of those, with a bucket.
    pub with_bucket: usize,
    /// Of those, with the wrong one.
    pub wrong_bucket: usize,
    /// Of those shown, with mark U.
    pub marked: usize,
    /// Pairs that were never committed, each place counted, and those of them with mark U.
    pub uncommitted: usize,
    pub uncommitted_marked: usize,
    /// Different pairs not in the current state that are present.
    pub different: usize,
    /// Pairs of which only a part is what their writer wrote.
    pub torn: usize,
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Score) {
        self.files += other.files;
        self.present += other.present;
        self.as_pairs += other.as_pairs;
        self.in_fragments += other.in_fragments;
        self.shown += other.shown;
        self.with_bucket += other.with_bucket;
        self.wrong_bucket += other.wrong_bucket;
        self.marked += other.marked;
        self.uncommitted += other.uncommitted;
        self.uncommitted_marked += other.uncommitted_marked;
        self.different += other.different;
        self.torn += other.torn;
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: usize, whole: usize| if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 };
        write!(f, "{:5} files, {:7} present ({:6} different), ", self.files, self.present, self.different)?;
        let found = self.as_pairs + self.in_fragments;
        write!(f, "found {found:7} ({} in fragments), recall {:.4}; ", self.in_fragments, share(found, self.present) / 100.0)?;
        write!(f, "{:.1} % with bucket, {} of them wrong; ", share(self.with_bucket, self.shown), self.wrong_bucket)?;
        write!(f, "marked U {:.1} %", share(self.marked, self.shown))?;
        match self.uncommitted {
            0 => Ok(()),
            all => write!(f, "; uncommitted {all}, marked {}; torn {}", self.uncommitted_marked, self.torn),
        }
    }
}

/// Scores one file. What must never be is an error: something invented, a live pair called otherwise, a pair that is
/// present and not found, or one that was never committed and is not marked.
pub fn score(answer: &Answer) -> Result<Score, String> {
    score_as(answer, true)
}

/// The same where no mark can be asked for.
pub fn score_without_marks(answer: &Answer) -> Result<Score, String> {
    score_as(answer, false)
}

fn score_as(answer: &Answer, must_mark: bool) -> Result<Score, String> {
    let evidence = Evidence::from_bytes(answer.bytes.as_slice()).map_err(|e| e.to_string())?;
    let history = History::of(&evidence).map_err(|e| e.to_string())?;
    let mut items = Vec::new();
    history
        .each(&Wanted { live: false, copies: true }, &mut |item| {
            items.push(item.clone());
            Ok::<(), Error>(())
        })
        .map_err(|e| e.to_string())?;
    let judged = Judged { must_mark, ..Judged::new(answer, &history) };
    let mut score = Score { files: 1, ..Score::default() };
    for item in &items {
        judged.precise(item, &mut score).map_err(|what| format!("{}: {what}: {item:?}", answer.name))?;
    }
    judged.roots()?;
    judged.complete(&items, &mut score).map_err(|what| format!("{}: {what}", answer.name))?;
    Ok(score)
}

struct Judged<'a> {
    answer: &'a Answer,
    history: &'a History<'a>,
    /// Those written, by key and value.
    by_pair: HashMap<(&'a [u8], &'a [u8]), Vec<usize>>,
    must_mark: bool,
}

impl<'a> Judged<'a> {
    fn new(answer: &'a Answer, history: &'a History<'a>) -> Judged<'a> {
        let mut by_pair: HashMap<_, Vec<usize>> = HashMap::new();
        for (n, pair) in answer.written.iter().enumerate() {
            by_pair.entry((&pair.key[..], &pair.value[..])).or_default().push(n);
        }
        Judged { answer, history, by_pair, must_mark: true }
    }

    fn path(&self, item: &Item) -> Option<Path> {
        let path = item.path(self.history.census().names())?;
        Some(path.into_iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Whether what an item says is so.
    fn precise(&self, item: &Item, score: &mut Score) -> Result<(), String> {
        if item.state != State::Live && item.is_provable() {
            return Err("not in the current state and called provable".to_owned());
        }
        match item.kind {
            ItemKind::Pair => self.pair(item, score),
            ItemKind::Bucket => Ok(()),
            ItemKind::Fragment if item.key.is_empty() => Ok(()),
            ItemKind::Fragment => {
                let is_cut =
                    |pair: &super::answer::Written| pair.key[..] == item.key[..] && pair.value.starts_with(&item.value);
                match self.answer.is_torn || self.answer.written.iter().any(is_cut) {
                    true => Ok(()),
                    false => Err("a cut value that nobody wrote".to_owned()),
                }
            }
        }
    }

    fn pair(&self, item: &Item, score: &mut Score) -> Result<(), String> {
        let Some(written) = self.by_pair.get(&(&item.key[..], &item.value[..])) else { return self.torn(item, score) };
        let is_live = written.iter().any(|n| self.answer.is_live(*n));
        let path = self.path(item);
        if item.state == State::Live {
            return if is_live { Ok(()) } else { Err("called live and is not".to_owned()) };
        }
        score.shown += 1;
        score.marked += usize::from(item.uncommitted);
        if self.must_mark && written.iter().all(|n| !self.answer.written[*n].committed) && !item.uncommitted {
            return Err("never committed and not marked".to_owned());
        }
        let is_of = |path: &Path| written.iter().any(|n| self.answer.written[*n].path == *path);
        if let Some(path) = &path {
            score.with_bucket += 1;
            score.wrong_bucket += usize::from(!is_of(path));
            if !is_of(path) && !item.uncommitted {
                return Err("in the wrong bucket and not marked".to_owned());
            }
        }
        // In a bucket that was renamed since, it is live under the new name and is not under the old one.
        let is_live_there = match &path {
            Some(path) => self.answer.live.get(&(path.clone(), item.key.to_vec())).is_some_and(|n| written.contains(n)),
            None => is_live,
        };
        if is_live_there {
            return Err("live and not called so".to_owned());
        }
        self.state(item, path.as_ref())
    }

    /// A pair that nobody wrote, which is on a page that its writer did not come to the end of.
    fn torn(&self, item: &Item, score: &mut Score) -> Result<(), String> {
        score.torn += 1;
        match (self.answer.is_torn, item.uncommitted || !self.must_mark) {
            (false, _) => Err("nobody wrote it".to_owned()),
            (true, false) => Err("nobody committed it and it is not marked".to_owned()),
            (true, true) => Ok(()),
        }
    }

    /// Whether a pair that is not live is what its state says.
    fn state(&self, item: &Item, path: Option<&Path>) -> Result<(), String> {
        let keyed = |path: &Path| self.answer.live.contains_key(&(path.clone(), item.key.to_vec()));
        let anywhere = || self.answer.live.keys().any(|(_, key)| key[..] == item.key[..]);
        let has_key = path.map_or_else(anywhere, keyed);
        let is_so = match (item.state, path) {
            (State::Superseded, _) => has_key,
            (State::Deleted, Some(path)) => !has_key && self.answer.buckets.contains(path),
            (State::Deleted, None) => !has_key,
            (State::DroppedBucket, path) => path.is_some_and(|path| !self.answer.buckets.contains(path)),
            (State::Uncommitted | State::BeyondHwm, _) => item.uncommitted,
            _ => false,
        };
        if is_so { Ok(()) } else { Err("not in the state that it is said to be in".to_owned()) }
    }

    /// Whether everything that is present was found.
    fn complete(&self, items: &[Item], score: &mut Score) -> Result<(), String> {
        let pairs: HashMap<(u64, usize), &Item> = items
            .iter()
            .filter(|it| it.kind == ItemKind::Pair)
            .map(|it| ((it.key_offset, it.key.len() + it.value.len()), it))
            .collect();
        let fragments: Vec<&Item> = items.iter().filter(|it| it.kind == ItemKind::Fragment).collect();
        let mut different = std::collections::HashSet::new();
        let all = present(&self.answer.bytes, &self.answer.written);
        for Present { written, offset } in all {
            let pair = &self.answer.written[written];
            let len = pair.key.len() + pair.value.len();
            let (start, end) = (offset as u64, (offset + len) as u64);
            let covers = |it: &&&Item| it.key_offset <= start && end <= it.value_offset + it.value.len() as u64;
            let as_pair = pairs.get(&(start, len)).copied();
            let found = as_pair.or_else(|| fragments.iter().find(covers).copied());
            let Some(found) = found else {
                match self.answer.is_torn {
                    true => continue,
                    false => return Err(format!("{pair:?} at {offset} is present and not found")),
                }
            };
            if self.answer.is_live(written)
                || self.by_pair[&(&pair.key[..], &pair.value[..])].iter().any(|n| self.answer.is_live(*n))
            {
                continue;
            }
            different.insert(written);
            score.present += 1;
            match as_pair {
                Some(_) => score.as_pairs += 1,
                None => score.in_fragments += 1,
            }
            if !pair.committed {
                score.uncommitted += 1;
                score.uncommitted_marked += usize::from(found.uncommitted);
                if self.must_mark && !found.uncommitted {
                    return Err(format!("{pair:?} at {offset} was never committed and is not marked"));
                }
            }
        }
        score.different = different.len();
        Ok(())
    }

    /// No tree is called exact that is not.
    fn roots(&self) -> Result<(), String> {
        for root in self.history.generations().roots() {
            let is_state = self.answer.previous == self.answer.live;
            let is_exact = root.label == RootLabel::Exact;
            if is_exact && !(is_state && matches!(root.origin, RootOrigin::Meta(..))) {
                return Err(format!("{}: called exact: {root:?}", self.answer.name));
            }
        }
        Ok(())
    }
}

/// The pairs of the current state, each with the end of the run that it lies on.
pub fn live_on_pages(bytes: &[u8]) -> Vec<(usize, Vec<u8>, Vec<u8>)> {
    let evidence = Evidence::from_bytes(bytes).unwrap();
    let page_size = evidence.layout().page_size.get() as usize;
    let mut pairs = Vec::new();
    let history = History::of(&evidence).unwrap();
    history
        .live(&mut |item| {
            if item.kind == ItemKind::Pair {
                let end = (item.run.0.0 + item.run.1) as usize * page_size;
                pairs.push((end, item.key.to_vec(), item.value.to_vec()));
            }
            Ok::<(), Error>(())
        })
        .unwrap();
    pairs
}

/// Shows everything that is shown of a file.
pub fn items_of(bytes: &[u8], mut show: impl FnMut(&Item)) {
    let evidence = Evidence::from_bytes(bytes).unwrap();
    let history = History::of(&evidence).unwrap();
    let all = Wanted { live: true, copies: true };
    history
        .each(&all, &mut |item| {
            show(item);
            Ok::<(), Error>(())
        })
        .unwrap();
}

/// Every pair that is shown of a file, whatever it is to the current state.
pub fn pairs_of(bytes: &[u8]) -> std::collections::HashSet<(Vec<u8>, Vec<u8>)> {
    let mut pairs = std::collections::HashSet::new();
    items_of(bytes, |item| {
        if item.kind == ItemKind::Pair {
            pairs.insert((item.key.to_vec(), item.value.to_vec()));
        }
    });
    pairs
}
