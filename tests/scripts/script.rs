//! Scripts of transactions and their text form, which `interop/README.md` describes.

use std::fmt;

use super::bytes::Recipe;

/// The first line of every script.
const FORM: &str = "unbolt-script 1";

/// Transactions, and how the database is opened for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    pub engine: Engine,
    /// Go and this crate take turns, from one `reopen` to the next.
    pub turns: bool,
    pub page_size: u32,
    pub initial_map: u64,
    pub no_grow_sync: bool,
    pub no_freelist_sync: bool,
    pub transactions: Vec<Transaction>,
}

/// Whose file ours is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    Bbolt150,
    Bbolt131,
    Boltdb131,
}

impl Engine {
    pub const ALL: [Engine; 3] = [Engine::Bbolt150, Engine::Bbolt131, Engine::Boltdb131];

    pub fn name(self) -> &'static str {
        match self {
            Engine::Bbolt150 => "bbolt-1.5.0",
            Engine::Bbolt131 => "bbolt-1.3.1",
            Engine::Boltdb131 => "boltdb-1.3.1",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// The database is closed and opened before it.
    pub reopen: bool,
    pub operations: Vec<Operation>,
    pub commit: bool,
}

/// The names from the root bucket down; none for the root bucket itself.
pub type Path = Vec<Recipe>;

#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The bucket that it is about.
    pub path: Path,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Put(Recipe, Recipe),
    Delete(Recipe),
    /// Through a cursor, so many times the first key from this one on; it stops at a bucket.
    Erase(Recipe, u64),
    Create,
    Ensure,
    Drop,
    /// To another parent, under the same name.
    Move(Path),
    Sequence(u64),
    Next,
    Fill(f64),
}

impl Script {
    pub fn new(engine: Engine, page_size: u32) -> Script {
        Script {
            engine,
            turns: false,
            page_size,
            initial_map: 0,
            no_grow_sync: false,
            no_freelist_sync: false,
            transactions: Vec::new(),
        }
    }

    /// Appends a committed transaction.
    pub fn commit(mut self, operations: impl IntoIterator<Item = Operation>) -> Script {
        let operations = operations.into_iter().collect();
        self.transactions.push(Transaction { reopen: false, operations, commit: true });
        self
    }

    /// The ranges of transactions between which the database is opened anew.
    pub fn rounds(&self) -> Vec<std::ops::Range<usize>> {
        let count = self.transactions.len();
        let starts = (0..count).filter(|number| *number == 0 || self.transactions[*number].reopen);
        let starts: Vec<usize> = starts.chain([count]).collect();
        starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
    }

    pub fn parse(text: &str) -> Result<Script, String> {
        let mut lines = text.lines().enumerate();
        if lines.next().map(|(_, line)| line) != Some(FORM) {
            return Err(format!("line 1: expected `{FORM}`"));
        }
        let mut script = Script::new(Engine::Bbolt150, 0);
        let mut open: Option<Transaction> = None;
        let mut reopen = false;
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let words: Vec<&str> = line.split(' ').collect();
            let understood = match (&mut open, words[0]) {
                (None, "begin") => {
                    open = Some(Transaction { reopen: std::mem::take(&mut reopen), operations: Vec::new(), commit: false });
                    Some(())
                }
                (None, "reopen") => {
                    reopen = true;
                    Some(())
                }
                (None, _) => script.option(&words),
                (Some(_), end @ ("commit" | "rollback")) => {
                    script.transactions.extend(open.take().map(|open| Transaction { commit: end == "commit", ..open }));
                    Some(())
                }
                (Some(open), _) => Operation::parse(&words).map(|operation| open.operations.push(operation)),
            };
            understood.ok_or_else(|| format!("line {}: not understood: {line}", number + 1))?;
        }
        match open.is_some() || reopen {
            true => Err("the last transaction has no end".into()),
            false => Ok(script),
        }
    }

    fn option(&mut self, words: &[&str]) -> Option<()> {
        match *words {
            ["engine", name] => self.engine = *Engine::ALL.iter().find(|engine| engine.name() == name)?,
            ["turns"] => self.turns = true,
            ["page-size", bytes] => self.page_size = bytes.parse().ok()?,
            ["initial-map", bytes] => self.initial_map = bytes.parse().ok()?,
            ["no-grow-sync"] => self.no_grow_sync = true,
            ["no-freelist-sync"] => self.no_freelist_sync = true,
            _ => return None,
        }
        Some(())
    }
}

impl Operation {
    fn parse(words: &[&str]) -> Option<Operation> {
        let (path, action) = match *words {
            ["put", path, key, value] => (path, Action::Put(Recipe::parse(key)?, Recipe::parse(value)?)),
            ["delete", path, key] => (path, Action::Delete(Recipe::parse(key)?)),
            ["erase", path, from, count] => (path, Action::Erase(Recipe::parse(from)?, count.parse().ok()?)),
            ["create", path] => (path, Action::Create),
            ["ensure", path] => (path, Action::Ensure),
            ["drop", path] => (path, Action::Drop),
            ["move", path, to] => (path, Action::Move(parse_path(to)?)),
            ["sequence", path, to] => (path, Action::Sequence(to.parse().ok()?)),
            ["next", path] => (path, Action::Next),
            ["fill", path, percent] => (path, Action::Fill(percent.parse().ok()?)),
            _ => return None,
        };
        Some(Operation { path: parse_path(path)?, action })
    }
}

fn parse_path(word: &str) -> Option<Path> {
    if word == "." {
        return Some(Vec::new());
    }
    word.split('/').map(Recipe::parse).collect()
}

/// A path as a script writes it.
pub struct PathText<'p>(pub &'p [Recipe]);

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (level, name) in self.0.iter().enumerate() {
            let slash = if level > 0 { "/" } else { "" };
            write!(f, "{slash}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FORM}\nengine {}\npage-size {}", self.engine.name(), self.page_size)?;
        let options = [(self.turns, "turns"), (self.no_grow_sync, "no-grow-sync"), (self.no_freelist_sync, "no-freelist-sync")];
        options.iter().filter(|(set, _)| *set).try_for_each(|(_, name)| writeln!(f, "{name}"))?;
        if self.initial_map > 0 {
            writeln!(f, "initial-map {}", self.initial_map)?;
        }
        for transaction in &self.transactions {
            f.write_str(if transaction.reopen { "reopen\nbegin\n" } else { "begin\n" })?;
            transaction.operations.iter().try_for_each(|operation| writeln!(f, "{operation}"))?;
            f.write_str(if transaction.commit { "commit\n" } else { "rollback\n" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = PathText(&self.path);
        match &self.action {
            Action::Put(key, value) => write!(f, "put {path} {key} {value}"),
            Action::Delete(key) => write!(f, "delete {path} {key}"),
            Action::Erase(from, count) => write!(f, "erase {path} {from} {count}"),
            Action::Create => write!(f, "create {path}"),
            Action::Ensure => write!(f, "ensure {path}"),
            Action::Drop => write!(f, "drop {path}"),
            Action::Move(to) => write!(f, "move {path} {}", PathText(to)),
            Action::Sequence(to) => write!(f, "sequence {path} {to}"),
            Action::Next => write!(f, "next {path}"),
            Action::Fill(percent) => write!(f, "fill {path} {percent}"),
        }
    }
}
