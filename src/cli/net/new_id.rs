//! Owns new ids: 64 hexadecimal digits, as docker makes them for networks.

use std::hash::{BuildHasher, Hasher, RandomState};

/// An id that nobody else has. Docker wants the begin that it shows to be no number.
pub fn new_id() -> String {
    loop {
        let id: String = (0..4).map(|_| format!("{:016x}", RandomState::new().build_hasher().finish())).collect();
        if id.bytes().take(12).any(|digit| digit.is_ascii_alphabetic()) {
            return id;
        }
    }
}
