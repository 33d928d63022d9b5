//! All engines write the same, at a size that takes seconds.

use std::path::Path;
use std::process::Command;

const WORKLOADS: [&str; 15] = [
    "load_seq",
    "load_rand",
    "one_tx_rand",
    "commit",
    "commit_nosync",
    "mixed",
    "mixed_nosync",
    "del50",
    "buckets",
    "buckets_inline",
    "large",
    "compact",
    "open_free",
    "free_contig",
    "free_frag",
];

/// `compare` refuses engines that leave different contents behind.
#[test]
fn every_engine_leaves_the_same_contents() {
    if Command::new("go").arg("version").output().is_err() {
        eprintln!("skipped: no go");
        return;
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("writing");
    let output = Command::new(env!("CARGO_BIN_EXE_unbolt-bench"))
        .args(["compare", "--side", "writing", "--n", "2000", "--rounds", "1", "--dir"])
        .arg(dir)
        .output()
        .expect("the program starts");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    assert!(text.contains("| unbolt | redb | heed | sqlite |"), "{text}");
    for workload in WORKLOADS {
        assert!(text.contains(&format!("\n| {workload} | 1 |")), "{workload}: {text}");
    }
}
