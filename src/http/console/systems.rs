//! Downstream systems: lists of their accounts are held against the people here.

use askama::Template;
use zeroize::Zeroizing;

use crate::model::{Name, ResourceId};
use crate::service::administration::AdministrationError;
use crate::service::people;
use crate::service::reconciliation::{Compared, DownstreamSystem, NewSystem, Source, read_csv};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

const RIGHT: Needs = Needs::Right("organization:read-evidence");
const DECIDES: Needs = Needs::Right("organization:manage-people");
const CONNECTS: Needs = Needs::Fresh("organization:manage-connections");

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/systems", RIGHT, list),
    Page::post("/o/{organization}/systems", CONNECTS, add),
    Page::get("/o/{organization}/systems/{id}", RIGHT, show),
    Page::post("/o/{organization}/systems/{id}/compare", DECIDES, compare),
    Page::post("/o/{organization}/systems/{id}/fetch", DECIDES, fetch),
    Page::post("/o/{organization}/systems/{id}/tie", DECIDES, tie),
    Page::post("/o/{organization}/systems/{id}/remove", CONNECTS, remove),
];

/// Comparisons that are shown.
const HISTORY: i64 = 20;
/// Lines of each part of a comparison that are shown.
const LINES: usize = 100;
/// Where GitHub's API stands.
const GITHUB: &str = "https://api.github.com";

#[derive(Template)]
#[template(path = "console/systems.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    typed: String,
    github: String,
    problem: String,
    may_connect: bool,
}

struct Line {
    id: String,
    name: String,
    source: String,
    last: Option<History>,
}

#[derive(Template)]
#[template(path = "console/system.html")]
struct SystemPage {
    frame: Frame,
    id: String,
    source: String,
    is_fetched: bool,
    found: Option<Found>,
    history: Vec<History>,
    pasted: String,
    problem: String,
    may_decide: bool,
    may_connect: bool,
}

/// A comparison in a line.
struct History {
    id: String,
    at: When,
    accounts: usize,
    orphans: usize,
    leavers: usize,
    missing: usize,
    groups: usize,
    is_shown: bool,
}

/// What a comparison came to; of each part the first lines.
struct Found {
    at: When,
    accounts: usize,
    is_clean: bool,
    leavers: Part<(String, String)>,
    orphans: Part<(String, String, bool)>,
    missing: Part<(String, String)>,
    groups: Part<(String, String, bool)>,
    unknown_groups: Vec<String>,
}

struct Part<T> {
    total: usize,
    lines: Vec<T>,
}

impl<T> Part<T> {
    fn of<S>(all: Vec<S>, line: impl Fn(S) -> T) -> Self {
        Self { total: all.len(), lines: all.into_iter().take(LINES).map(line).collect() }
    }
}

impl History {
    fn of(one: &Compared, shown: Option<ResourceId>) -> Self {
        Self {
            id: one.id.to_string(),
            at: When(one.at),
            accounts: one.report.accounts,
            orphans: one.report.orphans.len(),
            leavers: one.report.leavers.len(),
            missing: one.report.missing.len(),
            groups: one.report.groups.len().saturating_add(one.report.unknown_groups.len()),
            is_shown: shown == Some(one.id),
        }
    }
}

impl From<Compared> for Found {
    fn from(one: Compared) -> Self {
        let report = one.report;
        Self {
            at: When(one.at),
            accounts: report.accounts,
            is_clean: report.leavers.is_empty() && report.orphans.is_empty(),
            leavers: Part::of(report.leavers, |owned| (owned.account, owned.user)),
            orphans: Part::of(report.orphans, |orphan| (orphan.account, orphan.key, orphan.ambiguous)),
            missing: Part::of(report.missing, |missing| (missing.user, missing.user_name)),
            groups: Part::of(report.groups, |differing| (differing.group, differing.user, differing.only == "here")),
            unknown_groups: report.unknown_groups.into_iter().take(LINES).collect(),
        }
    }
}

fn source(system: &DownstreamSystem) -> String {
    match &system.github {
        Some(github) => format!("fetched from GitHub, {}", github.organization),
        None => "Its list of accounts is uploaded".to_owned(),
    }
}

fn list_page(visit: &Visit, problem: String) -> Result<ListPage, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let mut lines = Vec::new();
    for system in administration.systems(organization)? {
        let last = administration.reconciliations(organization, system.id, ResourceId::LAST, 1)?;
        let last = last.first().map(|last| History::of(last, None));
        lines.push(Line { id: system.id.to_string(), source: source(&system), name: system.name, last });
    }
    let title = if problem.is_empty() { "Downstream systems" } else { "Error: Downstream systems" };
    Ok(ListPage {
        frame: visit.frame(title, "systems"),
        lines,
        typed: visit.form.text("name")?.to_owned(),
        github: visit.form.text("github")?.to_owned(),
        problem,
        may_connect: visit.member()?.rights.manage_connections(),
    })
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&list_page(visit, String::new())?)
}

fn add(visit: &Visit) -> Result<Answer, Refusal> {
    let refused = |problem: &str| Answer::invalid(&list_page(visit, sentence(problem))?);
    let name: Name = match visit.form.text("name")?.parse() {
        Ok(name) => name,
        Err(error) => return refused(&format!("{error}")),
    };
    let github = match (visit.form.text("github")?, visit.form.text("github-token")?) {
        ("", "") => None,
        (organization, token) if !organization.is_empty() && !token.is_empty() => Some(Source {
            organization: organization.to_owned(),
            api: GITHUB.to_owned(),
            token: Zeroizing::new(token.to_owned()),
        }),
        _ => {
            return refused("to fetch from GitHub give both its organization there and a token that reads its members");
        }
    };
    match visit.administration()?.add_system(visit.organization()?, &NewSystem { name, github }) {
        Ok(system) => Ok(Answer::see_other(visit.address(&format!("/systems/{}", system.id))?)
            .saying(&Flash::done(format!("{} is there. Compare its accounts with the people here.", system.name)))),
        Err(error) => refused(&Refusal::from(error).about_the_form()?),
    }
}

fn system_page(visit: &Visit, pasted: String, problem: String) -> Result<SystemPage, Refusal> {
    let id: ResourceId = visit.parsed(1)?;
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let all = administration.systems(organization)?;
    let system = all.into_iter().find(|system| system.id == id).ok_or(Refusal::NotFound)?;
    let compared = administration.reconciliations(organization, id, ResourceId::LAST, HISTORY)?;
    let wanted = visit.query.text("comparison")?;
    let shown = match wanted {
        "" => compared.first().map(|one| one.id),
        id => Some(id.parse().map_err(|_none| Refusal::NotFound)?),
    };
    let history = compared.iter().map(|one| History::of(one, shown)).collect();
    let found = compared.into_iter().find(|one| Some(one.id) == shown);
    if !wanted.is_empty() && found.is_none() {
        return Err(Refusal::NotFound);
    }
    let error = if problem.is_empty() { "" } else { "Error: " };
    let rights = &visit.member()?.rights;
    Ok(SystemPage {
        frame: visit.frame(format!("{error}{}", system.name), "systems"),
        id: id.to_string(),
        source: source(&system),
        is_fetched: system.github.is_some(),
        found: found.map(Found::from),
        history,
        pasted,
        problem,
        may_decide: rights.manage_people(),
        may_connect: rights.manage_connections(),
    })
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&system_page(visit, String::new(), String::new())?)
}

fn told(visit: &Visit, compared: Result<Compared, AdministrationError>, pasted: &str) -> Result<Answer, Refusal> {
    match compared {
        Ok(compared) => {
            let (orphans, leavers) = (compared.report.orphans.len(), compared.report.leavers.len());
            let text = format!(
                "{} accounts were compared: {leavers} of people who are gone, {orphans} that nobody is known to have.",
                compared.report.accounts
            );
            let flash = if orphans == 0 && leavers == 0 { Flash::done(text) } else { Flash::mind(text) };
            Ok(Answer::see_other(visit.address(&format!("/systems/{}", visit.id(1)?))?).saying(&flash))
        }
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            Answer::invalid(&system_page(visit, pasted.to_owned(), problem)?)
        }
    }
}

fn compare(visit: &Visit) -> Result<Answer, Refusal> {
    let (pasted, file) = (visit.form.text("accounts")?, visit.form.text("file")?);
    let text = if file.is_empty() { pasted } else { file };
    if text.is_empty() {
        return Answer::invalid(&system_page(visit, String::new(), "Paste a list, or choose a file.".to_owned())?);
    }
    match read_csv(text) {
        Ok(accounts) => {
            let compared = visit.administration()?.reconcile(visit.organization()?, visit.parsed(1)?, &accounts);
            told(visit, compared, pasted)
        }
        Err(problem) => Answer::invalid(&system_page(visit, pasted.to_owned(), sentence(&problem))?),
    }
}

fn fetch(visit: &Visit) -> Result<Answer, Refusal> {
    told(visit, visit.administration()?.reconcile_fetched(visit.organization()?, visit.parsed(1)?), "")
}

/// Says whose an account is; the next comparison knows.
fn tie(visit: &Visit) -> Result<Answer, Refusal> {
    let (id, account, named) =
        (visit.parsed::<ResourceId>(1)?, visit.form.text("account")?, visit.form.text("person")?);
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    if named.is_empty() {
        match administration.untie_account(organization, id, account) {
            Ok(()) | Err(AdministrationError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let said = Flash::done(format!("Nobody is said to have {account}. Compare again."));
        return Ok(Answer::see_other(visit.address(&format!("/systems/{id}"))?).saying(&said));
    }
    let tied = people::find(&visit.services, visit.caller()?, named)
        .map_err(Refusal::from)
        .and_then(|user| Ok(administration.tie_account(organization, id, account, user)?));
    match tied {
        Ok(()) => {
            let said = Flash::done(format!("{account} belongs to {named}. Compare again."));
            Ok(Answer::see_other(visit.address(&format!("/systems/{id}"))?).saying(&said))
        }
        Err(Refusal::Refused(_, problem)) => Answer::invalid(&system_page(visit, String::new(), sentence(&problem))?),
        Err(other) => Err(other),
    }
}

fn remove(visit: &Visit) -> Result<Answer, Refusal> {
    match visit.administration()?.remove_system(visit.organization()?, visit.parsed(1)?) {
        Ok(()) => Ok(Answer::see_other(visit.address("/systems")?)
            .saying(&Flash::done("It is compared no more. What was found of it stays on record."))),
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            Answer::invalid(&system_page(visit, String::new(), problem)?)
        }
    }
}
