//! Owns who made a report, with what, where and when: what of the custody record is not about the file.

use std::path::Path;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::cli::utc::utc;
use crate::forensic::Evidence;

/// Who looks at the evidence, as far as the system tells.
pub struct Scene {
    started: SystemTime,
}

impl Scene {
    /// From now on.
    pub fn begin() -> Scene {
        Scene { started: SystemTime::now() }
    }

    /// The tool, the command line, the machine, the user, and when it began.
    pub fn object(&self, file: &Path) -> Value {
        let command: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        let directory = std::env::current_dir().ok().map(|path| path.display().to_string());
        let path = std::path::absolute(file).map_or_else(|_| file.display().to_string(), |path| path.display().to_string());
        json!({
            "schema": 1,
            "tool": "unbolt",
            "version": env!("CARGO_PKG_VERSION"),
            "tool_sha256": program(),
            "command": command,
            "directory": directory,
            "host": host(),
            "user": user(),
            "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            "started": utc(self.started),
            "file": file.display().to_string(),
            "path": path,
        })
    }

    /// The moment at which the evidence was looked at again.
    pub fn ended(&self) -> Option<String> {
        utc(SystemTime::now())
    }
}

/// The sum of the program that runs, which tells one build from another.
fn program() -> Option<&'static str> {
    static SUM: OnceLock<Option<String>> = OnceLock::new();
    let sum = || Some(Evidence::open(std::env::current_exe().ok()?).ok()?.stamp().sha256.to_string());
    SUM.get_or_init(sum).as_deref()
}

fn host() -> Option<String> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = || ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    kernel.map(|name| name.trim_end().to_owned()).or_else(named).filter(|name| !name.is_empty())
}

/// By number where the system tells it, which nobody can set as they like, and by name.
fn user() -> Option<String> {
    match uid() {
        Some(uid) => Some(match name_of(uid) {
            Some(name) => format!("{name} (uid {uid})"),
            None => format!("uid {uid}"),
        }),
        None => ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()),
    }
}

#[cfg(unix)]
fn uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|own| own.uid())
}

#[cfg(not(unix))]
fn uid() -> Option<u32> {
    None
}

fn name_of(uid: u32) -> Option<String> {
    let users = std::fs::read("/etc/passwd").ok()?;
    let users = String::from_utf8_lossy(&users);
    let is_it = |line: &&str| line.split(':').nth(2) == Some(uid.to_string().as_str());
    users.lines().find(is_it)?.split(':').next().map(str::to_owned)
}
