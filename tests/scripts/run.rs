//! stub
use std::ops::Range;
use std::path::Path;
use super::script::Script;
use super::seen::{Seen, Shape};

fn peer() -> super::peer::Peer { super::peer::Peer::start(&crate::go::program("script").unwrap()) }

pub fn whole(script: &Script, path: &Path, seen: &mut Seen) -> Result<Vec<String>, String> {
    let mut p = peer();
    p.load(script)?;
    let mut shape = Shape::default();
    let mut all = vec![];
    if std::env::var("STEP").is_ok() {
        for n in 0..script.transactions.len() {
            all.extend(p.run(script.engine, n..n + 1, path)?);
            seen.look(&mut shape, &unbolt::Snapshot::open(path).unwrap()).unwrap();
        }
        let _ = std::fs::remove_file(path);
        all.clear();
    }
    all.extend(p.run(script.engine, 0..script.transactions.len(), path)?);
    Ok(all)
}

pub fn round(script: &Script, round: Range<usize>, path: &Path) -> Result<Vec<String>, String> {
    let mut p = peer();
    p.load(script)?;
    p.run(script.engine, round, path)
}
