//! Networks as what somebody would have to write to make them: commands of docker, or a block of a compose file.

mod compose;
mod docker;
mod recipe;

pub use compose::compose;
pub use docker::docker;

/// A text that makes networks, and those that it does not make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Script {
    /// The text.
    pub text: String,
    /// Names of networks, and why they are left out.
    pub left_out: Vec<(String, String)>,
}
