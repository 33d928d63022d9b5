//! Crash states: what is done to a disk is recorded, everything that a crash could have left of it is made, and each
//! state is judged.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod defect;
pub mod enumerate;
pub mod fault;
pub mod oracle;
pub mod record;
pub mod run;
pub mod workload;
pub mod world;

/// Numbers without end.
pub fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}
