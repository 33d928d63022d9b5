//! Owns the hexadecimal picture of a page: sixteen bytes a line in groups of two, repeated lines as one `*`.

use std::io::{self, Write};

const LINE: usize = 16;

/// Writes `page`, which lies at `address` in its file. The last line is always written out.
pub fn write(out: &mut dyn Write, address: u64, page: &[u8]) -> io::Result<()> {
    let last = page.len().div_ceil(LINE).saturating_sub(1);
    let mut previous: Option<&[u8]> = None;
    let mut skipped = false;
    for (index, line) in page.chunks(LINE).enumerate() {
        let at = address.wrapping_add((index * LINE) as u64);
        if previous != Some(line) || index == last {
            write_bytes(out, at, line)?;
            skipped = false;
        } else if !skipped {
            writeln!(out, "{at:07x} *")?;
            skipped = true;
        }
        previous = Some(line);
    }
    out.write_all(b"\n")
}

fn write_bytes(out: &mut dyn Write, at: u64, line: &[u8]) -> io::Result<()> {
    write!(out, "{at:07x}")?;
    for group in line.chunks(2) {
        write!(out, " {}", super::bytes::hex(group))?;
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dumped(address: u64, page: &[u8]) -> String {
        let mut out = Vec::new();
        write(&mut out, address, page).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn repeated_lines_become_one_star_but_the_last_is_written() {
        let mut page = [0u8; 96];
        page[0..4].copy_from_slice(&[0xed, 0xda, 0x0c, 0xed]);
        assert_eq!(
            dumped(0x1000, &page),
            "0001000 edda 0ced 0000 0000 0000 0000 0000 0000\n\
             0001010 0000 0000 0000 0000 0000 0000 0000 0000\n\
             0001020 *\n\
             0001050 0000 0000 0000 0000 0000 0000 0000 0000\n\n"
        );
    }

    #[test]
    fn a_star_begins_again_after_a_different_line() {
        let mut page = [7u8; 16 * 6];
        page[48] = 1;
        let stars = dumped(0, &page).lines().filter(|line| line.ends_with('*')).count();
        assert_eq!(stars, 1);
        assert_eq!(dumped(0, &page).lines().count(), 7 - 1);
    }
}
