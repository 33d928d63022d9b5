//! JSON that is changed in one place and stays as it is in all others.
//!
//! A [`Document`] is the text itself, checked once. What it holds is looked at through [`Json`], which is a part of
//! that text; a change replaces one such part. So key order, escapes, the forms of numbers, even white space and names
//! that come twice stay as whoever wrote them left them.
//!
//! The text may come from anywhere: nothing here recurses into it, and time and memory are in proportion to its length.

mod document;
mod edit;
mod go;
mod view;

pub use document::{Document, DocumentError};
pub use edit::{EditError, Step};
pub use go::{go_json, go_string};
pub use view::{Json, Kind, Object};
