//! What stands in the way of a network that is to come into a file.

use std::fmt;

use crate::net::address::Cidr;
use crate::net::key::Key;
use crate::net::renumber::NoPlace;
use crate::net::version::Version;

/// Something that stands in the way of a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("network {network}: {kind}")]
pub struct Conflict {
    /// The name of the network that was to come, as it was to be.
    pub network: String,
    /// What stands in its way.
    pub kind: ConflictKind,
}

/// What can stand in the way of a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConflictKind {
    /// A record of another network, or of what is left of one, has its id.
    #[error("its id {id} is taken by {rival}")]
    Id {
        /// The id.
        id: String,
        /// Who has it.
        rival: Rival,
    },
    /// Another network has its name.
    #[error("its name is that of {rival}")]
    Name {
        /// Who has it.
        rival: Rival,
    },
    /// Another network has its interface on the host.
    #[error("its bridge {bridge} is that of {rival}")]
    BridgeName {
        /// The interface.
        bridge: String,
        /// Who has it.
        rival: Rival,
    },
    /// Another network has some of its addresses.
    #[error("its subnet {subnet} overlaps {other} of {rival}")]
    Subnet {
        /// Its subnet.
        subnet: Cidr,
        /// The other's.
        other: Cidr,
        /// Who has it.
        rival: Rival,
    },
    /// Another network of the same driver stands on its parent.
    #[error("its parent {parent} is that of {rival}")]
    Parent {
        /// The host's interface.
        parent: String,
        /// Who has it.
        rival: Rival,
    },
    /// An address of the network, its gateway or one that is kept free, has no place in the new subnet.
    #[error(transparent)]
    NoPlace(NoPlace),
    /// The gateway is an address that somebody else has.
    #[error("its gateway {gateway} is taken by {by}")]
    Gateway {
        /// The gateway.
        gateway: std::net::IpAddr,
        /// Who has it.
        by: String,
    },
    /// A container asks for an address that the network will not have.
    #[error("container {container} has the static address {address}, which is in none of its subnets")]
    StaticAddress {
        /// The container's name or id.
        container: String,
        /// The address that it asks for.
        address: std::net::IpAddr,
    },
    /// A container asks for an address that the network keeps for something else.
    #[error("container {container} has the static address {address}, which it keeps for {name}")]
    Kept {
        /// The container's name or id.
        container: String,
        /// The address that it asks for.
        address: std::net::IpAddr,
        /// What the address is kept for, by the name that it was given.
        name: String,
    },
    /// The network whose configuration it takes is neither there nor among those that come.
    #[error("it takes its configuration from {config}, which is neither there nor among those that come")]
    NoConfig {
        /// The other network's name.
        config: String,
    },
    /// Docker makes it by itself with every start.
    #[error("docker makes it by itself")]
    Predefined,
    /// Its records are not all there, or do not fit together: it does not work where it is.
    #[error("it is not whole where it is: {0}")]
    NotWhole(NotWhole),
    /// The version that is to read the file could not live with it.
    #[error("Docker {target} {reason}")]
    Target {
        /// The version.
        target: Version,
        /// Why not.
        reason: &'static str,
    },
}

/// What a network lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotWhole {
    /// Its driver has no record of it.
    #[error("there is no record {key}")]
    NoRecord {
        /// The record's key.
        key: Key,
    },
    /// Its record is under the id of another.
    #[error("its record is under {key} and has the id {id}")]
    OtherId {
        /// The record's key.
        key: Key,
        /// The id in it.
        id: String,
    },
    /// It was being deleted.
    #[error("it was being deleted")]
    InDelete,
    /// A field cannot be changed as asked for.
    #[error("{0}")]
    Field(String),
}

/// Who has what a network wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The name of a network, or the key of what is left of one.
    pub name: String,
    /// Its id; empty where it is a left record.
    pub id: String,
    /// Whether it is in the file that is written, and not one of those that come.
    pub is_there: bool,
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id.is_empty() {
            true => write!(f, "record {}", self.name)?,
            false => write!(f, "network {} ({})", self.name, self.id.chars().take(12).collect::<String>())?,
        }
        f.write_str(if self.is_there { ", which is there" } else { ", which comes too" })
    }
}
