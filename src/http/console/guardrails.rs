//! Guardrails: what is forbidden whatever is assigned, as Cedar text that is validated where it is typed.

pub(super) mod ready;

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use askama::Template;

use crate::model::GuardrailId;
use crate::service::administration::AdministrationError;

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::preview;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/guardrails", Needs::Right("organization:read"), list),
    Page::get("/o/{organization}/guardrails/new", Needs::Right("organization:manage-access"), fresh),
    Page::post("/o/{organization}/guardrails/try", Needs::Right("organization:manage-access"), rehearse),
    Page::post("/o/{organization}/guardrails", Needs::Fresh("organization:manage-access"), save),
    Page::get("/o/{organization}/guardrails/{id}", Needs::Right("organization:read"), show),
    Page::get("/o/{organization}/guardrails/{id}/remove", Needs::Right("organization:manage-access"), look_at_removal),
    Page::post("/o/{organization}/guardrails/{id}/remove", Needs::Fresh("organization:manage-access"), remove),
];

/// What a new guardrail begins as.
const EXAMPLE: &str = "@id(\"employees-deploy-billing\")\n@reason(\"Contractors do not deploy billing.\")\n\
                       @control(\"SOX-AC-03\")\nforbid (principal is User, action in [Action::\"deploy:run\"], \
                       resource in Project::\"/billing\")\nunless { [\"Employee\"].contains(principal.userType) };\n";

#[derive(Template)]
#[template(path = "console/guardrails.html")]
struct GuardrailsPage {
    frame: Frame,
    lines: Vec<Line>,
    library: &'static [ready::Described],
    may_change: bool,
}

struct Line {
    id: String,
    reason: String,
    control: String,
    since: When,
    problem: String,
}

#[derive(Template)]
#[template(path = "console/guardrail.html")]
struct GuardrailPage {
    frame: Frame,
    id: String,
    reason: String,
    control: String,
    text: String,
    problem: String,
    /// The lines around what is wrong, with their numbers.
    place: String,
    shown: Option<preview::Shown>,
    headline: String,
    may_change: bool,
    /// What is saved under this name, as the form knows it; empty for nothing.
    before: String,
    /// Its text by now, where somebody else has changed it.
    theirs: String,
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let all = visit.administration()?.guardrails(visit.organization()?)?;
    let lines = all
        .into_iter()
        .map(|one| Line {
            id: one.row.id.to_string(),
            reason: one.reason,
            control: one.control,
            since: When(one.row.created_at),
            problem: one.problem.as_deref().map(sentence).unwrap_or_default(),
        })
        .collect();
    let may_change = visit.member()?.rights.manage_access();
    Answer::page(&GuardrailsPage {
        frame: visit.frame("Guardrails", "guardrails"),
        lines,
        library: &ready::LIBRARY,
        may_change,
    })
}

fn page(visit: &Visit, title: &str, text: String, problem: String) -> Result<GuardrailPage, Refusal> {
    Ok(GuardrailPage {
        frame: visit.frame(title, "guardrails"),
        id: String::new(),
        reason: String::new(),
        control: String::new(),
        place: place(&text, &problem),
        text,
        problem,
        shown: None,
        headline: String::new(),
        may_change: visit.member()?.rights.manage_access(),
        before: String::new(),
        theirs: String::new(),
    })
}

fn fresh(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, "New guardrail", EXAMPLE.to_owned(), String::new())?)
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let id: GuardrailId = visit.parsed(1)?;
    let all = visit.administration()?.guardrails(visit.organization()?)?;
    let one = all.into_iter().find(|one| one.row.id == id).ok_or(Refusal::NotFound)?;
    let problem = one.problem.as_deref().map(sentence).unwrap_or_default();
    let mut page = page(visit, &id.to_string(), one.row.text, problem)?;
    page.before.clone_from(&page.text);
    (page.id, page.reason, page.control) = (id.to_string(), one.reason, one.control);
    Answer::page(&page)
}

/// The text as forms bring it: browsers send line ends as CR and LF.
fn text(visit: &Visit) -> Result<String, Refusal> {
    Ok(visit.form.text("text")?.replace("\r\n", "\n"))
}

/// Validates a text, and says who would lose what.
fn rehearse(visit: &Visit) -> Result<Answer, Refusal> {
    look(visit, text(visit)?, String::new())
}

fn look(visit: &Visit, text: String, moved: String) -> Result<Answer, Refusal> {
    let organization = visit.organization()?;
    let tried = visit.administration()?.try_out(|trying| trying.save_guardrail(organization, &text, true));
    match tried {
        Ok((preview, guardrail)) => {
            let shown = preview::Shown::of(visit, &preview)?;
            let all = visit.administration()?.guardrails(organization)?;
            let stored = all.into_iter().find(|one| one.row.id == *guardrail.id()).map(|one| one.row);
            let stored = stored.map(|row| row.text).unwrap_or_default();
            let before = visit.form.text("before")?.replace("\r\n", "\n");
            let mut page = page(visit, &format!("Rehearsal of {}", guardrail.id()), text, moved)?;
            page.before.clone_from(&stored);
            if before != stored.trim() && !stored.is_empty() {
                let problem = "A guardrail of this name was saved since you opened the form. Its text stands below \
                               yours; saving puts yours in its place.";
                page.problem = String::from(problem);
                page.theirs = stored;
            }
            page.headline = preview::headline(&shown);
            page.shown = Some(shown);
            if page.theirs.is_empty() { Answer::page(&page) } else { Answer::page_with(StatusCode::CONFLICT, &page) }
        }
        Err(error) => match Refusal::from(error) {
            Refusal::Refused(_, why) => Answer::invalid(&page(visit, "New guardrail", text, sentence(&why))?),
            other => Err(other),
        },
    }
}

fn save(visit: &Visit) -> Result<Answer, Refusal> {
    let text = text(visit)?;
    let expecting = visit.administration()?.expecting(visit.form.text("fingerprint")?.to_owned());
    match expecting.save_guardrail(visit.organization()?, &text, true) {
        Ok(saved) => Ok(Answer::see_other(visit.address("/guardrails")?)
            .saying(&Flash::done(format!("The guardrail {} holds on every server.", saved.id())))),
        Err(AdministrationError::PreconditionFailed(_)) => {
            look(visit, text, "Something changed since you looked. Below is what it would come to now.".to_owned())
        }
        Err(error) => match Refusal::from(error) {
            Refusal::Refused(_, why) => Answer::invalid(&page(visit, "New guardrail", text, sentence(&why))?),
            other => Err(other),
        },
    }
}

/// The line an error names, the one before it and a mark under the place, as compilers show it.
fn place(text: &str, problem: &str) -> String {
    let number = |after: &str| -> Option<usize> {
        let (_, rest) = problem.split_once(after)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let (Some(line), Some(column)) = (number("ine "), number(", column ")) else { return String::new() };
    let mut shown = String::new();
    for (at, content) in text.lines().enumerate().skip(line.saturating_sub(2)).take(2) {
        let at = at.saturating_add(1);
        if at <= line {
            // Writing to a string cannot fail.
            let _ = writeln!(shown, "{at:>4}  {content}");
        }
    }
    // Within what people read on a line of their own.
    let _ = write!(shown, "{}^", " ".repeat(column.saturating_add(5).min(400)));
    shown
}

fn look_at_removal(visit: &Visit) -> Result<Answer, Refusal> {
    removal(visit, String::new())
}

fn removal(visit: &Visit, problem: String) -> Result<Answer, Refusal> {
    let (organization, id) = (visit.organization()?, visit.parsed::<GuardrailId>(1)?);
    let shown = match preview::tried(visit, |trying| trying.remove_guardrail(organization, &id))? {
        Ok(shown) => shown,
        Err(_gone) => return Err(Refusal::NotFound),
    };
    let page = preview::PreviewPage {
        frame: visit.frame(preview::headline(&shown), "guardrails"),
        what: format!("The guardrail {id} is switched off; its text stays on record."),
        action: visit.address(&format!("/guardrails/{id}/remove"))?,
        fields: Vec::new(),
        button: format!("Switch {id} off"),
        danger: true,
        back: visit.address(&format!("/guardrails/{id}"))?,
        shown,
        problem: problem.clone(),
    };
    if problem.is_empty() { Answer::page(&page) } else { Answer::invalid(&page) }
}

fn remove(visit: &Visit) -> Result<Answer, Refusal> {
    let id: GuardrailId = visit.parsed(1)?;
    let fingerprint = visit.form.text("fingerprint")?;
    if fingerprint.is_empty() {
        return removal(visit, String::new());
    }
    match visit.administration()?.expecting(fingerprint.to_owned()).remove_guardrail(visit.organization()?, &id) {
        Ok(()) => {}
        Err(AdministrationError::PreconditionFailed(_)) => return removal(visit, preview::MOVED.to_owned()),
        Err(error) => return Err(error.into()),
    }
    Ok(Answer::see_other(visit.address("/guardrails")?)
        .saying(&Flash::done(format!("The guardrail {id} forbids nothing any more. Its text stays on record."))))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn the_place_of_an_error_is_marked_under_its_line() {
        let shown = place("one\ntwo three\nfour", "Line 2, column 5: unexpected `three`");
        assert_eq!(shown, "   1  one\n   2  two three\n          ^");
        assert_eq!(place("one", "The annotation is missing."), "");
        assert!(place("", "line 7, column 9: x").ends_with('^'));
    }
}
