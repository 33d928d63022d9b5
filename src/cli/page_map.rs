//! Owns the picture of a file in the terminal: one character for each page, sixty-four to a row.

use std::io::{self, Write};

use super::page_rows::Row;
use crate::format::PageKind;

const PER_ROW: u64 = 64;

/// What a character stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tile {
    symbol: char,
    name: &'static str,
    /// The number of a terminal colour.
    color: u8,
}

const META: Tile = Tile { symbol: 'M', name: "meta", color: 35 };
const BRANCH: Tile = Tile { symbol: 'B', name: "branch", color: 33 };
const BRANCH_OVERFLOW: Tile = Tile { symbol: 'b', name: "overflow of a branch", color: 33 };
const LEAF: Tile = Tile { symbol: 'L', name: "leaf", color: 32 };
const LEAF_OVERFLOW: Tile = Tile { symbol: 'l', name: "overflow of a leaf", color: 32 };
const FREELIST: Tile = Tile { symbol: 'F', name: "freelist", color: 36 };
const FREELIST_OVERFLOW: Tile = Tile { symbol: 'f', name: "overflow of the freelist", color: 36 };
const FREE: Tile = Tile { symbol: '.', name: "free", color: 90 };
const UNKNOWN: Tile = Tile { symbol: '?', name: "unknown", color: 31 };
const BEYOND: Tile = Tile { symbol: '-', name: "beyond the high-water mark", color: 90 };

const LEGEND: [Tile; 10] =
    [META, BRANCH, BRANCH_OVERFLOW, LEAF, LEAF_OVERFLOW, FREELIST, FREELIST_OVERFLOW, FREE, UNKNOWN, BEYOND];

/// A picture that is being drawn.
pub struct PageMap<'o> {
    out: &'o mut dyn Write,
    color: bool,
    /// Columns that the largest page number takes.
    digits: usize,
    drawn: u64,
    counts: [u64; LEGEND.len()],
    /// The colour that the terminal is set to.
    set: Option<u8>,
}

impl<'o> PageMap<'o> {
    pub fn new(out: &'o mut dyn Write, color: bool, pages: u64) -> Self {
        let digits = pages.saturating_sub(1).to_string().len();
        PageMap { out, color, digits, drawn: 0, counts: [0; LEGEND.len()], set: None }
    }

    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        let kind = row.run.map(|header| PageKind::from_flags(header.flags));
        let (first, further) = match kind {
            None => (FREE, FREE),
            Some(None) => (UNKNOWN, UNKNOWN),
            Some(Some(PageKind::Meta)) => (META, META),
            Some(Some(PageKind::Branch)) => (BRANCH, BRANCH_OVERFLOW),
            Some(Some(PageKind::Leaf)) => (LEAF, LEAF_OVERFLOW),
            Some(Some(PageKind::Freelist)) => (FREELIST, FREELIST_OVERFLOW),
        };
        self.tile(first)?;
        (1..row.pages).try_for_each(|_| self.tile(further))
    }

    /// Draws the pages that the file has behind those drawn, and the legend.
    pub fn finish(mut self, stored: u64) -> io::Result<()> {
        (self.drawn..stored).try_for_each(|_| self.tile(BEYOND))?;
        self.paint(None)?;
        writeln!(self.out, "\n")?;
        for (tile, count) in LEGEND.into_iter().zip(self.counts).filter(|(_, count)| *count > 0) {
            self.paint(Some(tile.color))?;
            write!(self.out, "{}", tile.symbol)?;
            self.paint(None)?;
            writeln!(self.out, " {:<26} {count}", tile.name)?;
        }
        Ok(())
    }

    fn tile(&mut self, tile: Tile) -> io::Result<()> {
        if self.drawn.is_multiple_of(PER_ROW) {
            self.paint(None)?;
            if self.drawn > 0 {
                writeln!(self.out)?;
            }
            write!(self.out, "{:>digits$}  ", self.drawn, digits = self.digits)?;
        }
        self.paint(Some(tile.color))?;
        write!(self.out, "{}", tile.symbol)?;
        self.drawn = self.drawn.saturating_add(1);
        for (count, other) in self.counts.iter_mut().zip(LEGEND) {
            *count = count.saturating_add(u64::from(other == tile));
        }
        Ok(())
    }

    /// Sets the terminal's colour where it is another one, or takes it back.
    fn paint(&mut self, color: Option<u8>) -> io::Result<()> {
        if !self.color || self.set == color {
            return Ok(());
        }
        self.set = color;
        write!(self.out, "\x1b[{}m", color.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{PageHeader, PageId};

    fn drawn(color: bool) -> String {
        let mut out = Vec::new();
        let mut map = PageMap::new(&mut out, color, 70);
        let run = |id, kind: PageKind, overflow| {
            let header = PageHeader { id: PageId(id), flags: kind.flags(), count: 1, overflow };
            Row { id, run: Some(header), items: 1, pages: header.pages() }
        };
        map.row(&run(0, PageKind::Meta, 0)).unwrap();
        map.row(&run(1, PageKind::Meta, 0)).unwrap();
        map.row(&run(2, PageKind::Leaf, 60)).unwrap();
        map.row(&Row { id: 63, run: None, items: 0, pages: 1 }).unwrap();
        map.row(&run(64, PageKind::Freelist, 0)).unwrap();
        map.finish(67).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_has_sixty_four_pages_and_begins_with_the_number_of_its_first() {
        let overflow = "l".repeat(60);
        assert_eq!(
            drawn(false),
            format!(
                " 0  MML{overflow}.\n64  F--\n\n\
                 M meta                       2\n\
                 L leaf                       1\n\
                 l overflow of a leaf         60\n\
                 F freelist                   1\n\
                 . free                       1\n\
                 - beyond the high-water mark 2\n"
            )
        );
    }

    #[test]
    fn colours_change_nothing_but_the_colour() {
        let mut plain = String::new();
        for (index, part) in drawn(true).split("\x1b[").enumerate() {
            plain.push_str(if index == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(plain, drawn(false));
        assert!(drawn(true).contains("\x1b[35mMM\x1b[32mL"));
    }
}
