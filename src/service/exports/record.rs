//! The log, and leavers.

use crate::model::{Caller, EventId};
use crate::service::Services;
use crate::service::log::{self, LogSearch};

use super::Asked;
use super::making::{Ended, Making};

/// Rows read at a time.
const BATCH: usize = 1_000;

/// The log, newest first.
pub(super) fn log(services: &Services, caller: &Caller, asked: &Asked, making: &mut Making<'_>) -> Result<(), Ended> {
    making.columns(&[
        "id",
        "when (UTC)",
        "who",
        "what",
        "about",
        "called",
        "revision",
        "request",
        "details",
        "sealed values",
    ]);
    let wanted = LogSearch { from: asked.from, until: asked.until, ..LogSearch::default() };
    let mut before: Option<EventId> = None;
    loop {
        let page = log::search(services, caller, before, BATCH, &wanted)?;
        for line in page.lines {
            making.row(&[
                line.id.to_string(),
                line.at.to_string(),
                line.actor,
                line.action,
                line.about.to_string(),
                line.about_name.unwrap_or_default(),
                line.revision.map(|revision| revision.as_i64().to_string()).unwrap_or_default(),
                line.request.to_string(),
                line.details,
                if line.is_sealed { "yes".to_owned() } else { String::new() },
            ])?;
        }
        match page.next {
            Some(next) => before = Some(next),
            None => return Ok(()),
        }
    }
}

/// Everybody who left, newest first.
pub(super) fn leavers(services: &Services, caller: &Caller, making: &mut Making<'_>) -> Result<(), Ended> {
    making.columns(&["when (UTC)", "user", "user name", "how", "by", "cut off after (s)"]);
    let mut before: Option<EventId> = None;
    loop {
        let page = services.register(caller, before, BATCH)?;
        for one in page.departed {
            let by = if one.connection.is_empty() { "an administrator".to_owned() } else { one.connection };
            let cut_off = one.cut_off.map(seconds).unwrap_or_default();
            let how = one.how.as_str().to_owned();
            making.row(&[one.at.to_string(), one.user.to_string(), one.name, how, by, cut_off])?;
        }
        match page.next {
            Some(next) => before = Some(next),
            None => return Ok::<_, Ended>(()),
        }
    }
}

/// Microseconds as seconds: `0.017000`.
fn seconds(micros: i64) -> String {
    format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_time_is_told_to_the_microsecond() {
        assert_eq!((seconds(17_000), seconds(5_000_001)), ("0.017000".to_owned(), "5.000001".to_owned()));
    }
}
