//! Owns the names of Docker's networks by their ids, in both files that are compared.

use std::collections::HashMap;

use crate::Storage;
use crate::net::json::Document;
use crate::net::{Key, ROOT};
use crate::store::{DOCKER_BUCKET, records};
use crate::tree::Pages;

/// Networks beyond as many as this are shown by their ids.
const MOST: usize = 10_000;

/// Names by ids. Of a network that was renamed, it is the newer name.
pub struct Names(HashMap<String, String>);

impl Names {
    pub fn of<S: Storage>(before: Pages<'_, S>, after: Pages<'_, S>) -> Names {
        let mut names = HashMap::new();
        for state in [before, after] {
            names.extend(networks(state).unwrap_or_default());
        }
        Names(names)
    }

    pub fn get(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }
}

/// The networks of one file, as far as they can be read: what cannot is told where it is compared.
fn networks<S: Storage>(state: Pages<'_, S>) -> Option<HashMap<String, String>> {
    let bucket = state.root().ok()?.bucket(DOCKER_BUCKET.as_bytes()).ok()??;
    let pairs = records(&bucket, format!("{ROOT}network/").as_bytes());
    let named = pairs.filter_map(|pair| {
        let pair = pair.ok()?;
        let Ok(Key::Network(id)) = pair.key.parse() else { return None };
        let record = Document::parse(&pair.value).ok()?;
        let name = record.root().get("name")?.as_str()?.into_owned();
        Some((id, name))
    });
    Some(named.take(MOST).collect())
}
