//! Handing a service over and stopping it, each after a look at what it comes to. Of two who change the same service, the
//! second sees both versions.

use actix_web::http::StatusCode;
use askama::Template;

use crate::model::{Moment, OrganizationId, Service};
use crate::service::access::ServiceChange;
use crate::service::administration::{Administration, AdministrationError};

use super::super::answer::{Answer, Flash};
use super::super::fields::Fields;
use super::super::frame::Frame;
use super::super::preview::{MOVED, PreviewPage, Shown, tried};
use super::super::prose::isolated;
use super::super::refusal::Refusal;
use super::super::route::Page;
use super::super::visit::Visit;
use super::super::when::When;
use super::one::found;
use super::{CHANGES, People, about_the_form, end_of};

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/services/{id}/hand-over", CHANGES, |visit| hand_over_page(visit, "")),
    Page::post("/o/{organization}/services/{id}/hand-over", CHANGES, hand_over),
    Page::get("/o/{organization}/services/{id}/stop", CHANGES, |visit| stop_page(visit, "")),
    Page::post("/o/{organization}/services/{id}/stop", CHANGES, stop),
];

const QUICKER: &str = "Somebody else changed the service since you opened the form. Look at both, then save yours or leave \
                       theirs. Nothing of yours was saved yet.";
const ALREADY: &str = "It is so already: nothing would be different.";

#[derive(Template)]
#[template(path = "console/services/hand_over.html")]
struct HandOverPage {
    frame: Frame,
    name: String,
    owner: String,
    successor: String,
    until: String,
    ends: When,
    /// The service as the form knows it.
    before: String,
    /// What it is by now, where somebody else changed it.
    theirs: Vec<(&'static str, String)>,
    /// What it comes to, in sentences.
    consequences: Vec<String>,
    preview: Option<Shown>,
    problem: String,
    back: String,
}

/// What is to be different.
struct Wanted {
    owner: Option<String>,
    successor: Option<String>,
    expires_at: Option<Moment>,
}

impl Wanted {
    /// What a form says differs from the service as it is, or what is wrong with it.
    fn read(fields: &Fields, service: &Service, known: &People) -> Result<Result<Self, String>, Refusal> {
        let (owner, successor, day) = (fields.text("owner")?, fields.text("successor")?, fields.text("until")?);
        if owner.is_empty() {
            return Ok(Err("Say who answers for the service.".to_owned()));
        }
        let other = |typed: &str, named: String| (typed != named).then(|| typed.to_owned());
        let expires_at = match day {
            "" => None,
            day => match end_of(day) {
                Ok(moment) => Some(moment),
                Err(problem) => return Ok(Err(problem)),
            },
        };
        Ok(Ok(Self {
            owner: other(owner, known.user_name(service.owner)),
            successor: other(successor, service.successor.map(|id| known.user_name(id)).unwrap_or_default()),
            expires_at,
        }))
    }

    fn carry_out(
        &self,
        administration: &Administration,
        organization: OrganizationId,
        service: &Service,
    ) -> Result<Service, AdministrationError> {
        let (owner, successor) = (self.owner.as_deref(), self.successor.as_deref());
        let wanted = ServiceChange { owner, successor, expires_at: self.expires_at };
        administration.hand_over_service(organization, &service.id.to_string(), wanted)
    }
}

/// The service of the address, if it is not stopped.
fn running(visit: &Visit) -> Result<Service, Refusal> {
    let (service, _) = found(visit)?;
    if service.stopped_at.is_none() {
        return Ok(service);
    }
    let problem = format!("the service `{}` was stopped; make a new one", service.name);
    Err(Refusal::Refused(StatusCode::CONFLICT, problem))
}

/// A service as forms know it.
fn written(service: &Service) -> String {
    let successor = service.successor.map(|id| id.to_string()).unwrap_or_default();
    format!("{} {successor} {}", service.owner, service.expires_at)
}

/// A service in the words of the form.
fn words(service: &Service, known: &People) -> Vec<(&'static str, String)> {
    let successor = service.successor.map_or_else(|| "nobody".to_owned(), |id| known.called(id));
    vec![
        ("Owner", known.called(service.owner)),
        ("Comes after the owner", successor),
        ("Ends", When(service.expires_at).to_string()),
    ]
}

fn hand_over_page(visit: &Visit, problem: &str) -> Result<Answer, Refusal> {
    let (organization, service) = (visit.organization()?, running(visit)?);
    let known = People::of(visit, std::iter::once(&service))?;
    let asked = [&visit.form, &visit.query].into_iter().find(|fields| fields.has("owner"));
    let text = |name: &str, usual: String| match asked {
        Some(fields) => fields.text(name).map(str::to_owned),
        None => Ok(usual),
    };
    let mut page = HandOverPage {
        frame: visit.frame(format!("Hand {} over", service.name), "services"),
        name: service.name.to_string(),
        owner: text("owner", known.user_name(service.owner))?,
        successor: text("successor", service.successor.map(|id| known.user_name(id)).unwrap_or_default())?,
        until: text("until", String::new())?,
        ends: When(service.expires_at),
        before: written(&service),
        theirs: if problem == QUICKER { words(&service, &known) } else { Vec::new() },
        consequences: Vec::new(),
        preview: None,
        problem: problem.to_owned(),
        back: visit.address(&format!("/services/{}", service.id))?,
    };
    let wanted = asked.map(|fields| Wanted::read(fields, &service, &known)).transpose()?;
    match wanted {
        None => {}
        Some(Err(wrong)) => page.problem = wrong,
        Some(Ok(wanted)) => {
            let mut changed = None;
            let shown = tried(visit, |trying| {
                changed = Some(wanted.carry_out(trying, organization, &service)?);
                Ok(())
            })?;
            match (shown, changed) {
                (Ok(_), Some(changed)) if changed == service => ALREADY.clone_into(&mut page.problem),
                (Ok(shown), Some(changed)) => {
                    let known = People::of(visit, [&service, &changed].into_iter())?;
                    page.consequences = consequences(&service, &changed, &known);
                    page.preview = Some(shown);
                }
                (Err(refused), _) => page.problem = refused,
                (Ok(_), None) => return Err(Refusal::Fault),
            }
        }
    }
    let status = match (page.problem.is_empty(), page.theirs.is_empty()) {
        (true, _) => StatusCode::OK,
        (false, true) => StatusCode::UNPROCESSABLE_ENTITY,
        (false, false) => StatusCode::CONFLICT,
    };
    Answer::page_with(status, &page)
}

fn consequences(service: &Service, changed: &Service, known: &People) -> Vec<String> {
    let mut lines = Vec::new();
    let name = isolated(service.name.as_str());
    let owner = isolated(&known.called(changed.owner));
    if changed.owner != service.owner {
        lines.push(format!("{owner} answers for {name} from then on, and it may act while {owner} may."));
    }
    match changed.successor {
        successor if successor == service.successor => {}
        Some(successor) => {
            let successor = isolated(&known.called(successor));
            lines.push(format!("When {owner} leaves, {name} becomes {successor}’s at once and goes on."));
        }
        None => lines.push(format!("Nobody comes after {owner}: when {owner} leaves, {name} may do nothing.")),
    }
    if changed.expires_at != service.expires_at {
        lines.push(format!("It ends at {}, not at {}.", When(changed.expires_at), When(service.expires_at)));
    }
    lines
}

fn hand_over(visit: &Visit) -> Result<Answer, Refusal> {
    let (organization, administration) = (visit.organization()?, visit.administration()?);
    // Read before the service: whoever changes anything of access in between makes the change fail.
    let state = administration.access_revision(organization)?;
    let service = running(visit)?;
    if visit.form.text("before")? != written(&service) {
        return hand_over_page(visit, QUICKER);
    }
    let known = People::of(visit, std::iter::once(&service))?;
    let Ok(wanted) = Wanted::read(&visit.form, &service, &known)? else { return hand_over_page(visit, "") };
    let administration = administration.only_at(state).expecting(visit.form.text("fingerprint")?.to_owned());
    match wanted.carry_out(&administration, organization, &service) {
        Ok(changed) => {
            let known = People::of(visit, std::iter::once(&changed))?;
            let (name, owner) = (isolated(changed.name.as_str()), isolated(&known.called(changed.owner)));
            let said = format!("{owner} answers for {name}. It ends at {}.", When(changed.expires_at));
            let to = visit.address(&format!("/services/{}", changed.id))?;
            Ok(Answer::see_other(to).saying(&Flash::done(said)))
        }
        Err(AdministrationError::PreconditionFailed(_)) => hand_over_page(visit, MOVED),
        Err(error) => hand_over_page(visit, &about_the_form(error.into())?),
    }
}

fn stop_page(visit: &Visit, problem: &str) -> Result<Answer, Refusal> {
    let (organization, service) = (visit.organization()?, running(visit)?);
    let id = service.id.to_string();
    let shown = tried(visit, |trying| trying.stop_service(organization, &id).map(drop))?.map_err(Refusal::bad)?;
    let name = isolated(service.name.as_str());
    let page = PreviewPage {
        frame: visit.frame(format!("Stop {}?", service.name), "services"),
        what: format!(
            "{name} may do nothing from the moment you confirm, on every server. It cannot be started again; its name is \
             free for another."
        ),
        action: visit.address(&format!("/services/{id}/stop"))?,
        fields: Vec::new(),
        button: format!("Stop {name}"),
        danger: true,
        back: visit.address(&format!("/services/{id}"))?,
        shown,
        problem: problem.to_owned(),
    };
    if problem.is_empty() { Answer::page(&page) } else { Answer::invalid(&page) }
}

fn stop(visit: &Visit) -> Result<Answer, Refusal> {
    let (service, _) = found(visit)?;
    let (id, name) = (service.id.to_string(), isolated(service.name.as_str()));
    let back = visit.address(&format!("/services/{id}"))?;
    if service.stopped_at.is_some() {
        return Ok(Answer::see_other(back).saying(&Flash::mind(format!("{name} was stopped already."))));
    }
    let expecting = visit.administration()?.expecting(visit.form.text("fingerprint")?.to_owned());
    match expecting.stop_service(visit.organization()?, &id) {
        Ok(_) => Ok(Answer::see_other(back)
            .saying(&Flash::done(format!("{name} is stopped. It may do nothing any more, on any server.")))),
        Err(AdministrationError::PreconditionFailed(_)) => stop_page(visit, MOVED),
        Err(error) => Err(error.into()),
    }
}
