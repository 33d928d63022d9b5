//! What the containers of a host know of its networks: `containers/<id>/config.v2.json` below docker's root.
//!
//! A container names its networks by id, so it does not start once an id is gone; and what it has of addresses tells
//! what a lost network was like.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::address::Cidr;

/// The largest file that is read. Real ones have a few thousand bytes.
const LARGEST: u64 = 16 << 20;

/// The containers of a host.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Containers {
    /// Those that can be read, in the order of their ids.
    pub containers: Vec<Container>,
    /// Files that cannot be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// A container, as far as its networks go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Container {
    /// Its id: the name of its folder.
    pub id: String,
    /// Its name, without the slash.
    pub name: String,
    /// The networks that it is in.
    pub networks: Vec<Attachment>,
}

/// A container's place in a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Attachment {
    /// The network's name.
    pub name: String,
    /// The network's id; empty where the container was never started.
    pub network: String,
    /// The address that was asked for by hand.
    pub fixed_v4: Option<IpAddr>,
    /// The address of IPv6 that was asked for by hand.
    pub fixed_v6: Option<IpAddr>,
    /// The address that it had when the daemon was killed; after a clean stop there is none.
    pub address_v4: Option<Cidr>,
    /// The same for IPv6.
    pub address_v6: Option<Cidr>,
    /// The gateway that it had then.
    pub gateway_v4: Option<IpAddr>,
    /// The same for IPv6.
    pub gateway_v6: Option<IpAddr>,
}

impl Attachment {
    /// The addresses that were asked for by hand.
    pub fn fixed(&self) -> impl Iterator<Item = IpAddr> {
        [self.fixed_v4, self.fixed_v6].into_iter().flatten()
    }

    /// Whether it is a network that docker makes itself, under a new id where it has to.
    pub fn is_predefined(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "host" | "none")
    }
}

impl Containers {
    /// Reads the containers below docker's root, such as `/var/lib/docker`.
    ///
    /// # Errors
    ///
    /// Where there is no folder `containers`, or it cannot be listed. A file in it that cannot be read is none.
    pub fn read(root: impl AsRef<Path>) -> io::Result<Containers> {
        let mut all = Containers::default();
        let entries = fs::read_dir(root.as_ref().join("containers"))?;
        let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        folders.sort();
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            let file = folder.join("config.v2.json");
            let id = folder.file_name().unwrap_or_default().to_string_lossy();
            match read(&file).and_then(|config| Container::from_config(&id, &config).map_err(io::Error::from)) {
                Ok(container) => all.containers.push(container),
                Err(error) => all.unreadable.push((file, error.to_string())),
            }
        }
        Ok(all)
    }

    /// The container with this id. One whose file cannot be read is there too.
    pub fn has(&self, id: &str) -> bool {
        let is_it = |(file, _): &(PathBuf, String)| file.parent().and_then(Path::file_name).is_some_and(|name| name == id);
        self.containers.binary_search_by(|container| container.id.as_str().cmp(id)).is_ok() || self.unreadable.iter().any(is_it)
    }

    /// All places in networks of the user's, and whose they are.
    pub fn attachments(&self) -> impl Iterator<Item = (&Container, &Attachment)> {
        let each = |container| Container::places(container);
        self.containers.iter().flat_map(each).filter(|(_, place)| !place.is_predefined() && !place.network.is_empty())
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(io::Error::other(format!("more than {LARGEST} bytes"))),
        false => Ok(bytes),
    }
}

impl Container {
    fn places(&self) -> impl Iterator<Item = (&Container, &Attachment)> {
        self.networks.iter().map(move |place| (self, place))
    }

    /// Reads a `config.v2.json`.
    pub fn from_config(id: &str, config: &[u8]) -> Result<Container, serde_json::Error> {
        let config: Value = serde_json::from_slice(config)?;
        let name = config.get("Name").and_then(Value::as_str).unwrap_or_default();
        let networks = config.pointer("/NetworkSettings/Networks").and_then(Value::as_object);
        let networks = networks.into_iter().flatten().map(|(name, settings)| Attachment::read(name, settings));
        Ok(Container { id: id.into(), name: name.trim_start_matches('/').into(), networks: networks.collect() })
    }
}

impl Attachment {
    fn read(name: &str, settings: &Value) -> Attachment {
        let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let ip = |value: &Value, field: &str| text(value, field).parse().ok();
        let fixed = settings.get("IPAMConfig").unwrap_or(&Value::Null);
        let with_prefix = |address: &str, prefix: &str| {
            let prefix = settings.get(prefix).and_then(Value::as_u64).and_then(|prefix| u8::try_from(prefix).ok())?;
            Cidr::new(ip(settings, address)?, prefix)
        };
        Attachment {
            name: name.into(),
            network: text(settings, "NetworkID"),
            fixed_v4: ip(fixed, "IPv4Address"),
            fixed_v6: ip(fixed, "IPv6Address"),
            address_v4: with_prefix("IPAddress", "IPPrefixLen"),
            address_v6: with_prefix("GlobalIPv6Address", "GlobalIPv6PrefixLen"),
            gateway_v4: ip(settings, "Gateway"),
            gateway_v6: ip(settings, "IPv6Gateway"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_read_with_what_it_was_given_and_what_it_had() {
        let config = br#"{"Name":"/web","NetworkSettings":{"Networks":{
            "lan":{"IPAMConfig":{"IPv4Address":"10.9.0.7"},"NetworkID":"n1","Gateway":"10.9.0.1","IPAddress":"10.9.0.7",
                "IPPrefixLen":24,"GlobalIPv6Address":"","GlobalIPv6PrefixLen":0,"IPv6Gateway":""},
            "bridge":{"IPAMConfig":null,"NetworkID":"n2","IPPrefixLen":300,"IPAddress":"10.0.0.1"},
            "odd":7}}}"#;
        let container = Container::from_config("c", config).unwrap();
        assert_eq!((container.name.as_str(), container.networks.len()), ("web", 3));
        let [lan, bridge, odd] = &container.networks[..] else { panic!() };
        assert_eq!((lan.fixed_v4, lan.address_v4), ("10.9.0.7".parse().ok(), "10.9.0.7/24".parse().ok()));
        assert_eq!((lan.gateway_v4, lan.address_v6, lan.gateway_v6), ("10.9.0.1".parse().ok(), None, None));
        assert!(bridge.is_predefined() && bridge.address_v4.is_none());
        assert_eq!((odd.name.as_str(), odd.network.as_str()), ("odd", ""));
        assert!(Container::from_config("c", b"{").is_err());
        assert_eq!(Container::from_config("c", b"[]").unwrap().networks, []);
    }

    #[test]
    fn a_file_that_cannot_be_read_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        for (id, config) in [("a", "{\"Name\":\"/a\"}"), ("b", "{"), ("c", "{}")] {
            fs::create_dir_all(dir.path().join("containers").join(id)).unwrap();
            fs::write(dir.path().join("containers").join(id).join("config.v2.json"), config).unwrap();
        }
        fs::create_dir_all(dir.path().join("containers/d")).unwrap();
        fs::write(dir.path().join("containers/file"), "").unwrap();
        let containers = Containers::read(dir.path()).unwrap();
        let ids: Vec<_> = containers.containers.iter().map(|container| container.id.as_str()).collect();
        assert_eq!((ids, containers.unreadable.len()), (vec!["a", "c"], 2));
        assert!(["a", "b", "c", "d"].iter().all(|id| containers.has(id)) && !containers.has("e"));
        assert!(Containers::read(dir.path().join("none")).is_err());
    }
}
