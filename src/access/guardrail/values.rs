//! Facts as Cedar values.

use cedar_policy::RestrictedExpression;
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Timelike, Utc};
use serde_json::Value;

use crate::access::graph::Facts;
use crate::model::{Fact, Moment};

use super::vocabulary::FactKind;

/// A fact as a value of a kind; `None` if it is of another, which is as if it were not there.
pub(super) fn value(fact: &Fact, kind: FactKind) -> Option<RestrictedExpression> {
    match (fact, kind) {
        (Fact::Flag(flag), FactKind::Flag) => Some(RestrictedExpression::new_bool(*flag)),
        (Fact::Number(number), FactKind::Number) => Some(RestrictedExpression::new_long(*number)),
        (Fact::Text(text), FactKind::Text) => Some(RestrictedExpression::new_string(text.clone())),
        (Fact::Text(text), FactKind::Moment) => datetime(text).map(RestrictedExpression::new_datetime),
        (Fact::Text(text), FactKind::Texts) => Some(texts([text])),
        (Fact::Texts(several), FactKind::Texts) => Some(texts(several)),
        _ => None,
    }
}

/// Several texts as a Cedar set.
pub(super) fn texts<'a>(several: impl IntoIterator<Item = &'a String>) -> RestrictedExpression {
    RestrictedExpression::new_set(several.into_iter().map(|text| RestrictedExpression::new_string(text.clone())))
}

/// A moment as Cedar writes it: in UTC, to the millisecond.
pub(super) fn moment(moment: Moment) -> RestrictedExpression {
    RestrictedExpression::new_datetime(written_moment(moment))
}

/// The text of a moment in a policy.
pub(super) fn written_moment(moment: Moment) -> String {
    written(utc(moment))
}

/// 1 on Mondays to 7 on Sundays, and minutes since midnight.
pub(super) fn weekday_and_minute(moment: Moment) -> (i64, i64) {
    let moment = utc(moment);
    let minute = moment.hour().saturating_mul(60).saturating_add(moment.minute());
    (i64::from(moment.weekday().number_from_monday()), i64::from(minute))
}

fn utc(moment: Moment) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or_default()
}

fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A date or a date and time (RFC 3339) as Cedar reads it.
fn datetime(text: &str) -> Option<String> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return (0..=9_999).contains(&date.year()).then(|| date.format("%Y-%m-%d").to_string());
    }
    let moment = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    (0..=9_999).contains(&moment.year()).then(|| written(moment))
}

/// What a caller says as JSON, as facts; what guardrails cannot read (objects, fractions, mixed lists) is left out.
pub fn facts_from_json<'a>(members: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Facts {
    members.into_iter().filter_map(|(name, value)| Some((name.clone(), fact(value)?))).collect()
}

fn fact(value: &Value) -> Option<Fact> {
    match value {
        Value::Bool(flag) => Some(Fact::Flag(*flag)),
        Value::Number(number) => number.as_i64().map(Fact::Number),
        Value::String(text) => Some(Fact::Text(text.clone())),
        Value::Array(elements) => {
            elements.iter().map(|element| element.as_str().map(str::to_owned)).collect::<Option<_>>().map(Fact::Texts)
        }
        Value::Null | Value::Object(_) => None,
    }
}
