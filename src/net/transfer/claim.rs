//! The addresses that containers ask for, which no record of a network says: they are in docker's file of each container.

use std::net::IpAddr;

use crate::net::json::{Document, DocumentError, Json};

/// What a container asks of a network: static addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The container's name, or its id where it has none.
    pub container: String,
    /// The network's id, as it was when the container was last started.
    pub network: String,
    /// The addresses.
    pub addresses: Vec<IpAddr>,
}

impl Claim {
    /// What a container asks for, by the text of its `config.v2.json`: a claim for each network in which it has a static
    /// address.
    ///
    /// ```
    /// use unbolt::net::transfer::Claim;
    /// let claims = Claim::of_container(br#"{"ID":"75a7","Name":"/web","NetworkSettings":{"Networks":{"blue":
    ///     {"IPAMConfig":{"IPv4Address":"10.0.0.7"},"NetworkID":"4e47"}}}}"#)?;
    /// assert_eq!((claims[0].container.as_str(), claims[0].network.as_str()), ("web", "4e47"));
    /// # Ok::<(), unbolt::net::json::DocumentError>(())
    /// ```
    pub fn of_container(config: &[u8]) -> Result<Vec<Claim>, DocumentError> {
        let document = Document::parse(config)?;
        let root = document.root();
        let container = [text(root, "Name"), text(root, "ID")].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let container = container.trim_start_matches('/').to_owned();
        let networks = root.get("NetworkSettings").and_then(|settings| settings.get("Networks")?.object());
        let claim = |(_, network): (&str, Json<'_>)| {
            let asked = network.get("IPAMConfig")?;
            let addresses = ["IPv4Address", "IPv6Address"].map(|field| text(asked, field).parse().ok());
            let addresses: Vec<IpAddr> = addresses.into_iter().flatten().collect();
            let claim = Claim { container: container.clone(), network: text(network, "NetworkID"), addresses };
            (!claim.addresses.is_empty()).then_some(claim)
        };
        Ok(networks.unwrap_or_default().iter().filter_map(claim).collect())
    }
}

fn text(json: Json<'_>, field: &str) -> String {
    json.get(field).and_then(Json::as_str).unwrap_or_default().into_owned()
}
