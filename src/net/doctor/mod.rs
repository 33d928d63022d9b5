//! What is wrong with a file: each rule finds one thing, says how bad it is for which version of Docker, what dockerd
//! does there, and how it is mended.
//!
//! ```
//! use unbolt::net::Inventory;
//! use unbolt::net::doctor::{Doctor, Severity};
//! use unbolt::store::{BoltStore, DOCKER_BUCKET};
//! // A file that keeps Docker 25 to 29 from starting.
//! let store = BoltStore::open_read_only("testdata/docker/broken-orphan-docker0.db", DOCKER_BUCKET)?;
//! let inventory = Inventory::read(store.entries("")?)?;
//! let report = Doctor::new().target("29.0".parse()?).examine(&inventory);
//! let [finding] = &report.findings[..] else { panic!("there is one") };
//! assert_eq!((finding.rule.code(), finding.severity), ("orphan-docker0", Severity::Fatal));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod case;
mod containers;
mod counts;
mod duplicates;
mod endpoints;
mod fix;
mod ids;
mod ipam;
mod leftovers;
mod networks;
mod orphans;
mod readable;
mod repair;
mod rule;
mod versions;

use std::fmt;

use case::{Case, Findings};
pub use fix::Fixed;
pub use rule::{Rule, Severity, Since};

use super::containers::Containers;
use super::draft::Operation;
use super::fingerprint::Fingerprint;
use super::inventory::Inventory;
use super::version::Version;

/// The version that a file without any trace of one is taken to be for.
const NEWEST: Version = Version::new(29, 0);

/// All rules, in the order in which their mends are done: each on what the ones before have left.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let groups: [&'static [Rule]; 10] = [
        readable::RULES,
        ids::RULES,
        networks::RULES,
        orphans::RULES,
        endpoints::RULES,
        counts::RULES,
        duplicates::RULES,
        versions::RULES,
        ipam::RULES,
        leftovers::RULES,
    ];
    groups.into_iter().flatten().chain(containers::RULES)
}

/// The rule with this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.code == code)
}

/// Looks at files with one version of Docker in mind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Doctor<'c> {
    target: Option<Version>,
    containers: Option<&'c Containers>,
}

/// Something that a rule has found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is for the version in mind.
    pub severity: Severity,
    /// The most that it can be for any version: not all records are of the same importance.
    pub most: Severity,
    /// The key of the record that it is about.
    pub key: Vec<u8>,
    /// The field that it is about; empty where that is the whole record.
    pub field: String,
    /// What was found.
    pub message: String,
    /// The steps that mend it; none where somebody has to choose.
    pub mends: Vec<Operation>,
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The version in mind: the one that was named, or the first that may have written the file.
    pub target: Version,
    /// Whether any later version is in mind too.
    pub and_later: bool,
    /// The versions that may have written the file.
    pub written_by: Fingerprint,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

impl Finding {
    /// How bad it is for a version; `None` where it does not matter.
    pub fn severity_for(&self, version: Version) -> Option<Severity> {
        self.rule.severity(version).map(|severity| severity.min(self.most))
    }

    /// From which version on it is how bad.
    pub fn severities(&self) -> impl Iterator<Item = Since> {
        self.rule.severities.iter().map(|(since, severity)| (*since, severity.map(|severity| severity.min(self.most))))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (colon, field) = if self.field.is_empty() { ("", "") } else { (": ", self.field.as_str()) };
        write!(f, "record {}{colon}{field}: {}", self.key.escape_ascii(), self.message)
    }
}

impl<'c> Doctor<'c> {
    /// Looks at a file for the version that wrote it, and at nothing but the file.
    pub fn new() -> Doctor<'static> {
        Doctor::default()
    }

    /// The version that is to run on the file. Without it that is the one that wrote it or any later one: what matters
    /// for the former is found, and is as bad as it is for the worst of them.
    pub fn target(self, version: Version) -> Doctor<'c> {
        Doctor { target: Some(version), ..self }
    }

    /// The containers of the host, which the networks have to fit.
    pub fn containers<'d>(self, containers: &'d Containers) -> Doctor<'d>
    where
        'c: 'd,
    {
        Doctor { containers: Some(containers), ..self }
    }

    /// Looks at all records by all rules.
    pub fn examine(&self, inventory: &Inventory) -> Report {
        let written_by = inventory.written_by();
        let case = self.case(inventory);
        let mut findings: Vec<Finding> = rules().flat_map(|rule| self.found(rule, &case)).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Report { target: case.target, and_later: self.target.is_none(), written_by, findings }
    }

    /// What one rule finds that matters.
    fn found(&self, rule: &'static Rule, case: &Case<'_>) -> Vec<Finding> {
        let severity = match self.target {
            Some(version) => rule.severity(version),
            None => rule.worst_from(case.target),
        };
        let Some(severity) = severity else { return Vec::new() };
        let mut findings = Findings::default();
        (rule.find)(case, &mut findings);
        let finding = |found: case::Found| Finding {
            rule,
            severity: severity.min(found.most),
            most: found.most,
            key: found.key,
            field: found.field,
            message: found.message,
            mends: found.mends,
        };
        findings.list.into_iter().map(finding).collect()
    }

    fn case<'i>(&self, inventory: &'i Inventory) -> Case<'i>
    where
        'c: 'i,
    {
        let target = self.target.unwrap_or_else(|| likely(inventory.written_by()));
        Case::new(inventory, self.containers, target)
    }
}

/// The version to have in mind where none is named: the first that may have written the file.
fn likely(written_by: Fingerprint) -> Version {
    match (written_by.from, written_by.before) {
        (Some(from), _) => from,
        (None, Some(_)) => rule::FIRST,
        (None, None) => NEWEST,
    }
}
