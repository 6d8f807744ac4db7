//! Files of what is here: asked for, waited for, taken.

use askama::Template;

use crate::model::{AccountId, Moment, ResourceId};
use crate::service::ServiceError;
use crate::service::exports::{Asked, Export, ExportKind};

use super::answer::Answer;
use super::frame::Frame;
use super::past;
use super::people::list::Choice;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

const RIGHT: Needs = Needs::Right("organization:read-evidence");
const FRESH: Needs = Needs::Fresh("organization:read-evidence");

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/exports", RIGHT, list),
    Page::post("/o/{organization}/exports", FRESH, ask),
    Page::get("/o/{organization}/exports/{id}", RIGHT, show),
    Page::post("/o/{organization}/exports/{id}/file", FRESH, take),
];

/// How soon a page looks again at what is being made, seconds.
const AGAIN: u32 = 2;

#[derive(Template)]
#[template(path = "console/exports.html")]
struct ExportsPage {
    frame: Frame,
    kinds: Vec<Choice>,
    from: String,
    until: String,
    problem: String,
    lines: Vec<Line>,
    /// The newest file, or `none`: a form that asks for one more says what it was made from.
    newest: String,
}

#[derive(Template)]
#[template(path = "console/export.html")]
struct ExportPage {
    frame: Frame,
    line: Line,
}

/// A file, as pages show it.
struct Line {
    id: String,
    what: &'static str,
    asked: When,
    done: i64,
    total: i64,
    word: &'static str,
    tone: &'static str,
    is_there: bool,
    is_waited_for: bool,
    is_cut: bool,
}

const fn what(kind: ExportKind) -> &'static str {
    match kind {
        ExportKind::People => "People, with what they may do",
        ExportKind::Groups => "Groups and their members",
        ExportKind::Assignments => "Assignments",
        ExportKind::Gates => "Gates and who can pass them",
        ExportKind::Log => "The log",
        ExportKind::Leavers => "Leavers and how soon they were cut off",
    }
}

impl Line {
    fn of(export: &Export) -> Self {
        let outcome = export.outcome.as_deref();
        let (word, tone) = match outcome {
            None if export.changed_at == Moment::from_micros(0) => ("Waiting", "wait"),
            None => ("Being made", "wait"),
            Some("ready") => ("Ready", "ok"),
            Some("cut") => ("Ready, cut short", "warn"),
            Some(_) => ("Failed", "bad"),
        };
        Self {
            id: export.id.to_string(),
            what: ExportKind::from_name(&export.kind).map_or("A file", what),
            asked: When(export.id.made_at()),
            done: export.done,
            total: export.total,
            word,
            tone,
            is_there: matches!(outcome, Some("ready" | "cut")),
            is_waited_for: outcome.is_none(),
            is_cut: outcome == Some("cut"),
        }
    }
}

fn account(visit: &Visit) -> Result<AccountId, Refusal> {
    Ok(visit.signed_in()?.account.id)
}

fn page(visit: &Visit, problem: String) -> Result<ExportsPage, Refusal> {
    let asked = if problem.is_empty() { &visit.query } else { &visit.form };
    let kind = asked.text("kind")?;
    let title = if problem.is_empty() { "Exports" } else { "Error: Exports" };
    let exports = visit.services.exports(visit.caller()?, account(visit)?)?;
    Ok(ExportsPage {
        frame: visit.frame(title, "exports"),
        kinds: ExportKind::ALL.map(|one| Choice::new(one.as_str(), what(one), kind)).into(),
        from: asked.text("from")?.to_owned(),
        until: asked.text("until")?.to_owned(),
        problem,
        newest: exports.first().map_or_else(|| "none".to_owned(), |export| export.id.to_string()),
        lines: exports.iter().map(Line::of).collect(),
    })
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, String::new())?)
}

fn ask(visit: &Visit) -> Result<Answer, Refusal> {
    let kind = ExportKind::from_name(visit.form.text("kind")?);
    let kind = kind.ok_or_else(|| Refusal::bad("Choose what the file is to hold."))?;
    let moment = |name: &str| match visit.form.text(name)? {
        "" => Ok(Ok(None)),
        text => Ok::<_, Refusal>(past::moment(text).map(Some)),
    };
    let (from, until) = match (moment("from")?, moment("until")?) {
        (Ok(from), Ok(until)) => (from, until),
        (Err(problem), _) | (_, Err(problem)) => return Answer::invalid(&page(visit, problem)?),
    };
    // The end of a day that is named is meant with it; the beginning, where it begins.
    let from =
        from.map(|end: Moment| if visit.form.text("from").is_ok_and(|text| text.len() == 10) { day(end) } else { end });
    let asked = Asked { until, from };
    let newest = match visit.form.text("newest")? {
        "" => None,
        "none" => Some(ResourceId::FIRST),
        id => Some(id.parse().map_err(|_none| Refusal::bad("The form does not say what it was made from."))?),
    };
    match visit.services.ask_for_export(visit.caller()?, account(visit)?, kind, &asked, newest) {
        Ok(id) => Ok(Answer::see_other(visit.address(&format!("/exports/{id}"))?)),
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            Answer::invalid(&page(visit, problem)?)
        }
    }
}

/// The beginning of the day of a moment.
fn day(at: Moment) -> Moment {
    const DAY: i64 = 86_400_000_000;
    Moment::from_micros(at.as_micros().div_euclid(DAY).saturating_mul(DAY))
}

fn found(visit: &Visit) -> Result<Export, Refusal> {
    let id: ResourceId = visit.parsed(1)?;
    visit.services.export(visit.caller()?, account(visit)?, id)?.ok_or(Refusal::NotFound)
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let line = Line::of(&found(visit)?);
    let again = line.is_waited_for;
    let answer = Answer::page(&ExportPage { frame: visit.frame(line.what, "exports"), line })?;
    Ok(if again { answer.looking_again(AGAIN) } else { answer })
}

fn take(visit: &Visit) -> Result<Answer, Refusal> {
    let export = found(visit)?;
    if !Line::of(&export).is_there {
        return Err(ServiceError::from(crate::scim::ScimError::Conflict("the file is not ready yet".to_owned())).into());
    }
    let text = visit.services.exported(&export)?;
    let name = format!("{}-{}.csv", export.kind, visit.member()?.organization.slug);
    Ok(Answer::download(name, "text/csv; charset=utf-8", text))
}
