//! Inviting people: addresses are pasted, read one by one, and those that can be are invited.

use askama::Template;

use crate::model::{GroupId, InvitationId, Moment, limits};
use crate::service::invitations::{Line, Outcome, Reading, StoredInvitation, Wanted, readings, split};
use crate::service::people::groups::{self, GroupSearch};
use crate::service::post::Letter;

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::people::list::Choice;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

const RIGHT: Needs = Needs::Right("organization:manage-people");

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/invitations", RIGHT, list),
    Page::get("/o/{organization}/invitations/new", RIGHT, new),
    Page::post("/o/{organization}/invitations/new", RIGHT, read),
    Page::post("/o/{organization}/invitations", RIGHT, invite),
    Page::post("/o/{organization}/invitations/{id}/resend", RIGHT, resend),
    Page::post("/o/{organization}/invitations/{id}/withdraw", RIGHT, withdraw),
];

/// Invitations on one page.
const PAGE: i64 = 50;
/// Addresses that are shown as rows to be ticked off; the others of a form are listed closer, so that the page stays small.
const ROWS: usize = 50;
/// Groups a choice offers at most.
const GROUPS: usize = 200;

#[derive(Template)]
#[template(path = "console/invitations/list.html")]
struct ListPage {
    frame: Frame,
    rows: Vec<Row>,
    next: String,
}

struct Row {
    id: String,
    email: String,
    state: String,
    tone: &'static str,
    made: When,
    delivery: String,
    /// When it was sent last, in microseconds: sending it again says from what.
    sent: i64,
    is_open: bool,
    /// The person who joined.
    user: String,
}

#[derive(Template)]
#[template(path = "console/invitations/new.html")]
struct NewPage {
    frame: Frame,
    /// Why nobody is invited; empty where people may be.
    refusal: String,
    text: String,
    groups: Vec<Choice>,
    roles: Vec<Choice>,
    scopes: Vec<Choice>,
    lines: Vec<ReadLine>,
    /// Those after them.
    others: Vec<ReadLine>,
    /// Those of the others that can be invited, as a form sends them.
    more: String,
    /// How many were pasted, where that is more than are read at once.
    pasted: usize,
    most: usize,
    good: usize,
    bad: usize,
    /// What joining will open.
    opens: Vec<String>,
    problem: String,
    sends_mail: bool,
    may_assign: bool,
}

/// An address with what is thought of it.
struct ReadLine {
    number: usize,
    given: String,
    word: String,
    tone: &'static str,
    is_good: bool,
    href: String,
}

#[derive(Template)]
#[template(path = "console/invitations/result.html")]
struct ResultPage {
    frame: Frame,
    /// Who was invited, with the link where no mail is sent.
    invited: Vec<(String, String)>,
    /// Who was not, and why.
    left_out: Vec<(String, String)>,
    sends_mail: bool,
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let caller = visit.caller()?;
    let before: InvitationId = match visit.query.text("before")? {
        "" => InvitationId::from_bytes(&[0xff; 16]).map_err(|_not_an_id| Refusal::Fault)?,
        id => id.parse().map_err(|_not_an_id| Refusal::NotFound)?,
    };
    let found = visit.services.invitations(caller, before, PAGE.saturating_add(1))?;
    let shown = usize::try_from(PAGE).unwrap_or_default();
    let last = found.get(shown.saturating_sub(1)).filter(|_| found.len() > shown);
    let next = match last {
        Some(last) => visit.address(&format!("/invitations?before={}", last.invitation.id))?,
        None => String::new(),
    };
    let now = visit.services.clock.now();
    let rows = found.iter().take(shown).map(|one| row(one, now)).collect();
    Answer::page(&ListPage { frame: visit.frame("Invitations", "invitations"), rows, next })
}

fn row(one: &StoredInvitation, now: Moment) -> Row {
    let invitation = &one.invitation;
    let (state, tone) = match &one.ending {
        Some(ending) if ending.outcome == "joined" => (format!("Joined {}", When(ending.at).day()), "ok"),
        Some(ending) if ending.outcome == "left" => (format!("Person left {}", When(ending.at).day()), "idle"),
        Some(ending) if ending.outcome == "orphaned" => (format!("Inviter left {}", When(ending.at).day()), "idle"),
        Some(ending) => (format!("Withdrawn {}", When(ending.at).day()), "idle"),
        None if invitation.expires_at <= now => (format!("Expired {}", When(invitation.expires_at).day()), "warn"),
        None => (format!("Invited, expires {}", When(invitation.expires_at).before(When(now))), "wait"),
    };
    let delivery = match invitation.delivery.as_str() {
        "waiting" => "Mail waits to be sent".to_owned(),
        "sent" => "Mail sent".to_owned(),
        "shown" => "Link was shown".to_owned(),
        problem => format!("Mail not sent: {problem}"),
    };
    let user = one.ending.as_ref().and_then(|ending| ending.user).map(|user| user.to_string());
    Row {
        id: invitation.id.to_string(),
        email: invitation.email.clone(),
        state,
        tone,
        made: When(invitation.created_at),
        delivery,
        sent: invitation.sent_at.as_micros(),
        is_open: one.ending.is_none(),
        user: user.unwrap_or_default(),
    }
}

/// What a form says to be invited with.
fn wanted(visit: &Visit) -> Result<Wanted, Refusal> {
    let form = &visit.form;
    let mut groups: Vec<GroupId> = form
        .all("groups")
        .map(|id| id.parse().map_err(|_not_an_id| Refusal::bad("A group was chosen that does not exist.")))
        .collect::<Result<_, _>>()?;
    groups.sort_unstable();
    groups.dedup();
    let (role, scope) = (form.text("role")?, form.text("scope")?);
    let role = if role.is_empty() {
        None
    } else {
        if !visit.member()?.rights.manage_access() {
            return Err(Refusal::Forbidden);
        }
        let bad = |error: String| Refusal::bad(sentence(&error));
        let role = role.parse().map_err(|error: crate::model::PermissionError| bad(error.to_string()))?;
        let scope = if scope.is_empty() { "/" } else { scope };
        Some((role, scope.parse().map_err(|error: crate::model::ScopePathError| bad(error.to_string()))?))
    };
    Ok(Wanted { groups, role, domains: visit.post.domains().to_vec(), sends_mail: visit.post.sends() })
}

fn new(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, String::new(), Vec::new(), String::new())?)
}

/// Reads what was pasted; nothing is changed and nobody is invited yet.
fn read(visit: &Visit) -> Result<Answer, Refusal> {
    let (pasted, file) = (visit.form.text("addresses")?, visit.form.text("file")?);
    // What a file holds stands in the field from then on.
    let text = match (pasted, file) {
        (pasted, "") => pasted.to_owned(),
        ("", file) => split(file).join("\n"),
        (pasted, file) => format!("{pasted}\n{}", split(file).join("\n")),
    };
    let all = readings(&visit.services, visit.caller()?, &text, visit.post.domains())?;
    if all.is_empty() {
        let problem = "Paste at least one address.".to_owned();
        return Answer::invalid(&page(visit, text, Vec::new(), problem)?);
    }
    if visit.form.has("drop") {
        let good: Vec<Line> = all.into_iter().filter(|line| line.reading.is_good()).collect();
        let text = good.iter().map(|line| line.given.as_str()).collect::<Vec<_>>().join("\n");
        return Answer::page(&page(visit, text, good, String::new())?);
    }
    Answer::page(&page(visit, text, all, String::new())?)
}

fn page(visit: &Visit, text: String, lines: Vec<Line>, problem: String) -> Result<NewPage, Refusal> {
    let (caller, organization, administration) = (visit.caller()?, visit.organization()?, visit.administration()?);
    let wanted = wanted(visit)?;
    let search = GroupSearch { text: None, connection: Some(crate::model::ConnectionId::NOBODY) };
    let local = groups::search(&visit.services, caller, crate::model::ResourceId::FIRST, GROUPS, &search)?;
    let choose = |one: groups::Group| Choice {
        is_chosen: wanted.groups.contains(&one.group.id),
        value: one.group.id.to_string(),
        label: one.group.display_name,
    };
    let chosen = wanted.role.as_ref().map(|(role, scope)| (role.to_string(), scope.to_string())).unwrap_or_default();
    let shown_roles = administration.roles(organization)?;
    let mut opens = Vec::new();
    let allows = |role: &crate::model::RoleName| {
        let version = shown_roles.iter().find(|shown| shown.version.role == *role);
        version.map(|shown| shown.version.permissions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    };
    let groups: Vec<Choice> = local.items.into_iter().map(choose).collect();
    for group in &wanted.groups {
        for shown in administration.assignments_of(organization, crate::model::Principal::Group(*group))? {
            let one = &shown.assignment;
            let name = shown.principal_name.unwrap_or_default();
            opens.push(format!("{name}: {} at {}", allows(&one.role).unwrap_or_default(), one.scope));
        }
    }
    if let Some((role, scope)) = &wanted.role {
        opens.push(format!("Role {role}: {} at {scope}", allows(role).unwrap_or_default()));
    }
    let mut roles = vec![Choice::new("", "None", &chosen.0)];
    roles.extend(
        shown_roles.iter().map(|it| Choice::new(it.version.role.to_string(), it.version.role.to_string(), &chosen.0)),
    );
    let mut scopes: Vec<String> =
        administration.scopes(organization)?.into_iter().map(|scope| scope.path.to_string()).collect();
    if !scopes.iter().any(|scope| scope == "/") {
        scopes.insert(0, "/".to_owned());
    }
    let good = lines.iter().filter(|line| line.reading.is_good()).count();
    let refusal = visit.services.refuses_invitations(caller)?.map(|name| {
        format!(
            "{name} provisions the people of this organization. Add them there and they appear here by themselves; pause \
             the connection to invite people instead."
        )
    });
    let title = if problem.is_empty() { "Invite people" } else { "Error: Invite people" };
    let bad = lines.len().saturating_sub(good);
    let base = visit.address("/people")?;
    let pasted = split(&text).len();
    let mut lines: Vec<ReadLine> = lines.into_iter().map(|line| told(line, &base)).collect();
    let others = lines.split_off(ROWS.min(lines.len()));
    let more: Vec<&str> = others.iter().filter(|line| line.is_good).map(|line| line.given.as_str()).collect();
    Ok(NewPage {
        more: more.join(" "),
        pasted: if pasted > limits::INVITATIONS_AT_ONCE { pasted } else { 0 },
        most: limits::INVITATIONS_AT_ONCE,
        frame: visit.frame(title, "invitations"),
        refusal: refusal.unwrap_or_default(),
        text,
        groups,
        roles,
        scopes: scopes.into_iter().map(|it| Choice::new(it.clone(), it, &chosen.1)).collect(),
        lines,
        others,
        good,
        bad,
        opens,
        problem,
        sends_mail: visit.post.sends(),
        may_assign: visit.member()?.rights.manage_access(),
    })
}

fn word(reading: &Reading) -> (String, &'static str) {
    match reading {
        Reading::Ready => ("Ready".to_owned(), "ok"),
        Reading::Expired(at) => (format!("Invitation expired on {}; a new link is sent", When(*at).day()), "ok"),
        Reading::Duplicate(first) => (format!("The same as number {first}, kept once"), "info"),
        Reading::Member(_) => ("Already a member".to_owned(), "info"),
        Reading::Invited(until) => (format!("Already invited, until {}", When(*until).day()), "info"),
        Reading::Deactivated(_) => ("Deactivated here; reactivate instead".to_owned(), "warn"),
        Reading::NotAnAddress(why) => (format!("Not an address: {why}"), "bad"),
        Reading::OutsideDomains(domain) => (format!("{domain} is not among the allowed domains"), "bad"),
    }
}

fn told(line: Line, people: &str) -> ReadLine {
    let (word, tone) = word(&line.reading);
    let href = match &line.reading {
        Reading::Member(user) | Reading::Deactivated(user) => format!("{people}/{user}"),
        _ => String::new(),
    };
    ReadLine { number: line.number, is_good: line.reading.is_good(), given: line.given, word, tone, href }
}

fn invite(visit: &Visit) -> Result<Answer, Refusal> {
    let caller = visit.caller()?;
    let wanted = wanted(visit)?;
    if visit.services.refuses_invitations(caller)?.is_some() {
        return Answer::invalid(&page(visit, String::new(), Vec::new(), String::new())?);
    }
    if wanted.role.is_some() {
        visit.require_fresh()?;
    }
    let (mut invited, mut left_out) = (Vec::new(), Vec::new());
    let named = visit.form.all("address").chain(visit.form.text("more")?.split_whitespace());
    for given in named.take(limits::INVITATIONS_AT_ONCE) {
        let outcome = match given.parse() {
            Ok(address) => visit.services.invite(caller, &address, &wanted).map_err(Refusal::from),
            Err(error) => Ok(Outcome::Skipped(Reading::NotAnAddress(crate::model::EmailError::to_string(&error)))),
        };
        let email: String = given.chars().take(limits::EMAIL_CHARACTERS).collect();
        match outcome {
            Ok(Outcome::Invited(mail)) => {
                invited.push((email, if wanted.sends_mail { String::new() } else { mail.url.to_string() }));
                if wanted.sends_mail {
                    visit.post.send(Letter::invitation(caller.organization, &mail));
                }
            }
            Ok(Outcome::Skipped(reading)) => left_out.push((email, word(&reading).0)),
            Err(refusal) => left_out.push((email, sentence(&refusal.about_the_form()?))),
        }
    }
    if invited.is_empty() && left_out.is_empty() {
        return Answer::invalid(&page(visit, String::new(), Vec::new(), "Nobody was chosen.".to_owned())?);
    }
    let title = format!("{} {} invited", invited.len(), if invited.len() == 1 { "person was" } else { "people were" });
    let frame = visit.frame(title, "invitations");
    Answer::page(&ResultPage { frame, invited, left_out, sends_mail: wanted.sends_mail })
}

fn resend(visit: &Visit) -> Result<Answer, Refusal> {
    let caller = visit.caller()?;
    let seen =
        visit.form.text("sent")?.parse().map_err(|_no_number| Refusal::bad("The form does not say what it is for."))?;
    let seen = Some(Moment::from_micros(seen));
    let mail = visit.services.invite_again(caller, visit.parsed(1)?, seen, visit.post.sends())?;
    if visit.post.sends() {
        visit.post.send(Letter::invitation(caller.organization, &mail));
        let said = format!("A new link is on its way to {}. The one before opens nothing any more.", mail.to);
        return Ok(Answer::see_other(visit.address("/invitations")?).saying(&Flash::done(said)));
    }
    Answer::page(&ResultPage {
        frame: visit.frame("A new link was made", "invitations"),
        invited: vec![(mail.to.clone(), mail.url.to_string())],
        left_out: Vec::new(),
        sends_mail: false,
    })
}

fn withdraw(visit: &Visit) -> Result<Answer, Refusal> {
    visit.services.withdraw_invitation(visit.caller()?, visit.parsed(1)?)?;
    Ok(Answer::see_other(visit.address("/invitations")?)
        .saying(&Flash::done("The invitation was withdrawn. Its link opens nothing any more.")))
}
