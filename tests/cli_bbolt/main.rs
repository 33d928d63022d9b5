//! Promise: the commands that bbolt has end with the documented statuses, say data on standard output and words on
//! standard error, and keep their extensions' output, whatever the file.

mod damaged;
mod extensions;
mod in_use;
mod running;
mod states;
mod streams;
