//! A clean base for images and builds: the networks that somebody made, and nothing of what ran on them.

use std::collections::BTreeSet;

use crate::net::inventory::Inventory;
use crate::net::json::Step::Member;
use crate::net::key::Key;
use crate::net::network::Network;
use crate::net::record::Record;
use crate::store::KvPair;

/// What is left of a file, and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stripped {
    /// The records that stay, in the order of keys.
    pub pairs: Vec<KvPair>,
    /// The keys of those that do not.
    pub dropped: Vec<String>,
    /// What dockerd would not be content with, in words.
    pub notes: Vec<String>,
}

impl Stripped {
    /// Keeps networks with their counts, at what they are with nothing running, and their drivers' records, and whatever
    /// is under keys that libnetwork does not make. What does not stay: endpoints and sandboxes; the default bridge,
    /// which each start makes anew; networks that were being deleted; what is left of networks that are gone; the
    /// address pools of 1.9 to 1.11; records that dockerd cannot read.
    ///
    /// ```
    /// use unbolt::net::Inventory;
    /// use unbolt::net::transfer::Stripped;
    /// use unbolt::store::{BoltStore, DOCKER_BUCKET};
    /// let store = BoltStore::open_read_only("testdata/docker/networks-running-20.10.24.db", DOCKER_BUCKET)?;
    /// let stripped = Stripped::of(&Inventory::read(store.entries("")?)?);
    /// let rest = Inventory::read(stripped.pairs.into_iter().map(Ok))?;
    /// assert!(rest.find_network("labelled").is_ok() && rest.find_network("bridge").is_err());
    /// assert!(rest.endpoints.is_empty() && rest.sandboxes.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(inventory: &Inventory) -> Stripped {
        let mut stripped = Stripped::default();
        let mut stay: BTreeSet<&str> = BTreeSet::new();
        for network in &inventory.networks {
            let keeps = !network.is_default_bridge() && network.name != "bridge" && !network.in_delete;
            stripped.sort(network, keeps);
            if keeps {
                stay.extend(network.key().network());
                stripped.set_count(inventory, network);
            }
        }
        let stays = |key: &Key| key.network().is_some_and(|id| stay.contains(id));
        inventory.counts.iter().filter(|count| !stays(count.key())).for_each(|count| stripped.sort(count, false));
        inventory.bridges.iter().for_each(|bridge| stripped.sort(bridge, stays(bridge.key())));
        let of_today = |key: &Key| stays(key) && !matches!(key, Key::OldVlan(..));
        inventory.vlans.iter().for_each(|vlan| stripped.sort(vlan, of_today(vlan.key())));
        inventory.windows_networks.iter().for_each(|windows| stripped.sort(windows, stays(windows.key())));
        stripped.drop_all(&inventory.overlay_networks);
        stripped.drop_all(&inventory.endpoints);
        stripped.drop_all(&inventory.bridge_endpoints);
        stripped.drop_all(&inventory.vlan_endpoints);
        stripped.drop_all(&inventory.overlay_endpoints);
        stripped.drop_all(&inventory.windows_endpoints);
        stripped.drop_all(&inventory.sandboxes);
        stripped.drop_all(&inventory.ipam_configs);
        stripped.drop_all(&inventory.ipam_data);
        let bad = inventory.bad.iter().map(|bad| String::from_utf8_lossy(&bad.key).into_owned());
        stripped.dropped.extend(bad);
        stripped.notes.extend(inventory.bad.iter().map(ToString::to_string));
        stripped.pairs.extend(inventory.empty.iter().chain(&inventory.unknown).cloned());
        stripped.pairs.sort_by(|a, b| a.key.cmp(&b.key));
        stripped.dropped.sort();
        stripped
    }

    fn drop_all<T>(&mut self, records: &[Record<T>]) {
        records.iter().for_each(|record| self.sort(record, false));
    }

    fn sort<T>(&mut self, record: &Record<T>, stays: bool) {
        match stays {
            true => self.pairs.push(pair(record)),
            false => self.dropped.push(record.key().to_string()),
        }
    }

    /// A count that says that nothing runs, and a configuration's how often it is used.
    fn set_count(&mut self, inventory: &Inventory, network: &Record<Network>) {
        let id = network.key().network().unwrap_or_default();
        let uses = |other: &&Record<Network>| network.config_only && other.config_from.as_ref() == Some(&network.name);
        let number = inventory.networks.iter().filter(uses).count() as u64;
        let own = inventory.count_of(id).map(|count| match count.count == number {
            true => Some(count.clone()),
            false => {
                let mut count = count.clone();
                count.set(&[Member("Count")], number).ok().map(|()| count)
            }
        });
        match own.flatten() {
            Some(count) => self.pairs.push(pair(&count)),
            None => {
                let key = Key::EndpointCount(id.into()).to_string();
                self.pairs.push(KvPair { key, value: format!("{{\"Count\":{number}}}").into(), last_index: 0 });
            }
        }
        let has_driver = match network.driver.as_str() {
            _ if network.config_only => true,
            "bridge" => inventory.bridge_of(id).is_some(),
            "macvlan" | "ipvlan" => inventory.vlan_of(id).is_some(),
            _ => true,
        };
        if !has_driver {
            self.notes.push(format!("network {} has no record of its driver {}", network.name, network.driver));
        }
    }
}

fn pair<T>(record: &Record<T>) -> KvPair {
    KvPair { key: record.key().to_string(), value: record.bytes().to_vec(), last_index: record.last_index() }
}
