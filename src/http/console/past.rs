//! Who could do what on a date, and what is different on another: of one person, or of everybody. Nothing can be changed
//! here.

mod everybody;
mod person;

use askama::Template;

use crate::live::{AGate, CannotJudge};
use crate::model::{Moment, ResourceId, ScopePath};

use super::answer::Answer;
use super::frame::Frame;
use super::prose::isolated;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

use everybody::{GateOfEverybody, PeopleOfGate};
use person::OfPerson;

pub(super) const PAGES: &[Page] =
    &[Page::get("/o/{organization}/past", Needs::Right("organization:read-evidence"), show)];

/// Gates that are asked about at once.
const GATES: usize = 20;

#[derive(Template)]
#[template(path = "console/past.html")]
struct PastPage {
    frame: Frame,
    person: String,
    on: String,
    and: String,
    permission: String,
    scope: String,
    problem: String,
    /// Since when anything is known.
    since: When,
    answer: Option<Compared>,
}

/// What was found of two moments.
struct Compared {
    dates: Dates,
    differences: usize,
    /// Whether there is more than was asked about or is shown.
    is_cut: bool,
    found: Found,
}

impl Compared {
    fn caption(&self) -> String {
        match self.differences {
            0 => "No difference between the two dates".to_owned(),
            1 => "One difference, on top".to_owned(),
            many => format!("{many} differences, on top"),
        }
    }
}

/// What was asked about.
enum Found {
    /// The gates of one person.
    Person(Vec<OfPerson>),
    /// Every gate, with how many could pass.
    Gates(Vec<GateOfEverybody>),
    /// Everybody who could pass one gate.
    People(Vec<PeopleOfGate>),
}

/// The two moments that are held beside each other.
#[derive(Debug, Clone, Copy)]
struct Dates {
    on: When,
    and: When,
    /// Whether the second is now.
    is_now: bool,
}

/// A moment as it is entered: `2026-03-31` is the end of that day, `2026-03-31T18:00` that minute; in UTC.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    let wrong =
        || format!("“{}” is no date. Enter one such as 2026-03-31, or 2026-03-31T18:00, in UTC.", isolated(text));
    let exact = match text.len() {
        10 => format!("{text}T23:59:59Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    exact.parse().map_err(|_no_moment| wrong())
}

/// The moments a form names.
fn dates(page: &PastPage, now: Moment) -> Result<Dates, String> {
    let on = moment(&page.on)?;
    let and = if page.and.is_empty() { now } else { moment(&page.and)? };
    // The end of today has not come, and is meant all the same.
    let today = |at: Moment| if at > now && at < now.plus_micros(86_400_000_000) { now } else { at };
    let (on, and) = (today(on), today(and));
    if on > now || and > now {
        return Err("That date has not come. Choose one in the past.".to_owned());
    }
    if on < page.since.0 || and < page.since.0 {
        return Err(format!("Muster knows nothing of this organization before {}.", page.since));
    }
    Ok(Dates { on: When(on), and: When(and), is_now: and >= now })
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let text = |name: &str| visit.query.text(name).map(str::to_owned);
    let organization = visit.organization()?;
    let mut page = PastPage {
        frame: visit.frame("Access on a date", "past"),
        person: text("person")?,
        on: text("on")?,
        and: text("and")?,
        permission: text("permission")?,
        scope: text("scope")?,
        problem: String::new(),
        since: When(ResourceId::from(organization).made_at()),
        answer: None,
    };
    if page.person.is_empty() && page.on.is_empty() {
        return Answer::page(&page);
    }
    let asked = dates(&page, visit.services.clock.now()).and_then(|dates| Ok((dates, gate(&page)?)));
    let (dates, gate) = match asked {
        Ok(asked) => asked,
        Err(problem) => {
            page.frame = visit.frame("Error: Access on a date", "past");
            page.problem = problem;
            return Answer::invalid(&page);
        }
    };
    let (title, answer) = match (page.person.as_str(), gate) {
        ("", Some(gate)) => everybody::of_gate(visit, &gate, dates)?,
        ("", None) => everybody::of_every_gate(visit, &page, dates)?,
        (person, gate) => person::compared(visit, person, gate, dates)?,
    };
    page.frame = visit.frame(title, "past");
    page.answer = Some(answer);
    Answer::page(&page)
}

/// The one gate that is asked about; nothing for every gate there is.
fn gate(page: &PastPage) -> Result<Option<AGate>, String> {
    if page.permission.is_empty() && page.scope.is_empty() {
        return Ok(None);
    }
    let permission = page.permission.parse().map_err(|error| super::refusal::sentence(&format!("{error}")))?;
    let scope: ScopePath = page.scope.parse().map_err(|error| super::refusal::sentence(&format!("{error}")))?;
    Ok(Some((permission, scope)))
}

/// The gates that are watched now, as many as are asked about at once, and whether there are more.
fn gates(visit: &Visit) -> Result<(Vec<AGate>, bool), Refusal> {
    let mut all = visit.administration()?.watched_gates(visit.organization()?)?;
    let is_cut = all.len() > GATES;
    all.truncate(GATES);
    Ok((all, is_cut))
}

/// What cannot be judged is not shown as a denial.
fn unjudged(error: CannotJudge) -> Refusal {
    tracing::warn!(error = %error, "a past decision cannot be made");
    Refusal::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_end_and_a_minute_its_beginning() {
        for (text, told) in [
            ("2026-03-31", "2026-03-31T23:59:59.000000Z"),
            ("2026-03-31T18:00", "2026-03-31T18:00:00.000000Z"),
            ("2026-03-31T18:00:30", "2026-03-31T18:00:30.000000Z"),
            ("2026-03-31T18:00:30Z", "2026-03-31T18:00:30.000000Z"),
        ] {
            assert_eq!(moment(text).unwrap().to_string(), told);
        }
        for text in ["", "yesterday", "2026-02-30", "31.03.2026", "2026-03-31T25:00"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
