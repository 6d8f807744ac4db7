//! Who is told of what, and what is so now. Of two who change a subscription at once, the second sees what the first chose.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use askama::Template;

use crate::model::{EmailAddress, NoticeKind, ResourceId, read_kinds, write_kinds};
use crate::service::ServiceError;
use crate::service::administration::AdministrationError;
use crate::service::notifications::{self, NewSubscription, Shown, SubscriptionChoice, Target};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

const RIGHT: Needs = Needs::Right("organization:manage-connections");
const FRESH: Needs = Needs::Fresh("organization:manage-connections");

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/settings/notifications", RIGHT, list),
    Page::post("/o/{organization}/settings/notifications", FRESH, create),
    Page::get("/o/{organization}/settings/notifications/{id}", RIGHT, show),
    Page::post("/o/{organization}/settings/notifications/{id}", RIGHT, change),
    Page::post("/o/{organization}/settings/notifications/{id}/test", RIGHT, test),
    Page::post("/o/{organization}/settings/notifications/{id}/remove", RIGHT, remove),
];

#[derive(Template)]
#[template(path = "console/notifications.html")]
struct ListPage {
    frame: Frame,
    notices: Vec<(&'static str, String, When)>,
    lines: Vec<Line>,
    kinds: Vec<Kind>,
    email: String,
    url: String,
    problem: String,
}

#[derive(Template)]
#[template(path = "console/notification.html")]
struct ShowPage {
    frame: Frame,
    line: Line,
    kinds: Vec<Kind>,
    /// What it is told of by now, as the form knows it.
    before: String,
    is_stale: bool,
    problem: String,
}

#[derive(Template)]
#[template(path = "console/notification_key.html")]
struct KeyPage {
    frame: Frame,
    key: String,
    back: String,
}

/// A subscription, as pages show it.
struct Line {
    id: String,
    whom: String,
    how: &'static str,
    kinds: Vec<&'static str>,
    since: When,
    problem: String,
}

/// A kind of notice that can be ticked.
struct Kind {
    name: &'static str,
    label: &'static str,
    is_ticked: bool,
    /// Whether it is chosen by now, where somebody else has changed it.
    theirs: Option<bool>,
}

const fn label(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::LeaverNotConfirmed => "A downstream system has not confirmed that somebody is gone",
        NoticeKind::LeaverFound => "Something was found of somebody who left",
        NoticeKind::ReceiverFailing => "A downstream system cannot be told, or refuses what it is told",
        NoticeKind::ConnectionFailing => "A connection’s requests are refused",
        NoticeKind::BrakeFired => "Many people left over one connection at once, and are held",
        NoticeKind::TokenExpiring => "A token is about to expire",
        NoticeKind::GateBelowMinimum => "A gate is left with fewer people than it needs",
    }
}

fn choices(ticked: &BTreeSet<NoticeKind>) -> Vec<Kind> {
    let one = |kind: NoticeKind| Kind {
        name: kind.as_str(),
        label: label(kind),
        is_ticked: ticked.contains(&kind),
        theirs: None,
    };
    NoticeKind::ALL.into_iter().map(one).collect()
}

fn ticked(visit: &Visit) -> BTreeSet<NoticeKind> {
    visit.form.all("kind").filter_map(NoticeKind::from_name).collect()
}

impl From<Shown> for Line {
    fn from(shown: Shown) -> Self {
        let subscription = shown.stored.subscription;
        let (whom, how) = match subscription.target {
            Target::Webhook { endpoint, .. } => (endpoint, "webhook"),
            Target::Mail(_) => (shown.email.unwrap_or_else(|| "an address that is gone".to_owned()), "mail"),
        };
        Self {
            id: subscription.id.to_string(),
            whom,
            how,
            kinds: subscription.kinds.iter().copied().map(label).collect(),
            since: When(subscription.created_at),
            problem: shown.stored.last_error.unwrap_or_default(),
        }
    }
}

fn list_page(visit: &Visit, problem: String) -> Result<ListPage, Refusal> {
    let organization = visit.organization()?;
    let standing = notifications::standing(&visit.services, organization)?;
    let all = visit.administration()?.subscriptions(organization)?;
    let title = if problem.is_empty() { "Notifications" } else { "Error: Notifications" };
    let kinds = if problem.is_empty() { NoticeKind::ALL.into_iter().collect() } else { ticked(visit) };
    Ok(ListPage {
        frame: visit.frame(title, "settings"),
        notices: standing.into_iter().map(|one| (label(one.kind), one.said, When(one.began_at))).collect(),
        lines: all.into_iter().map(Line::from).collect(),
        kinds: choices(&kinds),
        email: visit.form.text("email")?.to_owned(),
        url: visit.form.text("url")?.to_owned(),
        problem,
    })
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&list_page(visit, String::new())?)
}

fn create(visit: &Visit) -> Result<Answer, Refusal> {
    let refused = |problem: &str| Answer::invalid(&list_page(visit, sentence(problem))?);
    let choice = match (visit.form.text("email")?, visit.form.text("url")?) {
        (email, "") if !email.is_empty() => match email.parse::<EmailAddress>() {
            Ok(address) => SubscriptionChoice::Mail(address),
            Err(error) => return refused(&error.to_string()),
        },
        ("", url) if !url.is_empty() => SubscriptionChoice::Webhook(url.to_owned()),
        _ => return refused("say either the address of an administrator or that of a webhook"),
    };
    match visit.administration()?.subscribe(visit.organization()?, &NewSubscription { choice, kinds: ticked(visit) }) {
        Ok((_, Some(key))) => Answer::page(&KeyPage {
            frame: visit.frame("The key of the new webhook", "settings"),
            key: key.to_string(),
            back: visit.address("/settings/notifications")?,
        }),
        Ok((shown, None)) => {
            let said = Flash::done(format!("{} is told from now on.", shown.email.unwrap_or_default()));
            Ok(Answer::see_other(visit.address("/settings/notifications")?).saying(&said))
        }
        // An address nobody signs in with is a mistake in the form, not a page that is missing.
        Err(AdministrationError::NotFound(problem)) => refused(&problem),
        Err(error) => refused(&Refusal::from(error).about_the_form()?),
    }
}

fn show_page(visit: &Visit, ticks: Option<&BTreeSet<NoticeKind>>, problem: String) -> Result<ShowPage, Refusal> {
    let shown = visit.administration()?.subscription(visit.organization()?, visit.parsed::<ResourceId>(1)?)?;
    let stored = shown.stored.subscription.kinds.clone();
    let line = Line::from(shown);
    let mut kinds = choices(ticks.unwrap_or(&stored));
    for kind in kinds.iter_mut().filter(|_| ticks.is_some()) {
        let theirs = stored.iter().any(|one| one.as_str() == kind.name);
        kind.theirs = (theirs != kind.is_ticked).then_some(theirs);
    }
    let error = if problem.is_empty() { "" } else { "Error: " };
    Ok(ShowPage {
        frame: visit.frame(format!("{error}What {} is told", line.whom), "settings"),
        before: write_kinds(&stored),
        is_stale: false,
        line,
        kinds,
        problem,
    })
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&show_page(visit, None, String::new())?)
}

fn change(visit: &Visit) -> Result<Answer, Refusal> {
    let id: ResourceId = visit.parsed(1)?;
    let (kinds, before) = (ticked(visit), read_kinds(visit.form.text("before")?));
    let error = match visit.administration()?.change_subscription(visit.organization()?, id, &kinds, Some(&before)) {
        Ok(()) => {
            return Ok(Answer::see_other(visit.address("/settings/notifications")?)
                .saying(&Flash::done("It was saved; what is told changes from now on.")));
        }
        Err(error) => Refusal::from(ServiceError::from(error)),
    };
    if error.is_stale() {
        let problem = "Somebody else changed what is told since you opened the form. Look at both, then save yours or \
                       leave theirs. Nothing of yours was saved yet.";
        let page = ShowPage { is_stale: true, ..show_page(visit, Some(&kinds), problem.to_owned())? };
        return Answer::page_with(StatusCode::CONFLICT, &page);
    }
    Answer::invalid(&show_page(visit, Some(&kinds), sentence(&error.about_the_form()?))?)
}

fn test(visit: &Visit) -> Result<Answer, Refusal> {
    let id: ResourceId = visit.parsed(1)?;
    visit.administration()?.test_subscription(visit.organization()?, id)?;
    Ok(Answer::see_other(visit.address(&format!("/settings/notifications/{id}"))?)
        .saying(&Flash::done("A test is on its way. If it does not arrive, why stands here a minute later.")))
}

fn remove(visit: &Visit) -> Result<Answer, Refusal> {
    visit.administration()?.unsubscribe(visit.organization()?, visit.parsed(1)?)?;
    Ok(Answer::see_other(visit.address("/settings/notifications")?).saying(&Flash::done("It is told no more.")))
}
