//! Services: listed, made, handed over and stopped, each as its page said before.

use muster::model::Principal;
use muster::service::access::MayQuestion;
use serde_json::json;

use super::people::{add, id_of, pep};
use super::{Browser, person, recovery_administrator};
use crate::support::rows::rows_of;
use crate::support::{Organization, Server, user};

/// Makes a service over its form; answers the address of its page.
#[track_caller]
fn made(browser: &Browser, name: &str, owner: &str, successor: &str) -> String {
    let form = browser.page("/o/acme/services/new").form("/services").with("name", name).with("owner", owner);
    form.with("successor", successor).send(browser).location().to_owned()
}

/// Whether a service may look at builds anywhere.
fn may(server: &Server, acme: &Organization, service: &str) -> bool {
    let question = MayQuestion {
        subject: service.to_owned(),
        is_service: true,
        permission: "build:view".parse().unwrap(),
        scope: "/".parse().unwrap(),
        at: None,
    };
    server.administration().may(acme.id, &question, false).unwrap().allowed
}

/// Assigns a service the role viewer everywhere, over the form its page leads to.
fn assign(browser: &Browser, page: &str) {
    let shown = browser.page(page);
    let new = shown.html.split('"').find(|text| text.contains("/mappings/new?")).unwrap();
    let new = browser.page(&super::browser::unescaped(new));
    assert!(new.html.contains("value=\"service\" checked") && new.html.contains("value=\"nightly\""), "{}", new.html);
    let preview = "/o/acme/mappings/preview?kind=service&name=nightly&role=viewer&scope=%2F&until=&reason=Looks";
    browser.page(preview).form("/mappings").send(browser).expect(303);
}

on_both_databases! {
    fn a_service_is_made_handed_over_and_stopped_as_its_pages_said(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        for name in ["ada", "ben"] {
            acme.client.post("/Users", &user(name)).expect(201);
        }
        let browser = recovery_administrator(&server, acme.id);
        assert!(browser.page("/o/acme/people").html.contains("href=\"/o/acme/services\""), "the navigation leads there");
        browser.page("/o/acme/services").says("No service yet");
        let before = rows_of(database, acme.id);
        let form = browser.page("/o/acme/services/new").form("/services").with("name", "nightly").with("owner", "ada");
        for (field, value, problem) in [
            ("name", "", "There is a problem"),
            ("owner", "", "Say who answers for the service."),
            ("owner", "nobody", "has no user nobody"),
            ("successor", "ada", "name somebody else to come after"),
            ("until", "", "Say which is its last day"),
            ("until", "2020-01-01", "in the past"),
            ("until", "soon", "is no day such as"),
        ] {
            let refused = form.clone().with(field, value).send(&browser).expect(422).says(problem);
            refused.assert_well_made();
            assert!(field == "name" || refused.value("name") == "nightly", "what was typed stays");
        }
        assert_eq!(rows_of(database, acme.id), before, "nothing was made");
        let page = made(&browser, "nightly", "ada", "");
        browser.page(&page).says("It may do nothing yet").says("when the owner leaves, it may do nothing").says("Nothing: no role is assigned");
        form.send(&browser).expect(422).says("A service nightly exists already");
        browser.page("/o/acme/services").says("1 service").says("nightly").says("ada");

        assert!(!may(&server, &acme, "nightly"));
        assign(&browser, &page);
        assert!(may(&server, &acme, "nightly"));
        let check = "/o/acme/check?kind=service&person=nightly&permission=build%3Aview&scope=%2F";
        assert!(browser.page(check).html.contains("<h1>Yes: "), "a service is checked as a person is");
        assert!(browser.page(&check.replace("kind=service&", "")).html.contains("<h1>No: "), "and is none");
        browser.page("/o/acme/check?kind=service&person=nightly").says("Check a person or a service");
        browser.page(&page).says("viewer").says("build:view").says("an administrator assigned it").says("Looks").says("holds");
        let list = browser.page("/o/acme/mappings").html;
        assert!(list.contains(&format!("href=\"{page}\"")), "assignments lead to it: {list}");

        let before = rows_of(database, acme.id);
        browser.page(&format!("{page}/hand-over")).says("See what it comes to");
        let look = format!("{page}/hand-over?owner=ben&successor=ada&until=2999-12-31");
        let look = browser.page(&look).says("ben answers for nightly from then on").says("When ben leaves, nightly becomes ada’s");
        let look = look.says("It ends at 3000-01-01 00:00 UTC, not at").says("What it may do stays as it is");
        browser.get(&format!("{page}/hand-over?owner=ada&successor=&until=")).expect(422).says("nothing would be different").assert_well_made();
        browser.get(&format!("{page}/hand-over?owner=nobody")).expect(422).says("has no user nobody").assert_well_made();
        assert_eq!(rows_of(database, acme.id), before, "nothing is changed by looking");
        look.form("").with("fingerprint", "").send(&browser).expect(422).says("changed since you looked");
        assert_eq!(rows_of(database, acme.id), before, "nor without having looked");
        look.form("").send(&browser).expect(303);
        browser.page(&page).says("ben answers for nightly. It ends at 3000-01-01").says("Comes after the owner ada");
        let service = server.administration().services(acme.id).unwrap().remove(0);
        assert_eq!(service.owner.to_string(), id_of(&server, acme.id, "ben"));
        assert_eq!(service.successor.unwrap().to_string(), id_of(&server, acme.id, "ada"));

        let stop = format!("{page}/stop");
        let before = rows_of(database, acme.id);
        let look = browser.page(&stop).says("Stop nightly?").says("1 loses").says("build:view at /").says("cannot be started again");
        look.form("/stop").with("fingerprint", "else").send(&browser).expect(422).says("changed since you looked");
        assert_eq!(rows_of(database, acme.id), before, "nothing is changed by looking");
        look.form("/stop").send(&browser).expect(303);
        browser.page(&page).says("nightly is stopped").says("Stopped").says("it is stopped. What is assigned to it is void");
        assert!(!may(&server, &acme, &service.id.to_string()));
        browser.page("/o/acme/services").says("0 services").says("Show 1 that is over");
        browser.page("/o/acme/services?all=1").says("nightly").says("Stopped");
        for what in ["hand-over", "stop"] {
            browser.get(&format!("{page}/{what}")).expect(409).says("was stopped").assert_well_made();
        }
        // Its name is free again.
        assert_ne!(made(&browser, "nightly", "ada", "ben"), page);
    }

    fn a_service_goes_with_its_owner_as_the_pages_say(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let (ada, ben) = (add(&browser, &[("userName", "ada")]), add(&browser, &[("userName", "ben")]));
        let page = made(&browser, "nightly", "ada", "");
        made(&browser, "release-train", "ada", "ben");
        assign(&browser, &page);
        browser.page(&format!("/o/acme/people/{ada}")).says("Answers for services").says("nightly Active").says("release-train");
        let look = browser.page(&format!("/o/acme/people/{ada}/remove")).says("The service nightly stops for good");
        look.says("The service release-train becomes ben’s and goes on");
        let look = browser.page(&format!("/o/acme/people/{ada}/deactivate"));
        look.clone().says("The service nightly may do nothing until the person is back or it is handed over");
        look.form("").send(&browser).expect(303);

        assert!(!may(&server, &acme, "nightly"));
        browser.page("/o/acme/services").says("One service may do nothing, because its owner may not");
        browser.page(&page).says("Denied: its owner is not active").says("void");
        let train = server.administration().services(acme.id).unwrap();
        let train = train.into_iter().find(|service| service.name.as_str() == "release-train").unwrap();
        assert_eq!((train.owner.to_string(), train.successor), (ben.clone(), None), "as the page said");
        // Handing it over gives it back what is assigned to it, and the page says so first.
        let look = browser.page(&format!("{page}/hand-over?owner=ben&successor=&until=")).says("1 gains").says("build:view at /");
        look.form("").send(&browser).expect(303);
        assert!(may(&server, &acme, "nightly"));
        browser.page(&format!("/o/acme/people/{ben}")).says("nightly").says("release-train");
        let mut nightly = server.administration().services_of(acme.id, ben.parse().unwrap()).unwrap();
        nightly.retain(|service| service.name.as_str() == "nightly");
        let assigned = server.administration().assignments_of(acme.id, Principal::Service(nightly[0].id)).unwrap();
        assert_eq!(assigned.len(), 1, "and it was not assigned anew");
        // Whoever is deleted: the page of a service that went along says so, and names nobody.
        browser.page(&format!("/o/acme/people/{ben}/remove")).form("").send(&browser).expect(303);
        browser.page(&page).says("somebody who is gone").says("Stopped");
    }

    fn of_two_who_hand_a_service_over_the_second_sees_both_versions(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        for name in ["ada", "ben", "cy"] {
            acme.client.post("/Users", &user(name)).expect(201);
        }
        let browser = recovery_administrator(&server, acme.id);
        let page = made(&browser, "nightly", "ada", "");
        let look = |owner: &str| browser.page(&format!("{page}/hand-over?owner={owner}&successor=&until="));
        let (first, second) = (look("ben"), look("cy"));
        first.form("").send(&browser).expect(303);
        let refused = second.form("").send(&browser).expect(409).says("Somebody else changed the service");
        refused.assert_well_made();
        let refused = refused.says("By now it is Owner ben").says("cy answers for nightly").says("Keep theirs");
        browser.page(&page).says("Owner ben");
        refused.form("").send(&browser).expect(303);
        browser.page(&page).says("Owner cy");
        // The same again is told, and changes nothing.
        let before = rows_of(database, acme.id);
        refused.form("").send(&browser).expect(409).says("nothing would be different");
        assert_eq!(rows_of(database, acme.id), before);
    }

    fn what_was_asked_about_a_service_is_found_among_the_decisions(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        acme.client.post("/Users", &user("ada")).expect(201);
        let browser = recovery_administrator(&server, acme.id);
        let page = made(&browser, "nightly", "ada", "");
        assign(&browser, &page);
        let pep = pep(&server, &acme);
        for (kind, id, permission) in [("service", "nightly", "build:view"), ("user", "ada", "build:run")] {
            let body = json!({ "subject": { "type": kind, "id": id }, "action": { "name": permission },
                "resource": { "type": "organization", "id": "/" } });
            pep.send("POST", "/access/v1/evaluation", &[("Content-Type", "application/json")], Some(&body.to_string())).expect(200);
        }
        let link = format!("/o/acme/decisions?about={}", page.rsplit('/').next().unwrap());
        assert!(browser.page(&page).html.contains(&link));
        let shown = browser.page(&link).says("nightly").says("build:view").says("allowed");
        assert!(shown.html.contains(&format!("href=\"{page}\"")) && !shown.html.contains("build:run"), "{}", shown.html);
        let shown = browser.page("/o/acme/decisions?about=ada").says("build:run");
        assert!(!shown.html.contains("build:view"), "{}", shown.html);
        browser.get("/o/acme/decisions?about=nobody").expect(422).says("There is no user nobody").assert_well_made();
        browser.page(&format!("{link}&show=denied")).says("No decision is as the filter says");
        // What became of it is in the log, which leads back.
        let log = browser.page(&format!("/o/acme/log?about={}", page.rsplit('/').next().unwrap())).says("service.created");
        assert!(log.html.contains(&format!("href=\"{page}\"")), "{}", log.html);
    }

    fn who_may_only_look_at_services_is_offered_nothing_to_change(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        acme.client.post("/Users", &user("ada")).expect(201);
        let page = made(&boss, "nightly", "ada", "");
        let text = "[[role]]\nname = \"looker\"\npermissions = [\"organization:read\"]\n";
        muster::service::access::apply(&super::services(&server), &super::caller(acme.id), text).unwrap();
        let looker = person(&server, acme.id, "lou", "looker");
        let list = looker.page("/o/acme/services").says("nightly");
        assert!(!list.html.contains("/services/new"), "{}", list.html);
        let shown = looker.page(&page).says("Owner ada");
        for what in ["/hand-over", "/stop", "/mappings/new", "/decisions?"] {
            assert!(!shown.html.contains(what), "{what}: {}", shown.html);
        }
        looker.get(&format!("{page}/stop")).expect(403);
    }
}
