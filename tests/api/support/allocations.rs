//! What this process asks of the allocator: a measure of work that does not hang on the machine's mood.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often all threads of this process have asked for memory, and for how many bytes of it. What C allocates, as SQLite
/// does, is not in it.
#[derive(Debug, Clone, Copy)]
pub struct Allocations {
    pub times: usize,
    pub bytes: usize,
}

/// What this work costs, with what other threads do meanwhile.
pub fn during(work: impl FnOnce()) -> Allocations {
    let before = so_far();
    work();
    let after = so_far();
    Allocations { times: after.times - before.times, bytes: after.bytes - before.bytes }
}

fn so_far() -> Allocations {
    let stats = ALLOCATOR.stats();
    Allocations {
        times: stats.allocations + stats.reallocations,
        bytes: stats.bytes_allocated.saturating_add_signed(stats.bytes_reallocated),
    }
}
