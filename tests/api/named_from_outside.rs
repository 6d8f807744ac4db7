//! Whoever names what is another organization's is refused, and both organizations have it on record; neither learns
//! anything of the other by it.

use std::collections::BTreeSet;

use muster::db::events::{StoredEvent, after};
use muster::model::{CredentialKind, EventId, OrganizationId, limits};
use muster::service::unknown_ids;
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::console::person;
use crate::support::{Client, Organization, Server, group, ids, user};

const PERSON: &str = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
const CREW: &str = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1b";

/// What is on record of callers who named what is not their organization's.
fn recorded(server: &Server, organization: OrganizationId) -> Vec<StoredEvent> {
    unknown_ids::record(&server.live, &server.clock).unwrap();
    let start = EventId::from_bytes(&[0; 16]).unwrap();
    let all = server.database.read(|tx| after(tx, organization, start, i64::MAX)).unwrap();
    all.into_iter().filter(|event| event.action.starts_with("caller.")).collect()
}

fn details(event: &StoredEvent) -> Value {
    serde_json::from_str(&event.details).unwrap()
}

/// Names a person and a group in every way there is, by every kind of caller.
fn name(server: &Server, organization: &Organization, (person, crew): (&str, &str)) {
    let scim = &organization.client;
    scim.get(&format!("/Users/{person}")).expect(404);
    scim.delete(&format!("/Groups/{crew}")).expect(404);
    let own = scim.create_group("own", &[]);
    let joins = json!([{ "op": "add", "path": "members", "value": [{ "value": person }] }]);
    scim.patch(&format!("/Groups/{own}"), &joins).expect(400);
    scim.bulk(&json!([{ "method": "DELETE", "path": format!("/Users/{person}") }])).expect(200);
    let admin = administrator(server, organization.id, CredentialKind::Admin);
    let json = [("Content-Type", "application/json")];
    admin.get(&format!("/users/{person}")).expect(404);
    let mapping = json!({ "principal": { "type": "group", "id": crew }, "role": "viewer", "scope": "/" });
    admin.send("POST", "/assignments", &json, Some(&mapping.to_string())).expect(404);
    let token = administrator(server, organization.id, CredentialKind::Pep).token;
    let pep = Client { base: server.url.clone(), token };
    let subject = json!({ "type": "user", "id": person });
    let question = json!({ "subject": subject, "action": { "name": "build:view" }, "resource": { "type": "organization", "id": "/" } });
    assert_eq!(pep.post("/access/v1/evaluation", &question).expect(200).json()["decision"], false);
    pep.post("/access/v1/evaluations", &json!({ "evaluations": [question] })).expect(200);
    let search = json!({ "subject": subject, "action": { "name": "build:view" }, "resource": { "type": "project" } });
    assert_eq!(pep.post("/access/v1/search/resource", &search).expect(200).json()["results"], json!([]));
}

on_both_databases! {
    fn both_organizations_have_on_record_what_was_named_across_and_learn_nothing_else(database: &Database) {
        let server = Server::start(database);
        let [acme, bravo, cosmo] = ["acme", "bravo", "cosmo"].map(|slug| server.organization(slug));
        let ada = bravo.client.create_user("ada");
        let crew = bravo.client.create_group("crew", &[&ada]);
        let admin = person(&server, acme.id, "ruler", "admin");
        for (organization, named) in [(&acme, (ada.as_str(), crew.as_str())), (&cosmo, (PERSON, CREW))] {
            name(&server, organization, named);
        }
        admin.get(&format!("/o/acme/people/{ada}")).expect(404);

        let of_acme = recorded(&server, acme.id);
        let callers: BTreeSet<&str> = of_acme.iter().map(|event| event.actor_kind.as_str()).collect();
        assert_eq!(callers, BTreeSet::from(["account", "connection", "credential"]), "{of_acme:#?}");
        for event in &of_acme {
            assert_eq!((event.action.as_str(), event.revision), ("caller.named-unknown", None));
            let ids: BTreeSet<String> = serde_json::from_value(details(event)["ids"].clone()).unwrap();
            assert!(!ids.is_empty() && ids.iter().all(|id| *id == ada || *id == crew), "{event:?}");
            assert_eq!(event.credential.map(|who| who.to_string()), Some(event.resource.to_string()));
        }
        // What is another's is told as what never was.
        let told = |events: &[StoredEvent], [person, group]: [&str; 2]| {
            let plain = |event: &StoredEvent| event.details.replace(person, "person").replace(group, "group");
            let mut told: Vec<String> = events.iter().filter(|event| event.actor_kind != "account").map(plain).collect();
            told.sort();
            told
        };
        assert_eq!(told(&of_acme, [&ada, &crew]), told(&recorded(&server, cosmo.id), [PERSON, CREW]));

        let of_bravo = recorded(&server, bravo.id);
        let about: BTreeSet<String> = of_bravo.iter().map(|event| event.resource.to_string()).collect();
        assert_eq!(about, BTreeSet::from([ada.clone(), crew.clone()]));
        for event in &of_bravo {
            assert_eq!((event.action.as_str(), event.actor_kind.as_str()), ("caller.from-outside", "server"));
            assert_eq!((event.credential, event.revision), (None, None));
            let members = details(event).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(members, ["times"], "nothing of who it was");
            assert!(of_acme.iter().all(|other| other.request != event.request), "no request that both know");
        }
        // Told once.
        assert_eq!((recorded(&server, acme.id).len(), recorded(&server, bravo.id).len()), (of_acme.len(), of_bravo.len()));
    }

    fn what_an_organization_had_itself_is_no_stranger_to_it(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let ada = acme.client.create_user("ada");
        acme.client.delete(&format!("/Users/{ada}")).expect(204);
        acme.client.get(&format!("/Users/{ada}")).expect(404);
        acme.client.get("/Users/no-id-at-all").expect(404);
        let crew = acme.client.create_group("crew", &[]);
        acme.client.patch(&format!("/Groups/{crew}"), &json!([{ "op": "fly" }])).expect(400);
        assert_eq!(recorded(&server, acme.id).len(), 0);
    }

    // Of very many ids in one request those that are nobody's here are on record, however many of the own stand before them.
    fn what_is_named_among_very_many_of_the_own_is_on_record_all_the_same(database: &Database) {
        let server = Server::start(database);
        let [acme, bravo] = ["acme", "bravo"].map(|slug| server.organization(slug));
        let scim = &acme.client;
        let people: Vec<Value> = (0..limits::UNKNOWN_IDS + 5).map(|number| json!({ "method": "POST", "path": "/Users",
            "bulkId": format!("u{number}"), "data": user(&format!("u{number}")) })).collect();
        scim.bulk(&json!(people)).expect(200);
        let own: Vec<Value> = ids(&scim.get("/Users?count=1000").expect(200).json()).iter().map(|id| json!({ "value": id })).collect();
        assert_eq!(own.len(), people.len());
        let [ada, eve] = ["ada", "eve"].map(|name| bravo.client.create_user(name));
        let crew = scim.create_group("crew", &[]);
        let with_ada = [own.clone(), vec![json!({ "value": ada })]].concat();
        scim.patch(&format!("/Groups/{crew}"), &json!([{ "op": "add", "path": "members", "value": with_ada }])).expect(400);
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
        let all = json!([{ "op": "add", "path": "members", "value": own }]);
        let operations = json!([
            { "method": "PATCH", "path": format!("/Groups/{crew}"), "data": { "schemas": schemas, "Operations": all } },
            { "method": "DELETE", "path": format!("/Users/{eve}") },
        ]);
        let answer = scim.bulk(&operations).expect(200).json();
        assert_eq!((&answer["Operations"][0]["status"], &answer["Operations"][1]["status"]), (&json!("200"), &json!("404")));
        // And a circle that cannot be closed for it.
        let circle = |name: &str, members: &[&str]| json!({ "method": "POST", "path": "/Groups", "bulkId": name, "data": group(name, members) });
        let answer = scim.bulk(&json!([circle("one", &["bulkId:two"]), circle("two", &["bulkId:one", PERSON])])).expect(200).json();
        assert!(answer["Operations"].as_array().unwrap().iter().all(|one| one["status"] != "201"), "{answer}");
        let events = recorded(&server, acme.id);
        assert_eq!(events.len(), 1, "{events:#?}");
        let named: BTreeSet<String> = serde_json::from_value(details(&events[0])["ids"].clone()).unwrap();
        assert_eq!(named, BTreeSet::from([ada.clone(), eve.clone(), PERSON.to_owned()]));
        let about: BTreeSet<String> = recorded(&server, bravo.id).iter().map(|event| event.resource.to_string()).collect();
        assert_eq!(about, BTreeSet::from([ada, eve]));
    }

    fn an_account_that_asks_for_the_console_of_others_is_on_record_with_both(database: &Database) {
        let server = Server::start(database);
        let [acme, bravo, cosmo] = ["acme", "bravo", "cosmo"].map(|slug| server.organization(slug));
        let (ada, eve) = (person(&server, acme.id, "ada", "admin"), person(&server, cosmo.id, "eve", ""));
        ada.get("/o/bravo").expect(404);
        ada.get("/o/bravo/people").expect(404);
        ada.page("/o/acme/people");
        for _ in 0..2 {
            eve.get("/o/nothing").expect(404);
        }
        let (of_acme, of_cosmo) = (recorded(&server, acme.id), recorded(&server, cosmo.id));
        for events in [&of_acme, &of_cosmo] {
            assert_eq!(events.len(), 1, "{events:#?}");
            assert_eq!((events[0].action.as_str(), events[0].actor_kind.as_str()), ("caller.named-unknown", "account"));
            assert_eq!(details(&events[0]), json!({ "ids": [], "times": 2 }), "the same whether there is one or not");
        }
        let of_bravo = recorded(&server, bravo.id);
        assert_eq!(of_bravo.len(), 1);
        assert_eq!(of_bravo[0].resource.to_string(), bravo.id.to_string());
        assert_eq!(details(&of_bravo[0]), json!({ "times": 2 }));
    }
}
