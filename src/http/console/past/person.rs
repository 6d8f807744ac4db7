//! What one person could do.

use crate::live::AGate;
use crate::model::Moment;
use crate::service::access::MayAnswer;

use super::super::refusal::Refusal;
use super::super::visit::Visit;
use super::{Compared, Dates, Found, gates, unjudged};

/// A gate, and whether the person could pass it.
pub(super) struct OfPerson {
    pub(super) permission: String,
    pub(super) scope: String,
    pub(super) then: Verdict,
    pub(super) now: Verdict,
    pub(super) differs: bool,
}

/// Whether, and why.
pub(super) struct Verdict {
    pub(super) word: &'static str,
    pub(super) tone: &'static str,
    pub(super) reasons: Vec<String>,
}

impl From<MayAnswer> for Verdict {
    fn from(answer: MayAnswer) -> Self {
        let (word, tone) = if answer.allowed { ("Could", "ok") } else { ("Could not", "idle") };
        Self { word, tone, reasons: answer.reasons }
    }
}

/// What a person could pass at both moments: one gate, or every one that is watched.
pub(super) fn compared(
    visit: &Visit,
    person: &str,
    gate: Option<AGate>,
    dates: Dates,
) -> Result<(String, Compared), Refusal> {
    let (asked, is_cut) = match gate {
        Some(gate) => (vec![gate], false),
        None => gates(visit)?,
    };
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let judged = |at: Option<Moment>| administration.may_each(organization, person, &asked, at).map_err(unjudged);
    let then = judged(Some(dates.on.0))?;
    let now = judged((!dates.is_now).then_some(dates.and.0))?;
    let mut lines: Vec<OfPerson> = asked
        .iter()
        .zip(then.into_iter().zip(now))
        .map(|((permission, scope), (then, now))| OfPerson {
            permission: permission.to_string(),
            scope: scope.to_string(),
            differs: then.allowed != now.allowed,
            then: then.into(),
            now: now.into(),
        })
        .collect();
    lines.sort_by_key(|line| (!line.differs, line.then.tone != "ok"));
    let differences = lines.iter().filter(|line| line.differs).count();
    let day = dates.on.day();
    let title = match lines.iter().filter(|line| line.then.tone == "ok").count() {
        0 => format!("{person} could pass no gate on {day}"),
        1 => format!("{person} could pass one gate on {day}"),
        many => format!("{person} could pass {many} gates on {day}"),
    };
    Ok((title, Compared { dates, differences, is_cut, found: Found::Person(lines) }))
}
