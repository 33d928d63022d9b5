//! The commands of docker that make networks again.

use super::Script;
use super::recipe;
use crate::net::network::Network;

/// The commands that make these networks again, for a POSIX shell. What docker makes by itself is passed over.
///
/// ```
/// use unbolt::net::{Inventory, transfer};
/// use unbolt::store::{BoltStore, DOCKER_BUCKET};
/// let store = BoltStore::open_read_only("testdata/docker/networks-stopped-20.10.24.db", DOCKER_BUCKET)?;
/// let inventory = Inventory::read(store.entries("")?)?;
/// let script = transfer::docker(inventory.networks.iter().map(|network| &**network));
/// assert!(script.text.starts_with("#!/bin/sh\nset -eu\n"));
/// assert!(script.text.contains("--aux-address printer=10.90.0.9 \\\n  --label 'note=two words'"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn docker<'n>(networks: impl IntoIterator<Item = &'n Network>) -> Script {
    let mut script = Script { text: "#!/bin/sh\nset -eu\n".into(), left_out: Vec::new() };
    for network in recipe::made(networks) {
        let words = match recipe::obstacle(network) {
            Some(reason) => Err(reason.to_owned()),
            None => words(network),
        };
        match words {
            Ok(words) => script.text.push_str(&format!("docker network create \\\n  {}\n", words.join(" \\\n  "))),
            Err(reason) => script.left_out.push((network.name.clone(), reason)),
        }
    }
    script
}

/// Options with their values, and the name.
fn words(network: &Network) -> Result<Vec<String>, String> {
    let mut words = Words(Vec::new());
    match &network.config_from {
        Some(config) => {
            words.option("--driver", &network.driver)?;
            words.option("--config-from", config)?;
        }
        None if network.config_only => words.0.push("--config-only".into()),
        None => words.option("--driver", &network.driver)?,
    }
    if network.scope != "local" && !network.scope.is_empty() && !network.config_only {
        words.option("--scope", &network.scope)?;
    }
    for (flag, is_set) in [("--internal", network.internal), ("--attachable", network.attachable)] {
        words.0.extend(is_set.then(|| flag.to_owned()));
    }
    if network.config_from.is_none() {
        words.configuration(network)?;
    }
    words.0.push(format!("-- {}", quoted(&network.name)?));
    Ok(words.0)
}

struct Words(Vec<String>);

impl Words {
    fn option(&mut self, option: &str, value: &str) -> Result<(), String> {
        self.0.push(format!("{option} {}", quoted(value)?));
        Ok(())
    }

    /// A name and a value, which docker parts at the first sign of equality.
    fn pair(&mut self, option: &str, name: &str, value: &str) -> Result<(), String> {
        match name.contains('=') || name.is_empty() {
            true => Err(format!("no command line can say {option} with the name {name:?}")),
            false => self.option(option, &format!("{name}={value}")),
        }
    }

    /// What a network does not have of its own that takes it from another.
    fn configuration(&mut self, network: &Network) -> Result<(), String> {
        self.0.extend((network.enable_ipv4 == Some(false)).then(|| "--ipv4=false".to_owned()));
        self.0.extend(network.enable_ipv6.then(|| "--ipv6".to_owned()));
        if network.ipam_driver != "default" && !network.ipam_driver.is_empty() {
            self.option("--ipam-driver", &network.ipam_driver)?;
        }
        for (name, value) in network.ipam_options.iter().flatten() {
            self.pair("--ipam-opt", name, value)?;
        }
        for pool in recipe::pools(network) {
            let of_pool = [("--subnet", &pool.subnet), ("--ip-range", &pool.range), ("--gateway", &pool.gateway)];
            of_pool.into_iter().filter(|(_, value)| !value.is_empty()).try_for_each(|(o, value)| self.option(o, value))?;
            pool.auxiliary.iter().try_for_each(|(name, value)| self.pair("--aux-address", name, value))?;
        }
        network.options.iter().try_for_each(|(name, value)| self.pair("--opt", name, value))?;
        network.labels.iter().try_for_each(|(name, value)| self.pair("--label", name, value))
    }
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(&byte);
    match word {
        "" => Ok("''".into()),
        _ if word.contains('\0') => Err(format!("no command line can say {word:?}")),
        _ if word.bytes().all(plain) => Ok(word.into()),
        _ => Ok(format!("'{}'", word.replace('\'', r"'\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_quoted_word_as_it_was() {
        for word in ["", "plain", "two words", "it's", "$HOME `id` \"x\" \\", "a\nb", "*?[~#!&|;<>(){}", "é\u{2028}", "=", "-n"]
        {
            let line = format!("printf %s {}", quoted(word).unwrap());
            let line = line.replace("printf %s -n", "printf %s%s '' -n");
            let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word, "{line}");
        }
        assert!(quoted("a\0b").is_err());
    }
}
