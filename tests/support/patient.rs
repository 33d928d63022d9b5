//! Where a file can be hurt, and all the damages that are done to it.

use std::collections::BTreeSet;

use unbolt::Snapshot;
use unbolt::format::Bytes;
use unbolt::tree::{Place, Visitor, walk};

use super::commands::Asked;
use super::image::Numbers;
use super::testdata::Database;

/// What each byte of a header is set to.
const VALUES: [u8; 4] = [0, 1, 0x7F, 0xFF];
/// One byte in so many is flipped outside of headers.
const STRIDE: usize = 17;
/// Where in a file its headers are.
#[derive(Debug)]
pub struct Map {
    /// The bytes of page headers, element headers and bucket headers, and of the metas and the freelist's first ids.
    pub headers: BTreeSet<usize>,
    pub page_size: usize,
    /// Some of the keys.
    pub keys: Vec<Vec<u8>>,
    /// What commands ask for.
    pub asked: Asked,
}

impl Map {
    pub fn of(bytes: &[u8]) -> Map {
        let snapshot = Snapshot::from_bytes(bytes).expect("a sound file");
        let page_size = snapshot.layout().page_size.get() as usize;
        let mut map = Map { headers: BTreeSet::new(), page_size, keys: Vec::new(), asked: Asked::default() };
        map.asked.root = snapshot.meta().root.0;
        let freelist = snapshot.meta().freelist.map_or(0, |page| page.0 as usize * page_size);
        map.headers.extend(freelist..freelist + 16 + 4 * 8);
        for meta in [0, page_size] {
            map.headers.extend(meta..meta + 80);
        }
        // Pages that are free are no longer part of a tree, but tools read them too.
        for page in (0..bytes.len()).step_by(page_size) {
            map.headers.extend(page..page + 16);
        }
        let Ok(()) = walk(snapshot.pages(), &mut Headers(&mut map)) else { panic!("a sound file") };
        let every = map.keys.len() / 6 + 1;
        map.keys = map.keys.iter().step_by(every).cloned().chain([Vec::new(), vec![0xFF; 40]]).collect();
        if map.asked.bucket.is_empty() {
            (map.asked.bucket, map.asked.key) = (vec![b"none".to_vec()], b"none".to_vec());
        }
        map
    }
}

/// Collects what a walk over a sound file comes to.
struct Headers<'m>(&'m mut Map);

impl<B: Bytes> Visitor<B> for Headers<'_> {
    type Stop = unbolt::Corruption;
    const VALUES: bool = true;

    fn page(&mut self, page: &unbolt::format::Page<B>, _: &Place<'_, B>) -> Result<(), Self::Stop> {
        let start = page.offset() as usize;
        self.0.headers.extend(start..start + 16 + 16 * usize::from(page.count()));
        if let Ok(leaf) = page.clone().into_leaf() {
            for i in (0..leaf.len()).filter(|i| leaf.is_bucket(*i) == Ok(true)) {
                let value = leaf.value_offset(i) as usize;
                self.0.headers.extend(value..value + 16);
            }
        }
        Ok(())
    }

    fn value(&mut self, key: &B, _: &B, place: &Place<'_, B>) -> Result<(), Self::Stop> {
        if self.0.asked.bucket.is_empty() {
            self.0.asked.bucket = place.buckets.iter().map(|name| name.to_vec()).collect();
            self.0.asked.key = key.to_vec();
        }
        self.0.keys.push(key.to_vec());
        Ok(())
    }
}

/// One damage to a file.
#[derive(Debug, Clone, Copy)]
pub enum Damage {
    /// A byte set to a value.
    Byte { at: usize, value: u8 },
    /// The same in the meta on a page, its checksum made right again.
    Meta { page: usize, at: usize, value: u8 },
    /// Only so many bytes are left.
    Cut { len: usize },
}

/// All damages that a file is to bear.
pub fn damages(sound: &[u8], map: &Map) -> Vec<Damage> {
    let mut all = Vec::new();
    let values = |at: usize| VALUES.into_iter().filter(move |value| *value != sound[at]);
    for end in (0..=sound.len()).step_by(map.page_size) {
        let beside = [end.checked_sub(1), Some(end), Some(end + 1)];
        all.extend(beside.into_iter().flatten().filter(|len| *len < sound.len()).map(|len| Damage::Cut { len }));
    }
    for page in [0, map.page_size] {
        for at in page + 16..page + 72 {
            all.extend(values(at).map(|value| Damage::Meta { page, at, value }));
        }
    }
    for at in map.headers.iter().copied() {
        all.extend(values(at).map(|value| Damage::Byte { at, value }));
    }
    let others = (0..sound.len()).step_by(STRIDE).filter(|at| !map.headers.contains(at));
    all.extend(others.map(|at| Damage::Byte { at, value: !sound[at] }));
    all
}

impl Damage {
    /// What is left of a sound file.
    pub fn done_to(self, sound: &[u8]) -> Vec<u8> {
        let mut image = sound.to_vec();
        match self {
            Damage::Cut { len } => image.truncate(len),
            Damage::Byte { at, value } => image[at] = value,
            Damage::Meta { page, at, value } => {
                image[at] = value;
                image.repair_meta(page);
            }
        }
        image
    }
}

/// A sound file, and what is to be done to it.
pub struct File {
    pub name: String,
    pub sound: Vec<u8>,
    pub map: Map,
    pub damages: Vec<Damage>,
}

impl File {
    pub fn of(database: &Database) -> File {
        let sound = database.bytes();
        let map = Map::of(&sound);
        let damages = damages(&sound, &map);
        File { name: database.name.clone(), sound, map, damages }
    }
}
