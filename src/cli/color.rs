//! Owns `--color`: whether output is coloured.

use clap::ValueEnum;

use super::context::Context;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Where standard output is a terminal and NO_COLOR is not set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    pub fn is_wanted(self, context: &Context<'_>) -> bool {
        match self {
            Color::Auto => context.color,
            Color::Always => true,
            Color::Never => false,
        }
    }
}
