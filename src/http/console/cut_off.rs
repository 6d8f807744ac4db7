//! How long it took until leavers could do nothing: as words, and as a chart of how many were how quick.

const MILLISECOND: i64 = 1_000;
const SECOND: i64 = 1_000_000;
/// The height of the bars' field.
const HEIGHT: i64 = 96;
/// The width of a bar with the space beside it.
const STEP: i64 = 96;
/// The bounds of the bars, microseconds, and what stands below them.
const BOUNDS: [(i64, &str); 5] = [
    (10 * MILLISECOND, "up to 10 ms"),
    (100 * MILLISECOND, "100 ms"),
    (SECOND, "1 s"),
    (5 * SECOND, "5 s"),
    (i64::MAX, "longer"),
];

/// The chart.
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    /// Leavers in all, those with a time on record.
    pub(super) total: usize,
    /// Of whom none is on record.
    pub(super) unknown: usize,
    /// The middle one, in words.
    pub(super) median: String,
    /// The slowest, in words.
    pub(super) slowest: String,
}

/// Leavers that were about as quick.
pub(super) struct Bar {
    pub(super) label: &'static str,
    pub(super) count: i64,
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) height: i64,
}

impl Chart {
    /// Of times in microseconds.
    pub(super) fn of(times: impl Iterator<Item = Option<i64>>) -> Self {
        let all: Vec<Option<i64>> = times.collect();
        let mut known: Vec<i64> = all.iter().filter_map(|time| *time).collect();
        known.sort_unstable();
        let mut from = -1;
        let mut counts = Vec::new();
        for (bound, label) in BOUNDS {
            let count = known.iter().filter(|time| **time > from && **time <= bound).count();
            counts.push((i64::try_from(count).unwrap_or_default(), label));
            from = bound;
        }
        let most = counts.iter().map(|(count, _)| *count).max().unwrap_or_default();
        let bars = counts.into_iter().zip(0_i64..).map(|((count, label), place)| {
            let scaled = count.saturating_mul(HEIGHT).checked_div(most).unwrap_or_default();
            // One of many is seen, too.
            let height = if count > 0 { scaled.max(2) } else { 0 };
            Bar { label, count, x: place.saturating_mul(STEP), y: HEIGHT.saturating_sub(height), height }
        });
        let median = known.get(known.len().saturating_sub(1).div_euclid(2)).copied().map(length);
        Self {
            bars: bars.collect(),
            total: known.len(),
            unknown: all.len().saturating_sub(known.len()),
            median: median.unwrap_or_default(),
            slowest: known.last().copied().map(length).unwrap_or_default(),
        }
    }
}

/// A time as people read it: `17 ms`, `2.4 s`.
pub(super) fn length(micros: i64) -> String {
    match micros {
        ..MILLISECOND => "under 1 ms".to_owned(),
        MILLISECOND..SECOND => format!("{} ms", micros.div_euclid(MILLISECOND)),
        _ => {
            let tenths = micros.saturating_add(50_000).div_euclid(100_000);
            format!("{}.{} s", tenths.div_euclid(10), tenths.rem_euclid(10))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_unit_that_says_enough() {
        let told =
            [(0, "under 1 ms"), (17_400, "17 ms"), (999_999, "999 ms"), (2_449_999, "2.4 s"), (61_000_000, "61.0 s")];
        for (micros, text) in told {
            assert_eq!(length(micros), text);
        }
    }

    #[test]
    fn a_chart_counts_everybody_once() {
        let times = [Some(0), Some(10_000), Some(10_001), Some(900_000), Some(900_000), Some(60_000_000), None];
        let chart = Chart::of(times.into_iter());
        assert_eq!(chart.bars.iter().map(|bar| bar.count).collect::<Vec<_>>(), [2, 1, 2, 0, 1]);
        assert_eq!(
            (chart.total, chart.unknown, chart.median.as_str(), chart.slowest.as_str()),
            (6, 1, "10 ms", "60.0 s")
        );
        assert_eq!(chart.bars.first().map(|bar| (bar.height, bar.y)), Some((HEIGHT, 0)));
        assert!(Chart::of(std::iter::empty()).bars.iter().all(|bar| bar.height == 0));
    }
}
