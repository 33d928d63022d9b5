//! Owns the exit statuses: what each number tells a script.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Done; or the answer is yes.
    Done = 0,
    /// A clean no: an absent key, findings, differing files.
    No = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// Something could not be opened, read or written.
    Io = 3,
    /// Another process holds the file.
    Locked = 4,
    /// Not a Bolt file, or damaged beyond this command.
    Corrupt = 5,
    /// Refused for safety: the target exists, or would clash.
    Refused = 6,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(status as u8)
    }
}
