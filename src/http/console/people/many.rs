//! Many people at once: ticked on the list, pasted or uploaded; looked at by name before anything changes, and each with
//! a result after.

use askama::Template;

use crate::model::{GroupId, ResourceId, limits};
use crate::service::people::groups::{self, GroupSearch};
use crate::service::people::many::{self, Act, Named, Outcome, Reading};
use crate::service::people::table::{self, Cell};

use super::super::answer::Answer;
use super::super::frame::Frame;
use super::super::profile::display_name;
use super::super::refusal::{Refusal, sentence};
use super::super::route::{Needs, Page};
use super::super::visit::Visit;
use super::list::Choice;
use super::standing;

const RIGHT: Needs = Needs::Right("organization:manage-people");

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/people/many", RIGHT, fresh),
    Page::post("/o/{organization}/people/many", RIGHT, preview),
    Page::post("/o/{organization}/people/many/done", RIGHT, carry_out),
];

/// Groups a choice offers at most.
const GROUPS: usize = 500;
/// People of whom each has a row of its own to be ticked off; of more only the names are shown.
const ROWS: usize = 100;
/// Columns of a table that say who is meant, the surest first.
const COLUMNS: [&str; 3] = ["id", "username", "email"];
/// What can be done, with the words for it.
pub(super) const ACTS: [(&str, &str); 5] = [
    ("join", "Add to a group"),
    ("leave", "Take out of a group"),
    ("move", "Move to another group"),
    ("deactivate", "Deactivate"),
    ("remove", "Remove"),
];

#[derive(Template)]
#[template(path = "console/people/many.html")]
struct ManyPage {
    frame: Frame,
    names: String,
    acts: Vec<Choice>,
    groups: Vec<Choice>,
    targets: Vec<Choice>,
    problem: String,
    /// Said where the list came from ticks and only the group is missing.
    hint: String,
}

#[derive(Template)]
#[template(path = "console/people/many_preview.html")]
struct PreviewPage {
    frame: Frame,
    what: String,
    left_out: Vec<Line>,
    lines: Vec<Line>,
    /// Those who do not stand in the table, by id and name.
    more: Vec<(String, String)>,
    ready: usize,
    /// What comes with it, in sentences.
    consequences: Vec<String>,
    starved: Vec<String>,
    fields: Vec<(&'static str, String)>,
    button: String,
    danger: bool,
}

#[derive(Template)]
#[template(path = "console/people/many_done.html")]
struct DonePage {
    frame: Frame,
    what: String,
    left_out: Vec<Line>,
    lines: Vec<Line>,
    /// Whether there are so few that each is a link.
    may_link: bool,
    /// The ids of those the server could not do it to.
    failed: Vec<String>,
    fields: Vec<(&'static str, String)>,
}

struct Line {
    /// Where it stands in what was pasted or in the file.
    place: usize,
    given: String,
    /// The id; empty for nobody.
    id: String,
    name: String,
    state: &'static str,
    source: String,
    /// What is thought of it, or became of it.
    word: String,
}

/// What a form says is to be done, with the groups it names.
struct Wanted {
    act: Act,
    group: String,
    target: String,
}

impl Wanted {
    /// What is done to the people, as a sentence without them.
    fn what(&self) -> String {
        match self.act {
            Act::Join(_) => format!("added to {}", self.group),
            Act::Leave(_) => format!("taken out of {}", self.group),
            Act::Move { .. } => format!("moved from {} to {}", self.group, self.target),
            Act::Deactivate => "deactivated".to_owned(),
            Act::Remove => "removed".to_owned(),
        }
    }

    fn verb(&self) -> &'static str {
        match self.act {
            Act::Join(_) => "Add",
            Act::Leave(_) => "Take out",
            Act::Move { .. } => "Move",
            Act::Deactivate => "Deactivate",
            Act::Remove => "Remove",
        }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let (act, group, to) = match self.act {
            Act::Join(group) => ("join", Some(group), None),
            Act::Leave(group) => ("leave", Some(group), None),
            Act::Move { from, to } => ("move", Some(from), Some(to)),
            Act::Deactivate => ("deactivate", None, None),
            Act::Remove => ("remove", None, None),
        };
        let id = |id: Option<GroupId>| id.map(|id| id.to_string()).unwrap_or_default();
        vec![("act", act.to_owned()), ("group", id(group)), ("to", id(to))]
    }
}

fn people(count: usize) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

fn fresh(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, &visit.query, String::new(), String::new(), String::new())?)
}

fn page(
    visit: &Visit,
    fields: &super::super::fields::Fields,
    names: String,
    problem: String,
    hint: String,
) -> Result<ManyPage, Refusal> {
    let search = GroupSearch { text: None, connection: Some(crate::model::ConnectionId::NOBODY) };
    let local = groups::search(&visit.services, visit.caller()?, ResourceId::FIRST, GROUPS, &search)?;
    let choices = |chosen: &str| -> Vec<Choice> {
        let none = Choice::new("", "Choose a group", chosen);
        let all = local.items.iter();
        let all = all.map(|one| Choice::new(one.group.id.to_string(), one.group.display_name.clone(), chosen));
        std::iter::once(none).chain(all).collect()
    };
    let act = match fields.text("act")? {
        "" => "join",
        act => act,
    };
    let title = if problem.is_empty() { "Many people at once" } else { "Error: Many people at once" };
    Ok(ManyPage {
        frame: visit.frame(title, "people"),
        names,
        acts: ACTS.map(|(value, label)| Choice::new(value, label, act)).into(),
        groups: choices(fields.text("group")?),
        targets: choices(fields.text("to")?),
        problem,
        hint,
    })
}

/// Who is named: by ticks, by what was pasted, or in the file.
fn cells(visit: &Visit) -> Result<Result<Vec<Cell>, String>, Refusal> {
    let ticked = visit.form.all("person").enumerate();
    let ticked = ticked.map(|(at, id)| Cell { line: at.saturating_add(1), text: id.trim().to_owned() });
    let mut cells: Vec<Cell> = ticked.collect();
    let more = visit.form.text("more")?.split(',').filter(|id| !id.is_empty()).enumerate();
    cells.extend(more.map(|(at, id)| Cell { line: at.saturating_add(1), text: id.to_owned() }));
    cells.extend(table::cells(visit.form.text("names")?, &COLUMNS));
    cells.extend(table::cells(visit.form.text("file")?, &COLUMNS));
    let most = limits::PEOPLE_AT_ONCE;
    Ok(match cells.len() {
        0 => Err("Nobody is named. Paste user names, or choose a file.".to_owned()),
        count if count > most => {
            Err(format!("{count} people are named, at most {most} go in one form. Send it in parts."))
        }
        _ => Ok(cells),
    })
}

/// What is to be done; or what is missing.
fn wanted(visit: &Visit) -> Result<Result<Wanted, String>, Refusal> {
    let group = |name: &str| -> Result<Option<(GroupId, String)>, Refusal> {
        let text = visit.form.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        let id: GroupId = text.parse().map_err(|_none| Refusal::NotFound)?;
        let found = groups::read(&visit.services, visit.caller()?, id)?;
        Ok(Some((id, found.group.display_name)))
    };
    let wanted = |act, group: String, target: String| Ok(Ok(Wanted { act, group, target }));
    match visit.form.text("act")? {
        "deactivate" => return wanted(Act::Deactivate, String::new(), String::new()),
        "remove" => return wanted(Act::Remove, String::new(), String::new()),
        _ => {}
    }
    let Some((id, name)) = group("group")? else { return Ok(Err("Choose the group.".to_owned())) };
    match visit.form.text("act")? {
        "join" => wanted(Act::Join(id), name, String::new()),
        "leave" => wanted(Act::Leave(id), name, String::new()),
        "move" => match group("to")? {
            None => Ok(Err("Choose the group they go to.".to_owned())),
            Some((to, _)) if to == id => Ok(Err("Choose two different groups.".to_owned())),
            Some((to, target)) => wanted(Act::Move { from: id, to }, name, target),
        },
        _ => Ok(Err("Choose what is to be done.".to_owned())),
    }
}

/// What was named, to stand in the form again.
fn as_named(visit: &Visit, cells: &[Cell]) -> Result<String, Refusal> {
    let pasted = visit.form.text("names")?;
    if visit.form.all("person").next().is_none() && visit.form.text("file")?.is_empty() {
        return Ok(pasted.to_owned());
    }
    let ids = cells.iter().map(|cell| {
        let person = cell
            .text
            .parse()
            .ok()
            .and_then(|id| crate::service::people::read(&visit.services, visit.caller().ok()?, id).ok());
        person.map_or_else(|| cell.text.clone(), |(person, _)| person.text("userName").to_owned())
    });
    Ok(ids.collect::<Vec<_>>().join("\n"))
}

/// Everything a form needs to be looked at or carried out; or the page that says what is missing.
fn asked(visit: &Visit) -> Result<Result<(Wanted, Vec<Cell>), Answer>, Refusal> {
    let invalid = |names: String, problem: String| -> Result<Answer, Refusal> {
        Answer::invalid(&page(visit, &visit.form, names, problem, String::new())?)
    };
    let cells = match cells(visit)? {
        Ok(cells) => cells,
        Err(problem) => return Ok(Err(invalid(visit.form.text("names")?.to_owned(), problem)?)),
    };
    match wanted(visit)? {
        Ok(wanted) => Ok(Ok((wanted, cells))),
        Err(problem) => {
            let names = as_named(visit, &cells)?;
            // Whoever comes from the list was not asked for a group yet.
            if visit.form.has("person") && !visit.form.has("group") {
                let hint = format!("{} were ticked. {problem}", people(cells.len()));
                return Ok(Err(Answer::page(&page(visit, &visit.form, names, String::new(), hint)?)?));
            }
            Ok(Err(invalid(names, problem)?))
        }
    }
}

fn preview(visit: &Visit) -> Result<Answer, Refusal> {
    let (wanted, cells) = match asked(visit)? {
        Ok(asked) => asked,
        Err(answer) => return Ok(answer),
    };
    let caller = visit.caller()?;
    let all = match many::read(&visit.services, caller, &cells, wanted.act) {
        Ok(all) => all,
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            let names = as_named(visit, &cells)?;
            return Answer::invalid(&page(visit, &visit.form, names, problem, String::new())?);
        }
    };
    let starved = many::starved(&visit.services, caller, &all, wanted.act)?;
    let starved = starved.into_iter().map(|(gate, left)| {
        let (permission, scope, least) = (&gate.permission, &gate.scope, gate.bounds.minimum());
        format!("{permission} at {scope}: {} can pass it now, {left} could, {least} must.", gate.passing)
    });
    let (fit, rest): (Vec<&Named>, Vec<&Named>) = all.iter().partition(|one| one.reading == Reading::Ready);
    let ready = fit.len();
    let title = match (ready, rest.len()) {
        (0, _) => format!("Nobody would be {}", wanted.what()),
        (ready, 0) => format!("{} would be {}", people(ready), wanted.what()),
        (ready, _) => format!("{ready} of {} would be {}", people(all.len()), wanted.what()),
    };
    let shown = |one: &&Named| line(one, told(&one.reading, &wanted));
    let more = fit.iter().skip(ROWS).map(shown).map(|line| (line.id, line.name));
    Answer::page(&PreviewPage {
        frame: visit.frame(title, "people"),
        consequences: consequences(visit, &wanted, &all)?,
        starved: starved.collect(),
        left_out: rest.iter().map(shown).collect(),
        lines: fit.iter().take(ROWS).map(shown).collect(),
        more: more.collect(),
        ready,
        button: format!("{} {}", wanted.verb(), people(ready)),
        danger: matches!(wanted.act, Act::Deactivate | Act::Remove),
        fields: wanted.fields(),
        what: wanted.what(),
    })
}

/// What comes with it for everybody, in sentences.
fn consequences(visit: &Visit, wanted: &Wanted, all: &[Named]) -> Result<Vec<String>, Refusal> {
    let ready = || all.iter().filter(|one| one.reading == Reading::Ready).filter_map(|one| one.person.as_ref());
    let managed = ready().filter(|person| person.manager.is_some()).count();
    Ok(match wanted.act {
        Act::Deactivate => {
            let mut lines = vec![
                "They may do nothing from the moment you confirm, on every server, and are signed out.".to_owned(),
                "Profiles, groups, roles and history stay; each can be reactivated.".to_owned(),
                "Services they answer for become those of whom was named to come after, or may do nothing.".to_owned(),
            ];
            if managed > 0 {
                lines.push(format!(
                    "{} from a connection: it goes on sending what it likes, and the bar stays until an administrator \
                     lifts it.",
                    if managed == 1 { "1 of them comes".to_owned() } else { format!("{managed} of them come") }
                ));
            }
            lines
        }
        Act::Remove => vec![
            "They are no longer listed and may do nothing, on every server.".to_owned(),
            "Memberships, roles given directly and sessions end. The record stays, and with it the proof.".to_owned(),
            "Services they answer for become those of whom was named to come after, or stop for good.".to_owned(),
        ],
        Act::Join(group) => given(visit, group, &wanted.group, "gives them")?,
        Act::Leave(group) => given(visit, group, &wanted.group, "gives them no more")?,
        Act::Move { from, to } => {
            let mut lines = given(visit, from, &wanted.group, "gives them no more")?;
            lines.extend(given(visit, to, &wanted.target, "gives them")?);
            lines
        }
    })
}

/// What a group gives, in a sentence.
fn given(visit: &Visit, group: GroupId, name: &str, what: &str) -> Result<Vec<String>, Refusal> {
    let now = visit.services.clock.now();
    let own = visit.administration()?.assigned_to_groups(visit.organization()?, &[group])?;
    let own = own.values().flatten().filter(|one| one.validity.holds(now));
    let roles: Vec<String> = own.map(|one| format!("{} at {}", one.role, one.scope)).collect();
    Ok(vec![if roles.is_empty() {
        format!("Nothing is assigned to {name} itself.")
    } else {
        format!("{name} {what}: {}.", roles.join(", "))
    }])
}

/// A reading in words.
fn told(reading: &Reading, wanted: &Wanted) -> String {
    match reading {
        Reading::Ready => format!("Will be {}", wanted.what()),
        Reading::Already => match wanted.act {
            Act::Join(_) => "Is a member already".to_owned(),
            Act::Leave(_) => "Is no member".to_owned(),
            Act::Move { .. } => format!("Is in {} already", wanted.target),
            Act::Deactivate | Act::Remove => "May do nothing already".to_owned(),
        },
        Reading::Duplicate(first) => format!("The same person as number {first}"),
        Reading::Unknown => "Nobody here is called so".to_owned(),
        Reading::Ambiguous(count) => format!("{count} people are meant by it; use the user name"),
        Reading::Managed(name) => format!("Comes from {name}: remove the person there, or deactivate here"),
        Reading::LastAdministrator => "Is the last administrator; give somebody else the role first".to_owned(),
        Reading::Elsewhere => format!("Is not in {}", wanted.group),
    }
}

fn line(one: &Named, word: String) -> Line {
    let person = one.person.as_ref();
    let manager = person.and_then(|person| person.manager.as_ref());
    Line {
        place: one.line,
        given: one.given.chars().take(limits::NAME_CHARACTERS).collect(),
        id: person.map(|person| person.id.to_string()).unwrap_or_default(),
        name: person.map(display_name).unwrap_or_default(),
        state: person.map_or("", |person| standing(person.standing()).0),
        source: manager.map(|manager| manager.name.clone()).unwrap_or_default(),
        word,
    }
}

fn carry_out(visit: &Visit) -> Result<Answer, Refusal> {
    let (wanted, cells) = match asked(visit)? {
        Ok(asked) => asked,
        Err(answer) => return Ok(answer),
    };
    let all = many::carry_out(&visit.services, visit.caller()?, &cells, wanted.act)?;
    let (mut lines, mut left_out, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (one, outcome) in &all {
        match outcome {
            Outcome::Done => lines.push(line(one, String::new())),
            Outcome::Left(reading) => left_out.push(line(one, told(reading, &wanted))),
            Outcome::Refused(why) => {
                let line = line(one, sentence(why));
                failed.push(line.id.clone());
                left_out.push(line);
            }
        }
    }
    let title = match lines.len() {
        0 => format!("Nobody was {}", wanted.what()),
        1 => format!("1 person was {}", wanted.what()),
        several => format!("{several} people were {}", wanted.what()),
    };
    Answer::page(&DonePage {
        frame: visit.frame(title, "people"),
        may_link: lines.len() <= ROWS,
        lines,
        left_out,
        failed,
        fields: wanted.fields(),
        what: wanted.what(),
    })
}
