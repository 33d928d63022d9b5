//! Commands and compose blocks say what a shell and a YAML reader take for what it was.

use serde_json::json;
use unbolt::net::Network;
use unbolt::net::json::Step::Member;
use unbolt::net::transfer::{compose, docker};

use crate::files::*;

#[test]
fn scripts_quote_and_name_what_they_leave_out() {
    let labels = json!({ "it's": "$HOME `x` \"y\"\n", "plain": "a" });
    let inventory = edited("plain", &[(&[Member("labels")], labels), (&[Member("name")], "a b".into())]);
    let networks = || inventory.networks.iter().map(|network| -> &Network { network });
    let script = docker(networks());
    assert!(
        script.text.contains("  --label 'it'\\''s=$HOME `x` \"y\"\n' \\\n  --label plain=a \\\n  -- 'a b'\n"),
        "{}",
        script.text
    );
    assert!(script.left_out.is_empty(), "{script:?}");
    let script = compose(networks());
    assert!(script.text.contains("  \"a_b\":\n    name: \"a b\"\n"), "{}", script.text);
    assert!(script.text.contains("      \"it's\": \"$$HOME `x` \\\"y\\\"\\n\"\n"), "{}", script.text);
    let inventory = edited("plain", &[(&[Member("labels")], json!({ "a=b": "c" }))]);
    let script = docker(inventory.networks.iter().map(|network| -> &Network { network }));
    assert_eq!(script.left_out, [("plain".into(), "no command line can say --label with the name \"a=b\"".to_owned())]);
    assert!(!script.text.contains("-- plain"));
}
