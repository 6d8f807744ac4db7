//! Guardrails: what is forbidden whatever is assigned, as Cedar text that is validated where it is typed.

use askama::Template;

use crate::model::GuardrailId;
use crate::service::administration::AdministrationError;

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::mappings;
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
    shown: Option<mappings::Shown>,
    headline: String,
    may_change: bool,
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
    Answer::page(&GuardrailsPage { frame: visit.frame("Guardrails", "guardrails"), lines, may_change })
}

fn page(visit: &Visit, title: &str, text: String, problem: String) -> Result<GuardrailPage, Refusal> {
    Ok(GuardrailPage {
        frame: visit.frame(title, "guardrails"),
        id: String::new(),
        reason: String::new(),
        control: String::new(),
        text,
        problem,
        shown: None,
        headline: String::new(),
        may_change: visit.member()?.rights.manage_access(),
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
            let shown = mappings::Shown::from(preview);
            let mut page = page(visit, &format!("Rehearsal of {}", guardrail.id()), text, moved)?;
            page.headline = mappings::headline(&shown);
            page.shown = Some(shown);
            Answer::page(&page)
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

fn remove(visit: &Visit) -> Result<Answer, Refusal> {
    let id: GuardrailId = visit.parsed(1)?;
    visit.administration()?.remove_guardrail(visit.organization()?, &id)?;
    Ok(Answer::see_other(visit.address("/guardrails")?)
        .saying(&Flash::done(format!("The guardrail {id} forbids nothing any more. Its text stays on record."))))
}
