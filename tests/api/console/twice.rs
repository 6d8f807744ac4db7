//! Every form, sent twice: the second time makes no second thing, changes nothing and is answered by a clear page.

use std::collections::BTreeSet;

use muster::clock::Clock;
use muster::http::console::{Method, PAGES};
use serde_json::json;

use super::browser::Shown;
use super::form::Form;
use super::{Browser, caller, link, person, recovery_administrator, services};
use crate::support::rows::all_rows;
use crate::support::{Database, Server, user};

/// Forms that need more than fits here, each with the test that sends it again.
const ELSEWHERE: [(&str, &str); 4] = [
    ("/o/{organization}/exports/{id}/file", "a_file_is_for_whoever_asked_for_a_day_and_after_a_fresh_sign_in"),
    ("/o/{organization}/profile/identity", "the_intent_to_join_is_of_one_session_and_ten_minutes"),
    ("/o/{organization}/quarantines/{id}/release", "whom_a_brake_holds_is_released_or_restored"),
    ("/o/{organization}/quarantines/{id}/restore", "whom_a_brake_holds_is_released_or_restored"),
];

struct Twice<'a> {
    database: &'a Database,
    /// Goes a little on before each form, and stands still meanwhile: nothing is written down again because a minute has
    /// passed.
    clock: &'a Clock,
    sent: BTreeSet<&'static str>,
    wrong: Vec<String>,
}

/// Whether a path is of a pattern; a pattern that names more of it itself stands first.
fn pattern_of(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or(path);
    let fits = |pattern: &str| {
        let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let forms = PAGES.iter().copied().flatten().filter(|page| page.method == Method::Post);
    let fitting = forms.filter(|page| fits(page.path)).min_by_key(|page| page.path.matches('{').count());
    fitting.unwrap_or_else(|| panic!("{path} is no form")).path
}

impl Twice<'_> {
    /// Sends a form and the same form again; answers what was answered first.
    fn send(&mut self, browser: &Browser, form: &Form, statuses: (u16, u16)) -> Shown {
        let (first, after) = self.send_both(browser, form, statuses);
        self.unchanged(form, &after);
        first
    }

    /// Sends a form twice that says what it will; the second time it changes nothing.
    fn again(&mut self, browser: &Browser, form: &Form) -> Shown {
        self.sent.insert(pattern_of(form.path()));
        self.clock.advance(1_000);
        let first = form.send(browser);
        let after = all_rows(self.database);
        let second = form.send(browser);
        if first.status >= 400 || second.status >= 500 {
            self.wrong.push(format!("{}: {} {}: {:.300}", form.path(), first.status, second.status, second.text()));
        }
        self.unchanged(form, &after);
        first
    }

    fn send_both(&mut self, browser: &Browser, form: &Form, statuses: (u16, u16)) -> (Shown, String) {
        self.sent.insert(pattern_of(form.path()));
        self.clock.advance(1_000);
        let first = form.send(browser);
        let after = all_rows(self.database);
        let second = form.send(browser);
        let path = form.path();
        if (first.status, second.status) != statuses {
            let (one, two) = (first.text(), second.text());
            self.wrong.push(format!("{path}: {} {}\n    {one:.300}\n    {two:.300}", first.status, second.status));
        }
        for shown in [&first, &second] {
            if shown.status != 303 && !shown.headers.contains_key("content-disposition") {
                shown.assert_well_made();
            }
        }
        (first, after)
    }

    /// Nothing is another than it was.
    fn unchanged(&mut self, form: &Form, before: &str) {
        let after = all_rows(self.database);
        let other = |one: &str, two: &str| {
            one.lines()
                .filter(|line| !two.contains(line))
                .fold(String::new(), |all, line| format!("{all}\n    {line:.400}"))
        };
        let (gone, new) = (other(before, &after), other(&after, before));
        if !(gone.is_empty() && new.is_empty()) {
            self.wrong.push(format!("{}: sent again it changes something{gone}\n  to{new}", form.path()));
        }
    }
}

#[track_caller]
fn named(shown: &Shown, end: &str) -> String {
    let mut hrefs = shown.html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    hrefs.find(|href| href.ends_with(end)).unwrap_or_else(|| panic!("no link to `{end}` on {}", shown.path))
}

fn inviting(twice: &mut Twice<'_>, server: &Server, boss: &Browser) {
    let read = boss.page("/o/acme/invitations/new").form("").with("addresses", "one@example.com two@example.com");
    let read = twice.send(boss, &read, (200, 200));
    let invite = read.form("/invitations");
    twice.send(boss, &invite, (200, 200)).says("2 people were invited");
    invite.send(boss).says("0 people were invited");
    let again = boss.page("/o/acme/invitations").form("/resend");
    let shown = twice.send(boss, &again, (200, 409));
    let join = link(server, &shown.html);
    let guest = Browser::new(server);
    let join = guest.page(&join).form(&join).with("given-name", "One");
    twice.send(&guest, &join, (303, 403));
    invite.with("address", "three@example.com").send(boss).expect(200);
    let withdraw = boss.page("/o/acme/invitations").form("/withdraw");
    twice.send(boss, &withdraw, (303, 409));
}

fn people(twice: &mut Twice<'_>, server: &Server, boss: &Browser) {
    let acme = server.administration().organizations().unwrap()[0].id;
    let add = boss.page("/o/acme/people/new").form("").with("userName", "kim").with("email", "kim@example.com");
    let made = twice.send(boss, &add, (303, 422));
    let kim = made.location().to_owned();
    let edit = boss.page(&format!("{kim}/edit")).form("").with("title", "Pilot");
    twice.send(boss, &edit, (303, 409));
    let give = boss.page(&format!("{kim}/roles/new?role=viewer&scope=%2F")).form("");
    twice.send(boss, &give, (303, 422));
    let end = named(&boss.page(&kim), "/end");
    twice.send(boss, &boss.page(&end).form(""), (303, 404));

    let ana = person(server, acme, "ana", "");
    twice.send(&ana, &ana.page("/o/acme/profile").form("").with("givenName", "Ana"), (303, 409));
    let id = super::people::id_of(server, acme, "ana");
    let sessions = format!("/o/acme/people/{id}/sessions");
    let shown = boss.page(&sessions);
    let one = shown.html.split('"').find(|text| {
        text.starts_with(&format!("{sessions}/")) && text.ends_with("/end") && text.matches('/').count() == 7
    });
    let one = one.unwrap_or_else(|| panic!("{}", shown.html)).to_owned();
    twice.send(boss, &Form::made_up(&one, &shown.token()), (303, 303));
    let token = shown.token();
    twice.send(boss, &Form::made_up(&format!("{sessions}/end"), &token), (303, 303));
    twice.send(boss, &Form::made_up(&format!("{sessions}/forget"), &token), (303, 303));

    let path = format!("/o/acme/people/{id}");
    twice.send(boss, &boss.page(&format!("{path}/deactivate")).form(""), (303, 303));
    twice.send(boss, &boss.page(&path).form("/certificate"), (200, 200));
    // Each look is on record, for an auditor to see that it was had.
    twice.send_both(boss, &boss.page("/o/acme/leavers").form("/look"), (303, 303));
    twice.send(boss, &boss.page(&format!("{path}/reactivate")).form(""), (303, 303));
    boss.page("/o/acme/leavers").form("/look").send(boss).expect(303);
    twice.send(boss, &boss.page("/o/acme/leavers").form("/acknowledge"), (303, 303));
    twice.send(boss, &boss.page(&format!("{kim}/remove")).form(""), (303, 404));
}

fn groups(twice: &mut Twice<'_>, boss: &Browser) {
    let make = boss.page("/o/acme/groups/new").form("/groups").with("name", "crew");
    let crew = twice.send(boss, &make, (303, 422)).location().to_owned();
    twice.send(boss, &boss.page(&crew).form("/rename").with("name", "team"), (303, 409));
    twice.send(boss, &boss.page(&crew).form("/add").with("names", "ana"), (303, 303));
    let page = boss.page(&crew);
    let member = page.html.split("name=\"member\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    twice.send(boss, &page.form("/remove").with("member", &member), (303, 303));

    let many = "/o/acme/people/many";
    let id = crew.rsplit('/').next().unwrap();
    let look = boss.page(many).form("/many").with("act", "join").with("group", id).with("names", "ana");
    let preview = twice.send(boss, &look, (200, 200));
    twice.send(boss, &preview.form("/done"), (200, 200)).says("1 person was added");
    twice.send(boss, &boss.page(&format!("{crew}/delete")).form("/delete"), (303, 404));
}

fn access(twice: &mut Twice<'_>, boss: &Browser) {
    let scope = boss.page("/o/acme/gates").form("/gates").with("path", "/billing/production");
    twice.send(boss, &scope, (303, 303));
    let gate = boss.page("/o/acme/gates/at?scope=%2Fbilling%2Fproduction&permission=deploy%3Arun");
    twice.send(boss, &gate.form("/gates/at").with("minimum", "1"), (303, 409));
    let preview = "/o/acme/mappings/preview?kind=user&name=ana&role=viewer&scope=%2F&until=&reason=";
    twice.send(boss, &boss.page(preview).form("/mappings"), (303, 422));
    let end = named(&boss.page("/o/acme/mappings"), "/end");
    twice.send(boss, &boss.page(&end).form("/end"), (303, 404));

    let name = boss.page("/o/acme/roles").form("/roles").with("name", "tester");
    let role = twice.send(boss, &name, (303, 303)).location().to_owned();
    let look = boss.page(&role).form("/tester").with("permission", "build:view");
    let preview = twice.send(boss, &look, (200, 200));
    twice.send(boss, &preview.form("/tester"), (303, 303));

    let ready = boss.page("/o/acme/guardrails/ready/freeze-window").form("/freeze-window");
    let ready = ready.with("from", "2020-01-01T00:00").with("until", "2999-01-01T00:00").with("reason", "Closed.");
    let rehearsed = twice.send(boss, &ready.with("control", "C-7").with("permissions", "deploy:run"), (200, 200));
    twice.send(boss, &rehearsed.form("/guardrails/try"), (200, 200));
    twice.send(boss, &rehearsed.form("/guardrails"), (303, 303));
    let remove = "/o/acme/guardrails/freeze-window/remove";
    twice.send(boss, &boss.page(remove).form("/remove"), (303, 404));
}

fn pipelines(twice: &mut Twice<'_>, boss: &Browser) {
    let make = boss.page("/o/acme/services/new").form("/services").with("name", "nightly").with("owner", "ana");
    let path = twice.send(boss, &make, (303, 422)).location().to_owned();
    let look = boss.page(&format!("{path}/hand-over?owner=ana&successor=&until=2999-01-01"));
    twice.send(boss, &look.form(""), (303, 409));
    twice.send(boss, &boss.page(&format!("{path}/stop")).form("/stop"), (303, 303));
}

fn connections(twice: &mut Twice<'_>, server: &Server, boss: &Browser) {
    let make = boss.page("/o/acme/connections/new").form("/connections").with("name", "okta");
    twice.send(boss, &make, (200, 422));
    let acme = server.administration().organizations().unwrap()[0].id;
    let id = server.administration().connections(acme).unwrap().into_iter().find(|one| one.name == "okta").unwrap().id;
    let path = format!("/o/acme/connections/{id}");
    for what in ["/pause", "/resume"] {
        twice.send(boss, &boss.page(&path).form(what), (303, 303));
    }
    // A token is shown once, so a second one would be one that nobody has.
    twice.send(boss, &boss.page(&path).form("/token"), (200, 409));
    let revoke = boss.page(&path);
    let revoke = revoke.html.split('"').find(|text| text.contains("/revoke/")).unwrap().to_owned();
    twice.send(boss, &boss.page(&path).form(&revoke), (303, 303));
    let practise = format!("{path}/practise");
    twice.send(boss, &boss.page(&practise).form("/practise"), (200, 200));
}

fn settings(twice: &mut Twice<'_>, server: &Server, boss: &Browser) {
    let settings = "/o/acme/settings";
    twice.send(boss, &boss.page(settings).form("/settings/name").with("name", "Acme Limited"), (303, 409));
    let one = boss.page(settings).form("/settings/tokens");
    twice.send(boss, &one, (200, 409));
    // Somebody else had the page open, and made another.
    one.send(boss).expect(409).says("A token was made since you looked").says("the one that was shown is good");
    twice.send(boss, &boss.page(settings).form("/revoke"), (303, 303));
    let set = boss.page("/o/acme/settings/sign-in").form("/settings/sign-in").with("issuer", "https://127.0.0.1:1");
    twice.send(boss, &set, (422, 422));
    let token = boss.page(settings).token();
    twice.send(boss, &Form::made_up("/o/acme/settings/sign-in/remove", &token), (404, 404));
    let make = boss.page("/o").form("/o").with("name", "Bravo").with("slug", "bravo");
    twice.send(boss, &make, (303, 422));
    let theme = boss.page(settings).form("/theme").with("theme", "dark");
    twice.send(boss, &theme, (303, 303));

    let acme = server.administration().organizations().unwrap().into_iter().find(|one| one.slug == "acme").unwrap().id;
    let there = recovery_administrator(server, acme);
    let sessions = boss.page("/sessions");
    let ends = sessions.html.split('"').filter(|text| text.starts_with("/sessions/") && text.ends_with("/end"));
    let newest = ends.map(str::to_owned).next().unwrap();
    twice.send(boss, &sessions.form(&newest), (303, 303));
    assert_eq!(there.get("/o/acme").location(), "/sign-in");
    twice.send(boss, &Form::made_up("/sessions", &sessions.token()), (303, 303));
    let visitor = Browser::new(server);
    let link = services(server).recovery_link(&caller(acme)).unwrap();
    let path = link.strip_prefix(&server.url).unwrap();
    let sign_in = visitor.page(path).form(path);
    twice.send(&visitor, &sign_in, (303, 403));
    twice.send(&visitor, &visitor.page("/o/acme").form("/sign-out"), (303, 303));
    let guest = Browser::new(server);
    let ask = Form::made_up("/sign-in", &guest.page("/sign-in").token());
    twice.send(&guest, &ask.with("email", "ana@example.com"), (422, 422));
}

fn telling(twice: &mut Twice<'_>, server: &Server, boss: &Browser) {
    let acme = server.administration().organizations().unwrap().into_iter().find(|one| one.slug == "acme").unwrap().id;
    let id = server.administration().connections(acme).unwrap()[0].id;
    let brake = format!("/o/acme/connections/{id}/brake");
    let set = boss.page(&brake).form("/brake").with("share", "20").with("least", "50").with("minutes", "10");
    twice.again(boss, &set);
    twice.again(boss, &boss.page(&brake).form("/brake/off"));

    let list = "/o/acme/settings/notifications";
    let subscribe = boss.page(list).form("/notifications").with("url", "https://hooks.example.com/x");
    twice.again(boss, &subscribe.with("kind", "brake-fired"));
    let one = boss.page(list).html.split('"').find(|text| text.starts_with(&format!("{list}/"))).unwrap().to_owned();
    let shown = boss.page(&one);
    twice.again(boss, &shown.form(&one));
    // A test is sent each time it is asked for.
    twice.send_both(boss, &shown.form("/test"), (303, 303));
    twice.again(boss, &shown.form("/remove"));

    let add = boss.page("/o/acme/systems").form("/systems").with("name", "ci");
    let system = twice.again(boss, &add).location().to_owned();
    let compare = boss.page(&system).form("/compare").with("accounts", "account,name\nana,Ana\n");
    // Each comparison is on record.
    twice.sent.insert(pattern_of(compare.path()));
    compare.send(boss);
    let page = boss.page(&system);
    // Whoever says whose an account is says it on record, each time.
    twice.send_both(boss, &page.form("/tie").with("account", "ana").with("person", "ana"), (303, 303));
    let fetch = Form::made_up(&format!("{system}/fetch"), &page.token());
    twice.send(boss, &fetch, (422, 422));
    twice.again(boss, &page.form("/remove"));
}

on_both_databases! {
    fn a_form_that_is_sent_twice_does_its_work_once(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        let mut twice = Twice { database, clock: &server.clock, sent: BTreeSet::new(), wrong: Vec::new() };
        inviting(&mut twice, &server, &boss);
        people(&mut twice, &server, &boss);
        groups(&mut twice, &boss);
        access(&mut twice, &boss);
        pipelines(&mut twice, &boss);
        connections(&mut twice, &server, &boss);
        telling(&mut twice, &server, &boss);
        settings(&mut twice, &server, &boss);
        // Last, for a job writes the file whenever it gets to it.
        let boss = recovery_administrator(&server, acme.id);
        let export = boss.page("/o/acme/exports").form("/exports");
        twice.send_both(&boss, &export, (303, 303));
        assert_eq!(all_rows(database).lines().filter(|line| line.starts_with("export: ")).count(), 1);
        let forms = PAGES.iter().copied().flatten().filter(|page| page.method == Method::Post).map(|page| page.path);
        let left: Vec<&str> = forms
            .filter(|path| !twice.sent.contains(path) && !ELSEWHERE.iter().any(|(other, _)| other == path))
            .collect();
        assert!(left.is_empty(), "send these twice too, here or in a test that `ELSEWHERE` names: {left:#?}");
        assert!(twice.wrong.is_empty(), "{}", twice.wrong.join("\n"));
        // Whatever was sent, a connection still provisions.
        acme.client.post("/Users", &user("last")).expect(201);
        assert_eq!(acme.client.get("/Users?filter=userName%20eq%20%22last%22").expect(200).json()["totalResults"], json!(1));
    }
}
