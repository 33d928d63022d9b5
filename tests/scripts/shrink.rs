//! Fewer operations that still fail.

use std::time::{Duration, Instant};

use super::script::{Script, Transaction};

/// A shorter script that still fails, as short as can be found in this time.
pub fn shrink(script: &Script, patience: Duration, mut fails: impl FnMut(&Script) -> bool) -> Script {
    let mut best = script.clone();
    let start = Instant::now();
    let mut try_one = |candidate: Script, best: &mut Script| {
        let worth_it = start.elapsed() < patience && candidate != *best && !candidate.transactions.is_empty();
        let shorter = worth_it && fails(&candidate);
        if shorter {
            *best = candidate;
        }
        shorter
    };
    // What comes after the transaction that fails does not matter, and many before it do not either.
    let mut chunk = best.transactions.len();
    while chunk > 0 {
        let mut end = best.transactions.len();
        while end > 0 {
            let first = end.saturating_sub(chunk);
            let mut candidate = best.clone();
            candidate.transactions.drain(first..end);
            try_one(candidate, &mut best);
            end = first;
        }
        chunk /= 2;
    }
    for number in 0..best.transactions.len() {
        let mut chunk = best.transactions[number].operations.len();
        while chunk > 0 {
            let mut end = best.transactions[number].operations.len();
            while end > 0 {
                let first = end.saturating_sub(chunk);
                let mut candidate = best.clone();
                candidate.transactions[number].operations.drain(first..end);
                try_one(candidate, &mut best);
                end = first;
            }
            chunk /= 2;
        }
    }
    let plain = |t: &Transaction| Transaction { reopen: false, ..t.clone() };
    let mut candidate = Script { no_grow_sync: false, initial_map: 0, ..best.clone() };
    candidate.transactions = if best.turns { candidate.transactions } else { best.transactions.iter().map(plain).collect() };
    try_one(candidate, &mut best);
    best
}
