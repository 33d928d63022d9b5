//! The report: the same facts in every form, each of them true of the bytes, whatever the file is like, and safe to be
//! opened by the programs that open such forms.

#![cfg(feature = "cli")]

mod support;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use support::damage::Base;
use support::markup::{self, Element};
use support::swap::to_big_endian;
use support::testdata::{database, databases_up_to};
use unbolt::cli::{Context, Status, run};
use unbolt::forensic::report::{PageMap, page_spans};
use unbolt::forensic::{Evidence, History, Sha256Sum};
use unbolt::{MemoryDisk, OpenOptions, Storage};

/// Files that are small enough to be reported on many times.
const LARGEST: u64 = 256 << 10;

/// Sound, cut, without metas, damaged in every known way, and of the other byte order.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for database in databases_up_to(LARGEST) {
        let bytes = database.bytes();
        files.push((format!("{} cut", database.name), bytes[..bytes.len() * 2 / 3 + 7].to_vec()));
        let page_size = u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize;
        let mut without_metas = bytes.clone();
        without_metas[..2 * page_size].fill(0);
        files.push((format!("{} without metas", database.name), without_metas));
        files.push((database.name, bytes));
    }
    let base = Base::new();
    files.extend(base.classes().into_iter().map(|damaged| (format!("{} {}", damaged.class, damaged.what), damaged.bytes)));
    files.push(("big-endian".to_owned(), to_big_endian(&base.bytes)));
    files
}

/// How a command ended, and what it wrote.
struct Ran {
    status: Status,
    out: String,
    err: String,
}

/// Runs a command whose evidence is opened so.
fn run_on(arguments: &[&str], open: &dyn Fn(&Path) -> unbolt::Result<Evidence>) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut context = Context {
        open: &|_| panic!("evidence is not opened as a database"),
        open_evidence: &|path, _| open(path),
        open_to_write: &|_, _| panic!("evidence is not written"),
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        color: false,
        progress: false,
    };
    let line = ["unbolt", "report"].iter().chain(arguments).map(OsString::from);
    let status = run(line, &mut context);
    Ran { status, out: String::from_utf8(out).expect("text"), err: String::from_utf8(err).expect("text") }
}

fn report(bytes: &Arc<[u8]>, format: &str) -> Ran {
    run_on(&["memory.db", "--format", format], &|_| Evidence::from_bytes(Arc::clone(bytes)))
}

fn on_file(path: &Path, arguments: &[&str]) -> Ran {
    let arguments: Vec<&str> = [path.to_str().unwrap()].into_iter().chain(arguments.iter().copied()).collect();
    run_on(&arguments, &|path| Evidence::open(path))
}

fn json(bytes: &Arc<[u8]>) -> Option<Value> {
    let ran = report(bytes, "json");
    match ran.status {
        Status::Done => Some(serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.out))),
        status => {
            assert!(status == Status::Corrupt && ran.out.is_empty() && ran.err.contains("not a Bolt file"), "{}", ran.err);
            None
        }
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn list<'v>(report: &'v Value, name: &str) -> &'v Vec<Value> {
    report[name].as_array().unwrap_or_else(|| panic!("no list {name}"))
}

/// The bytes that a member stands for.
fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        other => {
            let digits = other["hex"].as_str().unwrap();
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
        }
    }
}

#[test]
fn every_byte_and_every_page_is_in_the_account_of_every_file() {
    let (mut reported, mut refused) = (0, 0);
    for (name, bytes) in files() {
        let bytes: Arc<[u8]> = bytes.into();
        let Some(report) = json(&bytes) else {
            refused += 1;
            continue;
        };
        reported += 1;
        let account = list(&report, "account");
        assert!(account.iter().all(|row| row["class"] != "unknown"), "{name}");
        assert_eq!(account.iter().map(|row| number(&row["bytes"])).sum::<u64>(), bytes.len() as u64, "{name}");
        let pages = number(&report["layout"]["pages"]);
        assert_eq!(account.iter().map(|row| number(&row["pages"])).sum::<u64>(), pages, "{name}");
        // The runs of pages cover the file without gap or overlap, and say the same as the account.
        let (mut next, mut of_class) = (0, HashMap::<String, u64>::new());
        let page_size = number(&report["layout"]["page_size"]);
        for run in list(&report, "pages") {
            assert_eq!(number(&run["page"]), next, "{name}: {run}");
            assert_eq!(number(&run["offset"]), next * page_size, "{name}: {run}");
            assert_eq!(number(&run["length"]), number(&run["count"]) * page_size, "{name}: {run}");
            next += number(&run["count"]);
            *of_class.entry(run["class"].as_str().unwrap().to_owned()).or_default() += number(&run["count"]);
        }
        assert_eq!(next, pages, "{name}");
        for row in account {
            let counted = of_class.get(row["class"].as_str().unwrap()).copied().unwrap_or_default();
            assert_eq!(counted, number(&row["pages"]), "{name}: {row}");
        }
    }
    assert!(reported > 150 && refused < 20, "{reported} reported, {refused} refused");
}

#[test]
fn every_item_is_where_the_report_says() {
    let mut items = 0;
    for (name, bytes) in files() {
        let bytes: Arc<[u8]> = bytes.into();
        let Some(report) = json(&bytes) else { continue };
        let mut counts = HashMap::<&str, u64>::new();
        for item in list(&report, "items") {
            let at = |offset: &str, len: u64| &bytes[number(&item[offset]) as usize..][..len as usize];
            let (key, value) = (bytes_of(&item["key"]), at("offset", number(&item["length"])));
            assert_eq!(at("key_offset", key.len() as u64), key, "{name}: {item}");
            assert_eq!(item["sha256"], Sha256Sum::of(value).to_string(), "{name}: {item}");
            if !item["value"].is_null() {
                assert_eq!(bytes_of(&item["value"]), value, "{name}: {item}");
            }
            assert!(item["grade"].is_string() && item["page"].is_u64() && item["reasons"].is_array(), "{name}: {item}");
            *counts.entry(item["state"].as_str().unwrap()).or_default() += 1;
            items += 1;
        }
        let told: HashMap<&str, u64> =
            list(&report, "counts").iter().map(|count| (count["state"].as_str().unwrap(), number(&count["items"]))).collect();
        assert_eq!(told, counts, "{name}");
    }
    assert!(items > 1_000, "{items}");
}

#[test]
fn the_object_has_the_whole_custody_record_and_both_metas() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local-kv.db");
    let bytes = database("docker/networks-running-20.10.24.db").bytes();
    fs::write(&path, &bytes).unwrap();
    let ran = on_file(&path, &["--format", "json"]);
    assert_eq!(ran.status, Status::Done, "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["schema"], 1);
    let made = &report["report"];
    for member in ["tool", "version", "tool_sha256", "host", "user", "started", "path", "directory", "system"] {
        assert!(made[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {made}");
    }
    assert!(!list(made, "command").is_empty());
    let (before, after) = (&report["evidence"], &report["custody"]);
    assert_eq!(number(&before["size"]), bytes.len() as u64);
    for stamp in [before, after] {
        assert_eq!(stamp["sha256"], Sha256Sum::of(&bytes).to_string());
        assert!(stamp["inode"].is_u64() && stamp["modified"].as_str().is_some_and(|time| time.ends_with('Z')), "{stamp}");
    }
    assert_eq!(after["unchanged"], true);
    assert!(after["warnings"].is_array() && after["ended"].is_string());
    let metas = list(&report, "metas");
    assert_eq!(metas.iter().map(|meta| number(&meta["txid"])).collect::<Vec<_>>(), [78, 79]);
    assert_eq!(metas.iter().map(|meta| meta["current"] == true).collect::<Vec<_>>(), [false, true]);
    // Networks as `net` has them.
    let networks = list(&report, "networks");
    let labelled = networks.iter().find(|network| network["name"] == "labelled").unwrap();
    assert_eq!(labelled["inspect"]["Name"], "labelled");
    assert!(networks.iter().any(|network| !list(network, "endpoints").is_empty()));
    let bucket = list(&report, "buckets").iter().find(|bucket| bucket["bucket"] == serde_json::json!(["libnetwork"])).unwrap();
    assert!(number(&bucket["pairs"]) > 10, "{bucket}");
}

#[test]
fn the_forms_tell_the_same_facts() {
    for name in ["docker/live-20.10.24.db", "docker/networks-running-20.10.24.db"] {
        let bytes: Arc<[u8]> = database(name).bytes().into();
        let object = json(&bytes).unwrap();
        let mut kinds = HashMap::<String, u64>::new();
        for line in report(&bytes, "jsonl").out.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            *kinds.entry(line["type"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let rows = rows(&report(&bytes, "csv").out);
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{name}");
        let document = markup::parse(&report(&bytes, "dfxml").out).unwrap();
        for (plural, kind) in [
            ("metas", "meta"),
            ("account", "class"),
            ("pages", "pages"),
            ("observations", "observation"),
            ("roots", "root"),
            ("buckets", "bucket"),
            ("networks", "network"),
            ("items", "item"),
            ("counts", "count"),
        ] {
            let count = list(&object, plural).len() as u64;
            assert_eq!(kinds.get(kind).copied().unwrap_or_default(), count, "{name}: {kind}");
            assert_eq!(rows.iter().filter(|row| row[0] == kind).count() as u64, count, "{name}: {kind}");
            assert_eq!(document.all(&format!("unbolt:{kind}")).len() as u64, count, "{name}: {kind}");
        }
        let sums: Vec<&Value> = list(&object, "items").iter().map(|item| &item["sha256"]).collect();
        let objects = document.all("fileobject");
        for (object, sum) in objects.iter().zip(sums) {
            let run = object.all("byte_run")[0];
            let (offset, len): (usize, usize) =
                (run.attribute("img_offset").parse().unwrap(), run.attribute("len").parse().unwrap());
            assert_eq!(*sum, object.all("hashdigest")[0].text, "{name}");
            assert_eq!(*sum, Sha256Sum::of(&bytes[offset..offset + len]).to_string(), "{name}");
        }
    }
}

/// The cells of rows, quotes taken away.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = csv.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "the last row is whole");
    rows
}

#[test]
fn whatever_the_file_is_like_the_documents_are_well_formed_and_load_nothing() {
    let mut pages = 0;
    for (name, bytes) in files() {
        let bytes: Arc<[u8]> = bytes.into();
        let page = report(&bytes, "html");
        if page.status != Status::Done {
            continue;
        }
        let document = markup::parse(&page.out).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_harmless(&page.out, &document, &name);
        // In no text either, so that whoever searches the page finds nothing.
        assert!(!["<script", "src=", "url(", "@import"].iter().any(|word| page.out.contains(word)), "{name}");
        markup::parse(&report(&bytes, "dfxml").out).unwrap_or_else(|e| panic!("{name}: {e}"));
        pages += 1;
    }
    assert!(pages > 150, "{pages}");
}

/// Nothing is loaded, nothing runs, nothing hides.
fn assert_harmless(page: &str, document: &Element, name: &str) {
    for element in document.everything() {
        let known = [
            "a", "b", "body", "br", "code", "dd", "details", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "head",
            "header", "html", "i", "li", "main", "meta", "nav", "p", "pre", "rect", "small", "span", "style", "summary", "svg",
            "table", "tbody", "td", "text", "tfoot", "th", "thead", "title", "tr", "ul",
        ];
        assert!(known.contains(&element.name.as_str()), "{name}: <{}>", element.name);
        for (attribute, value) in &element.attributes {
            assert!(
                !attribute.starts_with("on") && !["src", "srcset", "action", "data"].contains(&attribute.as_str()),
                "{name}"
            );
            assert!(attribute != "href" || value.starts_with('#'), "{name}: {value}");
            assert!(attribute != "style" || !value.contains(['(', '\\']) || is_our_style(value), "{name}: {value}");
        }
    }
    let style = &document.all("style")[0].text;
    for word in ["url(", "@import", "http", "expression"] {
        assert!(!style.contains(word), "{word}");
    }
    let is_hidden = |c: char| {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        (c.is_control() && c != '\n') || turns
    };
    let hidden = page.chars().find(|c| is_hidden(*c));
    assert_eq!(hidden, None, "{name}");
}

/// `var(--name)` alone.
fn is_our_style(style: &str) -> bool {
    style.split("var(--").skip(1).all(|rest| rest.split(')').next().is_some_and(|name| name.len() < 20))
        && style.matches('(').count() == style.matches("var(--").count()
}

/// Names and values that want to be something else.
const HOSTILE: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</style></pre><h1>",
    "]]><!--",
    "&lt;b&gt;",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "\r=1",
    "\x1b[31mred\x1b[0m\x07\0",
    "a\u{202e}b\u{feff}\u{ffff}",
];

/// A file that has them as deleted pairs, as buckets, and as the names of networks.
fn hostile() -> Arc<[u8]> {
    let disk = Arc::new(MemoryDisk::default());
    let db = OpenOptions::default().open_disk(disk.clone()).unwrap();
    db.update(|tx| {
        tx.create_bucket(b"gone")?;
        for name in HOSTILE {
            let mut bucket = tx.create_bucket(name.as_bytes())?;
            HOSTILE.iter().try_for_each(|key| bucket.put(key.as_bytes(), name.as_bytes()))?;
            bucket.create_bucket(b"inner")?;
            tx.bucket_mut(b"gone")?.put(name.as_bytes(), name.as_bytes())?;
        }
        let mut networks = tx.create_bucket(b"libnetwork")?;
        for (n, name) in HOSTILE.iter().enumerate() {
            let record = serde_json::json!({ "id": format!("n{n}"), "name": name, "networkType": name, "enableIPv6": false });
            let value = [&[n as u8, 0, 0, 0, 0, 0, 0, 0], record.to_string().as_bytes()].concat();
            networks.put(format!("docker/network/v1.0/network/n{n}/").as_bytes(), &value)?;
        }
        Ok::<_, unbolt::Error>(())
    })
    .unwrap();
    db.update(|tx| HOSTILE.iter().try_for_each(|name| tx.bucket_mut(name.as_bytes())?.delete(b"+1+1").map(|_| ()))).unwrap();
    // The last, so that nothing is written where it was.
    db.update(|tx| tx.delete_bucket(b"gone")).unwrap();
    drop(db);
    disk.to_bytes().into()
}

#[test]
fn hostile_names_are_text_and_nothing_else() {
    let bytes = hostile();
    let page = report(&bytes, "html");
    assert_eq!(page.status, Status::Done, "{}", page.err);
    let document = markup::parse(&page.out).unwrap();
    assert_harmless(&page.out, &document, "hostile");
    let shown: Vec<String> = document.everything().map(|element| element.text.clone()).collect();
    for visible in [HOSTILE[0], HOSTILE[3], HOSTILE[6], "\\x1b[31mred\\x1b[0m\\a\\x00", "a\\u202eb\\ufeff\\uffff"] {
        assert!(shown.iter().any(|text| text.contains(visible)), "{visible}");
    }
    markup::parse(&report(&bytes, "dfxml").out).unwrap();
    let table = report(&bytes, "csv").out;
    assert!(!table.contains(['\t', '\r', '\x1b', '\u{202e}']));
    let cells = rows(&table);
    for cell in cells.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    assert!(cells.iter().flatten().any(|cell| cell == "'=cmd|' /C calc'!A0"), "it is there, and safe");
    // JSON has them as they are.
    let object = json(&bytes).unwrap();
    let keys: Vec<Vec<u8>> = list(&object, "items").iter().map(|item| bytes_of(&item["key"])).collect();
    assert!(HOSTILE.iter().all(|name| keys.iter().any(|key| key == name.as_bytes())), "{keys:?}");
}

#[test]
fn a_file_that_changes_meanwhile_is_reported_in_red_and_with_status_three() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("local-kv.db"), folder.path().join("report.html"));
    fs::write(&path, database("docker/live-20.10.24.db").bytes()).unwrap();
    let open = |path: &Path| {
        let evidence = Evidence::open(path)?;
        let mut bytes = fs::read(path).unwrap();
        bytes[9000] ^= 1;
        fs::write(path, bytes).unwrap();
        Ok(evidence)
    };
    let ran = run_on(&[path.to_str().unwrap(), "-o", out.to_str().unwrap()], &open);
    assert_eq!(ran.status, Status::Io);
    assert!(ran.err.contains("changed while it was looked at"), "{}", ran.err);
    let page = fs::read_to_string(&out).unwrap();
    let document = markup::parse(&page).unwrap();
    assert!(document.everything().any(|element| element.attribute("class") == "alarm"), "the page says it");
    let ran = run_on(&[path.to_str().unwrap(), "--format", "json"], &open);
    assert_eq!(ran.status, Status::Io);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["custody"]["unchanged"], false);
    assert_ne!(report["custody"]["sha256"], report["evidence"]["sha256"]);
    // And where it does not change, nothing is red.
    let ran = on_file(&path, &["-o", out.to_str().unwrap(), "--force"]);
    assert_eq!(ran.status, Status::Done, "{}", ran.err);
    assert!(!fs::read_to_string(&out).unwrap().contains("class=\"alarm\""));
}

#[test]
fn without_metas_and_with_the_page_size_given_there_is_still_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local-kv.db");
    let mut bytes = database("docker/networks-running-20.10.24.db").bytes();
    bytes[..8192].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let open = |assumed| move |path: &Path| Evidence::open_as(path, assumed);
    for page_size in [None, unbolt::format::PageSize::new(4096), unbolt::format::PageSize::new(1024)] {
        let assumed = unbolt::forensic::Assumed { page_size, endian: None };
        let ran = run_on(&[path.to_str().unwrap(), "--format", "json"], &open(assumed));
        assert_eq!(ran.status, Status::Done, "{page_size:?}: {}", ran.err);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let account = list(&report, "account");
        assert_eq!(account.iter().map(|row| number(&row["bytes"])).sum::<u64>(), bytes.len() as u64, "{page_size:?}");
        assert!(report["layout"]["txid"].is_null() && !list(&report, "items").is_empty(), "{page_size:?}");
        assert!(list(&report, "items").iter().all(|item| item["state"] != "deleted"), "{page_size:?}");
    }
}

#[test]
fn every_form_says_of_every_item_that_it_is_not_provable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local-kv.db");
    fs::write(&path, database("docker/live-20.10.24.db").bytes()).unwrap();
    let as_ = |format: &str| on_file(&path, &["--format", format]).out;
    let report: Value = serde_json::from_str(&as_("json")).unwrap();
    let items = list(&report, "items");
    assert!(!items.is_empty() && items.iter().all(|item| item["provable"] == false));
    assert!(
        as_("jsonl").lines().filter(|line| line.contains(r#""type":"item""#)).all(|line| line.contains(r#""provable":false"#))
    );
    let csv = as_("csv");
    let rows: Vec<&str> = csv.lines().filter(|line| line.starts_with("item,")).collect();
    assert!(rows.len() == items.len() && rows.iter().all(|row| row.contains(r#","false","#)), "{rows:?}");
    assert!(as_("dfxml").matches(r#"provable="false""#).count() >= items.len());
    assert!(as_("html").contains("was ever committed is not provable"));
}

#[test]
fn the_output_takes_its_name_whole_and_no_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("local-kv.db"), folder.path().join("report.csv"));
    let bytes = database("docker/live-20.10.24.db").bytes();
    fs::write(&path, &bytes).unwrap();
    let [file, to] = [&path, &out].map(|path| path.to_str().unwrap());
    let write = |to: &str, more: &[&str]| on_file(&path, &[&["--format", "csv", "-o", to], more].concat());
    assert_eq!(write(to, &[]).status, Status::Done);
    let first = fs::read_to_string(&out).unwrap();
    assert!(first.starts_with("record,name,"));
    assert_eq!(write(to, &[]).status, Status::Refused);
    assert_eq!(fs::read_to_string(&out).unwrap(), first, "left as it was");
    assert_eq!(write(to, &["--force"]).status, Status::Done);
    assert_eq!(write(file, &["--force"]).status, Status::Refused, "the evidence is never replaced");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(write("/no-such-folder/report.csv", &[]).status, Status::Io);
    // Nothing that can be reported on leaves no output.
    let (nothing, other) = (folder.path().join("nothing.db"), folder.path().join("other.csv"));
    fs::write(&nothing, vec![7; 20_000]).unwrap();
    assert_eq!(on_file(&nothing, &["-o", other.to_str().unwrap()]).status, Status::Corrupt);
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["local-kv.db", "nothing.db", "report.csv"]);
}

#[test]
fn the_page_of_a_large_file_is_small_and_says_what_it_leaves_out() {
    let disk = Arc::new(MemoryDisk::default());
    let db = OpenOptions::default().page_size(1024).open_disk(disk.clone()).unwrap();
    db.update(|tx| {
        for name in ["a", "b"] {
            let mut bucket = tx.create_bucket(name.as_bytes())?;
            (0..20_000_u32).try_for_each(|n| bucket.put(format!("key-{n:08}").as_bytes(), [b'x'; 500]))?;
        }
        (0..1000_u32).try_for_each(|n| tx.create_bucket(format!("c{n}").as_bytes()).map(|_| ()))
    })
    .unwrap();
    db.update(|tx| tx.delete_bucket(b"a")).unwrap();
    drop(db);
    let bytes: Arc<[u8]> = disk.to_bytes().into();
    let evidence = Evidence::from_bytes(Arc::clone(&bytes)).unwrap();
    assert!(evidence.whole_pages() > 20_000, "{} bytes", evidence.size());
    let history = History::of(&evidence).unwrap();
    for most in [1, 64, 1000, 100_000] {
        let map = PageMap::of(&history, most);
        assert!(map.cells.len() as u64 <= most && map.pages_per_cell.is_power_of_two());
        assert_eq!(map.cells.iter().map(|cell| cell.count).sum::<u64>(), evidence.whole_pages());
    }
    assert_eq!(page_spans(&history).map(|span| span.count).sum::<u64>(), evidence.whole_pages());
    let page = report(&bytes, "html");
    assert_eq!(page.status, Status::Done, "{}", page.err);
    assert!(page.out.len() < 2 << 20, "{} bytes", page.out.len());
    let lines = report(&bytes, "jsonl").out;
    let items = lines.lines().filter(|line| line.starts_with("{\"type\":\"item\"")).count();
    assert!(items > 15_000, "{items}");
    assert!(page.out.contains("more, all in the JSON lines"));
    let per_cell = PageMap::of(&history, 64 * 40).pages_per_cell;
    assert!(per_cell > 1 && page.out.contains(&format!("One cell is {per_cell} pages")), "{per_cell}");
}
