//! Owns what a report tells: facts, each an object, one kind after the other, so that every form tells the same.

use std::path::Path;

use serde_json::{Value, json};

use super::scene::Scene;
use crate::Error;
use crate::check::{Finding, MAX_PATH, check};
use crate::cli::failure::Failure;
use crate::cli::utc::utc;
use crate::cli::{audit, item_json, json};
use crate::forensic::report::{PageSpan, buckets, networks, page_spans};
use crate::forensic::{BucketNames, BucketRef, Custody, Evidence, History, Item, Stamp, State, Wanted, clocks};
use crate::format::MetaSlot;
use crate::net::{Inventory, Network, Record};

/// What a fact is about, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Who made the report of what.
    Report,
    /// The evidence as it was before anybody looked.
    Evidence,
    /// Page size and byte order.
    Layout,
    /// One of the two metas.
    Meta,
    /// A row of the account of all bytes.
    Class,
    /// Pages that follow each other and are the same.
    Pages,
    /// What the check found.
    Finding,
    /// What is unusual.
    Observation,
    /// The root of another state.
    Root,
    /// A bucket of the current state.
    Bucket,
    /// One of Docker's networks.
    Network,
    /// What is wrong with a record of Docker's.
    NetworkProblem,
    /// What the current state does not show any more.
    Item,
    /// How many items there are of a state.
    Count,
    /// The evidence as it was afterwards.
    Custody,
}

impl Kind {
    pub const ALL: [Kind; 15] = [
        Kind::Report,
        Kind::Evidence,
        Kind::Layout,
        Kind::Meta,
        Kind::Class,
        Kind::Pages,
        Kind::Finding,
        Kind::Observation,
        Kind::Root,
        Kind::Bucket,
        Kind::Network,
        Kind::NetworkProblem,
        Kind::Item,
        Kind::Count,
        Kind::Custody,
    ];

    /// The stable name of one.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Report => "report",
            Kind::Evidence => "evidence",
            Kind::Layout => "layout",
            Kind::Meta => "meta",
            Kind::Class => "class",
            Kind::Pages => "pages",
            Kind::Finding => "finding",
            Kind::Observation => "observation",
            Kind::Root => "root",
            Kind::Bucket => "bucket",
            Kind::Network => "network",
            Kind::NetworkProblem => "network-problem",
            Kind::Item => "item",
            Kind::Count => "count",
            Kind::Custody => "custody",
        }
    }

    /// The stable name of all there are; `None` where there is always exactly one.
    pub const fn plural(self) -> Option<&'static str> {
        match self {
            Kind::Report | Kind::Evidence | Kind::Layout | Kind::Custody => None,
            Kind::Meta => Some("metas"),
            Kind::Class => Some("account"),
            Kind::Pages => Some("pages"),
            Kind::Finding => Some("findings"),
            Kind::Observation => Some("observations"),
            Kind::Root => Some("roots"),
            Kind::Bucket => Some("buckets"),
            Kind::Network => Some("networks"),
            Kind::NetworkProblem => Some("network_problems"),
            Kind::Item => Some("items"),
            Kind::Count => Some("counts"),
        }
    }
}

/// What takes facts and makes a report of them.
pub trait Form {
    /// Takes a fact. Those of a kind come together, the kinds in the order of [`Kind::ALL`].
    fn fact(&mut self, kind: Kind, fact: Value) -> std::io::Result<()>;
}

/// A file that a report is made of.
pub struct Case<'c> {
    pub file: &'c Path,
    pub scene: &'c Scene,
    pub history: &'c History<'c>,
    /// What whoever relies on the report should know.
    pub warnings: Vec<String>,
}

/// Why a report ended early.
enum Ended {
    Read(Error),
    Write(std::io::Error),
}

impl From<Error> for Ended {
    fn from(e: Error) -> Ended {
        Ended::Read(e)
    }
}

impl From<std::io::Error> for Ended {
    fn from(e: std::io::Error) -> Ended {
        Ended::Write(e)
    }
}

impl Case<'_> {
    /// Tells everything about the file, and gives back how it was afterwards.
    pub fn tell(&self, form: &mut dyn Form) -> Result<Custody, Failure> {
        self.facts(form).map_err(|ended| match ended {
            Ended::Read(e) => Failure::of(self.file, e),
            Ended::Write(e) => Failure::Output(e),
        })
    }

    fn facts(&self, form: &mut dyn Form) -> Result<Custody, Ended> {
        let evidence = self.history.evidence();
        form.fact(Kind::Report, self.scene.object(self.file))?;
        form.fact(Kind::Evidence, self.stamped(evidence.stamp()))?;
        form.fact(Kind::Layout, self.layout())?;
        for slot in &evidence.metas().slots {
            form.fact(Kind::Meta, meta(slot, evidence))?;
        }
        for (class, pages, bytes) in self.history.census().account().rows() {
            form.fact(Kind::Class, audit::class(class, pages, bytes))?;
        }
        for span in page_spans(self.history) {
            form.fact(Kind::Pages, pages(&span, self.history))?;
        }
        self.findings(form)?;
        self.observations(form)?;
        for root in self.history.generations().roots() {
            form.fact(Kind::Root, item_json::root(root))?;
        }
        self.buckets(form)?;
        self.networks(form)?;
        self.items(form)?;
        let custody = evidence.examine_again()?;
        form.fact(Kind::Custody, self.custody(&custody))?;
        Ok(custody)
    }

    fn stamped(&self, stamp: &Stamp) -> Value {
        json!({
            "size": stamp.size,
            "sha256": stamp.sha256.to_string(),
            "modified": stamp.modified.and_then(utc),
            "accessed": stamp.accessed.and_then(utc),
            "device": stamp.inode.map(|(device, _)| device),
            "inode": stamp.inode.map(|(_, inode)| inode),
        })
    }

    fn layout(&self) -> Value {
        let (evidence, generations) = (self.history.evidence(), self.history.generations());
        let mut layout = audit::layout(evidence);
        if let Some(fields) = layout.as_object_mut() {
            fields.insert("pages".into(), evidence.whole_pages().into());
            fields.insert("txid".into(), evidence.current().map(|current| current.meta().txid.0).into());
            fields.insert("live_whole".into(), self.history.census().is_live_whole(evidence).into());
            fields.insert("anything_may_be_uncommitted".into(), generations.doubt().is_some().into());
        }
        layout
    }

    fn custody(&self, custody: &Custody) -> Value {
        let mut after = self.stamped(&custody.after);
        if let Some(fields) = after.as_object_mut() {
            fields.insert("sha256_before".into(), custody.before.sha256.to_string().into());
            fields.insert("in_place".into(), custody.is_in_place.into());
            fields.insert("access_time_kept".into(), custody.access_time_kept.into());
            fields.insert("unchanged".into(), custody.is_unchanged().into());
            fields.insert("ended".into(), self.scene.ended().into());
            fields.insert("warnings".into(), self.warnings.clone().into());
        }
        after
    }

    fn findings(&self, form: &mut dyn Form) -> Result<(), Ended> {
        let evidence = self.history.evidence();
        let Some(current) = evidence.current() else { return Ok(()) };
        let mut ended = Ok(());
        check(current, Some(evidence.metas()), &mut |finding| {
            if ended.is_ok() {
                ended = form.fact(Kind::Finding, found(&finding));
            }
        })?;
        Ok(ended?)
    }

    fn observations(&self, form: &mut dyn Form) -> Result<(), Ended> {
        let mut ended = Ok(());
        crate::forensic::audit(self.history, &mut |observation| {
            if ended.is_ok() {
                ended = form.fact(Kind::Observation, audit::observation(&observation));
            }
        })?;
        Ok(ended?)
    }

    fn buckets(&self, form: &mut dyn Form) -> Result<(), Ended> {
        let names = self.history.census().names();
        buckets(self.history, &mut |bucket| -> Result<(), Ended> {
            let (path, depth) = path(Some(bucket.bucket), names);
            let fact = json!({
                "bucket": path,
                "depth": depth,
                "root": bucket.root.map(|page| page.0),
                "inline": bucket.root.is_none(),
                "sequence": bucket.sequence,
                "pairs": bucket.pairs,
                "buckets": bucket.buckets,
                "key_bytes": bucket.key_bytes,
                "value_bytes": bucket.value_bytes,
                "pages": bucket.pages,
            });
            Ok(form.fact(Kind::Bucket, fact)?)
        })
    }

    fn networks(&self, form: &mut dyn Form) -> Result<(), Ended> {
        let Some(found) = networks(self.history.evidence())? else { return Ok(()) };
        let inventory = &found.inventory;
        for (network, shape) in inventory.networks.iter().zip(inventory.inspect(&inventory.networks)) {
            form.fact(Kind::Network, self::network(network, shape, inventory))?;
        }
        for problem in inventory.problems() {
            form.fact(Kind::NetworkProblem, json!({ "text": problem.to_string() }))?;
        }
        if let Some(cut) = &found.cut {
            let text = format!("records behind this place cannot be read: {cut}");
            form.fact(Kind::NetworkProblem, json!({ "text": text }))?;
        }
        Ok(())
    }

    fn items(&self, form: &mut dyn Form) -> Result<(), Ended> {
        let mut counts = vec![(0_u64, 0_u64); State::ALL.len()];
        self.history.each(&Wanted { live: false, copies: false }, &mut |item| -> Result<(), Ended> {
            let states = State::ALL.iter().zip(&mut counts);
            for (_, (items, marked)) in states.filter(|(state, _)| **state == item.state) {
                (*items, *marked) = (*items + 1, *marked + u64::from(item.uncommitted));
            }
            Ok(form.fact(Kind::Item, self.item(item))?)
        })?;
        for (state, (items, marked)) in State::ALL.iter().zip(counts).filter(|(_, (items, _))| *items > 0) {
            form.fact(Kind::Count, json!({ "state": state.as_str(), "items": items, "marked_uncommitted": marked }))?;
        }
        Ok(())
    }

    fn item(&self, item: &Item) -> Value {
        let names = self.history.census().names();
        let whole = item.path(names);
        let depth = whole.as_ref().map(Vec::len);
        let path = whole.map(|path| both_ends(&path).map(|name| name.to_vec()).collect::<Vec<_>>());
        let mut fact = item_json::object(item, path.as_deref(), &clocks(item, names));
        if let Some(fields) = fact.as_object_mut() {
            fields.insert("depth".into(), depth.into());
            fields.insert("state_in_words".into(), item.state_in_words().into());
        }
        fact
    }
}

fn meta(slot: &MetaSlot, evidence: &Evidence) -> Value {
    let metas = evidence.metas();
    // Of two that are equal, that of page 0 is the one that is read.
    let current = metas.slots.iter().find(|slot| slot.meta.ok().is_some_and(|meta| metas.current() == Some(meta)));
    let endian = evidence.layout().endian;
    let fields = slot.meta.ok().or_else(|| slot.raw.map(|raw| raw.fields(endian)));
    json!({
        "page": slot.page.0,
        "offset": evidence.layout().offset(slot.page),
        "valid": slot.meta.is_ok(),
        "refused": slot.meta.err().map(|refusal| refusal.to_string()),
        "current": current.is_some_and(|current| current.page == slot.page),
        "provable": slot.meta.is_ok_and(|meta| metas.is_provable(&meta)),
        "txid": fields.map(|meta| meta.txid.0),
        "root": fields.map(|meta| meta.root.0),
        "freelist": fields.and_then(|meta| meta.freelist).map(|page| page.0),
        "high_water": fields.map(|meta| meta.high_water.0),
        "page_size": fields.map(|meta| meta.page_size),
        "flags": fields.map(|meta| meta.flags),
        "root_sequence": fields.map(|meta| meta.root_sequence),
        "checksum": slot.raw.map(|raw| format!("{:016x}", raw.stored_checksum(slot.meta.map_or(endian, |meta| meta.endian)))),
    })
}

fn pages(span: &PageSpan, history: &History<'_>) -> Value {
    let layout = history.evidence().layout();
    let (bucket, depth) = path(span.owner, history.census().names());
    json!({
        "page": span.first.0,
        "count": span.count,
        "class": span.class.as_str(),
        "listed_free": span.is_listed,
        "bucket": bucket,
        "depth": depth,
        "offset": layout.offset(span.first),
        "length": layout.run_bytes(span.count),
    })
}

/// Of a path that no file has by right the first half and the last, as the check tells it.
fn path(bucket: Option<BucketRef>, names: &BucketNames) -> (Value, Option<usize>) {
    let Some(bucket) = bucket else { return (Value::Null, None) };
    let path = names.path(bucket);
    (json::path(both_ends(&path).copied()), Some(path.len()))
}

fn both_ends<T>(path: &[T]) -> impl Iterator<Item = &T> {
    let half = MAX_PATH / 2;
    let (outer, inner) = match path.len() > MAX_PATH {
        true => (&path[..half], &path[path.len() - half..]),
        false => (path, &path[path.len()..]),
    };
    outer.iter().chain(inner)
}

fn found(finding: &Finding) -> Value {
    crate::cli::check::object(finding, true)
}

/// A network as docker shows it, and who is in it.
fn network(network: &Record<Network>, shape: Value, inventory: &Inventory) -> Value {
    let id = network.key().network().unwrap_or_default();
    let endpoints = inventory.endpoints_of(id).map(|endpoint| {
        let own = endpoint.key().endpoint().unwrap_or_default();
        let ports = inventory.bridge_endpoint_of(own).map(|driver| driver.ports.iter().map(port).collect::<Vec<_>>());
        json!({
            "name": endpoint.name,
            "id": endpoint.id,
            "container": inventory.container_of(endpoint),
            "addresses": endpoint.addresses().map(|address| address.to_string()).collect::<Vec<_>>(),
            "mac": endpoint.mac(),
            "ports": ports.unwrap_or_default(),
        })
    });
    json!({
        "name": network.name,
        "id": network.id,
        "driver": network.driver,
        "scope": network.scope,
        "created": network.created,
        "subnets": network.subnets().map(|subnet| subnet.to_string()).collect::<Vec<_>>(),
        "gateways": network.pools().filter_map(|pool| pool.gateway).map(|gateway| gateway.address().to_string()).collect::<Vec<_>>(),
        "endpoints": endpoints.collect::<Vec<_>>(),
        "inspect": shape,
    })
}

fn port(binding: &crate::net::PortBinding) -> String {
    let host = binding.host_address.map(|address| format!("{address}:")).unwrap_or_default();
    format!("{host}{}->{}/{}", binding.host_port, binding.port, binding.protocol)
}
