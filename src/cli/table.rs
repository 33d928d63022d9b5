//! Owns aligned tables: columns as wide as their widest cell, three spaces apart, as docker prints them.

use std::io::{self, Write};

use unicode_general_category::{GeneralCategory, get_general_category};

const GAP: usize = 3;

/// Rows under a heading, held until their widths are known.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heading: &[&str]) -> Self {
        Table { rows: vec![heading.iter().map(|cell| cell.to_string()).collect()] }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns_of(cell));
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - columns_of(cell) + GAP));
            }
            writeln!(out, "{}", line.trim_end_matches(' '))?;
        }
        Ok(())
    }
}

/// Columns that a terminal gives to `text`: marks that combine take none.
fn columns_of(text: &str) -> usize {
    let combines = |c| matches!(get_general_category(c), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark);
    text.chars().filter(|&c| !combines(c)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_with_text() {
        let mut table = Table::new(&["KEY", "INDEX", "SIZE"]);
        table.row(["network/é".into(), "7".into(), "1024".into()]);
        table.row(["x".into(), "12345678".into(), String::new()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "KEY         INDEX      SIZE\n\
             network/é   7          1024\n\
             x           12345678\n"
        );
    }
}
