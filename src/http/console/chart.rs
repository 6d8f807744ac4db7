//! A day of requests as bars, hour by hour: drawn here, with the same numbers as a table.

use crate::model::Moment;
use crate::service::administration::RequestRow;

const HOUR: i64 = 3_600 * 1_000_000;
const MINUTE: i64 = 60 * 1_000_000;
/// How many hours are shown.
const HOURS: i64 = 24;
/// The height of the bars' field.
const HEIGHT: i64 = 96;
/// The width of a bar with the space beside it.
const STEP: i64 = 20;

/// The chart.
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    pub(super) most: i64,
    pub(super) total: i64,
    pub(super) refused: i64,
}

/// An hour.
pub(super) struct Bar {
    pub(super) hour: String,
    pub(super) count: i64,
    pub(super) refused: i64,
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) height: i64,
    pub(super) refused_y: i64,
    pub(super) refused_height: i64,
}

impl Chart {
    /// Of what a connection sent in the last 24 hours: requests on record, and reads by the minute.
    pub(super) fn of_a_day(rows: &[RequestRow], reads: &[(i64, i64)], now: Moment) -> Self {
        let last = now.as_micros().div_euclid(HOUR);
        let begins = last.saturating_sub(HOURS).saturating_add(1);
        let mut hours: Vec<(i64, i64)> = (0..HOURS).map(|_| (0, 0)).collect();
        let mut add = |at: i64, count: i64, refused: i64| {
            let place = usize::try_from(at.div_euclid(HOUR).saturating_sub(begins));
            if let Some(hour) = place.ok().and_then(|place| hours.get_mut(place)) {
                *hour = (hour.0.saturating_add(count), hour.1.saturating_add(refused));
            }
        };
        for row in rows {
            add(row.at.as_micros(), 1, i64::from(row.status >= 400));
        }
        for (minute, count) in reads {
            add(minute.saturating_mul(MINUTE), *count, 0);
        }
        let most = hours.iter().map(|(count, _)| *count).max().unwrap_or_default();
        // One of many is seen, too; and of those refused the pattern.
        let scaled = |count: i64, least: i64| match count {
            0 => 0,
            _ => count.saturating_mul(HEIGHT).checked_div(most).unwrap_or_default().max(least),
        };
        let bars = hours.iter().zip(0_i64..).map(|((count, refused), place)| {
            let refused_height = scaled(*refused, 6);
            let height = scaled(*count, 2).max(refused_height);
            Bar {
                hour: format!("{:02}:00", begins.saturating_add(place).rem_euclid(24)),
                count: *count,
                refused: *refused,
                x: place.saturating_mul(STEP),
                y: HEIGHT.saturating_sub(height),
                height,
                refused_y: HEIGHT.saturating_sub(refused_height),
                refused_height,
            }
        });
        let (total, refused) =
            hours.iter().fold((0_i64, 0_i64), |sum, hour| (sum.0.saturating_add(hour.0), sum.1.saturating_add(hour.1)));
        Self { bars: bars.collect(), most, total, refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_scaled_to_the_busiest_hour_and_what_is_older_is_left_out() {
        let now = Moment::from_micros(100 * HOUR + 5 * MINUTE);
        let minute = |hour: i64| hour * 60;
        let chart = Chart::of_a_day(&[], &[(minute(100), 4), (minute(99) + 59, 2), (minute(76), 50)], now);
        let last: Vec<(i64, i64)> = chart.bars.iter().rev().take(3).map(|bar| (bar.count, bar.height)).collect();
        assert_eq!(last, [(4, HEIGHT), (2, HEIGHT / 2), (0, 0)]);
        assert_eq!((chart.bars.len(), chart.total, chart.most), (24, 6, 4));
        assert_eq!(chart.bars.last().map(|bar| bar.hour.as_str()), Some("04:00"));
    }

    #[test]
    fn one_refusal_among_many_requests_is_seen() {
        let now = Moment::from_micros(100 * HOUR + 5 * MINUTE);
        let any = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
        let refused = RequestRow {
            organization: any.parse().unwrap(),
            connection: any.parse().unwrap(),
            credential: any.parse().unwrap(),
            id: any.parse().unwrap(),
            at: now,
            method: "POST".to_owned(),
            route: "/Users".to_owned(),
            resource: None,
            query: None,
            status: 409,
            writes: true,
            duration: 0,
            request: None,
            answer: None,
            effect: None,
        };
        let chart = Chart::of_a_day(&[refused], &[(100 * 60, 5_000)], now);
        let last = chart.bars.last().unwrap();
        assert_eq!((last.refused, last.refused_height, last.height), (1, 6, HEIGHT));
        assert!(chart.bars.iter().rev().skip(1).all(|bar| bar.refused_height == 0 && bar.height == 0));
    }
}
