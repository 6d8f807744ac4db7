//! What somebody could do on a date, and what is different on another. Nothing can be changed here.

use askama::Template;

use crate::access::gates::Gate;
use crate::model::{Moment, Permission, ResourceId, ScopePath};
use crate::service::access::MayQuestion;

use super::answer::Answer;
use super::frame::Frame;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

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

struct Compared {
    on: When,
    and: When,
    /// Whether the second date is now.
    is_now: bool,
    lines: Vec<Line>,
    differences: usize,
    /// Whether there are more gates than were asked about.
    is_cut: bool,
}

struct Line {
    permission: String,
    scope: String,
    then: Verdict,
    now: Verdict,
    differs: bool,
}

struct Verdict {
    word: &'static str,
    tone: &'static str,
    reasons: Vec<String>,
}

/// A moment as it is entered: `2026-03-31` is the end of that day, `2026-03-31T18:00` that minute; in UTC.
fn moment(text: &str) -> Result<Moment, String> {
    let wrong = || format!("“{text}” is no date. Enter one such as 2026-03-31, or 2026-03-31T18:00, in UTC.");
    let exact = match text.len() {
        10 => format!("{text}T23:59:59Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    exact.parse().map_err(|_no_moment| wrong())
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
    match compared(visit, &page)? {
        Ok(answer) => {
            page.frame = visit.frame(title(&page.person, &answer), "past");
            page.answer = Some(answer);
            Answer::page(&page)
        }
        Err(problem) => {
            page.frame = visit.frame("Error: Access on a date", "past");
            page.problem = problem;
            Answer::invalid(&page)
        }
    }
}

fn title(person: &str, answer: &Compared) -> String {
    let open = answer.lines.iter().filter(|line| line.then.tone == "ok").count();
    let day = answer.on.day();
    match open {
        0 => format!("{person} could pass no gate on {day}"),
        1 => format!("{person} could pass one gate on {day}"),
        many => format!("{person} could pass {many} gates on {day}"),
    }
}

fn compared(visit: &Visit, page: &PastPage) -> Result<Result<Compared, String>, Refusal> {
    let now = visit.services.clock.now();
    let (on, and) = match (moment(&page.on), page.and.as_str()) {
        (Err(problem), _) => return Ok(Err(problem)),
        (Ok(on), "") => (on, now),
        (Ok(on), text) => match moment(text) {
            Ok(and) => (on, and),
            Err(problem) => return Ok(Err(problem)),
        },
    };
    if page.person.is_empty() {
        return Ok(Err("Say who: a user name or an id.".to_owned()));
    }
    // The end of today has not come, and is meant all the same.
    let today = |at: Moment| if at > now && at < now.plus_micros(86_400_000_000) { now } else { at };
    let (on, and) = (today(on), today(and));
    if on > now || and > now {
        return Ok(Err("That date has not come. Choose one in the past.".to_owned()));
    }
    if on < page.since.0 || and < page.since.0 {
        return Ok(Err(format!("Muster knows nothing of this organization before {}.", page.since)));
    }
    let gates = visit.administration()?.gates(visit.organization()?)?;
    let asked = match asked(page, &gates) {
        Ok(asked) => asked,
        Err(problem) => return Ok(Err(problem)),
    };
    let mut lines = Vec::new();
    for (permission, scope) in asked.iter().take(GATES) {
        let then = verdict(visit, page, (permission, scope), Some(on))?;
        let later = verdict(visit, page, (permission, scope), (and < now).then_some(and))?;
        lines.push(Line {
            permission: permission.to_string(),
            scope: scope.to_string(),
            differs: then.tone != later.tone,
            then,
            now: later,
        });
    }
    lines.sort_by_key(|line| (!line.differs, line.then.tone != "ok"));
    let differences = lines.iter().filter(|line| line.differs).count();
    let is_cut = asked.len() > GATES;
    Ok(Ok(Compared { on: When(on), and: When(and), is_now: and >= now, lines, differences, is_cut }))
}

/// What is asked: one permission somewhere, or every gate there is.
fn asked(page: &PastPage, gates: &[Gate]) -> Result<Vec<(Permission, ScopePath)>, String> {
    if page.permission.is_empty() && page.scope.is_empty() {
        return Ok(gates.iter().map(|gate| (gate.permission.clone(), gate.scope.clone())).collect());
    }
    let permission = page.permission.parse().map_err(|error| super::refusal::sentence(&format!("{error}")))?;
    let scope: ScopePath = page.scope.parse().map_err(|error| super::refusal::sentence(&format!("{error}")))?;
    Ok(vec![(permission, scope)])
}

fn verdict(
    visit: &Visit,
    page: &PastPage,
    (permission, scope): (&Permission, &ScopePath),
    at: Option<Moment>,
) -> Result<Verdict, Refusal> {
    let question = MayQuestion {
        subject: page.person.clone(),
        is_service: false,
        permission: permission.clone(),
        scope: scope.clone(),
        at,
    };
    let answer = visit.administration()?.may(visit.organization()?, &question, false);
    let answer = answer.map_err(|error| {
        tracing::warn!(error = %error, "a past decision cannot be made");
        Refusal::Unavailable
    })?;
    let (word, tone) = if answer.allowed { ("Could", "ok") } else { ("Could not", "idle") };
    Ok(Verdict { word, tone, reasons: answer.reasons })
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
