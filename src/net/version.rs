//! Versions of Docker.

use std::fmt;
use std::str::FromStr;

/// A version of Docker, as far as its records depend on it: `20.10`, `28.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// What stands before the first dot.
    pub major: u16,
    /// What stands between the first and the second dot.
    pub minor: u16,
    /// What stands behind the second dot.
    pub patch: u16,
}

impl Version {
    /// The first release of a version.
    pub const fn new(major: u16, minor: u16) -> Version {
        Version { major, minor, patch: 0 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Docker writes its years and months with two digits: 17.06.
        let minor = if (17..=19).contains(&self.major) { 2 } else { 1 };
        match self.patch {
            0 => f.pad(&format!("{}.{:0minor$}", self.major, self.minor)),
            patch => f.pad(&format!("{}.{:0minor$}.{patch}", self.major, self.minor)),
        }
    }
}

/// A text is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a version of Docker, such as 20.10 or 28.5.2")]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Version, NotAVersion> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| digits).ok_or(NotAVersion)
        });
        let mut next = || parts.next().unwrap_or(Ok(0));
        Ok(Version { major: next()?, minor: next()?, patch: next()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_written_as_docker_writes_them_and_stand_in_their_order() {
        for (text, shown) in
            [("1.9", "1.9"), ("17.06.2", "17.06.2"), ("20.10.24", "20.10.24"), ("v28.0.0", "28.0"), ("29", "29.0")]
        {
            assert_eq!(text.parse::<Version>().unwrap().to_string(), shown);
        }
        let order = ["1.9", "1.11", "17.03", "17.12", "18.09", "20.10", "23.0.1", "28.2"];
        assert!(order.map(|text| text.parse::<Version>().unwrap()).is_sorted());
        for text in ["", "v", "1.", "1.x", "1.2.3.4", "+1.2", "70000", "28.5.2-rc1"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
