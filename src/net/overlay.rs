//! What the overlay driver kept: `overlay/endpoint/<id>/` until 23, `overlay/network/<id>/` on Windows until 17.03.

use super::address::Cidr;
use super::fields::{Fields, Reader};

/// An endpoint as the overlay driver kept it. Nothing reads it since 24.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverlayEndpoint {
    /// Its id.
    pub id: String,
    /// The id of its network.
    pub network: String,
    /// The interface on the host.
    pub interface: Option<String>,
    /// Its address.
    pub address: Option<Cidr>,
    /// Its link address.
    pub mac: Option<String>,
}

/// An overlay network as Windows kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverlayNetwork {
    /// Its id.
    pub id: Option<String>,
    /// Its id in Windows' own network service.
    pub hns_id: Option<String>,
    /// The host's address in it.
    pub provider_address: Option<String>,
}

impl Fields for OverlayEndpoint {
    fn read(reader: &mut Reader<'_>) -> OverlayEndpoint {
        OverlayEndpoint {
            id: reader.required_text("id"),
            network: reader.required_text("nid"),
            interface: reader.text("ifName").filter(|name| !name.is_empty()),
            address: reader.cidr("addr"),
            mac: reader.text("mac").filter(|mac| !mac.is_empty()),
        }
    }
}

impl Fields for OverlayNetwork {
    fn read(reader: &mut Reader<'_>) -> OverlayNetwork {
        OverlayNetwork { id: reader.text("id"), hns_id: reader.text("hnsID"), provider_address: reader.text("providerAddress") }
    }
}
