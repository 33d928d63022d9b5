//! Ports: those that a container offers, and those of the host that lead there.

use std::fmt;
use std::net::IpAddr;

use super::fields::Reader;

/// A protocol, by its number in IP headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.pad("icmp"),
            6 => f.pad("tcp"),
            17 => f.pad("udp"),
            132 => f.pad("sctp"),
            number => f.pad(&number.to_string()),
        }
    }
}

/// A port that a container offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Port {
    /// The protocol.
    pub protocol: Protocol,
    /// The number.
    pub number: u16,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.number, self.protocol))
    }
}

/// A port of the host that leads to one of a container, or that was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortBinding {
    /// The protocol.
    pub protocol: Protocol,
    /// The container's address.
    pub address: Option<IpAddr>,
    /// The container's port.
    pub port: u16,
    /// The host's address; `None` for all of them.
    pub host_address: Option<IpAddr>,
    /// The host's port, or the first that may be taken; 0 for any.
    pub host_port: u16,
    /// The last that may be taken.
    pub host_port_end: u16,
}

const NUMBER: &str = "a number from 0 to 65535";

pub(super) fn protocol(reader: &mut Reader<'_>) -> Protocol {
    Protocol(reader.small("Proto", "a number from 0 to 255").unwrap_or_default())
}

impl Port {
    pub(super) fn read(reader: &mut Reader<'_>) -> Port {
        Port { protocol: protocol(reader), number: reader.small("Port", NUMBER).unwrap_or_default() }
    }
}

impl PortBinding {
    pub(super) fn read(reader: &mut Reader<'_>) -> PortBinding {
        PortBinding {
            protocol: protocol(reader),
            address: reader.ip("IP"),
            port: reader.small("Port", NUMBER).unwrap_or_default(),
            host_address: reader.ip("HostIP"),
            host_port: reader.small("HostPort", NUMBER).unwrap_or_default(),
            host_port_end: reader.small("HostPortEnd", NUMBER).unwrap_or_default(),
        }
    }
}
