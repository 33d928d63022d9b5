//! Cursors and iterators against a sorted map, over trees of every legal shape.

mod support;

use std::collections::BTreeMap;
use std::ops::Bound;

use quickcheck::{Arbitrary, Gen, QuickCheck};
use support::image::Image;
use unbolt::format::{Endian, LeafElement, PageId, encode_bucket, encode_inline};
use unbolt::tree::{Bucket, Cursor, Entry, Pair, verify};
use unbolt::{Error, Snapshot};

const CASES: u64 = 2000;

/// What a key of the twin leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kept {
    Value(Vec<u8>),
    /// A bucket, known by its sequence.
    Bucket(u64),
}

type Twin = BTreeMap<Vec<u8>, Kept>;

/// A sorted map, and how it is to be cut into a tree.
#[derive(Debug, Clone)]
struct Tree {
    twin: Twin,
    endian: Endian,
    shape: Vec<u8>,
}

/// A key that has much in common with others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key(Vec<u8>);

impl Arbitrary for Key {
    fn arbitrary(g: &mut Gen) -> Key {
        let len = 1 + usize::arbitrary(g) % 5;
        Key((0..len).map(|_| *g.choose(b"\x00\x01aab\xFE\xFF").expect("some to choose from")).collect())
    }
}

impl Arbitrary for Tree {
    fn arbitrary(g: &mut Gen) -> Tree {
        let keys: Vec<Key> = Arbitrary::arbitrary(g);
        let kept = |g: &mut Gen| match u8::arbitrary(g) % 8 {
            0 => Kept::Bucket(u64::arbitrary(g)),
            // Now and then a run of several pages.
            1 => Kept::Value(vec![u8::arbitrary(g); usize::arbitrary(g) % 1500]),
            _ => Kept::Value(vec![u8::arbitrary(g); usize::arbitrary(g) % 20]),
        };
        let twin = keys.into_iter().map(|Key(key)| (key, kept(g))).collect();
        let endian = *g.choose(&[Endian::Little, Endian::Big]).expect("two to choose from");
        Tree { twin, endian, shape: (0..64).map(|_| u8::arbitrary(g)).collect() }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Tree>> {
        let fewer = |from: &Tree, key: &Vec<u8>| {
            let mut fewer = from.clone();
            fewer.twin.remove(key);
            fewer
        };
        let tree = self.clone();
        let mut plain = self.clone();
        plain.shape = vec![1];
        let plain = (self.shape != plain.shape).then_some(plain);
        Box::new(plain.into_iter().chain(self.twin.clone().into_keys().map(move |key| fewer(&tree, &key))))
    }
}

/// A page of the tree and the separators that may lead to it: none is below `lowest` or above `highest`.
struct Node {
    lowest: Vec<u8>,
    highest: Vec<u8>,
    page: PageId,
}

/// Cuts a sorted map into leaves and branches.
struct Builder {
    image: Image,
    shape: std::iter::Cycle<std::vec::IntoIter<u8>>,
    nodes: Vec<Node>,
    /// No separator may be as low as this any more.
    floor: Vec<u8>,
}

impl Builder {
    fn choose(&mut self, below: usize) -> usize {
        usize::from(self.shape.next().unwrap_or(0)) % below
    }

    /// Empty leaves that come before `next`, as far as there are separators for them.
    fn empty_leaves(&mut self, next: Option<&[u8]>) {
        while self.choose(4) == 0 {
            let separator = [&self.floor[..], &[0]].concat();
            if next.is_some_and(|next| next <= &separator[..]) {
                break;
            }
            let page = self.image.leaf(&[]);
            self.nodes.push(Node { lowest: separator.clone(), highest: separator.clone(), page });
            self.floor = separator;
        }
    }

    fn leaf(&mut self, entries: &[(&Vec<u8>, &Kept)]) {
        let inline = |sequence: u64, endian| {
            let page = encode_inline(&[LeafElement { flags: 0, key: b"in", value: b"side" }], endian).unwrap();
            [&encode_bucket(PageId(0), sequence, endian)[..], &page].concat()
        };
        let endian = self.image.layout.endian;
        let values: Vec<_> = entries
            .iter()
            .map(|(_, kept)| match kept {
                Kept::Value(value) => (0, value.clone()),
                Kept::Bucket(sequence) => (1, inline(*sequence, endian)),
            })
            .collect();
        let elements: Vec<_> =
            entries.iter().zip(&values).map(|((key, _), (flags, value))| (*flags, &key[..], &value[..])).collect();
        let page = self.image.leaf(&elements);
        let lowest = if self.nodes.is_empty() { Vec::new() } else { [&self.floor[..], &[0]].concat() };
        self.nodes.push(Node { lowest, highest: entries[0].0.clone(), page });
        self.floor = entries[entries.len() - 1].0.clone();
    }

    fn branches(&mut self) {
        let below = std::mem::take(&mut self.nodes);
        let mut below = below.into_iter().peekable();
        while below.peek().is_some() {
            // One child alone is legal; half of the time, so that this comes to an end.
            let width = 1 + self.choose(2) * (1 + self.choose(5));
            let children: Vec<_> = below.by_ref().take(width).collect();
            let separators: Vec<_> = children
                .iter()
                .map(|node| if self.choose(2) == 0 { node.lowest.clone() } else { node.highest.clone() })
                .collect();
            let elements: Vec<_> = separators.iter().zip(&children).map(|(key, node)| (&key[..], node.page)).collect();
            let page = self.image.branch(&elements);
            let first = children.into_iter().next().expect("one child or more");
            self.nodes.push(Node { page, ..first });
        }
    }
}

impl Tree {
    fn build(&self) -> Vec<u8> {
        let mut builder = Builder {
            image: Image::new(512, self.endian),
            shape: self.shape.clone().into_iter().cycle(),
            nodes: Vec::new(),
            floor: Vec::new(),
        };
        let entries: Vec<_> = self.twin.iter().collect();
        let mut rest = &entries[..];
        while !rest.is_empty() {
            builder.empty_leaves(rest.first().map(|(key, _)| &key[..]));
            let (leaf, after) = rest.split_at((1 + builder.choose(6)).min(rest.len()));
            builder.leaf(leaf);
            rest = after;
        }
        builder.empty_leaves(None);
        if builder.nodes.is_empty() {
            let page = builder.image.leaf(&[]);
            builder.nodes.push(Node { lowest: Vec::new(), highest: Vec::new(), page });
        }
        while builder.nodes.len() > 1 {
            builder.branches();
        }
        let root = builder.nodes[0].page;
        builder.image.finish(root, None)
    }

    fn snapshot(&self) -> Snapshot {
        let snapshot = Snapshot::from_bytes(self.build()).expect("a sound file");
        verify(snapshot.pages()).expect("a sound tree");
        snapshot
    }
}

type Found = Option<(Vec<u8>, Kept)>;

fn found(pair: Result<Option<Pair<'_, Snapshot>>, Error>) -> Found {
    pair.expect("a sound tree").map(|(key, entry)| (key.to_vec(), kept(entry)))
}

fn kept(entry: Entry<'_, Snapshot>) -> Kept {
    match entry {
        Entry::Value(value) => Kept::Value(value.to_vec()),
        Entry::Bucket(bucket) => {
            assert_eq!(bucket.get(b"in").expect("a sound bucket").as_deref(), Some(&b"side"[..]));
            Kept::Bucket(bucket.sequence())
        }
    }
}

fn owned(entry: Option<(&Vec<u8>, &Kept)>) -> Found {
    entry.map(|(key, kept)| (key.clone(), kept.clone()))
}

#[derive(Debug, Clone)]
enum Move {
    First,
    Last,
    Seek(Vec<u8>),
    Next,
    Prev,
}

impl Arbitrary for Move {
    fn arbitrary(g: &mut Gen) -> Move {
        match u8::arbitrary(g) % 32 {
            0 => Move::First,
            1 => Move::Last,
            2 => Move::Seek(vec![0xFF; 6]),
            3 => Move::Seek(Vec::new()),
            4..10 => Move::Seek(Key::arbitrary(g).0),
            10..21 => Move::Next,
            _ => Move::Prev,
        }
    }
}

/// Where a cursor over the twin is.
#[derive(Debug, Clone)]
enum At {
    Nowhere,
    Key(Vec<u8>),
    PastEnd,
}

/// Moves the twin's cursor as the documentation of `Cursor` has it.
fn moved(twin: &Twin, at: &mut At, step: &Move) -> Found {
    let target = match (step, &*at) {
        (Move::First, _) => owned(twin.first_key_value()),
        (Move::Last, _) | (Move::Prev, At::PastEnd) => owned(twin.last_key_value()),
        (Move::Seek(key), _) => owned(twin.range(key.clone()..).next()),
        (Move::Next, At::Key(key)) => owned(twin.range::<Vec<u8>, _>((Bound::Excluded(key), Bound::Unbounded)).next()),
        (Move::Prev, At::Key(key)) => owned(twin.range(..key.clone()).next_back()),
        (Move::Next, _) | (Move::Prev, At::Nowhere) => None,
    };
    match (&target, step) {
        (Some((key, _)), _) => *at = At::Key(key.clone()),
        (None, Move::Seek(_)) => *at = At::PastEnd,
        (None, _) => {}
    }
    target
}

#[test]
fn a_cursor_moves_as_over_a_sorted_map() {
    fn holds(tree: Tree, moves: Vec<Move>) -> bool {
        let snapshot = tree.snapshot();
        let mut cursor: Cursor<'_, Snapshot> = snapshot.root().expect("a root").cursor();
        let mut at = At::Nowhere;
        moves.iter().all(|step| {
            let result = match step {
                Move::First => cursor.first(),
                Move::Last => cursor.last(),
                Move::Seek(key) => cursor.seek(key),
                Move::Next => cursor.next(),
                Move::Prev => cursor.prev(),
            };
            let expected = moved(&tree.twin, &mut at, step);
            let stands_on = match &at {
                At::Key(key) => owned(tree.twin.get_key_value(key)),
                _ => None,
            };
            let key = cursor.key().expect("a sound tree").map(<[u8]>::to_vec);
            found(result) == expected
                && key == stands_on.as_ref().map(|(key, _)| key.clone())
                && found(cursor.current()) == stands_on
        })
    }
    QuickCheck::new().tests(CASES).quickcheck(holds as fn(Tree, Vec<Move>) -> bool);
}

#[test]
fn a_look_up_finds_what_is_there_and_nothing_else() {
    fn holds(tree: Tree, others: Vec<Key>) -> bool {
        let snapshot = tree.snapshot();
        let root = snapshot.root().expect("a root");
        tree.twin.keys().cloned().chain(others.into_iter().map(|Key(key)| key)).all(|key| {
            let expected = tree.twin.get(&key);
            let value = match expected {
                Some(Kept::Value(value)) => Some(value.clone()),
                _ => None,
            };
            let sequence = root.bucket(&key).expect("a sound tree").map(|bucket| Kept::Bucket(bucket.sequence()));
            root.entry(&key).expect("a sound tree").map(kept) == expected.cloned()
                && root.get(&key).expect("a sound tree").map(|value| value.to_vec()) == value
                && sequence.as_ref() == expected.filter(|kept| matches!(kept, Kept::Bucket(_)))
        })
    }
    QuickCheck::new().tests(CASES).quickcheck(holds as fn(Tree, Vec<Key>) -> bool);
}

/// Which entries an iterator is to give.
#[derive(Debug, Clone)]
enum Wanted {
    All,
    Range(Bound<Vec<u8>>, Bound<Vec<u8>>),
    Prefix(Vec<u8>),
}

impl Arbitrary for Wanted {
    fn arbitrary(g: &mut Gen) -> Wanted {
        let bound = |g: &mut Gen| {
            let key = if u8::arbitrary(g) < 25 { Vec::new() } else { Key::arbitrary(g).0 };
            match u8::arbitrary(g) % 3 {
                0 => Bound::Unbounded,
                1 => Bound::Included(key),
                _ => Bound::Excluded(key),
            }
        };
        match u8::arbitrary(g) % 6 {
            0 => Wanted::All,
            1 => Wanted::Prefix(Vec::new()),
            2 => Wanted::Prefix(vec![0xFF; 1 + usize::arbitrary(g) % 2]),
            3 => Wanted::Prefix(Key::arbitrary(g).0.into_iter().take(2).collect()),
            _ => Wanted::Range(bound(g), bound(g)),
        }
    }
}

impl Wanted {
    fn of_twin(&self, twin: &Twin) -> Vec<(Vec<u8>, Kept)> {
        let wanted = |key: &Vec<u8>| match self {
            Wanted::All => true,
            Wanted::Prefix(prefix) => key.starts_with(prefix),
            Wanted::Range(start, end) => std::ops::RangeBounds::contains(&(start.as_ref(), end.as_ref()), key),
        };
        twin.iter().filter(|(key, _)| wanted(key)).map(|(key, kept)| (key.clone(), kept.clone())).collect()
    }

    fn of_bucket<'s>(&self, bucket: &Bucket<'s, Snapshot>) -> unbolt::tree::Iter<'s, Snapshot> {
        match self {
            Wanted::All => bucket.iter(),
            Wanted::Prefix(prefix) => bucket.prefix(prefix),
            Wanted::Range(start, end) => {
                let (start, end) = (start.as_ref().map(|key| &key[..]), end.as_ref().map(|key| &key[..]));
                bucket.range((start, end))
            }
        }
    }
}

#[test]
fn an_iterator_gives_the_entries_of_a_sorted_map_from_both_ends() {
    fn holds(tree: Tree, wanted: Wanted, ends: Vec<bool>) -> bool {
        let snapshot = tree.snapshot();
        let mut entries = wanted.of_bucket(&snapshot.root().expect("a root"));
        let mut expected = wanted.of_twin(&tree.twin).into_iter();
        let mut ends = if ends.is_empty() { vec![true] } else { ends }.into_iter().cycle();
        let mut after_the_end = 0;
        while after_the_end < 4 {
            let (found_next, expected_next) = match ends.next() {
                Some(true) => (entries.next(), expected.next()),
                _ => (entries.next_back(), expected.next_back()),
            };
            if found(found_next.transpose()) != expected_next {
                return false;
            }
            after_the_end += u8::from(expected_next.is_none());
        }
        true
    }
    QuickCheck::new().tests(2 * CASES).quickcheck(holds as fn(Tree, Wanted, Vec<bool>) -> bool);
}

#[test]
fn the_trees_that_are_tested_are_of_many_shapes() {
    let mut g = Gen::new(100);
    let (mut deepest, mut empty_leaves, mut inexact, mut runs) = (0, 0, 0, 0);
    for _ in 0..200 {
        let tree = Tree::arbitrary(&mut g);
        let snapshot = tree.snapshot();
        let stats = unbolt::tree::bucket_stats(&snapshot.root().unwrap()).unwrap();
        deepest = deepest.max(stats.depth);
        runs += stats.leaf_overflow;
        for page in 2..snapshot.meta().high_water.0 {
            let Ok(page) = snapshot.page(PageId(page)) else { continue };
            empty_leaves += u64::from(page.count() == 0);
            if let Ok(branch) = page.into_branch() {
                inexact += (0..branch.len()).filter(|i| !tree.twin.contains_key(branch.key(*i).unwrap())).count();
            }
        }
    }
    assert!(deepest >= 6 && empty_leaves > 100 && inexact > 100 && runs > 100, "{deepest} {empty_leaves} {inexact} {runs}");
}
