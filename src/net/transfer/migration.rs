//! Networks of one file that are to come into another: what is changed on the way, and the records that are to be put.

use super::blueprint::{Blueprint, unchanged};
use super::conflict::{Conflict, ConflictKind, NotWhole};
use super::rivals;
use crate::net::address::Cidr;
use crate::net::containers::Containers;
use crate::net::inventory::{FindError, Inventory};
use crate::net::json::Step;
use crate::net::key::Key;
use crate::net::network::Network;
use crate::net::record::Record;
use crate::net::renumber;
use crate::net::version::Version;
use crate::store::{StoreError, StoreTx};

/// Which networks are to come into another file, and how.
///
/// ```
/// use unbolt::net::Inventory;
/// use unbolt::net::transfer::Migration;
/// use unbolt::store::{BoltStore, DOCKER_BUCKET};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("local-kv.db");
/// let source = BoltStore::open_read_only("testdata/docker/networks-stopped-20.10.24.db", DOCKER_BUCKET)?;
/// let source = Inventory::read(source.entries("")?)?;
/// let mut migration = Migration::default();
/// migration.networks.push("labelled".into());
/// migration.rename.push(("labelled".into(), "renamed".into()));
/// migration.subnets.push(("10.90.0.0/16".parse()?, "10.91.0.0/16".parse()?));
///
/// let store = BoltStore::open(&path, DOCKER_BUCKET)?;
/// store.update(|store| {
///     let there = Inventory::read(store.entries("")?)?;
///     let plan = migration.plan(&source, &there, &mut || unreachable!("the id is kept")).expect("nothing in its way");
///     plan.put(store)
/// })?;
/// let inventory = Inventory::read(store.entries("")?)?;
/// let network = inventory.find_network("renamed")?;
/// assert_eq!(network.pools_v4[0].gateway, Some("10.91.0.1/16".parse()?));
/// assert!(inventory.bridge_of(&network.id).is_some() && inventory.count_of(&network.id).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Migration {
    /// Names or ids of the networks; none for all but those that docker makes by itself.
    pub networks: Vec<String>,
    /// Networks by name or id, and the names that they get.
    pub rename: Vec<(String, String)>,
    /// Subnets, and those that take their place.
    pub subnets: Vec<(Cidr, Cidr)>,
    /// Interfaces of the host that macvlan and ipvlan networks stand on, and those that take their place.
    pub parents: Vec<(String, String)>,
    /// Bridges on the host, and those that take their place.
    pub bridges: Vec<(String, String)>,
    /// Whether networks get new ids, which no container knows them by.
    pub new_ids: bool,
    /// The version of Docker that is to read the file.
    pub target: Option<Version>,
    /// The containers that will start with the other file, some of them with static addresses.
    pub containers: Containers,
}

/// What is to be put into the other file.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Plan {
    /// The networks that come.
    pub coming: Vec<Coming>,
    /// The names of networks that are there already just so.
    pub already: Vec<String>,
    /// The records that change with them: how often a configuration that is there is used.
    pub counts: Vec<(Key, Vec<u8>)>,
}

/// A network that comes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Coming {
    /// Its name where it comes from.
    pub name: String,
    /// Its id where it comes from.
    pub id: String,
    /// The network as it comes.
    pub blueprint: Blueprint,
    /// What is otherwise, in words.
    pub changes: Vec<String>,
    /// How many endpoints it has where it comes from. They do not come: docker makes them with each start of a container,
    /// and removes those of containers that it did not start.
    pub endpoints: u64,
    /// Whether its addresses are others.
    renumbered: bool,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// There are only networks that docker makes by itself.
    #[error("there are no networks but those that docker makes by itself")]
    Nothing,
    /// A network that was named is not there.
    #[error(transparent)]
    Find(#[from] FindError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Senseless(String),
    /// All that stands in the way.
    #[error("{}", .0.iter().map(Conflict::to_string).collect::<Vec<_>>().join("; "))]
    Conflicts(Vec<Conflict>),
}

impl Migration {
    /// Finds out what is to be put into a file that has these records, and all that stands in the way. `new_id` makes
    /// an id where one is needed.
    pub fn plan(
        &self,
        source: &Inventory,
        there: &Inventory,
        new_id: &mut dyn FnMut() -> String,
    ) -> Result<Plan, MigrationError> {
        let mut conflicts = Vec::new();
        let mut coming = self.begin(source, &mut conflicts)?;
        let all_come = conflicts.is_empty();
        let changed = [
            self.name_anew(source, &mut coming),
            self.number_anew(&mut coming, &mut conflicts),
            self.put_on_parents(&mut coming, &mut conflicts),
            self.put_on_bridges(&mut coming, &mut conflicts),
        ];
        // A change may have been meant for a network that does not come.
        for changed in changed.into_iter().filter(|_| all_come) {
            changed?;
        }
        for one in &mut coming {
            let changed = self.convert(one, new_id);
            changed.unwrap_or_else(|kind| conflicts.push(one.conflict(kind)));
        }
        let mut plan = Plan { coming, ..Plan::default() };
        plan.leave_out(there);
        plan.count_configurations(there, &mut conflicts);
        rivals::of(&plan.coming, there, &mut conflicts);
        plan.coming.iter().for_each(|one| one.test_static(&self.containers, &mut conflicts));
        if conflicts.is_empty() { Ok(plan) } else { Err(MigrationError::Conflicts(conflicts)) }
    }

    fn begin(&self, source: &Inventory, conflicts: &mut Vec<Conflict>) -> Result<Vec<Coming>, MigrationError> {
        let mut chosen: Vec<&Record<Network>> = Vec::new();
        for wanted in &self.networks {
            let network = source.find_network(wanted)?;
            if !chosen.iter().any(|one| one.key() == network.key()) {
                chosen.push(network);
            }
        }
        if self.networks.is_empty() {
            chosen = source.networks.iter().filter(|network| !is_dockers_own(network)).collect();
        }
        if chosen.is_empty() {
            return Err(MigrationError::Nothing);
        }
        let mut coming = Vec::new();
        for network in chosen {
            let kind = match Blueprint::of(source, network) {
                _ if is_dockers_own(network) => ConflictKind::Predefined,
                Err(not_whole) => ConflictKind::NotWhole(not_whole),
                Ok(blueprint) => {
                    let (name, id) = (network.name.clone(), network.id.clone());
                    let endpoints = source.endpoints_of(&id).count() as u64;
                    coming.push(Coming { name, id, blueprint, changes: Vec::new(), endpoints, renumbered: false });
                    continue;
                }
            };
            conflicts.push(Conflict { network: network.name.clone(), kind });
        }
        Ok(coming)
    }

    fn name_anew(&self, source: &Inventory, coming: &mut [Coming]) -> Result<(), MigrationError> {
        let senseless = |words: String| Err(MigrationError::Senseless(words));
        let mut done: Vec<String> = Vec::new();
        for (wanted, name) in &self.rename {
            let id = source.find_network(wanted)?.id.clone();
            if name.is_empty() || ["bridge", "host", "none", "default"].contains(&name.as_str()) {
                return senseless(format!("{name:?} is no name for a network"));
            }
            if done.contains(&id) {
                return senseless(format!("network {wanted} is to have two names"));
            }
            let Some(one) = coming.iter_mut().find(|one| one.id == id) else {
                return senseless(format!("network {wanted} is to be renamed and is none of those that come"));
            };
            let old = one.name.clone();
            let renamed = one.blueprint.rename(name);
            renamed.map_err(|kind| MigrationError::Conflicts(vec![one.conflict(kind)]))?;
            one.changes.push(format!("named {name}"));
            done.push(id);
            follow(coming, &old, name)?;
        }
        Ok(())
    }

    fn number_anew(&self, coming: &mut [Coming], conflicts: &mut Vec<Conflict>) -> Result<(), MigrationError> {
        for (i, (from, to)) in self.subnets.iter().enumerate() {
            if from.is_ipv6() != to.is_ipv6() {
                return Err(MigrationError::Senseless(format!("{from} and {to} are of two kinds")));
            }
            if self.subnets.iter().take(i).any(|(earlier, _)| earlier.subnet() == from.subnet()) {
                return Err(MigrationError::Senseless(format!("subnet {from} is to become two")));
            }
        }
        let mut used = vec![false; self.subnets.len()];
        for one in coming.iter_mut() {
            // By what it has now, so that two networks may trade their subnets.
            let its: Vec<Cidr> = renumber::subnets(&one.blueprint.network).collect();
            for ((from, to), used) in self.subnets.iter().zip(&mut used) {
                if !its.contains(&from.subnet()) {
                    continue;
                }
                *used = true;
                match one.blueprint.renumber(*from, *to) {
                    Ok(_) => {
                        one.renumbered = true;
                        one.changes.push(format!("subnet {} in place of {}", to.subnet(), from.subnet()));
                    }
                    Err(kinds) => conflicts.extend(kinds.into_iter().map(|kind| one.conflict(kind))),
                }
            }
        }
        let names = self.subnets.iter().map(|(from, _)| format!("subnet {from}"));
        all_used(names, &used)
    }

    fn put_on_parents(&self, coming: &mut [Coming], conflicts: &mut Vec<Conflict>) -> Result<(), MigrationError> {
        put_on(&self.parents, "parent", coming, conflicts, Blueprint::reparent)
    }

    fn put_on_bridges(&self, coming: &mut [Coming], conflicts: &mut Vec<Conflict>) -> Result<(), MigrationError> {
        if let Some((_, name)) = self.bridges.iter().find(|(_, name)| !is_interface(name)) {
            return Err(MigrationError::Senseless(format!("{name:?} is no name for a bridge of a network")));
        }
        put_on(&self.bridges, "bridge", coming, conflicts, Blueprint::rebridge)
    }

    fn convert(&self, one: &mut Coming, new_id: &mut dyn FnMut() -> String) -> Result<(), ConflictKind> {
        if self.new_ids {
            let id = new_id();
            one.blueprint.reid(&id)?;
            one.changes.push(format!("id {id}"));
        }
        if let Some(target) = self.target {
            let changes = one.blueprint.convert(target)?;
            one.renumbered |= !changes.is_empty();
            one.changes.extend(changes);
        }
        Ok(())
    }
}

/// Puts networks on other interfaces of the host.
fn put_on(
    pairs: &[(String, String)],
    what: &str,
    coming: &mut [Coming],
    conflicts: &mut Vec<Conflict>,
    put: impl Fn(&mut Blueprint, &str, &str) -> Result<bool, ConflictKind>,
) -> Result<(), MigrationError> {
    let mut used = vec![false; pairs.len()];
    for one in coming.iter_mut() {
        for ((from, to), used) in pairs.iter().zip(&mut used) {
            match put(&mut one.blueprint, from, to) {
                Ok(false) => continue,
                Ok(true) => one.changes.push(format!("{what} {to} in place of {from}")),
                Err(kind) => conflicts.push(one.conflict(kind)),
            }
            *used = true;
            // By what it had, so that interfaces may be traded.
            break;
        }
    }
    all_used(pairs.iter().map(|(from, _)| format!("{what} {from}")), &used)
}

/// Whether Linux takes a name for an interface, and docker has no other use for it.
fn is_interface(name: &str) -> bool {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"/:%".contains(c);
    name.len() < 16 && ![".", "..", "docker0"].contains(&name) && name.chars().all(is_plain)
}

/// Whether docker makes a network by itself.
fn is_dockers_own(network: &Network) -> bool {
    network.is_predefined() || network.is_default_bridge()
}

/// Networks that take their configuration from another know it by its name.
fn follow(coming: &mut [Coming], old: &str, new: &str) -> Result<(), MigrationError> {
    for one in coming.iter_mut().filter(|one| one.blueprint.network.config_from.as_deref() == Some(old)) {
        let set = one.blueprint.network.set(&[Step::Member("configFrom")], new).map_err(unchanged);
        set.map_err(|kind| MigrationError::Conflicts(vec![one.conflict(kind)]))?;
    }
    Ok(())
}

/// What no network has is probably a slip.
fn all_used(names: impl Iterator<Item = String>, used: &[bool]) -> Result<(), MigrationError> {
    match names.zip(used).find(|(_, used)| !**used) {
        None => Ok(()),
        Some((name, _)) => Err(MigrationError::Senseless(format!("no network that comes has {name}"))),
    }
}

impl Coming {
    fn conflict(&self, kind: ConflictKind) -> Conflict {
        Conflict { network: self.blueprint.network.name.clone(), kind }
    }

    /// Whether containers will have what they ask for, in a network whose addresses are others now.
    fn test_static(&self, containers: &Containers, conflicts: &mut Vec<Conflict>) {
        let network = &self.blueprint.network;
        let places = containers.attachments().filter(|(_, place)| self.renumbered && place.network == self.id);
        for (container, place) in places {
            let container = if container.name.is_empty() { &container.id } else { &container.name };
            for address in place.fixed() {
                let by = || format!("container {container}");
                let mut kept = network.pools().flat_map(|pool| &pool.auxiliary);
                if network.pools().any(|pool| pool.gateway.is_some_and(|gateway| gateway.address() == address)) {
                    conflicts.push(self.conflict(ConflictKind::Gateway { gateway: address, by: by() }));
                } else if let Some((name, _)) = kept.find(|(_, kept)| kept.address() == address) {
                    let (container, name) = (container.clone(), name.clone());
                    conflicts.push(self.conflict(ConflictKind::Kept { container, address, name }));
                } else if !network.subnets().any(|subnet| subnet.contains(address)) {
                    let container = container.clone();
                    conflicts.push(self.conflict(ConflictKind::StaticAddress { container, address }));
                }
            }
        }
    }
}

impl Plan {
    /// All records that are to be put.
    pub fn records(&self) -> Vec<(&Key, &[u8])> {
        let counts = self.counts.iter().map(|(key, value)| (key, value.as_slice()));
        self.coming.iter().flat_map(|one| one.blueprint.records()).chain(counts).collect()
    }

    /// Puts them.
    pub fn put(&self, store: &mut StoreTx<'_>) -> Result<(), StoreError> {
        self.records().into_iter().try_for_each(|(key, value)| store.put(&key.to_string(), value))
    }

    /// Leaves out what is there already, byte for byte but for the count.
    fn leave_out(&mut self, there: &Inventory) {
        let already = &mut self.already;
        self.coming.retain(|one| {
            let same = there.network(&one.blueprint.network.id).and_then(|found| Blueprint::of(there, found).ok());
            let same = same.is_some_and(|same| same.is_like(&one.blueprint));
            if same {
                already.push(one.blueprint.network.name.clone());
            }
            !same
        });
    }

    /// Counts how often each configuration is used, which is its count.
    fn count_configurations(&mut self, there: &Inventory, conflicts: &mut Vec<Conflict>) {
        let users = |networks: &mut dyn Iterator<Item = Option<&str>>, name: &str| {
            networks.filter(|from| *from == Some(name)).count() as u64
        };
        let coming: Vec<Option<String>> = self.coming.iter().map(|one| one.blueprint.network.config_from.clone()).collect();
        let count = |name: &str| {
            let of_there = users(&mut there.networks.iter().map(|network| network.config_from.as_deref()), name);
            let of_coming = users(&mut coming.iter().map(|from| from.as_deref()), name);
            (of_coming, of_there + of_coming)
        };
        for one in self.coming.iter_mut().filter(|one| one.blueprint.network.config_only) {
            let (_, all) = count(&one.blueprint.network.name);
            let counted = one.blueprint.set_count(all);
            counted.unwrap_or_else(|kind| conflicts.push(one.conflict(kind)));
        }
        for config in there.networks.iter().filter(|network| network.config_only) {
            let (new, all) = count(&config.name);
            let Some(mut record) = there.count_of(&config.id).cloned().filter(|_| new > 0) else { continue };
            match record.set(&[Step::Member("Count")], all) {
                Ok(()) => self.counts.push((record.key().clone(), record.bytes().to_vec())),
                Err(error) => {
                    let kind = ConflictKind::NotWhole(NotWhole::Field(error.to_string()));
                    conflicts.push(Conflict { network: config.name.clone(), kind });
                }
            }
        }
    }
}
