//! Ready guardrails, switched on with parameters; the Cedar text they become is shown before it is saved.

use std::collections::BTreeSet;

use askama::Template;

use crate::access::guardrail::{AttributeOwner, FactKind, PERSON_ATTRIBUTES, ReadyParameters};

use super::super::answer::Answer;
use super::super::fields::Fields;
use super::super::frame::Frame;
use super::super::people::list::Choice;
use super::super::refusal::{Refusal, sentence};
use super::super::route::{Needs, Page};
use super::super::visit::Visit;

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/guardrails/ready/{ready}", Needs::Right("organization:manage-access"), fresh),
    Page::post("/o/{organization}/guardrails/ready/{ready}", Needs::Right("organization:manage-access"), write),
];

/// A ready guardrail in words.
pub(super) struct Described {
    /// Its name in documents and addresses.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    /// Its parameters, beside name, reason and control.
    takes: &'static [&'static str],
}

/// The library.
pub(super) const LIBRARY: [Described; 7] = [
    Described {
        name: "separation-of-duties",
        title: "Keep two roles apart",
        text: "Whoever holds both at one scope may do nothing either of them is for.",
        takes: &["roles", "permissions"],
    },
    Described {
        name: "author-may-not-deploy",
        title: "Authors do not deploy their own work",
        text: "Who wrote what is to be deployed neither deploys nor approves it. Pipelines must name the authors.",
        takes: &["permissions", "scope"],
    },
    Described {
        name: "attribute-limit",
        title: "Only certain people",
        text: "Only people whose department, country or kind of user is among those named.",
        takes: &["attribute", "values", "permissions", "scope"],
    },
    Described {
        name: "freeze-window",
        title: "Freeze for a while",
        text: "Nobody from one moment up to another, some roles excepted.",
        takes: &["window", "permissions", "scope", "except"],
    },
    Described {
        name: "freeze-days",
        title: "Freeze on days of the week",
        text: "Nobody on Friday afternoons, say, some roles excepted.",
        takes: &["days", "permissions", "scope", "except"],
    },
    Described {
        name: "clearance",
        title: "Demand a clearance that has not run out",
        text: "Reads the date it ends from an attribute you declared.",
        takes: &["moment", "permissions", "scope"],
    },
    Described {
        name: "build-shell",
        title: "Keep shells out of production builds",
        text: "A shell in a running build is for some roles only, and never in production.",
        takes: &["holders"],
    },
];

#[derive(Template)]
#[template(path = "console/guardrail_ready.html")]
struct ReadyPage {
    frame: Frame,
    ready: &'static Described,
    called: String,
    reason: String,
    control: String,
    roles: Vec<Choice>,
    others: Vec<Choice>,
    holders: Vec<Choice>,
    excepted: Vec<Choice>,
    permissions: Vec<Choice>,
    scopes: Vec<Choice>,
    attributes: Vec<Choice>,
    values: String,
    from: String,
    until: String,
    days: Vec<Choice>,
    time: String,
    problem: String,
}

impl ReadyPage {
    fn takes(&self, parameter: &str) -> bool {
        self.ready.takes.contains(&parameter)
    }
}

fn described(visit: &Visit) -> Result<&'static Described, Refusal> {
    let name = visit.id(1)?;
    LIBRARY.iter().find(|one| one.name == name).ok_or(Refusal::NotFound)
}

fn fresh(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, &visit.query, String::new())?)
}

fn page(visit: &Visit, given: &Fields, problem: String) -> Result<ReadyPage, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let ready = described(visit)?;
    let text = |name: &str, usual: &str| -> Result<String, Refusal> {
        Ok(if given.has(name) { given.text(name)?.to_owned() } else { usual.to_owned() })
    };
    let one = |all: &[String], name: &str| -> Result<Vec<Choice>, Refusal> {
        let chosen = given.text(name)?;
        Ok(all.iter().map(|value| Choice::new(value.clone(), value.clone(), chosen)).collect())
    };
    let several = |all: &[String], name: &str, usual: &[&str]| -> Vec<Choice> {
        let chosen: BTreeSet<&str> =
            if given.has("name") { given.all(name).collect() } else { usual.iter().copied().collect() };
        let choice = |value: &String| Choice {
            is_chosen: chosen.contains(value.as_str()),
            value: value.clone(),
            label: value.clone(),
        };
        all.iter().map(choice).collect()
    };
    let roles: Vec<String> =
        administration.roles(organization)?.into_iter().map(|role| role.version.role.to_string()).collect();
    let catalogue = administration.catalogue(organization)?;
    let permissions: Vec<String> = catalogue.permissions().map(|(name, _)| name.to_string()).collect();
    let mut scopes: Vec<String> =
        administration.scopes(organization)?.into_iter().map(|scope| scope.path.to_string()).collect();
    if !scopes.iter().any(|scope| scope == "/") {
        scopes.insert(0, "/".to_owned());
    }
    let declared = administration.attributes(organization)?;
    let of_people = declared.iter().filter(|attribute| attribute.owner == AttributeOwner::User);
    let attributes: Vec<String> = if ready.takes.contains(&"moment") {
        of_people.filter(|attribute| attribute.kind == FactKind::Moment).map(|one| one.name.clone()).collect()
    } else {
        let known = PERSON_ATTRIBUTES.iter().map(|one| one.name.to_owned());
        known.chain(of_people.filter(|one| one.kind == FactKind::Text).map(|one| one.name.clone())).collect()
    };
    let second = if given.has("other") { "other" } else { "" };
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let chosen: BTreeSet<&str> = if given.has("name") { given.all("days").collect() } else { ["5"].into() };
    let days = days.into_iter().zip(["1", "2", "3", "4", "5", "6", "7"]).map(|(label, value)| Choice {
        is_chosen: chosen.contains(value),
        value: value.to_owned(),
        label: label.to_owned(),
    });
    Ok(ReadyPage {
        frame: visit.frame(
            if problem.is_empty() { ready.title.to_owned() } else { format!("Error: {}", ready.title) },
            "guardrails",
        ),
        called: text("name", ready.name)?,
        reason: text("reason", "")?,
        control: text("control", "")?,
        others: one(&roles, second)?,
        holders: several(&roles, "holders", &["developer"]),
        excepted: several(&roles, "except", &[]),
        roles: one(&roles, "role")?,
        permissions: several(&permissions, "permissions", &["deploy:run", "deploy:approve"]),
        scopes: one(&scopes, "scope")?,
        attributes: one(&attributes, "attribute")?,
        values: text("values", "")?,
        from: text("from", "")?,
        until: text("until", "")?,
        days: days.collect(),
        time: text("time", "14:00")?,
        ready,
        problem,
    })
}

/// A moment of a browser's field, which says nothing of seconds or a zone; ours are in UTC.
fn moment(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| if text.len() == 16 { format!("{text}:00Z") } else { text.to_owned() })
}

/// The minute of the day of a browser's field.
fn minute(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{text}` is no time of the day such as 14:00.");
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let (hours, minutes): (u16, u16) =
        (hours.parse().map_err(|_none| wrong())?, minutes.parse().map_err(|_none| wrong())?);
    Ok(hours.saturating_mul(60).saturating_add(minutes))
}

fn parameters(visit: &Visit, ready: &Described) -> Result<Result<ReadyParameters, String>, Refusal> {
    let form = &visit.form;
    let text = |name: &str| form.text(name).map(str::to_owned);
    let all = |name: &str| form.all(name).map(str::to_owned).collect::<Vec<_>>();
    let takes = |parameter: &str| ready.takes.contains(&parameter);
    let some = |taken: bool, value: String| (taken && !value.is_empty()).then_some(value);
    let roles = if takes("roles") {
        vec![text("role")?, text("other")?]
    } else if takes("holders") {
        all("holders")
    } else {
        Vec::new()
    };
    let from_minute = if takes("days") {
        match minute(form.text("time")?) {
            Ok(minute) => minute,
            Err(problem) => return Ok(Err(problem)),
        }
    } else {
        0
    };
    let values = form.text("values")?.split([',', '\n']).map(str::trim).filter(|value| !value.is_empty());
    Ok(Ok(ReadyParameters {
        ready: ready.name.to_owned(),
        name: text("name")?,
        reason: text("reason")?,
        control: text("control")?,
        roles,
        except: if takes("except") { all("except") } else { Vec::new() },
        permissions: if takes("permissions") { all("permissions") } else { Vec::new() },
        scope: some(takes("scope"), text("scope")?),
        attribute: some(takes("attribute") || takes("moment"), text("attribute")?),
        values: if takes("values") { values.map(str::to_owned).collect() } else { BTreeSet::new() },
        from: moment(form.text("from")?),
        until: moment(form.text("until")?),
        days: form.all("days").filter_map(|day| day.parse().ok()).collect(),
        from_minute,
    }))
}

/// Writes the Cedar text and rehearses it.
fn write(visit: &Visit) -> Result<Answer, Refusal> {
    let ready = described(visit)?;
    let written = match parameters(visit, ready)? {
        Ok(parameters) => parameters.text().map_err(|error| sentence(&error.to_string())),
        Err(problem) => Err(problem),
    };
    match written {
        Ok(text) => super::look(visit, text, String::new()),
        Err(problem) => Answer::invalid(&page(visit, &visit.form, problem)?),
    }
}
