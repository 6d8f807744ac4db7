//! Chance that can be repeated.

/// Random numbers from a seed: `SplitMix64`.
pub struct Dice(u64);

impl Dice {
    /// Seeded by `MUSTER_TEST_SEED`, else by the clock; prints the seed, which the test's output shows when it fails.
    pub fn new() -> Self {
        let seed = match std::env::var("MUSTER_TEST_SEED") {
            Ok(text) => text.parse().expect("MUSTER_TEST_SEED is a whole number"),
            Err(_) => u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos()),
        };
        println!("MUSTER_TEST_SEED={seed}");
        Self(seed)
    }

    /// Seeded by a throw of other dice.
    pub fn seeded(seed: usize) -> Self {
        Self(u64::try_from(seed).unwrap())
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    /// One of these.
    pub fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.below(among.len())]
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Whether `MUSTER_TEST_LONG` asks for the long counts.
pub fn is_long() -> bool {
    std::env::var_os("MUSTER_TEST_LONG").is_some()
}
