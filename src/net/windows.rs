//! What the drivers of Windows keep: `windows<type>/<network>/` and `windows-endpoint<type>/<id>/`.

use super::address::Cidr;
use super::fields::{Fields, Reader};
use super::port::PortBinding;

/// A network as a driver of Windows keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowsNetwork {
    /// Its id.
    pub id: String,
    /// Its type: `nat`, `transparent`, `l2bridge`, …
    pub kind: Option<String>,
    /// Its name in Windows.
    pub name: Option<String>,
    /// Its id in Windows' own network service.
    pub hns_id: Option<String>,
    /// The adapter that it stands on.
    pub adapter: Option<String>,
}

/// An endpoint as a driver of Windows keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowsEndpoint {
    /// Its id.
    pub id: String,
    /// The id of its network.
    pub network: String,
    /// Its id in Windows' own network service.
    pub hns_id: Option<String>,
    /// Its link address.
    pub mac: Option<String>,
    /// Its address.
    pub address: Option<Cidr>,
    /// The ports of the host that lead to it.
    pub ports: Vec<PortBinding>,
}

impl Fields for WindowsNetwork {
    fn read(reader: &mut Reader<'_>) -> WindowsNetwork {
        WindowsNetwork {
            id: reader.required_text("ID"),
            kind: reader.text("Type"),
            name: reader.text("Name"),
            hns_id: reader.text("HnsID"),
            adapter: reader.text("NetworkAdapterName").filter(|name| !name.is_empty()),
        }
    }
}

impl Fields for WindowsEndpoint {
    fn read(reader: &mut Reader<'_>) -> WindowsEndpoint {
        WindowsEndpoint {
            id: reader.required_text("id"),
            network: reader.required_text("nid"),
            hns_id: reader.text("profileID"),
            mac: reader.text("MacAddress").filter(|mac| !mac.is_empty()),
            address: reader.cidr_never_nil("Addr"),
            ports: reader.objects("PortMapping", PortBinding::read),
        }
    }
}
