//! Owns the way a command fails: a status, one line for people, and where there is a next step a hint.

use std::fmt;
use std::io;
use std::path::Path;

use super::status::Status;

/// Why a command stopped.
#[derive(Debug)]
pub enum Failure {
    /// Standard output, or the spool before it, could not be written.
    Output(io::Error),
    /// Everything else, with the words for standard error.
    Told(Told),
}

/// A failure that has been put into words.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub status: Status,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(status: Status, message: impl fmt::Display) -> Self {
        Failure::Told(Told { status, message: message.to_string(), hint: None })
    }

    /// Arguments that clap accepts and this command does not.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Status::Usage, message)
    }

    /// The answer is no.
    pub fn no(message: impl fmt::Display) -> Self {
        Self::new(Status::No, message)
    }

    /// A failure that concerns one file: `FILE: message`.
    pub fn at(status: Status, file: &Path, message: impl fmt::Display) -> Self {
        Self::new(status, format_args!("{}: {message}", file.display()))
    }

    /// A file that has fewer pages than it says.
    pub fn cut_short(file: &Path, pages: u64, expected: u64) -> Self {
        Self::at(Status::Corrupt, file, format_args!("the file ends after {pages} of {expected} pages"))
    }

    /// Says what to do next.
    pub fn hint(self, hint: impl fmt::Display) -> Self {
        match self {
            Failure::Told(told) => Failure::Told(Told { hint: Some(hint.to_string()), ..told }),
            output => output,
        }
    }

    pub fn status(&self) -> Status {
        match self {
            // A reader that has seen enough is not an error.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
            Failure::Output(_) => Status::Io,
            Failure::Told(told) => told.status,
        }
    }

    /// Writes the error line and its hint. A broken pipe is passed over in silence.
    pub fn tell(&self, err: &mut dyn io::Write) -> io::Result<()> {
        match self {
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Failure::Output(error) => writeln!(err, "unbolt: standard output: {error}"),
            Failure::Told(told) => {
                writeln!(err, "unbolt: {}", told.message)?;
                match &told.hint {
                    Some(hint) => writeln!(err, "hint: {hint}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Commands write to nothing but their output, so a bare I/O error is one of writing.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(failure: &Failure) -> String {
        let mut err = Vec::new();
        failure.tell(&mut err).unwrap();
        String::from_utf8(err).unwrap()
    }

    #[test]
    fn an_error_is_one_line_and_a_hint_is_a_second() {
        let failure = Failure::at(Status::Corrupt, Path::new("a.db"), "page 9: child 9 is an ancestor of itself");
        assert_eq!(told(&failure), "unbolt: a.db: page 9: child 9 is an ancestor of itself\n");
        let failure = failure.hint("run `unbolt check a.db`");
        assert_eq!(told(&failure), "unbolt: a.db: page 9: child 9 is an ancestor of itself\nhint: run `unbolt check a.db`\n");
        assert_eq!(failure.status(), Status::Corrupt);
    }

    #[test]
    fn a_broken_pipe_is_success_and_silent() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.status(), Status::Done);
        assert_eq!(told(&failure), "");
    }

    #[test]
    fn a_full_disk_is_status_three() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.status(), Status::Io);
        assert!(told(&failure).starts_with("unbolt: standard output: "));
    }
}
