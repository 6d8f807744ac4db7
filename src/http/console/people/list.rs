//! The list of people.

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{ConnectionId, Moment, ResourceId, SortKey};
use crate::service::people::groups::{self, GroupSearch};
use crate::service::people::{self, LastSeen, Listing, Order, Person, Standing};

use super::super::answer::Answer;
use super::super::frame::Frame;
use super::super::profile::display_name;
use super::super::refusal::Refusal;
use super::super::route::{Needs, Page};
use super::super::visit::Visit;
use super::super::when::When;
use super::standing;

pub(in crate::http::console) const PAGES: &[Page] =
    &[Page::get("/o/{organization}/people", Needs::Right("organization:read"), list)];

/// People on one page.
const PAGE: usize = 50;
/// Groups a choice offers at most.
const GROUPS: usize = 200;

#[derive(Template)]
#[template(path = "console/people/list.html")]
struct ListPage {
    frame: Frame,
    rows: Vec<Row>,
    total: i64,
    text: String,
    states: Vec<Choice>,
    sources: Vec<Choice>,
    groups: Vec<Choice>,
    roles: Vec<Choice>,
    seen: Vec<Choice>,
    columns: Vec<Column>,
    is_narrowed: bool,
    is_cut_short: bool,
    may_change: bool,
    acts: [(&'static str, &'static str); 5],
    first: String,
    next: String,
}

struct Row {
    id: String,
    name: String,
    user_name: String,
    state: &'static str,
    tone: &'static str,
    source: String,
    seen: Option<When>,
    created: When,
}

/// An option of a choice.
pub(in crate::http::console) struct Choice {
    pub(in crate::http::console) value: String,
    pub(in crate::http::console) label: String,
    pub(in crate::http::console) is_chosen: bool,
}

impl Choice {
    /// An option, chosen if its value is the one given.
    pub(in crate::http::console) fn new(value: impl Into<String>, label: impl Into<String>, chosen: &str) -> Self {
        let value = value.into();
        Self { is_chosen: value == chosen, label: label.into(), value }
    }
}

/// A column that sorts.
struct Column {
    label: &'static str,
    href: String,
    sorted: &'static str,
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let caller = visit.caller()?;
    let organization = visit.organization()?;
    let query = &visit.query;
    let listing = listing(visit)?;
    let listed = people::list(&visit.services, caller, &listing, PAGE)?;
    let administration = visit.administration()?;
    let total = people::count(&visit.services, caller)?;
    let sources = people::sources(&visit.services, caller)?;
    let found = groups::search(&visit.services, caller, ResourceId::FIRST, GROUPS, &GroupSearch::default())?;
    let is_narrowed = ["q", "state", "source", "group", "role", "seen"]
        .iter()
        .any(|name| query.all(name).any(|value| !value.is_empty()));
    let address = visit.address("/people")?;
    let here = |changed: &[(&str, &str)]| format!("{address}?{}", query.query_with(changed));
    let next = listed.next.as_ref().map(|(key, id)| {
        let key = URL_SAFE_NO_PAD.encode(key.as_str());
        here(&[("key", key.as_str()), ("after", id.to_string().as_str())])
    });
    let column = |order: Order, label: &'static str| {
        let is_current = listing.order == order;
        let direction = if is_current && !listing.descending { "down" } else { "" };
        Column {
            label,
            href: here(&[("sort", order.as_str()), ("turned", direction), ("key", ""), ("after", "")]),
            sorted: match (is_current, listing.descending) {
                (false, _) => "",
                (true, false) => "ascending",
                (true, true) => "descending",
            },
        }
    };
    let (state, source) = (query.text("state")?, query.text("source")?);
    let mut states = vec![Choice::new("", "Any", state)];
    states.extend(
        [Standing::Active, Standing::Inactive, Standing::Suspended]
            .map(|one| Choice::new(one.as_str(), standing(one).0, state)),
    );
    let mut from = vec![
        Choice::new("", "Any", source),
        Choice::new("local", "Local", source),
        Choice::new("managed", "Any connection", source),
    ];
    from.extend(sources.into_iter().map(|one| Choice::new(one.id.to_string(), one.name, source)));
    let group = query.text("group")?;
    let mut in_groups = vec![Choice::new("", "Any", group)];
    in_groups.extend(
        found.items.into_iter().map(|one| Choice::new(one.group.id.to_string(), one.group.display_name, group)),
    );
    let role = query.text("role")?;
    let mut with_roles = vec![Choice::new("", "Any", role)];
    let roles = administration.roles(organization)?;
    with_roles.extend(
        roles.into_iter().map(|one| Choice::new(one.version.role.to_string(), one.version.role.to_string(), role)),
    );
    let seen = query.text("seen")?;
    let mut last_seen = vec![Choice::new("", "Any", seen)];
    last_seen.extend(LastSeen::ALL.map(|one| Choice::new(one.as_str(), told(one), seen)));
    Answer::page(&ListPage {
        columns: vec![column(Order::Name, "Name"), column(Order::Created, "Known since")],
        rows: listed.people.iter().map(|person| row(person, listed.seen.get(&person.id))).collect(),
        total,
        text: query.text("q")?.to_owned(),
        states,
        sources: from,
        groups: in_groups,
        roles: with_roles,
        seen: last_seen,
        is_narrowed,
        is_cut_short: listed.is_cut_short,
        may_change: visit.member()?.rights.manage_people(),
        acts: super::many::ACTS,
        first: if query.has("after") { here(&[("key", ""), ("after", "")]) } else { String::new() },
        next: next.unwrap_or_default(),
        frame: visit.frame("People", "people"),
    })
}

fn listing(visit: &Visit) -> Result<Listing, Refusal> {
    let query = &visit.query;
    let given = |name: &str| query.text(name).map(|text| Some(text).filter(|text| !text.is_empty()));
    let unknown = |what: &str| Refusal::bad(format!("The address names {what} that does not exist."));
    let after = match (given("after")?, given("key")?) {
        (Some(id), key) => {
            let key = URL_SAFE_NO_PAD.decode(key.unwrap_or_default()).ok().and_then(|key| String::from_utf8(key).ok());
            let id: ResourceId = id.parse().map_err(|_not_an_id| unknown("a page"))?;
            Some((SortKey::written(key.ok_or_else(|| unknown("a page"))?), id))
        }
        (None, _) => None,
    };
    let source = match given("source")? {
        None | Some("managed") => None,
        Some("local") => Some(ConnectionId::NOBODY),
        Some(id) => Some(id.parse().map_err(|_not_an_id| unknown("a source"))?),
    };
    let state = given("state")?.map(|name| Standing::from_name(name).ok_or_else(|| unknown("a state")));
    let seen = given("seen")?.map(|name| LastSeen::from_name(name).ok_or_else(|| unknown("a time")));
    let order = given("sort")?.map(|name| Order::from_name(name).ok_or_else(|| unknown("an order")));
    Ok(Listing {
        text: given("q")?.map(str::to_owned),
        standing: state.transpose()?,
        source,
        managed: query.text("source")? == "managed",
        group: given("group")?.map(str::parse).transpose().map_err(|_not_an_id| unknown("a group"))?,
        role: given("role")?.map(str::parse).transpose().map_err(|_not_a_role| unknown("a role"))?,
        seen: seen.transpose()?,
        order: order.transpose()?.unwrap_or_default(),
        descending: query.text("turned")? == "down",
        after,
    })
}

/// When somebody was seen, after "Last seen".
const fn told(seen: LastSeen) -> &'static str {
    match seen {
        LastSeen::Day => "last 24 hours",
        LastSeen::Week => "last 7 days",
        LastSeen::Month => "last 30 days",
        LastSeen::NotForAMonth => "not for 30 days",
        LastSeen::NotForAQuarter => "not for 90 days",
        LastSeen::Never => "never",
    }
}

fn row(person: &Person, seen: Option<&Moment>) -> Row {
    let (state, tone) = standing(person.standing());
    Row {
        id: person.id.to_string(),
        name: display_name(person),
        user_name: person.text("userName").to_owned(),
        state,
        tone,
        source: person.manager.as_ref().map(|manager| manager.name.clone()).unwrap_or_default(),
        seen: seen.copied().map(When),
        created: When(person.created_at),
    }
}
