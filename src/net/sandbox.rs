//! Sandboxes: `sandbox/<id>/`.

use super::fields::{Fields, Reader};
use super::json::Kind;

/// A container's network stack.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sandbox {
    /// Its id: 64 hexadecimal digits, or `ingress_sbox`, or `lb_` and the id of a network.
    pub id: String,
    /// The id of the container.
    pub container: String,
    /// The endpoints that are in it.
    pub endpoints: Vec<Place>,
    /// The name servers that it asks.
    pub dns: Vec<String>,
    /// Whether `ExtDNS` has objects in it, on which Docker until 23 fails every start of a container.
    pub has_object_dns: bool,
}

/// An endpoint of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The endpoint's id.
    pub endpoint: String,
    /// The id of the endpoint's network.
    pub network: String,
}

impl Fields for Sandbox {
    fn read(reader: &mut Reader<'_>) -> Sandbox {
        let items = reader.value("ExtDNS").and_then(|value| value.items()).unwrap_or_default();
        let has_object_dns = items.iter().any(|item| item.kind() == Kind::Object);
        let server = |reader: &mut Reader<'_>| reader.text("IPStr").unwrap_or_default();
        let dns = match reader.has("ExtDNS2") {
            true => reader.objects("ExtDNS2", server),
            false if has_object_dns => reader.objects("ExtDNS", server),
            false => reader.texts("ExtDNS"),
        };
        Sandbox {
            id: reader.text("ID").unwrap_or_default(),
            container: reader.text("Cid").unwrap_or_default(),
            endpoints: reader.objects("Eps", |reader| Place {
                endpoint: reader.text("Eid").unwrap_or_default(),
                network: reader.text("Nid").unwrap_or_default(),
            }),
            dns,
            has_object_dns,
        }
    }
}
