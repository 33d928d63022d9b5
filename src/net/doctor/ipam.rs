//! The bitmaps in which Docker 1.9 to 1.11 keep which addresses are taken.

use super::case::{Case, Findings};
use super::rule::{FIRST, Rule, Severity};
use crate::net::base64;
use crate::net::bitmap::Bitmap;
use crate::net::draft::Operation;
use crate::net::ipam::IpamData;
use crate::net::record::Record;
use crate::net::version::Version;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "bad-bitmap",
        effect: "gives no address of the pool, or one twice: internal failure while setting the bit (1.10 on repair empty runs)",
        remedy: "drop empty runs, bring the others to the pool's length, and count again",
        severities: &[(FIRST, Some(Severity::Error)), (Version::new(1, 12), None)],
        find: bad_bitmap,
    },
    Rule {
        code: "bitmap-miscount",
        effect: "refuses addresses that are free: no available addresses on this pool",
        remedy: "count the free addresses again",
        severities: &[(FIRST, Some(Severity::Error)), (Version::new(1, 12), None)],
        find: bitmap_miscount,
    },
];

fn bad_bitmap(case: &Case<'_>, findings: &mut Findings) {
    for data in case.inventory.ipam_data.iter().filter(|data| data.bitmap.is_none()) {
        let Some(problem) = data.flaws().iter().find(|flaw| flaw.field == "sequence") else { continue };
        findings.note_field(data.key(), "sequence", problem.kind.to_string(), repaired(data));
    }
}

fn bitmap_miscount(case: &Case<'_>, findings: &mut Findings) {
    for data in &case.inventory.ipam_data {
        let Some(bitmap) = &data.bitmap else { continue };
        let free = bitmap.bits().saturating_sub(bitmap.set());
        if free != bitmap.free() {
            let message = format!("{} addresses are said to be free, {free} are", bitmap.free());
            findings.note_field(data.key(), "sequence", message, repaired(data));
        }
    }
}

fn repaired(data: &Record<IpamData>) -> Vec<Operation> {
    let bytes = data.document().root().get("sequence").and_then(|text| base64::decode(&text.as_str()?));
    let bytes = bytes.and_then(|bytes| Bitmap::repair(&bytes)).map(|bytes| base64::encode(&bytes));
    let set = |text: String| Operation::Set { key: data.key().clone(), field: "sequence".into(), value: text.into() };
    bytes.map(set).into_iter().collect()
}
