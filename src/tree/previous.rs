//! Whether an older state can still be read at all.
//!
//! The pages that an older meta leads to may have been freed and written again. A page that the newer state
//! uses for another bucket, or as another kind of page, was certainly written again, and so was one that no longer
//! parses. Nothing else can be told, so an older state that passes is readable and still not provable.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Pages;
use super::walk::{Place, Visitor, walk};
use crate::error::{Corruption, CorruptionKind, Result};
use crate::format::{Bytes, Page, PageId};
use crate::storage::Storage;

/// Tests that the whole of an older state can be walked and shares no page that the newer one uses otherwise.
pub fn verify_older<S: Storage>(older: Pages<'_, S>, newer: Pages<'_, S>) -> Result<()> {
    older.meta().validate()?;
    let before = roles(older)?;
    if let Some(problem) = before.problem {
        return Err(problem.into());
    }
    let now = roles(newer)?;
    let reused = before.of_page.iter().find(|(page, role)| now.of_page.get(page).is_some_and(|other| other != *role));
    match reused {
        Some((page, _)) => {
            Err(CorruptionKind::Tree { what: "belongs to the older state and was written again since" }.at(*page).into())
        }
        None => Ok(()),
    }
}

/// What each page of a state is used for, as a hash: its bucket, its kind and its place in the run.
#[derive(Default)]
struct Roles {
    of_page: HashMap<PageId, u64>,
    problem: Option<Corruption>,
}

fn roles<S: Storage>(pages: Pages<'_, S>) -> Result<Roles> {
    let mut roles = Roles::default();
    walk(pages, &mut roles)?;
    Ok(roles)
}

impl<B: Bytes> Visitor<B> for Roles {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        if place.inline {
            return Ok(());
        }
        let mut hasher = DefaultHasher::new();
        place.buckets.iter().for_each(|name| name[..].hash(&mut hasher));
        for n in 0..=u64::from(page.overflow()) {
            let mut role = hasher.clone();
            (n, page.kind()).hash(&mut role);
            self.of_page.insert(PageId(page.id().0.saturating_add(n)), role.finish());
        }
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Infallible> {
        self.problem.get_or_insert(corruption);
        Ok(())
    }
}
