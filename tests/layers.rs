//! Layers: no module names one above it.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up. `check` and `db` stand side by side.
const LAYERS: [(&str, &[&str]); 10] = [
    ("error", &["format"]), // its variants carry the format's types
    ("format", &["error"]),
    ("storage", &["error", "format"]),
    ("tree", &["error", "format", "storage"]),
    ("db", &["error", "format", "storage", "tree"]),
    ("check", &["error", "format", "storage", "tree"]),
    ("store", &["error", "format", "storage", "tree", "db"]),
    ("net", &["store"]),
    ("forensic", &["error", "format", "storage", "tree", "check", "store", "net"]), // never `db`: it trusts no file
    ("cli", &["format", "tree", "check", "store", "net", "forensic"]),
];

#[test]
fn no_layer_names_one_above_it() {
    let mut arrows = 0;
    for (layer, below) in LAYERS {
        for file in files_of(layer) {
            let text = without_comments(&fs::read_to_string(&file).unwrap());
            for used in text.split("crate::").skip(1).flat_map(names) {
                arrows += 1;
                let allowed = used == layer || below.contains(&used.as_str()) || (layer == "cli" && is_public(&used));
                assert!(allowed, "{} names crate::{used}", file.display());
            }
        }
    }
    assert!(arrows > 60, "only {arrows} arrows found: is the search still right?");
}

#[test]
fn every_module_is_in_a_layer() {
    let known: Vec<&str> = LAYERS.iter().map(|(layer, _)| *layer).chain(["lib", "main"]).collect();
    for entry in fs::read_dir("src").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(known.contains(&name.as_str()), "{name} has no place in the layers");
    }
}

/// A link in a doc comment may point anywhere.
fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The command line uses only what every user of the library can use.
fn is_public(used: &str) -> bool {
    used.starts_with(char::is_uppercase) || used == "lock_holders"
}

/// The modules or items that the text behind a `crate::` begins with: one, or those in braces.
fn names(rest: &str) -> Vec<String> {
    let word = |part: &str| part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    match rest.strip_prefix('{') {
        Some(list) => {
            list.split('}').next().unwrap_or_default().split(',').map(word).filter(|w: &String| !w.is_empty()).collect()
        }
        None => vec![word(rest)],
    }
}

fn files_of(layer: &str) -> Vec<PathBuf> {
    let folder = Path::new("src").join(layer);
    match folder.is_dir() {
        true => files_below(&folder),
        false => Some(folder.with_extension("rs")).filter(|path| path.exists()).into_iter().collect(),
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}
