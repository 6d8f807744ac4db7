//! Chance that can be repeated: the same seed makes the same company.

/// Random numbers from a seed: `SplitMix64`.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`; 0 where there is none.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        (mixed ^ (mixed >> 31)).checked_rem(bound).and_then(|rest| usize::try_from(rest).ok()).unwrap_or_default()
    }

    /// One of these; empty where there are none.
    pub(super) fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among.get(self.below(among.len())).copied().unwrap_or_default()
    }

    /// A length of time from `least` up to `most` microseconds.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = usize::try_from(most.saturating_sub(least)).unwrap_or_default();
        least.saturating_add(i64::try_from(self.below(span)).unwrap_or_default())
    }
}
