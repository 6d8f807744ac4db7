//! Links that sign in, sessions, and their end.

use muster::clock::Clock;
use muster::model::Moment;
use serde_json::json;

use super::{Browser, caller, person, recovery_administrator, services};
use crate::support::{Server, user};

const SESSION: &str = "__Host-muster-session";
const MINUTE: i64 = 60 * 1_000_000;

fn path<'a>(server: &Server, link: &'a str) -> &'a str {
    link.strip_prefix(&server.url).unwrap()
}

on_both_databases! {
    fn a_link_signs_in_once_and_only_by_its_form(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let link = services(&server).recovery_link(&caller(acme.id)).unwrap();
        let link = path(&server, &link);
        let browser = Browser::new(&server);
        // Programs that scan mail look at every link, more than once.
        for _ in 0..3 {
            Browser::new(&server).get(link).expect(200).says("Recovery administrator").assert_well_made();
        }
        let page = browser.page(link);
        assert_eq!(browser.cookie(SESSION), None);
        assert_eq!(browser.post(link, &[("token", &page.token())]).location(), "/o/acme");
        browser.page("/o/acme").says("You are signed in.");
        assert!(!browser.page("/o/acme").text().contains("You are signed in."), "it is said once");
        let other = Browser::new(&server);
        other.get(link).expect(410).says("This link was used").assert_well_made();
        let token = other.page("/sign-in").token();
        other.post(link, &[("token", &token)]).expect(410);
        assert_eq!(other.cookie(SESSION), None);
        assert_eq!(other.get("/o/acme").location(), "/sign-in");
    }

    fn of_two_browsers_at_once_a_link_signs_in_one(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let link = services(&server).recovery_link(&caller(acme.id)).unwrap();
        let link = path(&server, &link);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let one = || {
                let browser = Browser::new(&server);
                let token = browser.page(link).token();
                move || browser.post(link, &[("token", &token)]).status
            };
            let tries: Vec<_> = (0..4).map(|_| one()).collect();
            let threads: Vec<_> = tries.into_iter().map(|one| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 410).count(), 3, "{statuses:?}");
    }

    fn a_link_that_is_old_cut_off_or_forged_opens_nothing(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let link = services(&server).recovery_link(&caller(acme.id)).unwrap();
        let link = path(&server, &link);
        let browser = Browser::new(&server);
        let mut forged = link.to_owned();
        let last = if forged.ends_with('A') { 'Q' } else { 'A' };
        forged.pop();
        forged.push(last);
        let shorter: String = link.chars().take(link.len() - 1).collect();
        for wrong in [shorter.as_str(), forged.as_str(), "/link/x", "/link/%00"] {
            browser.get(wrong).expect(404).assert_well_made();
        }
        clock.advance(10 * MINUTE);
        browser.get(link).expect(410).says("This link has expired");
    }

    fn a_session_ends_when_it_is_idle_old_or_signed_out(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let idle = recovery_administrator(&server, acme.id);
        let used = recovery_administrator(&server, acme.id);
        let first = used.cookie(SESSION).unwrap();
        clock.advance(119 * MINUTE);
        used.page("/o/acme");
        assert_ne!(used.cookie(SESSION).unwrap(), first, "the secret is another from time to time");
        clock.advance(2 * MINUTE);
        assert_eq!(idle.get("/o/acme").location(), "/sign-in", "idle for two hours");
        let former = Browser::new(&server);
        former.set_cookie(SESSION, &first);
        assert_eq!(former.get("/o/acme").location(), "/sign-in", "the secret before is over");
        for _ in 0..6 {
            used.page("/o/acme");
            clock.advance(100 * MINUTE);
        }
        assert_eq!(used.get("/o/acme").location(), "/sign-in", "twelve hours are over");
        let out = recovery_administrator(&server, acme.id);
        let copy = Browser::new(&server);
        copy.set_cookie(SESSION, &out.cookie(SESSION).unwrap());
        copy.page("/o/acme");
        assert_eq!(out.submit("/o/acme", "/sign-out", &[]).location(), "/sign-in");
        assert_eq!(copy.get("/o/acme").location(), "/sign-in");
    }

    fn a_session_can_be_ended_from_another_browser(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let here = recovery_administrator(&server, acme.id);
        let there = recovery_administrator(&server, acme.id);
        let list = here.page("/sessions").says("this browser");
        let other = list.html.split("/sessions/").skip(1).map(|rest| rest.split('/').next().unwrap()).collect::<Vec<_>>();
        assert_eq!(other.len(), 2);
        // The newest stands first: it is the other one.
        here.submit("/sessions", &format!("/sessions/{}/end", other[0]), &[]).expect(303);
        assert_eq!(there.get("/o/acme").location(), "/sign-in");
        here.page("/o/acme");
        // Somebody else's session is not theirs to end.
        let mallory = person(&server, acme.id, "mallory", "");
        mallory.submit("/o/acme/profile", &format!("/sessions/{}/end", other[1]), &[]).expect(303);
        here.page("/o/acme");
    }

    fn a_leaver_is_signed_out_and_stays_so_when_back(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let made = acme.client.post("/Users", &user("ada")).expect(201);
        let (services, caller) = (services(&server), caller(acme.id));
        let id = made.id();
        let link = services.user_link(&caller, id.parse().unwrap()).unwrap();
        let browser = Browser::new(&server);
        let token = browser.page(path(&server, &link)).token();
        browser.post(path(&server, &link), &[("token", &token)]).expect(303);
        browser.page("/o/acme/profile").says("ada");
        let unused = services.user_link(&caller, id.parse().unwrap()).unwrap();
        let active = |active: bool| json!([{ "op": "replace", "path": "active", "value": active }]);
        acme.client.patch(&format!("/Users/{id}"), &active(false)).expect(200);
        assert_eq!(browser.get("/o/acme/profile").location(), "/sign-in");
        Browser::new(&server).get(path(&server, &unused)).expect(410).says("This link has expired").assert_well_made();
        acme.client.patch(&format!("/Users/{id}"), &active(true)).expect(200);
        let again = Browser::new(&server);
        again.set_cookie(SESSION, "x");
        assert_eq!(browser.get("/o/acme/profile").location(), "/sign-in", "what is over stays over");
        Browser::new(&server).get(path(&server, &unused)).expect(410);
        // Whoever never could act is told so.
        let mut never = user("never");
        never["active"] = json!(false);
        let never = acme.client.post("/Users", &never).expect(201).id();
        let link = services.user_link(&caller, never.parse().unwrap()).unwrap();
        Browser::new(&server).get(path(&server, &link)).expect(403).says("Your access has ended").assert_well_made();
    }

    fn a_session_somebody_planted_is_not_the_one_after_signing_in(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let mallory = person(&server, acme.id, "mallory", "");
        let planted = mallory.cookie(SESSION).unwrap();
        let link = services(&server).recovery_link(&caller(acme.id)).unwrap();
        let link = path(&server, &link);
        let victim = Browser::new(&server);
        victim.set_cookie(SESSION, &planted);
        let token = victim.page(link).token();
        victim.post(link, &[("token", &token)]).expect(303);
        let own = victim.cookie(SESSION).unwrap();
        assert_ne!(own, planted);
        victim.page("/o/acme").says("You are signed in as the recovery administrator");
        // Whoever planted it is who they were.
        mallory.get("/o/acme/people").expect(403);
        mallory.page("/o/acme/profile").says("mallory");
        // A form that was shown in the planted session is none of the new one.
        let forged = mallory.page("/o/acme/profile").token();
        victim.post("/o/acme/groups", &[("token", &forged), ("name", "crew")]).expect(403);
    }

    fn a_forged_session_is_none(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let cookie = browser.cookie(SESSION).unwrap();
        let shorter: String = cookie.chars().skip(1).collect();
        for forged in [&shorter, &format!("{cookie}A"), &cookie.to_uppercase(), "", "x", &"A".repeat(64)] {
            let other = Browser::new(&server);
            other.set_cookie(SESSION, forged);
            assert_eq!(other.get("/o/acme").location(), "/sign-in", "{forged}");
        }
        // Two cookies of one name: somebody planted one.
        let both = format!("{SESSION}={cookie}; {SESSION}=x");
        assert_eq!(Browser::new(&server).send("GET", "/o/acme", &[("Cookie", &both)], None).location(), "/sign-in");
    }

    fn links_come_from_the_public_url_whatever_a_request_says(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let plain = browser.page("/o/acme").html;
        let lies = [("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example")];
        for lie in lies {
            let told = browser.send("GET", "/o/acme", &[lie], None);
            assert_eq!(told.html.contains("evil.example"), plain.contains("evil.example"), "{lie:?}");
        }
        let token = browser.page("/o/acme").token();
        let out = browser.send(
            "POST",
            "/theme",
            &[("Host", "evil.example"), ("Origin", "http://evil.example")],
            Some(&format!("token={token}&theme=dark")),
        );
        out.expect(403);
    }
}
