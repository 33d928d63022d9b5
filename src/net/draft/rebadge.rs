//! A network under another id.

use super::{Draft, SettingError, text};
use crate::net::json::Step;
use crate::net::key::Key;

/// As many hexadecimal digits as an id has.
const ID: usize = 64;

impl Draft {
    /// Gives a network another id: the one that the configurations of its containers have. The name of its bridge stays.
    ///
    /// # Errors
    ///
    /// Where the id is none, belongs to another network, or the network is not there or has endpoints: they are known by
    /// the old id in places that are not in this file.
    pub fn reid(&mut self, network: &str, id: &str) -> Result<(), SettingError> {
        if id.len() != ID || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(SettingError::NotAnId { id: id.into() });
        }
        if !self.has(&Key::Network(network.into())) {
            return Err(SettingError::NoNetwork { network: network.into() });
        }
        if network == id {
            return Ok(());
        }
        if self.has(&Key::Network(id.into())) || !self.keys_below(&format!("endpoint/{id}/")).is_empty() {
            return Err(SettingError::IdTaken { id: id.into() });
        }
        if let Some(key) = self.companions(id).into_iter().find(|key| !matches!(key, Key::EndpointCount(_))) {
            return Err(SettingError::KeyTaken { key });
        }
        let endpoints = self.keys_below(&format!("endpoint/{network}/")).len();
        if endpoints > 0 {
            return Err(SettingError::HasEndpoints { network: network.into(), endpoints });
        }
        self.rebadge(network, id);
        Ok(())
    }

    /// Moves the records of a network to another id.
    pub(super) fn rebadge(&mut self, network: &str, id: &str) {
        for from in self.companions(network).into_iter().chain([Key::Network(network.into())]) {
            let Some(mut document) = self.document(&from) else { continue };
            let to = match &from {
                Key::Network(_) => Key::Network(id.into()),
                Key::EndpointCount(_) => Key::EndpointCount(id.into()),
                Key::Bridge(_) => Key::Bridge(id.into()),
                Key::Vlan(kind, _) => Key::Vlan(*kind, id.into()),
                Key::OverlayNetwork(_) => Key::OverlayNetwork(id.into()),
                Key::Windows { kind, .. } => Key::Windows { kind: kind.clone(), network: id.into() },
                _ => continue,
            };
            for field in ["id", "ID"] {
                if text(&document, field).as_deref() == Some(network) {
                    let _ = document.set(&[Step::Member(field)], id);
                }
            }
            self.delete(from.to_string().as_bytes());
            self.put(&to, document.as_str());
        }
    }
}
