//! The first page: is anything wrong, who can deploy, how does provisioning fare.

mod steps;

use askama::Template;

use crate::access::gates::{Gate, GateState};
use crate::model::{Activity, Connection, Health, Moment, ResourceId};
use crate::service::leavers::watch;
use crate::service::people;

use super::answer::Answer;
use super::frame::Frame;
use super::gates::{self, GateLine};
use super::prose::{capital, isolated};
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

use steps::{Step, steps};

pub(super) const PAGES: &[Page] =
    &[Page::get("/", Needs::SignIn, start), Page::get("/o/{organization}", Needs::Member, show)];

/// The tone of a connection that nothing has arrived over yet.
const WAITING: &str = "wait";
/// Quarantines and findings that are counted.
const LOOKED_AT: i64 = 100;

#[derive(Template)]
#[template(path = "console/home.html")]
struct HomePage {
    frame: Frame,
    /// What needs somebody, most urgent first.
    concerns: Vec<Concern>,
    /// What a new organization has yet to do.
    steps: Vec<Step>,
    people: i64,
    /// Gates that as many people can pass as should be able to.
    fitting: usize,
    gates: Vec<GateLine>,
    connections: Vec<ConnectionLine>,
    /// How they fare in all: a number, and what it counts.
    provisioning: (String, String),
    /// The one connection that nothing has arrived over yet and the visitor may set up: its name and where.
    waiting: Option<(String, String)>,
    /// Whether nobody is `admin` but the recovery administrator.
    is_recovery: bool,
}

/// Something that needs somebody.
struct Concern {
    tone: &'static str,
    text: String,
    href: String,
    action: &'static str,
}

/// A connection, as the overview and other pages show it.
pub(super) struct ConnectionLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) tone: &'static str,
    pub(super) word: String,
    pub(super) last: Option<When>,
    pub(super) refused: i64,
}

/// Where to begin: the organization, if there is one only.
fn start(visit: &Visit) -> Result<Answer, Refusal> {
    let belongings = &visit.signed_in()?.belongings;
    Ok(Answer::see_other(match belongings.as_slice() {
        [only] => format!("/o/{}", only.slug),
        _ => "/o".to_owned(),
    }))
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let member = visit.member()?;
    if !member.rights.read() {
        return Ok(Answer::see_other(visit.address("/profile")?));
    }
    let administration = visit.administration()?;
    let organization = member.organization.id;
    let all = administration.gates(organization)?;
    let connections = administration.connections(organization)?;
    let activities = administration.activities(organization)?;
    let healths: Vec<(Connection, Option<Activity>, Health)> = connections
        .into_iter()
        .map(|connection| {
            let activity = activities.get(&connection.id).copied();
            let health = administration.health(&connection, activity.as_ref());
            (connection, activity, health)
        })
        .collect();
    let people = people::count(&visit.services, &member.caller)?;
    let mut concerns = Vec::new();
    for gate in &all {
        let href = gates::address(visit, gate.scope.as_str(), gate.permission.as_str())?;
        concerns.extend(concern(gate).map(|concern| Concern { href, action: "See who can", ..concern }));
    }
    for (connection, _, health) in &healths {
        if let Health::Failing { refused, .. } = health {
            let name = isolated(&connection.name);
            let text = format!("{name} sends requests that are refused: {refused} since one was carried out.");
            let href = visit.address(&format!("/connections/{}", connection.id))?;
            concerns.push(Concern { tone: "bad", text, href, action: "See why" });
        }
    }
    concerns.extend(concerns_of_leavers(visit)?);
    concerns.sort_by_key(|concern| concern.tone != "bad");
    let gates = all.iter().map(|gate| gates::line(visit, gate)).collect::<Result<Vec<_>, Refusal>>()?;
    let steps = steps(visit, people, &gates)?;
    let title = match (concerns.len(), steps.iter().filter(|step| !step.done).count()) {
        (0, 0) => "Everything is quiet".to_owned(),
        (0, 1) => "One step from proving a leaver".to_owned(),
        (0, left) => format!("{left} steps from proving a leaver"),
        (1, _) => "One thing needs you".to_owned(),
        (count, _) => format!("{count} things need you"),
    };
    let connections: Vec<ConnectionLine> =
        healths.iter().map(|(one, activity, health)| connection_line(one, activity.as_ref(), *health)).collect();
    Answer::page(&HomePage {
        frame: visit.frame(title, "home"),
        concerns,
        steps,
        people,
        fitting: all.iter().filter(|gate| gate.state() == GateState::Open).count(),
        gates,
        provisioning: provisioning(&connections),
        waiting: match connections.iter().filter(|one| one.tone == WAITING).collect::<Vec<_>>().as_slice() {
            [only] if member.rights.manage_connections() => {
                Some((only.name.clone(), visit.address(&format!("/connections/{}", only.id))?))
            }
            _ => None,
        },
        connections,
        is_recovery: member.user.is_none(),
    })
}

fn concern(gate: &Gate) -> Option<Concern> {
    let (tone, why) = match gate.state() {
        GateState::Open => return None,
        GateState::Closed => ("bad", "nobody can".to_owned()),
        GateState::TooFew => ("warn", format!("{} can, and at least {} must", gate.passing, gate.bounds.minimum())),
        GateState::TooMany => {
            let most = gate.bounds.maximum().unwrap_or_default();
            ("warn", format!("{} can, and at most {most} may", gate.passing))
        }
    };
    let text = format!("{} at {}: {why}.", gates::verb(gate.permission.as_str()), gate.scope);
    Some(Concern { tone, text: capital(&text), href: String::new(), action: "" })
}

/// Whom a brake holds, and what was found of leavers that nobody knows of yet.
fn concerns_of_leavers(visit: &Visit) -> Result<Vec<Concern>, Refusal> {
    let member = visit.member()?;
    if !member.rights.read_evidence() {
        return Ok(Vec::new());
    }
    let administration = visit.administration()?;
    let quarantines = administration.quarantines(member.organization.id, ResourceId::LAST, LOOKED_AT)?;
    let mut concerns = Vec::new();
    for one in quarantines.iter().filter(|one| one.closed.is_none()) {
        let text =
            format!("{} of {} people left at once. They are held until somebody decides.", one.people, one.population);
        let href = visit.address(&format!("/quarantines/{}", one.id))?;
        concerns.push(Concern { tone: "bad", text, href, action: "Look and decide" });
    }
    let first = ResourceId::earliest_at(Moment::from_micros(0));
    let found = watch::standing(&visit.services, &member.caller, first, LOOKED_AT)?;
    let text = match found.iter().filter(|one| one.acknowledged_at.is_none()).count() {
        0 => return Ok(concerns),
        1 => "Something was found of somebody who had left.".to_owned(),
        several => format!("{several} things were found of people who had left."),
    };
    concerns.push(Concern { tone: "bad", text, href: visit.address("/leavers")?, action: "See what" });
    Ok(concerns)
}

/// How connections fare in all. One that nothing has arrived over yet has not failed.
fn provisioning(connections: &[ConnectionLine]) -> (String, String) {
    let waiting = connections.iter().filter(|one| one.tone == WAITING).count();
    let begun = connections.len().saturating_sub(waiting);
    if begun == 0 {
        let what = if waiting == 1 { "connection, waiting for its first request" } else { "connections, all waiting" };
        return (waiting.to_string(), what.to_owned());
    }
    let well = connections.iter().filter(|one| matches!(one.tone, "ok" | "idle")).count();
    let others = if waiting == 0 { String::new() } else { format!(", and {waiting} waiting") };
    (format!("{well} of {begun}"), format!("connections as they should be{others}"))
}

/// A connection with the word of its health.
pub(super) fn connection_line(connection: &Connection, activity: Option<&Activity>, health: Health) -> ConnectionLine {
    let (tone, word) = match health {
        Health::Paused => ("pause", "Paused".to_owned()),
        Health::WaitingForFirstRequest => (WAITING, "Waiting for the first request".to_owned()),
        Health::Receiving => ("ok", "Receiving".to_owned()),
        Health::Quiet { usual: true, .. } => ("idle", "Quiet, as usual".to_owned()),
        Health::Quiet { usual: false, .. } => ("warn", "Silent".to_owned()),
        Health::Failing { refused, .. } => ("bad", format!("Failing: {refused} refused")),
    };
    let (id, refused) = (connection.id.to_string(), activity.map_or(0, |activity| activity.refused));
    ConnectionLine { id, name: connection.name.clone(), tone, word, last: activity.map(|it| When(it.last_at)), refused }
}
