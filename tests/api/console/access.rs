//! The access half of the console: gates, assignments, groups, roles, guardrails, connections, the log.

use muster::clock::Clock;
use muster::model::Moment;
use muster::service::demonstration;

use crate::support::rows::rows_of;
use crate::support::{Server, group, user};

use super::{person, recovery_administrator, services};

/// A form's hidden field.
fn hidden(html: &str, name: &str) -> String {
    let (_, rest) =
        html.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no `{name}` in {html}"));
    rest.split('"').next().unwrap().to_owned()
}

on_both_databases! {
    fn a_role_is_assigned_only_as_its_preview_said(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let admin = recovery_administrator(&server, acme.id);
        let query = "/o/acme/mappings/preview?kind=group&name=crew&role=viewer&scope=%2F&until=&reason=";
        let before = rows_of(database, acme.id);
        let page = admin.page(query);
        assert!(page.html.contains("ada") && page.html.contains("build:view at /"), "{}", page.html);
        assert_eq!(rows_of(database, acme.id), before, "a preview writes nothing");
        let fingerprint = hidden(&page.html, "fingerprint");
        let fields = |fingerprint: &str| {
            [("kind", "group"), ("name", "crew"), ("role", "viewer"), ("scope", "/"), ("until", ""), ("reason", ""), ("fingerprint", fingerprint)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let send = |fingerprint: &str| {
            let fields = fields(fingerprint);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            admin.submit(query, "/o/acme/mappings", &fields)
        };
        let refused = send("something else");
        assert_eq!(refused.status, 422);
        assert!(refused.html.contains("changed since you looked"), "{}", refused.html);
        assert_eq!(rows_of(database, acme.id), before);
        send(&fingerprint).expect(303);
        assert!(admin.page("/o/acme/mappings").html.contains("crew"));
        // Who holds it now is on its page, and it ends as its preview says.
        let list = admin.page("/o/acme/mappings").html;
        let (_, rest) = list.split_once("/mappings/").unwrap();
        let rest = rest.split_once("/o/acme/mappings/").map_or(rest, |(_, rest)| rest);
        let id = rest.split('/').next().unwrap().to_owned();
        let path = format!("/o/acme/mappings/{id}/end");
        let page = admin.page(&path);
        assert!(page.html.contains("ada"), "{}", page.html);
        admin.submit(&path, &path, &[("fingerprint", &hidden(&page.html, "fingerprint"))]).expect(303);
        assert!(admin.page("/o/acme/mappings").html.contains("Nothing is assigned yet"));
    }

    fn local_groups_are_kept_here_and_those_of_a_connection_are_not(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        acme.client.post("/Users", &user("ada")).expect(201);
        let pushed = acme.client.post("/Groups", &group("pushed", &[])).expect(201).id();
        let admin = recovery_administrator(&server, acme.id);
        let made = admin.submit("/o/acme/groups/new", "/o/acme/groups", &[("name", "<b>crew</b>")]).expect(303);
        let path = made.headers.get("location").unwrap().to_str().unwrap().to_owned();
        let page = admin.page(&path);
        assert!(page.html.contains("&#60;b&#62;crew") && !page.html.contains("<b>crew"), "{}", page.html);
        let added = admin.submit(&path, &format!("{path}/add"), &[("names", "ada, nobody\nADA")]);
        assert_eq!(added.status, 422);
        assert!(added.html.contains("2 were added, 1 were not"), "{}", added.html);
        assert!(admin.page(&path).html.contains(">ada<"));
        let inner = admin.submit("/o/acme/groups/new", "/o/acme/groups", &[("name", "inner")]).location().to_owned();
        let id = inner.rsplit('/').next().unwrap();
        admin.submit(&path, &format!("{path}/add"), &[("names", id)]).expect(303);
        admin.page(&path).says("inner group");
        admin.page(&inner).says("It is in <b>crew</b>").says("what is assigned there holds for its members too");
        let version = hidden(&admin.page(&path).html, "version").replace("&#34;", "\"");
        admin.submit(&path, &format!("{path}/rename"), &[("name", "team"), ("version", &version)]).expect(303);
        let stale = admin.submit(&path, &format!("{path}/rename"), &[("name", "third"), ("version", &version)]);
        assert_eq!(stale.status, 409, "somebody changed it meanwhile");
        let pushed = format!("/o/acme/groups/{pushed}");
        let page = admin.page(&pushed);
        assert!(page.html.contains("Comes from <strong><bdi>first</bdi>") && !page.html.contains("/rename"), "{}", page.html);
        let token = page.token();
        for (what, field) in [("rename", ("name", "mine")), ("add", ("names", "ada")), ("delete", ("version", ""))] {
            let answer = admin.post(&format!("{pushed}/{what}"), &[("token", &token), field]);
            assert!(matches!(answer.status, 403 | 422), "{what}: {}", answer.status);
        }
        admin.submit(&format!("{path}/delete"), &format!("{path}/delete"), &[("version", "")]).expect(303);
        assert_eq!(admin.get(&path).status, 404);
    }

    fn a_gate_says_who_can_and_a_check_says_why_not(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Users", &user("ben")).expect(201);
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let services = services(&server);
        let text = "[[scope]]\npath = \"/billing/production\"\nproduction = true\n\n\
                    [[assignment]]\ngroup = \"crew\"\nrole = \"deployer\"\nscope = \"/billing\"\n";
        muster::service::access::apply(&services, &super::caller(acme.id), text).unwrap();
        let admin = recovery_administrator(&server, acme.id);
        let gate = "/o/acme/gates/at?scope=%2Fbilling%2Fproduction&permission=deploy%3Arun";
        let page = admin.page(gate);
        assert!(page.html.contains("1 person can deploy at /billing/production"), "{}", page.html);
        assert!(page.html.contains("1 through <bdi>crew</bdi>"), "{}", page.html);
        let fields = [("scope", "/billing/production"), ("permission", "deploy:run"), ("minimum", "2"), ("maximum", "5")];
        admin.submit(gate, "/o/acme/gates/at", &fields).expect(303);
        assert!(admin.page("/o/acme/gates").html.contains("too few"));
        let wrong = [("scope", "/billing/production"), ("permission", "deploy:run"), ("minimum", "many"), ("maximum", "")];
        assert_eq!(admin.submit(gate, "/o/acme/gates/at", &wrong).status, 422);
        let check = |who: &str| format!("/o/acme/check?person={who}&permission=deploy%3Arun&scope=%2Fbilling%2Fproduction");
        assert!(admin.page(&check("ada")).html.contains("<h1>Yes: deploy"));
        let no = admin.page(&check("ben")).html;
        assert!(no.contains("<h1>No: deploy") && no.contains("crew"), "{no}");
        assert!(admin.page(&check("nobody")).html.contains("<h1>No: deploy"));
        assert_eq!(admin.get(&format!("{}&at=yesterday", check("ada"))).status, 422);
    }

    fn a_connection_is_made_with_a_token_that_is_shown_once_paused_and_resumed(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = recovery_administrator(&server, acme.id);
        let fields = [("name", "okta"), ("profile", "okta")];
        let page = admin.submit("/o/acme/connections/new", "/o/acme/connections", &fields).expect(200);
        let token = page.html.split("muster_scim_").nth(1).unwrap().split('"').next().unwrap();
        let client = crate::support::Client { base: format!("{}/scim/v2", server.url), token: format!("muster_scim_{token}") };
        client.post("/Users", &user("ada")).expect(201);
        client.post("/Users", &user("ada")).expect(409);
        assert_eq!(admin.submit("/o/acme/connections/new", "/o/acme/connections", &fields).status, 422, "the name is taken");
        let list = admin.page("/o/acme/connections").html;
        assert!(list.contains("okta") && !list.contains("muster_scim_"), "{list}");
        let id = server.administration().connections(acme.id).unwrap().into_iter().find(|one| one.name == "okta").unwrap().id;
        let path = format!("/o/acme/connections/{id}");
        let shown = admin.page(&path).html;
        assert!(shown.contains("409") && shown.contains("1 refused") && !shown.contains("muster_scim_"), "{shown}");
        let requests = admin.page(&format!("{path}/requests?show=refused")).html;
        let request = requests.split(&format!("{path}/requests/")).nth(1).unwrap().split('"').next().unwrap().to_owned();
        let one = admin.page(&format!("{path}/requests/{request}")).html;
        assert!(one.contains("uniqueness") && !one.contains(">ada<"), "{one}");
        admin.submit(&path, &format!("{path}/pause"), &[]).expect(303);
        client.post("/Users", &user("ben")).expect(403);
        admin.submit(&path, &format!("{path}/resume"), &[]).expect(303);
        client.post("/Users", &user("ben")).expect(201);
        let credential = server.administration().tokens(acme.id).unwrap();
        let credential = credential.iter().find(|one| one.credential.connection == id).unwrap().credential.id;
        admin.submit(&path, &format!("{path}/revoke/{credential}"), &[]).expect(303);
        client.get("/Users").expect(401);
    }

    fn a_guardrail_is_rehearsed_and_a_role_gets_another_version(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let services = services(&server);
        let text = "[[role]]\nname = \"tester\"\npermissions = [\"build:view\"]\n\n\
                    [[user]]\nuser_name = \"ada\"\n\n[[assignment]]\nuser = \"ada\"\nrole = \"tester\"\n";
        muster::service::access::apply(&services, &super::caller(acme.id), text).unwrap();
        let admin = recovery_administrator(&server, acme.id);
        let cedar = "@id(\"none\")\n@reason(\"Nobody looks.\")\n@control(\"C-1\")\n\
                     forbid (principal, action == Action::\"build:view\", resource);";
        let wrong = admin.submit("/o/acme/guardrails/new", "/o/acme/guardrails/try", &[("text", "permit (principal);")]);
        assert_eq!(wrong.status, 422);
        let tried = admin.submit("/o/acme/guardrails/new", "/o/acme/guardrails/try", &[("text", cedar)]).expect(200);
        assert!(tried.html.contains("1 person or service loses") && tried.html.contains("ada"), "{}", tried.html);
        assert!(admin.page("/o/acme/guardrails").html.contains("No guardrail"));
        let fields = [("text", cedar), ("fingerprint", &hidden(&tried.html, "fingerprint"))];
        admin.submit("/o/acme/guardrails/new", "/o/acme/guardrails", &fields).expect(303);
        assert!(admin.page("/o/acme/guardrails/none").html.contains("Nobody looks."));
        let remove = "/o/acme/guardrails/none/remove";
        let shown = admin.page(remove).says("1 person or service gains").says("ada");
        admin.submit(remove, remove, &[("fingerprint", "something else")]).expect(422).says("changed since you looked");
        admin.submit(remove, remove, &[("fingerprint", &hidden(&shown.html, "fingerprint"))]).expect(303);
        assert!(admin.page("/o/acme/guardrails").html.contains("No guardrail"));
        let tester = "/o/acme/roles/tester";
        let fields = [("permission", "build:view"), ("permission", "build:run")];
        let shown = admin.submit(tester, tester, &fields).expect(200).says("1 person or service gains").says("build:run at /");
        assert!(!admin.page(tester).html.contains("Version 2"), "nothing is saved before it was seen");
        let fingerprint = hidden(&shown.html, "fingerprint");
        let fields = [("permission", "build:view"), ("permission", "build:run"), ("fingerprint", fingerprint.as_str())];
        admin.submit(tester, tester, &fields).expect(303);
        admin.page(tester).says("allows build:run");
        assert!(admin.page("/o/acme/roles/tester").html.contains("Version 2"));
        let fields = [("permission", "build:view")];
        assert_eq!(admin.submit("/o/acme/roles/viewer", "/o/acme/roles/viewer", &fields).status, 422, "it is built in");
        let log = admin.page("/o/acme/log?kind=role.").html;
        assert!(log.contains("role.changed") && !log.contains("guardrail.created"), "{log}");
        assert!(admin.page("/o/acme/log?about=ada").html.contains("user.created"));
    }

    fn the_log_says_which_administrator_made_a_change(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        boss.page("/o/acme/groups/new").form("/groups").with("name", "first").send(&boss).expect(303);
        boss.page("/o/acme/log?kind=group.").says("by the recovery administrator");
        let lou = person(&server, acme.id, "lou", "admin");
        lou.page("/o/acme/groups/new").form("/groups").with("name", "second").send(&lou).expect(303);
        let id = super::people::id_of(&server, acme.id, "lou");
        let shown = boss.page("/o/acme/log?kind=group.").says("by lou").says("by the recovery administrator");
        assert!(shown.html.contains(&format!("href=\"/o/acme/people/{id}\"")), "{}", shown.html);
        let file = super::exporting::exported(&server, acme.id, &boss, "log", &[]);
        assert!(file.lines().any(|line| line.contains("lou") && line.contains("group.created")), "{file}");
        // Whoever is gone is named no more.
        person(&server, acme.id, "max", "admin");
        boss.page(&format!("/o/acme/people/{id}/remove")).form("").send(&boss).expect(303);
        boss.page("/o/acme/log?kind=group.").says("by an administrator");
        let shown = boss.page("/o/acme/log?kind=group.");
        assert!(!shown.text().contains("lou"), "{}", shown.text());
    }

    fn whoever_lacks_the_right_sees_and_changes_nothing_of_access(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let nobody = person(&server, acme.id, "nobody@example.com", "");
        let before = rows_of(database, acme.id);
        for page in ["gates", "check", "mappings", "mappings/new", "groups", "groups/new", "connections", "roles", "guardrails", "log", "decisions"] {
            let answer = nobody.get(&format!("/o/acme/{page}"));
            assert_eq!(answer.status, 403, "{page}");
        }
        let token = nobody.page("/o/acme/profile").token();
        for form in ["gates/at", "mappings", "groups", "connections", "roles/tester", "guardrails", "guardrails/try"] {
            let answer = nobody.post(&format!("/o/acme/{form}"), &[("token", &token), ("name", "x")]);
            assert_eq!(answer.status, 403, "{form}");
        }
        assert_eq!(rows_of(database, acme.id), before);
    }

    fn what_is_made_up_says_so_on_every_page(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Moment::from_micros(1_760_000_000_000_000)));
        let services = services(&server);
        let made = demonstration::fill(&services, 1).unwrap();
        let admin = recovery_administrator(&server, made.organization);
        for page in ["", "/gates", "/mappings", "/groups", "/connections", "/log", "/roles", "/guardrails", "/decisions", "/check"] {
            let page = admin.page(&format!("/o/kestrel{page}"));
            assert!(page.html.contains("Everything here is made up"), "{}", page.path);
            assert!(page.html.len() < 100_000, "{}: {} bytes", page.path, page.html.len());
        }
        let decisions = admin.page("/o/kestrel/decisions").text();
        // The filter says both words once.
        assert!(decisions.matches("allowed").count() > 10 && decisions.matches("denied").count() > 3, "{decisions}");
        let quiet = server.organization("acme");
        assert!(!recovery_administrator(&server, quiet.id).page("/o/acme").html.contains("made up"));
    }
}
