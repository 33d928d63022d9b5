//! The block of a compose file that makes networks again.

use super::Script;
use super::recipe;
use crate::net::network::Network;

/// The `networks` block of a compose file that makes these networks again, under the names that they have. What docker
/// makes by itself is passed over; what no compose file can say is left out.
///
/// ```
/// use unbolt::net::{Inventory, transfer};
/// use unbolt::store::{BoltStore, DOCKER_BUCKET};
/// let store = BoltStore::open_read_only("testdata/docker/networks-stopped-20.10.24.db", DOCKER_BUCKET)?;
/// let inventory = Inventory::read(store.entries("")?)?;
/// let script = transfer::compose(inventory.networks.iter().map(|network| &**network));
/// assert!(script.text.starts_with("networks:\n  \""));
/// assert!(script.text.contains("    labels:\n      \"note\": \"two words\"\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compose<'n>(networks: impl IntoIterator<Item = &'n Network>) -> Script {
    let mut script = Script::default();
    let mut keys: Vec<String> = Vec::new();
    for network in recipe::made(networks) {
        let obstacle = match network {
            _ if network.config_only => Some("no compose file can say that a network is a configuration for others"),
            _ if network.scope == "swarm" && network.config_from.is_some() => {
                Some("no compose file can say which configuration a network takes")
            }
            _ => recipe::obstacle(network),
        };
        match obstacle {
            Some(reason) => script.left_out.push((network.name.clone(), reason.into())),
            None => {
                let key = key(&network.name, &keys);
                script.text.push_str(&block(&key, network));
                keys.push(key);
            }
        }
    }
    let head = if script.text.is_empty() { "networks: {}\n" } else { "networks:\n" };
    script.text.insert_str(0, head);
    script
}

/// What compose calls the network in its file: its name, as far as compose takes that, and as no other.
fn key(name: &str, taken: &[String]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let plain: String = name.chars().map(plain).collect();
    let numbered = (1_usize..).map(|n| if n == 1 { plain.clone() } else { format!("{plain}_{n}") });
    numbered.into_iter().find(|key| !taken.contains(key)).unwrap_or(plain)
}

fn block(key: &str, network: &Network) -> String {
    let mut lines = vec![format!("  {}:", scalar(key))];
    let mut say = |name: &str, value: String| lines.push(format!("    {name}: {value}"));
    say("name", value(&network.name));
    say("driver", value(&network.driver));
    for (name, is_set) in
        [("internal", network.internal), ("attachable", network.attachable), ("enable_ipv6", network.enable_ipv6)]
    {
        if is_set {
            say(name, "true".into());
        }
    }
    if network.enable_ipv4 == Some(false) {
        say("enable_ipv4", "false".into());
    }
    map(&mut lines, "    ", "driver_opts", &network.options);
    map(&mut lines, "    ", "labels", &network.labels);
    ipam(&mut lines, network);
    lines.join("\n") + "\n"
}

fn ipam(lines: &mut Vec<String>, network: &Network) {
    let pools = recipe::pools(network);
    let driver = Some(&network.ipam_driver).filter(|driver| *driver != "default" && !driver.is_empty());
    let options = network.ipam_options.as_deref().unwrap_or_default();
    if pools.is_empty() && driver.is_none() && options.is_empty() {
        return;
    }
    lines.push("    ipam:".into());
    lines.extend(driver.map(|driver| format!("      driver: {}", value(driver))));
    map(lines, "      ", "options", options);
    if !pools.is_empty() {
        lines.push("      config:".into());
    }
    for pool in pools {
        lines.push(format!("        - subnet: {}", value(&pool.subnet)));
        for (name, text) in [("ip_range", &pool.range), ("gateway", &pool.gateway)] {
            lines.extend((!text.is_empty()).then(|| format!("          {name}: {}", value(text))));
        }
        map(lines, "          ", "aux_addresses", &pool.auxiliary);
    }
}

fn map(lines: &mut Vec<String>, indent: &str, name: &str, pairs: &[(String, String)]) {
    if !pairs.is_empty() {
        lines.push(format!("{indent}{name}:"));
        lines.extend(pairs.iter().map(|(name, text)| format!("{indent}  {}: {}", scalar(name), value(text))));
    }
}

/// A value, in which compose would take a dollar sign for a variable.
fn value(text: &str) -> String {
    scalar(&text.replace('$', "$$"))
}

/// A YAML string between double quotes.
fn scalar(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\u{fffe}' | '\u{ffff}' | '\u{feff}' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_for_yaml_and_dollars_for_compose() {
        assert_eq!(value("a \"b\" \\ $c"), r#""a \"b\" \\ $$c""#);
        assert_eq!(scalar("yes\n\0\u{7f}\u{85}\u{feff}\u{2028}é"), r#""yes\n\x00\x7f\x85\ufeff\u2028é""#);
    }

    #[test]
    fn compose_gets_names_that_it_takes_and_no_name_twice() {
        let taken = ["a_b".to_owned(), "a_b_2".to_owned()];
        assert_eq!((key("a b", &[]), key("a b", &taken)), ("a_b".into(), "a_b_3".into()));
    }
}
