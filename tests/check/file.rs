//! What is wrong with a file as a whole.

use crate::planted::{PAGE, sound};
use unbolt::check::Code;
use unbolt::format::PageId;

#[test]
fn a_file_that_ends_early_is_found_once() {
    for len in [11 * PAGE + 511, 9 * PAGE, 6 * PAGE, 5 * PAGE + 1, 3 * PAGE, 2 * PAGE] {
        let mut it = sound();
        it.bytes.truncate(len);
        let (findings, _) = it.check();
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::FileShort], "{len}: {findings:?}");
        assert_eq!(findings[0].to_string(), format!("the file ends at {len}, 6144 bytes are needed (offset {len})"));
    }
}

#[test]
fn a_high_water_mark_beyond_all_files_ends_soon() {
    let mut it = sound();
    it.meta(0, |meta| meta.high_water = PageId(1 << 62));
    assert_eq!(it.check().0[0].code, Code::FileShort);
    assert_eq!(it.check().0.len(), 1);
}

#[test]
fn bytes_behind_the_high_water_mark_are_nobodys_business() {
    let mut it = sound();
    it.bytes.extend([0xff; 700]);
    it.finds(&[]);
}
