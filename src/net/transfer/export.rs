//! Networks apart from any file: what an export holds, and how it is made of a file's records.

use std::collections::BTreeMap;

use crate::net::inventory::Inventory;
use crate::net::key::Key;
use crate::net::network::Network;
use crate::net::record::{BadRecord, Record};
use crate::store::KvPair;

/// All records of a file, or those of some networks, by the network that they are of.
///
/// ```
/// use unbolt::net::Inventory;
/// use unbolt::net::transfer::Export;
/// use unbolt::store::{BoltStore, DOCKER_BUCKET};
/// let store = BoltStore::open_read_only("testdata/docker/networks-stopped-20.10.24.db", DOCKER_BUCKET)?;
/// let inventory = Inventory::read(store.entries("")?)?;
/// let text = Export::of(&inventory).to_json();
/// let export = Export::parse(&text)?;
/// assert_eq!(export.networks.iter().filter(|network| network.name.as_deref() == Some("labelled")).count(), 1);
/// // Every record is there, byte for byte.
/// let all = store.entries("")?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(export.pairs(), all);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Export {
    /// The versions of Docker that may have written the file last, in words.
    pub written_by: String,
    /// The networks, by name.
    pub networks: Vec<ExportedNetwork>,
    /// Records that are of no one network: sandboxes, address pools, those under keys that libnetwork does not make.
    pub others: Vec<ExportedRecord>,
}

/// The records of one network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportedNetwork {
    /// Its id, by the keys of its records.
    pub id: String,
    /// Its name; `None` where records speak of a network that has none of its own.
    pub name: Option<String>,
    /// Its driver.
    pub driver: Option<String>,
    /// Its own record, and then those about it: its count, its driver's, its endpoints'.
    pub records: Vec<ExportedRecord>,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedRecord {
    /// Key, value and index.
    pub pair: KvPair,
    /// What is wrong with it, in words, where dockerd cannot read it.
    pub problem: Option<String>,
}

impl Export {
    /// All records of a file. Those that have no bytes that could be read ([`BadRecord::value`]) are left out.
    pub fn of(inventory: &Inventory) -> Export {
        let mut records = Owned::default();
        records.all(inventory);
        let mut networks: Vec<ExportedNetwork> = Vec::new();
        let own = |network| Some((Record::key(network).network()?, network));
        let own: BTreeMap<&str, &Record<Network>> = inventory.networks.iter().filter_map(own).collect();
        for (id, records) in records.of_networks {
            let own = own.get(id.as_str());
            let (name, driver) = (own.map(|network| network.name.clone()), own.map(|network| network.driver.clone()));
            networks.push(ExportedNetwork { id, name, driver, records });
        }
        networks.sort_by(|a, b| (a.name.is_none(), &a.name, &a.id).cmp(&(b.name.is_none(), &b.name, &b.id)));
        let mut others = records.others;
        others.sort_by(|a, b| a.pair.key.cmp(&b.pair.key));
        Export { written_by: inventory.written_by().to_string(), networks, others }
    }

    /// The same of some networks alone, by their ids, without what is of no one network.
    pub fn of_networks(inventory: &Inventory, ids: &[&str]) -> Export {
        let mut export = Export::of(inventory);
        export.networks.retain(|network| ids.contains(&network.id.as_str()));
        export.others.clear();
        export
    }

    /// All records, in the order of keys.
    pub fn pairs(&self) -> Vec<KvPair> {
        let mut pairs: Vec<KvPair> = self.records().map(|record| record.pair.clone()).collect();
        pairs.sort_by(|a, b| a.key.cmp(&b.key));
        pairs
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = &ExportedRecord> {
        self.networks.iter().flat_map(|network| &network.records).chain(&self.others)
    }
}

/// Records by their network.
#[derive(Default)]
struct Owned {
    of_networks: BTreeMap<String, Vec<ExportedRecord>>,
    others: Vec<ExportedRecord>,
}

impl Owned {
    /// Takes all records, in the order in which people want to read those of one network.
    fn all(&mut self, inventory: &Inventory) {
        let by_key = |key: &Key| key.network().map(String::from);
        self.family(&inventory.networks, |record| by_key(record.key()));
        self.family(&inventory.counts, |record| by_key(record.key()));
        self.family(&inventory.bridges, |record| by_key(record.key()));
        self.family(&inventory.vlans, |record| by_key(record.key()));
        self.family(&inventory.overlay_networks, |record| by_key(record.key()));
        self.family(&inventory.windows_networks, |record| by_key(record.key()));
        self.family(&inventory.endpoints, |record| by_key(record.key()));
        self.family(&inventory.bridge_endpoints, |record| Some(record.network.clone()));
        self.family(&inventory.vlan_endpoints, |record| Some(record.network.clone()));
        self.family(&inventory.overlay_endpoints, |record| Some(record.network.clone()));
        self.family(&inventory.windows_endpoints, |record| Some(record.network.clone()));
        self.family(&inventory.sandboxes, |_| None);
        self.family(&inventory.ipam_configs, |_| None);
        self.family(&inventory.ipam_data, |_| None);
        inventory.bad.iter().for_each(|bad| self.bad(bad));
        for pair in inventory.empty.iter().chain(&inventory.unknown) {
            let owner = pair.key.parse().ok().and_then(|key: Key| by_key(&key));
            self.add(owner, ExportedRecord { pair: pair.clone(), problem: None });
        }
    }

    fn family<T>(&mut self, records: &[Record<T>], owner: impl Fn(&Record<T>) -> Option<String>) {
        for record in records {
            let (key, value, last_index) = (record.key().to_string(), record.bytes().to_vec(), record.last_index());
            self.add(owner(record), ExportedRecord { pair: KvPair { key, value, last_index }, problem: None });
        }
    }

    fn bad(&mut self, bad: &BadRecord) {
        let (Ok(key), Some((last_index, value))) = (String::from_utf8(bad.key.clone()), bad.value.clone()) else { return };
        let owner = bad.parsed_key.as_ref().and_then(Key::network).map(String::from);
        self.add(owner, ExportedRecord { pair: KvPair { key, value, last_index }, problem: Some(bad.to_string()) });
    }

    fn add(&mut self, owner: Option<String>, record: ExportedRecord) {
        match owner.filter(|id| !id.is_empty()) {
            Some(id) => self.of_networks.entry(id).or_default().push(record),
            None => self.others.push(record),
        }
    }
}
