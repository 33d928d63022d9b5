//! Owns the pictures of a file: every page by what it is, and by whose it is.
//!
//! A small file has a cell for each page, with its number in it. A large one has a drawing of sixty-four cells to a row,
//! and a narrower one for narrow screens; a cell stands for as many pages as it takes to keep the drawing small.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::Value;

use super::super::{escape, text};
use super::number::{count, grouped};
use super::words;
use crate::cli::json;
use crate::forensic::report::{Cell, PageMap, page_spans};
use crate::forensic::{BucketNames, BucketRef, Class, History};

/// A file of at most so many pages has its numbers in the cells.
const SMALL: u64 = 256;
/// The cells of a drawing.
const MOST: u64 = 64 * 40;
/// The buckets that have a colour of their own.
const COLORS: usize = 8;
/// The length of a path in a legend.
const LONGEST: usize = 120;

/// Whose pages are in a picture: the buckets with the most pages first. Where there are too many buckets for colours,
/// those within one of the root bucket's have that one's.
pub struct Owners {
    ranks: HashMap<BucketRef, usize>,
    legend: Vec<Owned>,
    others: Owned,
    nobody: u64,
}

/// The pages of one colour.
#[derive(Default)]
struct Owned {
    name: String,
    buckets: u64,
    live: u64,
    old: u64,
}

impl Owned {
    fn add(&mut self, other: &Owned) {
        self.buckets += other.buckets;
        self.live += other.live;
        self.old += other.old;
    }
}

impl Owners {
    pub fn of(history: &History<'_>) -> Owners {
        let (mut pages, mut nobody) = (HashMap::<BucketRef, Owned>::new(), 0);
        for span in page_spans(history) {
            match span.owner {
                None => nobody += span.count,
                Some(owner) => {
                    let owned = pages.entry(owner).or_insert_with(|| Owned { buckets: 1, ..Owned::default() });
                    *(if is_live(span.class) { &mut owned.live } else { &mut owned.old }) += span.count;
                }
            }
        }
        let names = history.census().names();
        let is_each = pages.len() <= COLORS;
        let group = |bucket: BucketRef| if is_each { bucket } else { outermost(bucket, names) };
        let groups: HashMap<BucketRef, BucketRef> = pages.keys().map(|bucket| (*bucket, group(*bucket))).collect();
        let mut grouped = HashMap::<BucketRef, Owned>::new();
        for (bucket, owned) in &pages {
            grouped.entry(groups.get(bucket).copied().unwrap_or(*bucket)).or_default().add(owned);
        }
        let mut all: Vec<_> = grouped.into_iter().collect();
        all.sort_by_key(|(bucket, owned)| (std::cmp::Reverse(owned.live + owned.old), *bucket));
        let mut others = Owned::default();
        all.drain(all.len().min(COLORS)..).for_each(|(_, owned)| others.add(&owned));
        let rank_of = |group: &BucketRef| all.iter().position(|(bucket, _)| bucket == group);
        let ranks = groups.iter().filter_map(|(bucket, group)| Some((*bucket, rank_of(group)?))).collect();
        let legend = all.into_iter().map(|(bucket, owned)| Owned { name: name(bucket, names), ..owned }).collect();
        Owners { ranks, legend, others, nobody }
    }

    /// The colour of a bucket's pages, and what stands in their cells.
    fn color(&self, owner: Option<BucketRef>) -> (String, String) {
        match owner.map(|owner| self.ranks.get(&owner)) {
            None => ("bn".into(), "\u{b7}".into()),
            Some(None) => ("bx".into(), "other".into()),
            Some(Some(rank)) => (format!("b{rank}"), letter(*rank)),
        }
    }

    /// What the colours stand for.
    pub fn legend(&self, html: &mut String) {
        html.push_str("<ul class=\"legend\">");
        let pages = |owned: &Owned| match owned.old {
            0 => count(owned.live, "page"),
            old => format!("{}, {} more not in use", count(owned.live, "page"), grouped(old)),
        };
        for (rank, owned) in self.legend.iter().enumerate() {
            let (name, letter) = (escape::xml(&owned.name), letter(rank));
            let within = match owned.buckets {
                0 | 1 => String::new(),
                n => format!(" and {} in it", count(n - 1, "bucket")),
            };
            let (swatch, pages) = (swatch(&format!("b{rank}")), pages(owned));
            let _ = write!(html, "<li>{swatch}<b>{letter}</b> <code>{name}</code>{within}: {pages}</li>");
        }
        if self.others.buckets > 0 {
            let others = count(self.others.buckets, "other bucket");
            let _ = write!(html, "<li>{}{others}: {}</li>", swatch("bx"), pages(&self.others));
        }
        let _ = write!(html, "<li>{}of no bucket that is known: {}</li></ul>", swatch("bn"), count(self.nobody, "page"));
    }
}

/// The bucket in the root bucket that a bucket is, or lies in.
fn outermost(bucket: BucketRef, names: &BucketNames) -> BucketRef {
    let path = names.path(bucket);
    path.first().and_then(|name| names.child(BucketRef::ROOT, name)).unwrap_or(bucket)
}

fn letter(rank: usize) -> String {
    let letter = u8::try_from(rank).map_or('?', |rank| char::from(b'A'.saturating_add(rank)));
    letter.to_string()
}

fn name(bucket: BucketRef, names: &BucketNames) -> String {
    let path = text::path(&json::path(names.path(bucket))).unwrap_or_default();
    let path = if path == "/" { "/ (the root bucket)".to_owned() } else { path };
    match text::excerpt(&path, LONGEST) {
        (path, 0) => path.to_owned(),
        (path, _) => format!("{path}…"),
    }
}

fn is_live(class: Class) -> bool {
    matches!(class, Class::Meta | Class::LiveBranch | Class::LiveLeaf | Class::LiveOverflow | Class::Freelist)
}

pub fn swatch(color: &str) -> String {
    format!("<span class=\"sw\" style=\"background:var(--{color})\"></span>")
}

/// The legend of kinds, each with its pages.
pub fn kinds(classes: &[Value], html: &mut String) {
    html.push_str("<ul class=\"legend\">");
    for class in classes.iter().filter(|class| class["pages"].as_u64() > Some(0)) {
        let (name, pages) = (class["class"].as_str().unwrap_or_default(), class["pages"].as_u64().unwrap_or_default());
        let _ = write!(html, "<li>{}<b>{name}</b>: {}</li>", swatch(name), count(pages, "page"));
    }
    html.push_str("</ul>");
}

/// One look at the pages.
#[derive(Clone, Copy)]
enum View<'v> {
    Kind,
    Owner(&'v Owners),
}

/// How a cell looks: its colour, what stands in it, and whether it is not in use.
#[derive(PartialEq, Eq)]
struct Look {
    color: String,
    text: String,
    is_old: bool,
    /// The colour of what else is in it.
    also: Option<&'static str>,
}

impl View<'_> {
    fn look(self, cell: &Cell) -> Look {
        match self {
            View::Kind => {
                let class = cell.class.as_str();
                let also = cell.also.map(Class::as_str);
                Look { color: class.into(), text: words::class(class).1.into(), is_old: false, also }
            }
            View::Owner(owners) => {
                let (color, text) = owners.color(cell.owner);
                Look { color, text, is_old: cell.owner.is_some() && !is_live(cell.class), also: None }
            }
        }
    }
}

/// Both pictures, each with its legend, and what they show.
pub fn pictures(history: &History<'_>, classes: &[Value], owners: &Owners) -> String {
    let mut html = String::new();
    let map = PageMap::of(history, if history.census().len() <= SMALL { SMALL } else { MOST });
    if map.cells.is_empty() {
        return "<p>The file has not one whole page.</p>".into();
    }
    let per_cell = match map.pages_per_cell {
        1 => "One cell is one page.".to_owned(),
        n => format!(
            "One cell is {} pages, in the colour of most of them; a small square in its corner is a page among them that is \
             something else to the current state.",
            grouped(n)
        ),
    };
    let _ = write!(
        html,
        "<p>{} in the order of the file, from left to right and from top to bottom. {per_cell} Neighbours that are the \
         same are joined.</p><h3>By kind</h3>",
        count(history.census().len(), "page")
    );
    picture(&map, View::Kind, "Every page of the file by kind", &mut html);
    kinds(classes, &mut html);
    html.push_str("<h3>By bucket</h3><p class=\"note\">Paler where the page is not in use.</p>");
    picture(&map, View::Owner(owners), "Every page of the file by bucket", &mut html);
    owners.legend(&mut html);
    html
}

fn picture(map: &PageMap, view: View<'_>, title: &str, html: &mut String) {
    if map.pages_per_cell == 1 && map.cells.len() as u64 <= SMALL {
        return grid(map, view, title, html);
    }
    drawing(map, view, 64, "broad", title, html);
    drawing(map, view, 32, "narrow", title, html);
}

/// A cell for each page, as many in a row as there is room for.
fn grid(map: &PageMap, view: View<'_>, title: &str, html: &mut String) {
    let _ = write!(html, "<div class=\"grid\" role=\"img\" aria-label=\"{title}\">");
    let mut last = None;
    for cell in &map.cells {
        let look = view.look(cell);
        let joined = if last.as_ref() == Some(&look) { "j" } else { "" };
        let old = if look.is_old { "old" } else { "" };
        let _ = write!(
            html,
            "<div class=\"{joined}{}{old}\" style=\"--f:var(--{c});--i:var(--{c}-i)\" title=\"page {page}: {class}\"><b>{page}</b>{}</div>",
            if joined.is_empty() || old.is_empty() { "" } else { " " },
            look.text,
            c = look.color,
            page = cell.first,
            class = cell.class,
        );
        last = Some(look);
    }
    html.push_str("</div>");
}

const SIDE: usize = 16;
const GUTTER: usize = 92;

/// Rows of cells, the number of the first page before every fourth.
fn drawing(map: &PageMap, view: View<'_>, columns: usize, class: &str, title: &str, html: &mut String) {
    let rows = map.cells.len().div_ceil(columns);
    let (width, height) = (GUTTER + columns * SIDE, rows * SIDE + 2);
    let _ = write!(html, "<svg class=\"map {class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">");
    for (row, cells) in map.cells.chunks(columns).enumerate() {
        let y = row * SIDE;
        if let Some(first) = cells.first().filter(|_| row % 4 == 0) {
            let _ = write!(html, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", GUTTER - 10, y + 13, first.first);
        }
        let mut column = 0;
        for run in cells.chunk_by(|a, b| view.look(a) == view.look(b)) {
            rects(run, view.look(&run[0]), (GUTTER + column * SIDE, y), class == "broad", html);
            column += run.len();
        }
    }
    html.push_str("</svg>");
}

/// Cells of a row that are the same, as one.
fn rects(run: &[Cell], look: Look, (x, y): (usize, usize), titled: bool, html: &mut String) {
    let (width, height) = (run.len() * SIDE - 1, SIDE - 1);
    let old = if look.is_old { " class=\"old\"" } else { "" };
    let _ = write!(
        html,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{old} style=\"--f:var(--{})\"",
        look.color
    );
    match (titled, run) {
        (true, [first, ..]) => {
            let pages: u64 = run.iter().map(|cell| cell.count).sum();
            let last = first.first.0 + pages - 1;
            let also = look.also.map(|also| format!(", {also}")).unwrap_or_default();
            let _ = write!(html, "><title>pages {} to {last}: {}{also}</title></rect>", first.first, first.class);
        }
        _ => html.push_str("/>"),
    }
    for n in (0..run.len()).take_while(|_| look.also.is_some()) {
        let (x, y) = (x + n * SIDE + SIDE - 7, y + SIDE - 7);
        let _ = write!(
            html,
            "<rect x=\"{x}\" y=\"{y}\" width=\"6\" height=\"6\" style=\"--f:var(--{})\"/>",
            look.also.unwrap_or_default()
        );
    }
}
