//! Pages that refuse: they say why, and leave whoever is signed in where they were.

use muster::clock::Clock;
use muster::model::Moment;

use super::{Browser, person, recovery_administrator};
use crate::support::Server;

const SESSION: &str = "__Host-muster-session";
const MINUTE: i64 = 60 * 1_000_000;

on_both_databases! {
    fn a_refusal_keeps_the_navigation_of_whoever_is_signed_in(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        server.organization("other");
        let boss = recovery_administrator(&server, acme.id);
        let sections = ["href=\"/o/acme/people\"", "href=\"/o/acme/settings\"", "action=\"/sign-out\"", "href=\"/o/acme\">Start page"];
        let token = boss.page("/o/acme").token();
        let refused = [
            boss.get("/o/acme/nothing-here").expect(404),
            boss.get("/o/acme/people/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a").expect(404),
            boss.get("/sessions/nowhere/at-all").expect(404),
            boss.get("/o/acme/people?q=%ff").expect(400),
            boss.send("DELETE", "/o/acme/people", &[], None).expect(405),
            boss.post("/o/acme/groups", &[("token", "AAAA")]).expect(403).says("from another sign-in"),
            boss.post("/o/acme/roles/x", &[("token", &token), ("permission", "not one")]).expect(404),
            boss.send("POST", "/o/acme/groups", &[("Origin", "https://evil.example")], Some("name=x")).expect(403),
        ];
        for shown in refused {
            shown.assert_well_made();
            for section in sections {
                assert!(shown.html.contains(section), "{}: {section}: {}", shown.path, shown.html);
            }
        }
        // Whoever may less sees what they may, and nothing of where they do not belong.
        let visitor = person(&server, acme.id, "visitor", "");
        for path in ["/o/acme/people", "/o/other", "/o/other/people"] {
            let shown = visitor.get(path);
            assert!(matches!(shown.status, 403 | 404), "{path}: {}", shown.status);
            shown.assert_well_made();
            assert!(shown.html.contains("href=\"/o/acme/profile\"") && !shown.html.contains("href=\"/o/acme/people\""), "{path}: {}", shown.html);
            assert!(!shown.html.contains("href=\"/o/other"), "{path}");
        }
        // Nobody signed in: nothing but the words.
        for path in ["/sessions/nowhere/at-all", "/o/acme/nothing-here"] {
            let shown = Browser::new(&server).get(path).expect(404);
            assert!(!shown.html.contains("href=\"/o/acme") && !shown.html.contains("<nav"), "{path}: {}", shown.html);
        }
    }

    fn a_refusal_hands_on_the_next_secret_of_a_session(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let visitor = person(&server, acme.id, "visitor", "");
        for path in ["/o/acme/people", "/o/acme/nothing-here", "/o/acme/people?q=%ff"] {
            let before = visitor.cookie(SESSION).unwrap();
            clock.advance(31 * MINUTE);
            assert!(matches!(visitor.get(path).status, 400 | 403 | 404), "{path}");
            assert_ne!(visitor.cookie(SESSION).unwrap(), before, "{path}");
            clock.advance(2 * MINUTE);
            visitor.get("/o/acme/profile").expect(200);
        }
    }

    fn a_chosen_theme_leads_back_to_the_whole_view_and_to_pages_alone(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let view = "/o/acme/people?q=ada&state=active";
        let page = browser.page(view);
        assert_eq!(page.send(&browser, "/theme", &[("theme", "dark")]).location(), view);
        // The answer to a form is no page to come back to.
        let answered = browser.submit("/o/acme/people/new", "/o/acme/people/new", &[("userName", "")]).expect(422);
        assert_eq!(answered.send(&browser, "/theme", &[("theme", "light")]).location(), "/o/acme/people/new");
        let token = browser.page("/o/acme").token();
        for back in ["/o/acme/leavers/look", "/theme", "/sign-out", "/o/acme/\r\nX: y", "/o/acme/\u{e9}", "/o/../evil", "//evil.example/o/acme"] {
            let sent = browser.post("/theme", &[("token", &token), ("theme", "dark"), ("back", back)]);
            assert_eq!(sent.location(), "/", "{back:?}");
            assert!(sent.headers.get("x").is_none());
        }
    }

    fn what_is_refused_in_a_browser_names_no_command_to_type(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        let group = boss.page("/o/acme/groups/new").form("/groups").with("name", "crew").send(&boss).location().to_owned();
        let preview = "/o/acme/mappings/preview?kind=user&until=&reason=";
        let shown = [
            boss.page(&group).form("/add").with("names", "nobody-there").send(&boss),
            boss.page("/o/acme/services/new").form("/services").with("name", "ci").with("owner", "nobody-there").send(&boss),
            boss.get(&format!("{preview}&name=nobody-there&role=viewer&scope=%2F")),
            boss.get(&format!("{preview}&name=nobody-there&role=no-role&scope=%2Fnowhere")),
            boss.get("/o/acme/roles/no-role"),
            boss.get("/o/acme/guardrails/none/remove"),
            boss.get("/o/acme/gates/at?scope=%2Fnowhere&permission=deploy%3Arun"),
            boss.get("/o/acme/decisions"),
        ];
        for shown in shown {
            shown.assert_well_made();
            assert!(!shown.text().contains("muster "), "{}: {}", shown.path, shown.text());
        }
    }

    fn a_session_is_told_by_its_browser_in_words(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let link = super::services(&server).recovery_link(&super::caller(acme.id)).unwrap();
        let path = link.strip_prefix(&server.url).unwrap();
        let browser = Browser::new(&server);
        let token = browser.page(path).token();
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0 \"><b>";
        let body = super::browser::form(&[("token", &token)]);
        browser.send("POST", path, &[("Origin", &server.url), ("User-Agent", agent)], Some(&body)).expect(303);
        let list = browser.page("/sessions").says("Firefox on Linux");
        assert!(!list.text().contains("Gecko") && list.html.contains("Gecko/20100101") && !list.html.contains("<b>"), "{}", list.html);
    }
}
