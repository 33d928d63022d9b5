//! Rules: what can be wrong, how bad that is for each version of Docker, and what can be done.

use std::fmt;

use super::case::{Case, Findings};
use crate::net::version::Version;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// It takes room and does nothing.
    Note,
    /// The daemon complains, or puts it right by itself.
    Warning,
    /// Something that a user asks for fails.
    Error,
    /// The daemon does not start.
    Fatal,
}

impl Severity {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// From which version on something is how bad; `None` where it does not matter any more.
pub type Since = (Version, Option<Severity>);

/// Every version.
pub(super) const FIRST: Version = Version::new(1, 9);

/// One thing that can be wrong, and how it is found.
pub struct Rule {
    pub(super) code: &'static str,
    pub(super) effect: &'static str,
    pub(super) remedy: &'static str,
    pub(super) severities: &'static [Since],
    pub(super) find: fn(&Case<'_>, &mut Findings),
}

impl Rule {
    /// Its name, which stays the same for ever.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What dockerd does.
    pub fn effect(&self) -> &'static str {
        self.effect
    }

    /// How to mend it.
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// How bad it is, from which version on.
    pub fn severities(&self) -> &'static [Since] {
        self.severities
    }

    /// How bad it is for one version; `None` where it does not matter.
    pub fn severity(&self, version: Version) -> Option<Severity> {
        let known = self.severities.iter().rev().find(|(since, _)| *since <= version);
        known.or(self.severities.first()).and_then(|(_, severity)| *severity)
    }
}

impl Rule {
    /// How bad it is for a version or any later one, where it matters for that version at all.
    pub(super) fn worst_from(&self, version: Version) -> Option<Severity> {
        let later = self.severities.iter().filter(|(since, _)| *since > version).filter_map(|(_, severity)| *severity);
        self.severity(version).map(|severity| later.fold(severity, Severity::max))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.code)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.code == other.code
    }
}

impl Eq for Rule {}
