//! Several organizations on one server: who creates one administers it first, and one person has another role in each.

use muster::model::{CredentialKind, OrganizationId};
use muster::service::invitations::{Outcome, Wanted};
use serde_json::{Value, json};

use crate::administration::{administrator, problem};
use crate::console::{Browser, caller, recovery_administrator, services, signed_in_by};
use crate::support::{Client, Program, Server};

const ANA: &str = "ana@example.com";

/// An enforcement point of an organization.
fn enforcement_point(server: &Server, organization: OrganizationId) -> Client {
    Client { base: server.url.clone(), token: administrator(server, organization, CredentialKind::Pep).token }
}

/// What an organization says over the API, one by one and in a batch, and at the command line: may somebody do something at
/// `/`? All three say the same.
fn may(pep: &Client, (program, slug): (&Program, &str), who: &str, permission: &str) -> bool {
    let question = json!({ "subject": { "type": "user", "id": who }, "action": { "name": permission },
        "resource": { "type": "organization", "id": "/" } });
    let one = pep.post("/access/v1/evaluation", &question).expect(200).json()["decision"].as_bool().unwrap();
    let many = pep.post("/access/v1/evaluations", &json!({ "evaluations": [question, question] })).expect(200).json();
    let many: Vec<bool> =
        many["evaluations"].as_array().unwrap().iter().map(|one| one["decision"].as_bool().unwrap()).collect();
    let told = program.run(&["may", "--org", slug, who, permission, "/"]);
    assert_eq!((many, told.code), (vec![one, one], Some(i32::from(!one))), "{slug} {who} {permission}: {told:?}");
    one
}

/// Joins an organization by an invitation that is mailed, with a role at `/`; with none if it is empty.
fn join(server: &Server, organization: OrganizationId, address: &str, role: &str) -> Browser {
    let role = (!role.is_empty()).then(|| (role.parse().unwrap(), "/".parse().unwrap()));
    let wanted = Wanted { role, sends_mail: true, ..Wanted::default() };
    let invited = services(server).invite(&caller(organization), &address.parse().unwrap(), &wanted).unwrap();
    let Outcome::Invited(mail) = invited else { panic!("{address} was not invited") };
    let (path, browser) = (mail.url.strip_prefix(&server.url).unwrap().to_owned(), Browser::new(server));
    let token = browser.page(&path).token();
    browser.post(&path, &[("token", &token), ("given-name", "Ana")]).expect(303);
    browser
}

on_both_databases_and_several_servers! {
    fn whoever_creates_an_organization_in_the_console_is_its_first_administrator(database: &Database) {
        let (server, program) = (Server::start(database), Program::on(database));
        let acme = server.organization("acme");
        let creator = recovery_administrator(&server, acme.id);
        assert_eq!(creator.submit("/o", "/o", &[("name", "Bravo"), ("slug", "bravo")]).location(), "/o/bravo");
        let all = server.administration().organizations().unwrap();
        let bravo = all.iter().find(|one| one.slug == "bravo").unwrap().id;
        for page in ["people", "groups", "mappings", "guardrails", "connections", "settings", "invitations/new"] {
            creator.page(&format!("/o/bravo/{page}"));
        }
        let fields = [("address", ANA), ("role", "admin"), ("scope", "/")];
        let sent = creator.submit("/o/bravo/invitations/new", "/o/bravo/invitations", &fields).expect(200);
        let link = sent.html.split_once(&format!("{}/join/", server.url)).unwrap().1.split('<').next().unwrap().to_owned();
        let (ana, path) = (Browser::new(&server), format!("/join/{link}"));
        let token = ana.page(&path).token();
        assert_eq!(ana.post(&path, &[("token", &token), ("given-name", "Ana")]).location(), "/o/bravo");
        ana.page("/o/bravo/people");
        ana.get("/o/acme").expect(404);
        let (own, other) = (enforcement_point(&server, bravo), enforcement_point(&server, acme.id));
        assert!(may(&own, (&program, "bravo"), ANA, "organization:manage-access"));
        assert!(!may(&other, (&program, "acme"), ANA, "organization:manage-access"));
        // Whom the creator has made one is the last who is one, and stays.
        let id = program.done(&["user", "list", "--org", "bravo"]).lines().nth(1).unwrap().split_whitespace().nth(1).unwrap().to_owned();
        let admin = administrator(&server, bravo, CredentialKind::Admin);
        problem(&admin.put(&format!("/users/{id}/suspension"), &json!({})), 409, "`admin` at `/`");
        assert!(may(&own, (&program, "bravo"), ANA, "organization:manage-access"));
    }

    fn whoever_creates_an_organization_at_the_command_line_names_its_first_administrator(database: &Database) {
        let (server, program) = (Server::start(database), Program::on(database));
        let id: OrganizationId = program.done(&["org", "create", "bravo", "--admin", "ada"]).trim().parse().unwrap();
        let pep = enforcement_point(&server, id);
        for (permission, expected) in [("organization:manage-access", true), ("organization:read", true), ("deploy:run", false)] {
            assert_eq!(may(&pep, (&program, "bravo"), "ada", permission), expected, "{permission}");
        }
        let link = program.done(&["login-link", "--org", "bravo", "ada", "--public-url", &server.url]);
        let ada = signed_in_by(&server, link.trim());
        ada.page("/o/bravo/mappings").says("admin");
        ada.page("/o/bravo/people").says("ada");
        // The first is the last as long as nobody else is one.
        let refused = program.run(&["user", "deactivate", "--org", "bravo", "ada"]);
        assert!(refused.code == Some(1) && refused.stderr.contains("`admin` at `/`"), "{refused:?}");
        program.done(&["user", "create", "--org", "bravo", "grace"]);
        program.done(&["mapping", "add", "--org", "bravo", "--user", "grace", "admin", "/"]);
        program.done(&["user", "deactivate", "--org", "bravo", "ada"]);
        assert!(!may(&pep, (&program, "bravo"), "ada", "organization:read"));
        assert!(may(&pep, (&program, "bravo"), "grace", "organization:manage-access"));
        // What is taken, and what is no name, makes nothing.
        assert_eq!(program.run(&["org", "create", "bravo", "--admin", "eve"]).code, Some(1));
        assert_eq!(program.run(&["org", "create", "charlie", "--admin", " "]).code, Some(2));
        let listed = program.done(&["org", "list"]) + &program.done(&["user", "list", "--org", "bravo"]);
        assert!(!listed.contains("charlie") && !listed.contains("eve"), "{listed}");
    }

    fn one_person_has_another_role_in_each_organization_and_each_answers_by_its_own(database: &Database) {
        let (server, program) = (Server::start(database), Program::on(database));
        let slugs = ["acme", "bravo", "charlie"];
        let ids = slugs.map(|slug| server.organization(slug).id);
        let peps = ids.map(|id| enforcement_point(&server, id));
        let browser = join(&server, ids[0], ANA, "admin");
        join(&server, ids[1], ANA, "release-manager");
        join(&server, ids[2], ANA, "");
        let answers = |permission: &str| {
            let one = |at: usize| may(&peps[at], (&program, slugs[at]), ANA, permission);
            [one(0), one(1), one(2)]
        };
        let told = |allowed: [bool; 3]| {
            assert_eq!(answers("organization:manage-access"), [allowed[0], false, false]);
            assert_eq!(answers("deploy:run"), [false, allowed[1], false]);
            assert_eq!(answers("deploy:approve"), [false, allowed[1], false]);
        };
        told([true, true, false]);
        // One session, and in each organization what the role there gives.
        let own = browser.page("/o");
        slugs.into_iter().fold(own, |page, slug| page.says(slug));
        let seen = |page: &str| slugs.map(|slug| browser.get(&format!("/o/{slug}/{page}")).status);
        assert_eq!(seen("people"), [200, 403, 403]);
        assert_eq!(seen("mappings"), [200, 403, 403]);
        assert_eq!(seen("profile"), [200, 200, 200]);
        // Searches find her where she may, and explanations say why there alone.
        for (pep, expected) in peps.iter().zip([0, 1, 0]) {
            let search = json!({ "subject": { "type": "user" }, "action": { "name": "deploy:run" },
                "resource": { "type": "organization", "id": "/" } });
            let found = pep.post("/access/v1/search/subject", &search).expect(200).json();
            assert_eq!(found["results"].as_array().unwrap().len(), expected, "{found}");
        }
        for ((id, slug), expected) in ids.iter().zip(slugs).zip([false, true, false]) {
            let admin = administrator(&server, *id, CredentialKind::Auditor);
            let path = format!("/explanations?subject={ANA}&permission=deploy:run&scope=/");
            let told = admin.get(&path).expect(200).json();
            assert_eq!(told["decision"], expected, "{slug}: {told}");
        }
        // What one organization takes away it takes away from nobody elsewhere.
        program.done(&["user", "deactivate", "--org", "bravo", ANA]);
        told([true, false, false]);
        let user = |slug: &str| -> Value {
            let listed = program.done(&["user", "list", "--org", slug]);
            json!(listed.lines().nth(1).unwrap().split_whitespace().nth(2).unwrap())
        };
        assert_eq!(slugs.map(user), [json!("active"), json!("suspended"), json!("active")]);
        program.done(&["user", "reactivate", "--org", "bravo", ANA]);
        program.done(&["mapping", "add", "--org", "charlie", "--user", ANA, "viewer", "/"]);
        told([true, true, false]);
        assert_eq!(answers("build:view"), [false, true, true]);
    }
}
