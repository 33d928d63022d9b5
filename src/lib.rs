//! Reads BoltDB files.
