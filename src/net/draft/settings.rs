//! What of a network can be set: its name, its labels, its parent.

use std::net::IpAddr;

use serde_json::json;

use super::{Draft, DraftError, text};
use crate::net::address::Cidr;
use crate::net::json::{Json, Step};
use crate::net::key::{Key, VlanKind};
use crate::net::record::ChangeError;
use crate::net::renumber::NoPlace;

/// Names that docker gives to networks of its own.
const PREDEFINED: [&str; 3] = ["bridge", "host", "none"];

/// Where a driver keeps its options.
const OPTIONS: [Step<'_>; 2] = [Step::Member("generic"), Step::Member("com.docker.network.generic")];

/// Why a network was not changed. Nothing of the change is done then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// There is no such network.
    #[error("there is no network {network}")]
    NoNetwork {
        /// What was asked for.
        network: String,
    },
    /// A text is no id.
    #[error("{id:?} is no id: 64 hexadecimal digits")]
    NotAnId {
        /// The text.
        id: String,
    },
    /// Another network has the id.
    #[error("there is a network with the id {id} already")]
    IdTaken {
        /// The id.
        id: String,
    },
    /// A record is in the way.
    #[error("there is a record {key} already")]
    KeyTaken {
        /// Its key.
        key: Key,
    },
    /// The network is in use.
    #[error("network {network} has {endpoints} endpoints")]
    HasEndpoints {
        /// The network's id.
        network: String,
        /// How many.
        endpoints: usize,
    },
    /// Another network has the name, or docker gives it to its own.
    #[error("the name {name:?} is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Docker makes this network itself.
    #[error("docker makes network {name} itself")]
    Predefined {
        /// Its name.
        name: String,
    },
    /// The network's driver has no parent.
    #[error("network {network} has no parent: it is no macvlan or ipvlan network")]
    NoParent {
        /// The network's id.
        network: String,
    },
    /// Another network of the same driver stands on the interface.
    #[error("network {network} stands on {parent} already")]
    ParentTaken {
        /// The interface.
        parent: String,
        /// The other network's id.
        network: String,
    },
    /// The network has no such subnet, or several and none was named.
    #[error("network {network} has {} in place of {wanted}", subnets.iter().map(Cidr::to_string).collect::<Vec<_>>().join(", "))]
    NoSubnet {
        /// The network's id.
        network: String,
        /// What was asked for.
        wanted: String,
        /// What it has.
        subnets: Vec<Cidr>,
    },
    /// Another network has addresses of the subnet.
    #[error("{subnet} overlaps {other}, which network {network} has")]
    Overlaps {
        /// What was asked for.
        subnet: Cidr,
        /// What is in the way.
        other: Cidr,
        /// The other network's id.
        network: String,
    },
    /// Addresses have no counterpart in the new subnet.
    #[error("{}", .0.iter().map(NoPlace::to_string).collect::<Vec<_>>().join("; "))]
    NoPlace(Vec<NoPlace>),
    /// An address is outside of the subnets, or taken.
    #[error("{address} {why}")]
    Address {
        /// The address.
        address: IpAddr,
        /// What is wrong with it.
        why: String,
    },
    /// A record could not be changed.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// A record would not be one that dockerd can read.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// An address that a container was given by hand, which moves with no subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The container's name.
    pub container: String,
    /// The address.
    pub address: IpAddr,
}

impl Draft {
    /// Gives a network another name. Networks that were made from its configuration know it by the new one.
    pub fn rename(&mut self, network: &str, name: &str) -> Result<(), SettingError> {
        let key = Key::Network(network.into());
        let document = self.document(&key).ok_or_else(|| SettingError::NoNetwork { network: network.into() })?;
        let old = text(&document, "name").unwrap_or_default();
        if old == name {
            return Ok(());
        }
        if PREDEFINED.contains(&old.as_str()) {
            return Err(SettingError::Predefined { name: old });
        }
        let taken = self.networks().iter().any(|(_, network)| text(network, "name").as_deref() == Some(name));
        if taken || name.is_empty() || PREDEFINED.contains(&name) {
            return Err(SettingError::NameTaken { name: name.into() });
        }
        self.set_where_there(&key, "name", name);
        if document.root().get("configOnly").and_then(Json::as_bool) == Some(true) {
            for (key, network) in self.networks() {
                if text(&network, "configFrom").as_deref() == Some(&old) {
                    self.set_where_there(&key, "configFrom", name);
                }
            }
        }
        Ok(())
    }

    /// Sets a label of a network, or without a value removes it.
    pub fn label(&mut self, network: &str, label: &str, value: Option<&str>) -> Result<(), SettingError> {
        let key = Key::Network(network.into());
        let mut document = self.document(&key).ok_or_else(|| SettingError::NoNetwork { network: network.into() })?;
        let failed = |source| DraftError::Edit { key: key.clone(), field: "labels".into(), source };
        if document.root().get("labels").and_then(Json::object).is_none() {
            document.set(&[Step::Member("labels")], json!({})).map_err(failed)?;
        }
        let path = [Step::Member("labels"), Step::Member(label)];
        match value {
            Some(value) => document.set(&path, value).map_err(failed)?,
            None => drop(document.remove(&path).map_err(failed)?),
        }
        self.put(&key, document.as_str());
        Ok(())
    }

    /// Puts a macvlan or ipvlan network on another interface of the host.
    pub fn set_parent(&mut self, network: &str, parent: &str) -> Result<(), SettingError> {
        let kinds = [VlanKind::Macvlan, VlanKind::Ipvlan];
        let own = kinds.into_iter().find(|kind| self.has(&Key::Vlan(*kind, network.into())));
        let kind = own.ok_or_else(|| SettingError::NoParent { network: network.into() })?;
        for (key, other) in self.documents_with(&format!("{kind}/network/"), parent) {
            let id = key.network().unwrap_or_default();
            if id != network && text(&other, "Parent").as_deref() == Some(parent) {
                return Err(SettingError::ParentTaken { parent: parent.into(), network: id.into() });
            }
        }
        let record = Key::Vlan(kind, network.into());
        self.apply(&super::Operation::Set { key: record, field: "Parent".into(), value: parent.into() })?;
        let key = Key::Network(network.into());
        if let Some(mut document) = self.document(&key) {
            let [generic, options] = OPTIONS;
            if document.set(&[generic, options, Step::Member("parent")], parent).is_ok() {
                self.put(&key, document.as_str());
            }
        }
        Ok(())
    }
}
