//! An allocator that knows how much the current thread has asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static SPENT: Cell<Spent> = const { Cell::new(Spent { allocations: 0, bytes: 0 }) };
}

/// What was asked for, whether given back or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    pub allocations: u64,
    pub bytes: u64,
}

/// The system's allocator, counting per thread.
pub struct Counting;

/// A request above this is refused at once: nothing that is tested may ever make it.
const ABSURD: usize = 4 << 30;

fn count(by: isize) {
    if by > 0 {
        let Spent { allocations, bytes } = SPENT.get();
        SPENT.set(Spent { allocations: allocations + 1, bytes: bytes + by.unsigned_abs() as u64 });
    }
    let live = LIVE.get() + by;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
}

// SAFETY: every call goes to the system's allocator unchanged, or fails as an allocator may.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > ABSURD {
            return std::ptr::null_mut();
        }
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > ABSURD {
            return std::ptr::null_mut();
        }
        count(layout.size().cast_signed());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > ABSURD {
            return std::ptr::null_mut();
        }
        count(size.cast_signed() - layout.size().cast_signed());
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Runs something, and says how many bytes it held at its highest above what was held before.
pub fn peak_of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.get();
    PEAK.set(before);
    let value = run();
    (value, (PEAK.get() - before).max(0).cast_unsigned())
}

/// Runs something, and says what it asked for.
pub fn spent_on<T>(run: impl FnOnce() -> T) -> (T, Spent) {
    let before = SPENT.get();
    let value = run();
    let after = SPENT.get();
    (value, Spent { allocations: after.allocations - before.allocations, bytes: after.bytes - before.bytes })
}
