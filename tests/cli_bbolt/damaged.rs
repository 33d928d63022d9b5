//! Damaged files: what could be read is shown, and every command ends.

use std::fs;
use std::process::Output;

use unbolt::Snapshot;
use unbolt::cli::Status;
use unbolt::format::{BranchElement, Endian, Meta, PageId, TxId, encode_branch, encode_bucket, encode_inline, encode_meta};

use crate::running::{CHURN, COMMANDS, SMALL, Scratch, elements_of, err, file_of, leaf, on, on_bytes, out, status, unbolt};

#[test]
fn a_damaged_file_is_status_five_and_what_could_be_read_is_shown() {
    let mut bytes = fs::read(CHURN).unwrap();
    // The last leaf of the bucket loses its type.
    let leaf = 5 * 1024;
    bytes[leaf + 8] = 0;
    let file = Scratch::holding(&bytes);
    for command in [&["keys", "FILE", "churn"][..], &["inspect", "FILE"], &["buckets", "--recursive", "FILE"]] {
        let output = unbolt(&on(file.name(), command));
        assert_eq!(status(&output), 5, "{command:?}");
        assert!(!output.stdout.is_empty(), "{command:?}");
        let expected = format!(
            "unbolt: {0}: page 5: flags 0x0000 name no page type (offset 5128)\nhint: `unbolt check {0}` lists all that is wrong\n",
            file.name()
        );
        assert_eq!(err(&output), expected, "{command:?}");
    }

    let output = unbolt(&["check", file.name()]);
    assert_eq!(status(&output), 1);
    assert_eq!(
        out(&output),
        "page 5: flags 0x0000 name no page type (offset 5128) in bucket churn\n1 errors found\n",
        "{}",
        err(&output)
    );
    assert_eq!(err(&output), "");

    let listed = unbolt(&["pages", file.name()]);
    assert_eq!(status(&listed), 0);
    assert!(out(&listed).contains("5        unknown<00>"), "{}", out(&listed));
}

#[test]
fn a_file_that_is_no_database_or_cut_short_is_status_five() {
    let text = unbolt(&["info", "Cargo.toml"]);
    assert_eq!(status(&text), 5);
    assert!(err(&text).starts_with("unbolt: Cargo.toml: no valid meta page (page 0: magic "), "{}", err(&text));

    let bytes = fs::read(CHURN).unwrap();
    let short = Scratch::holding(&bytes[..30 * 1024]);
    for command in [&["pages", "FILE"][..], &["pages", "--map", "FILE"], &["page", "--all", "FILE"]] {
        let output = unbolt(&on(short.name(), command));
        assert_eq!(status(&output), 5, "{command:?}");
        assert!(err(&output).contains("the file ends after 30 of "), "{}", err(&output));
        assert!(!output.stdout.is_empty());
    }
    let empty = Scratch::holding(b"");
    assert_eq!(status(&unbolt(&["check", empty.name()])), 5);
}

#[test]
fn a_page_is_shown_where_meta_page_zero_is_torn() {
    let mut bytes = fs::read(CHURN).unwrap();
    bytes[16..80].fill(0xff);
    let file = Scratch::holding(&bytes);
    for command in [&["page", "FILE", "3"][..], &["dump", "FILE", "3"], &["page-item", "FILE", "3", "0"]] {
        let (torn, whole) = (unbolt(&on(file.name(), command)), unbolt(&on(CHURN, command)));
        assert_eq!(status(&torn), 0, "{command:?}: {}", err(&torn));
        assert_eq!(out(&torn), out(&whole), "{command:?}");
        let note = format!(
            "unbolt: {}: the meta on page 0 is refused (magic 0xffffffff is not 0xed0cdaed): \
             transaction 61 is read, which may not be the newest\n",
            file.name()
        );
        assert_eq!((err(&torn), err(&whole)), (note, String::new()), "{command:?}");
    }
    for shows_it in [&["info", "FILE"][..], &["check", "FILE"]] {
        assert_eq!(err(&unbolt(&on(file.name(), shows_it))), "", "{shows_it:?}");
    }
    let part = unbolt(&["check", "--from-page", "3", file.name()]);
    assert!(err(&part).contains("the meta on page 0 is refused"), "{}", err(&part));
    let previous = unbolt(&["buckets", "--txid", "previous", file.name()]);
    assert!(status(&previous) == 1 && err(&previous).contains("the meta on page 0 is refused"), "{}", err(&previous));
    let info = unbolt(&["info", "--verbose", file.name()]);
    assert!(out(&info).contains("Meta 0: refused: magic 0xffffffff is not 0xed0cdaed\n"), "{}", out(&info));
}

#[test]
fn pages_that_bbolts_way_does_not_show_are_named() {
    let mut bytes = fs::read(CHURN).unwrap();
    let snapshot = Snapshot::from_bytes(bytes.clone()).unwrap();
    let current = *snapshot.meta();
    let older = Meta { txid: TxId(current.txid.0 - 1), high_water: PageId(current.high_water.0 - 5), ..current };
    let layout = snapshot.layout();
    bytes[..1024].copy_from_slice(&encode_meta(PageId(0), &older, layout));
    bytes[1024..2048].copy_from_slice(&encode_meta(PageId(1), &current, layout));
    let file = Scratch::holding(&bytes);

    let output = unbolt(&["page", "--all", file.name()]);
    let (missed, end) = (older.high_water.0, current.high_water.0);
    assert_eq!(status(&output), 0);
    assert!(err(&output).contains(&format!("pages {missed} to {} are not shown", end - 1)), "{}", err(&output));
    let ids = |output: &Output| {
        out(output).lines().filter(|line| line.starts_with("Page ID: ") || line.starts_with("Prining")).count()
    };
    let asked = unbolt(&["page", "--all", "--txid", &current.txid.to_string(), file.name()]);
    assert_eq!(ids(&asked), ids(&output) + 5);
    assert_eq!(err(&asked), "");
}

#[test]
fn thousands_of_nested_buckets_are_gone_through() {
    let mut page = encode_inline(&[], Endian::Little).unwrap();
    for _ in 0..3000 {
        let value = [&encode_bucket(PageId(0), 0, Endian::Little)[..], &page].concat();
        page = encode_inline(&elements_of(&[(b"n", &value, true)]), Endian::Little).unwrap();
    }
    let value = [&encode_bucket(PageId(0), 0, Endian::Little)[..], &page].concat();
    let bytes = file_of(&[leaf(2, &[(b"n", &value, true)])]);
    let (status, out, err) = on_bytes(&bytes, &["buckets", "--recursive", "FILE"]);
    assert_eq!((status, err.as_str()), (Status::Done, ""));
    assert_eq!(out.split(|byte| *byte == b'\n').count() - 1, 3001);
    let (status, out, _) = on_bytes(&bytes, &["inspect", "FILE"]);
    assert_eq!(status, Status::Done);
    assert!(out.ends_with(b"    ]\n}\n"));
    assert_eq!(on_bytes(&bytes, &["stats", "FILE"]).0, Status::Done);
}

#[test]
fn a_bucket_that_holds_itself_ends() {
    let inside = encode_bucket(PageId(3), 0, Endian::Little);
    let bytes = file_of(&[leaf(2, &[(b"a", &inside, true)]), leaf(3, &[(b"b", &inside, true), (b"k", b"v", false)])]);
    for command in COMMANDS {
        let command: Vec<&str> = command.iter().map(|word| if *word == "churn" { "a" } else { *word }).collect();
        let (status, _, _) = on_bytes(&bytes, &command);
        let expected = match command[0] {
            "inspect" | "stats" | "search" => Status::Corrupt,
            "buckets" if command[1] == "--recursive" => Status::Corrupt,
            // Without a freelist the free pages are what the trees do not reach.
            "pages" => Status::Corrupt,
            "check" | "get" => Status::No,
            _ => Status::Done,
        };
        assert_eq!(status, expected, "{command:?}");
    }
}

#[test]
fn branches_that_share_their_children_do_not_multiply() {
    let levels = 40;
    let mut runs = vec![leaf(2, &[(b"a", &encode_bucket(PageId(3), 0, Endian::Little), true)])];
    for page in 3..3 + levels {
        let child = PageId(page + 1);
        let twice = [BranchElement { key: &b"a"[..], child }, BranchElement { key: &b"b"[..], child }];
        runs.push(encode_branch(PageId(page), &twice, SMALL).unwrap());
    }
    runs.push(leaf(3 + levels, &[(b"a", b"v", false)]));
    let bytes = file_of(&runs);
    for command in COMMANDS {
        let command: Vec<&str> = command.iter().map(|word| if *word == "churn" { "a" } else { *word }).collect();
        let (status, _, err) = on_bytes(&bytes, &command);
        let ends = [Status::Done, Status::No, Status::Corrupt];
        assert!(ends.contains(&status), "{command:?}: {status:?} {err}");
    }
    assert_eq!(on_bytes(&bytes, &["inspect", "FILE"]).0, Status::Corrupt);
}

#[test]
fn every_command_ends_with_a_documented_status_on_damaged_headers() {
    let sound = fs::read("testdata/bbolt/page-512.db").unwrap();
    let mut runs = 0;
    for page in (0..sound.len() / 512).step_by(2) {
        for (byte, value) in (0..48).step_by(7).flat_map(|byte| [(byte, 0), (byte, 1), (byte, 0x7f), (byte, 0xff)]) {
            let mut bytes = sound.clone();
            bytes[page * 512 + byte] = value;
            for command in COMMANDS {
                let (status, _, err) = on_bytes(&bytes, command);
                let ends = [Status::Done, Status::No, Status::Corrupt];
                assert!(ends.contains(&status), "page {page} byte {byte} {command:?}: {status:?} {err}");
                runs += 1;
            }
        }
    }
    assert!(runs > 3_000, "{runs}");
}
