//! What Docker keeps in its `local-kv.db`: networks, endpoints, sandboxes, and what each driver knows of them.
//!
//! An [`Inventory`] is everything that one state of a file holds. Each [`Record`] in it is a JSON document as dockerd
//! wrote it, with a typed view. What is written is the document, so whatever this version does not know stays as it
//! is: fields of later versions, the order of keys, the forms of numbers and escapes, JSON in strings in JSON in
//! strings. A change of one field changes that field.
//!
//! A bad record hides no other: it is listed with what is wrong, and where in it.
//!
//! ```
//! use unbolt::net::json::Step::{Embedded, Item, Member};
//! use unbolt::net::{Inventory, Key, Record};
//! use unbolt::store::{BoltStore, DOCKER_BUCKET, StoreError};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("local-kv.db");
//! # std::fs::copy("testdata/docker/networks-stopped-20.10.24.db", &path)?;
//! let store = BoltStore::open(&path, DOCKER_BUCKET)?;
//! store.update(|store| {
//!     let inventory = Inventory::read(store.entries("")?)?;
//!     let mut network = inventory.find_network("labelled").expect("there is one").clone();
//!     network.set(&[Member("labels"), Member("team")], "network").expect("it has labels");
//!     // Two documents deep.
//!     let gateway = [Member("ipamV4Info"), Embedded, Item(0), Member("IPAMData"), Embedded, Member("Gateway")];
//!     network.set(&gateway, "10.90.0.254/16").expect("it has a gateway");
//!     network.put(store)
//! })?;
//! let inventory = Inventory::read(store.entries("")?)?;
//! let network = inventory.find_network("labelled")?;
//! assert_eq!(network.pools_v4[0].gateway, Some("10.90.0.254/16".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod address;
mod addresses;
mod base64;
mod bitmap;
mod bridge;
mod containers;
mod diagram;
pub mod doctor;
mod draft;
mod endpoint;
mod fields;
mod fingerprint;
mod inspect;
mod inventory;
mod ipam;
pub mod json;
mod key;
mod lookup;
mod make;
pub(crate) mod markup;
mod natural;
mod network;
mod overlay;
mod places;
mod port;
mod problem;
mod published;
mod rebuild;
mod record;
mod renumber;
mod sandbox;
pub mod transfer;
mod unpack;
mod version;
mod vlan;
mod windows;

pub use address::{Cidr, NotAnAddress};
pub use addresses::{AddressKind, AddressUse};
pub use bitmap::{Bitmap, BitmapError, Ranges};
pub use bridge::{Bridge, BridgeEndpoint};
pub use containers::{Attachment, Container, Containers};
pub use diagram::Diagram;
pub use draft::{Change, Clash, Draft, DraftError, Operation, Resubnet, SettingError};
pub use endpoint::{Count, Endpoint, Interface};
pub use fields::{Fields, Reader};
pub use fingerprint::Fingerprint;
pub use inventory::{FindError, Inventory};
pub use ipam::{IpamConfig, IpamData, IpamPool, IpamRange};
pub use key::{Key, ROOT, UnknownKey, VlanKind};
pub use natural::natural_order;
pub use network::{Network, Pool, PoolRequest};
pub use overlay::{OverlayEndpoint, OverlayNetwork};
pub use places::{EndpointAt, PlaceAt, SandboxAt};
pub use port::{Port, PortBinding, Protocol};
pub use problem::{Problem, ProblemKind};
pub use published::Published;
pub use rebuild::{Hint, RebuildError, Rebuilt};
pub use record::{BadRecord, ChangeError, Record};
pub use renumber::NoPlace;
pub use sandbox::{Place, Sandbox};
pub use version::{NotAVersion, Version};
pub use vlan::{Vlan, VlanEndpoint, VlanSubnet};
pub use windows::{WindowsEndpoint, WindowsNetwork};
