//! Lists of administration, page by page: the same things in the same order whatever the size of the page, and no page reads
//! what it does not show.

use serde_json::{Value, json};

use crate::administration::{administered, problem};
use crate::console::{person, recovery_administrator};
use crate::support::{Client, Server, in_parallel, statements};

/// The items of all pages of a list, and how many pages there were.
fn all(client: &Client, list: &str, limit: usize) -> (Vec<Value>, usize) {
    let (mut items, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    let separator = if list.contains('?') { '&' } else { '?' };
    loop {
        let page = client.get(&format!("{list}{separator}limit={limit}{cursor}")).expect(200).json();
        let shown = page["items"].as_array().unwrap();
        assert!(shown.len() <= limit, "{list}: {page}");
        items.extend(shown.iter().cloned());
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { return (items, pages) };
        assert_eq!(shown.len(), limit, "{list}: a page that is not full and not the last: {page}");
        cursor = format!("&cursor={next}");
    }
}

fn texts(items: &[Value], member: &str) -> Vec<String> {
    items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

/// Makes an assignment to a group; answers its id.
fn assign(admin: &Client, group: &str, role: &str, scope: &str) -> String {
    let body = json!({ "principal": { "type": "group", "id": group }, "role": role, "scope": scope });
    admin.post("/assignments", &body).expect(201).id()
}

const ROLES: [&str; 3] = ["viewer", "developer", "deployer"];

/// Scopes, groups, services, credentials and assignments; some have ended.
fn filled(server: &Server, admin: &Client) -> Vec<String> {
    for number in 0..9 {
        let scope = json!({ "path": format!("/p{number}/production"), "production": true });
        admin.post("/scopes", &scope).expect(201);
    }
    let groups: Vec<String> = (0..4)
        .map(|number| admin.post("/groups", &json!({ "display_name": format!("g{number}") })).expect(201).id())
        .collect();
    let acme = server.administration().organizations().unwrap().remove(0).id;
    person(server, acme, "owner", "");
    for number in 0..7 {
        let service = json!({ "name": format!("s{number}"), "owner": "owner", "expires_at": "2999-01-01T00:00:00Z" });
        let id = admin.post("/services", &service).expect(201).id();
        if number % 3 == 0 {
            admin.delete(&format!("/services/{id}")).expect(204);
        }
        admin.post("/credentials", &json!({ "kind": "pep" })).expect(201);
    }
    for number in 0..40 {
        let scope = if number % 5 == 0 { "/".to_owned() } else { format!("/p{}", number % 9) };
        let id = assign(admin, &groups[number % 4], ROLES[number % 3], &scope);
        if number % 7 == 0 {
            admin.delete(&format!("/assignments/{id}")).expect(204);
        } else if number % 11 == 0 {
            let later = json!({ "until": "2999-01-01T00:00:00Z" });
            admin.send("PATCH", &format!("/assignments/{id}"), &[], Some(&later.to_string())).expect(200);
        }
    }
    groups
}

on_both_databases! {
    fn a_list_is_the_same_whatever_the_size_of_its_pages(database: &Database) {
        let (server, _, admin) = administered(database);
        let groups = filled(&server, &admin);
        for (list, member) in [("/assignments", "id"), ("/services", "id"), ("/credentials", "id"), ("/scopes", "path")] {
            let (whole, pages) = all(&admin, list, 1_000);
            assert_eq!(pages, 1);
            let keys = texts(&whole, member);
            assert!(keys.len() >= 7 && keys.is_sorted(), "{list}: {keys:?}");
            for limit in [1, 2, 3, 5, keys.len() - 1, keys.len(), keys.len() + 1] {
                let (paged, pages) = all(&admin, list, limit);
                assert_eq!((paged == whole, pages), (true, keys.len().div_ceil(limit)), "{list} by {limit}");
            }
        }
        let (scopes, _) = all(&admin, "/scopes", 4);
        assert_eq!((&scopes[0]["path"], scopes.len()), (&json!("/"), 19));
        let (gates, _) = all(&admin, "/gates", 5);
        let (whole, _) = all(&admin, "/gates", 1_000);
        assert_eq!((gates.len(), gates), (18, whole), "deploying and approving at each production environment");
        // What is there is found by what narrows the list, alone and together, and nothing else is.
        let (everything, _) = all(&admin, "/assignments", 1_000);
        let of = |item: &Value, what: &str| {
            let value = if what == "principal" { &item["principal"]["id"] } else { &item[what] };
            value.as_str().unwrap().to_owned()
        };
        let choices = |what: &'static str, given: &[String]| {
            std::iter::once(String::new()).chain(given.iter().map(|one| format!("&{what}={one}"))).collect::<Vec<_>>()
        };
        let roles = choices("role", &["viewer", "deployer", "admin", "No Role"].map(str::to_owned));
        let scopes = choices("scope", &["/", "/p3", "/p3/production", "/none", "p3"].map(str::to_owned));
        let principals = choices("principal", &[groups[1].clone(), "nobody".to_owned()]);
        let mut found = 0;
        for role in &roles {
            for scope in &scopes {
                for principal in &principals {
                    let query = format!("{role}{scope}{principal}");
                    let fits = |item: &&Value| {
                        [("role", role), ("scope", scope), ("principal", principal)]
                            .iter()
                            .all(|(what, asked)| asked.is_empty() || **asked == format!("&{what}={}", of(item, what)))
                    };
                    let expected: Vec<Value> = everything.iter().filter(fits).cloned().collect();
                    found += expected.len();
                    let encoded = query.replace(' ', "%20");
                    for limit in [1, 3, 1_000] {
                        let (given, _) = all(&admin, &format!("/assignments?{}", encoded.trim_start_matches('&')), limit);
                        assert_eq!(given, expected, "{query} by {limit}");
                    }
                }
            }
        }
        assert!(found > 50, "{found}");
    }

    fn a_cursor_goes_on_behind_what_is_gone_and_opens_no_other_list(database: &Database) {
        let (server, _, admin) = administered(database);
        let groups = filled(&server, &admin);
        let (whole, _) = all(&admin, "/assignments", 1_000);
        let ids = texts(&whole, "id");
        let page = admin.get("/assignments?limit=3").expect(200).json();
        let cursor = page["next_cursor"].as_str().unwrap().to_owned();
        admin.delete(&format!("/assignments/{}", ids[2])).expect(204);
        let next = admin.get(&format!("/assignments?limit=3&cursor={cursor}")).expect(200).json();
        assert_eq!(texts(next["items"].as_array().unwrap(), "id"), ids[3..6]);
        for list in ["/assignments?role=viewer", "/assignments?scope=/", "/services", "/credentials", "/scopes", "/gates"] {
            let separator = if list.contains('?') { '&' } else { '?' };
            problem(&admin.get(&format!("{list}{separator}cursor={cursor}")), 400, "`cursor` is none of this list");
        }
        problem(&admin.get(&format!("/assignments?principal={}&cursor={cursor}", groups[0])), 400, "none of this list");
        let scopes = admin.get("/scopes?limit=1").expect(200).json()["next_cursor"].as_str().unwrap().to_owned();
        problem(&admin.get(&format!("/gates?cursor={scopes}")), 400, "none of this list");
        problem(&admin.get("/scopes?limit=0"), 400, "`limit` must be");
    }

    fn a_page_takes_the_same_statements_wherever_it_is_and_however_many_there_are(database: &Database) {
        statements::watch();
        let (server, _, admin) = administered(database);
        filled(&server, &admin);
        let tables = ["assignment", "service", "credential", "scope", "gate"];
        let read = |query: &str| {
            statements::of(&tables);
            let page = admin.get(query).expect(200).json();
            // Whoever asks is read anew when the feed has heard of a change: that is no part of the page.
            let admits = |text: &String| text.contains("FROM credential WHERE") && text.contains(" AND id = ");
            let mut sent = statements::of(&tables);
            sent.retain(|text| !admits(text));
            let bounded = |text: &String| [" LIMIT ", "scope <= ", "json_each", "ANY("].iter().any(|part| text.contains(part));
            assert!(!sent.is_empty() && sent.iter().all(bounded), "{query}: {sent:?}");
            (sent, page["next_cursor"].as_str().map(str::to_owned))
        };
        for list in ["/assignments?", "/assignments?role=viewer&", "/services?", "/credentials?", "/scopes?"] {
            let (first, next) = read(&format!("{list}limit=4"));
            let mut cursor = next.unwrap();
            loop {
                let (sent, next) = read(&format!("{list}limit=4&cursor={cursor}"));
                assert_eq!(sent, first, "{list}");
                let Some(next) = next else { break };
                cursor = next;
            }
        }
        let before = read("/assignments?limit=4").0;
        let group = admin.post("/groups", &json!({ "display_name": "many" })).expect(201).id();
        in_parallel(4, 18, |number| assign(&admin, &group, ROLES[number % 3], &format!("/p{}", number % 9)));
        assert_eq!(read("/assignments?limit=4").0, before);
    }
}

on_both_databases! {
    fn a_page_of_the_console_about_groups_or_a_role_reads_no_other_assignments(database: &Database) {
        statements::watch();
        let (server, _, admin) = administered(database);
        let groups = filled(&server, &admin);
        let acme = server.administration().organizations().unwrap().remove(0);
        let console = recovery_administrator(&server, acme.id);
        let crew = &groups[2];
        for (path, says) in [
            ("groups".to_owned(), "g2 local deployer at /p2, viewer at /p6, developer at / and 5 more"),
            (format!("groups/{crew}"), "/p2"),
            (format!("groups/{crew}/delete"), "/p2"),
            ("roles/deployer".to_owned(), "g2 group /p2"),
            ("people?role=viewer".to_owned(), "Nobody"),
        ] {
            let path = format!("/o/{}/{path}", acme.slug);
            statements::mentioning(&[]);
            let page = console.page(&path);
            let sent = statements::mentioning(&["assignment "]);
            page.says(says);
            let bounded = |text: &String| ["= ANY(", "json_each", " principal = ", " role = "].iter().any(|part| text.contains(part));
            assert!(!sent.is_empty() && sent.iter().all(bounded), "{path}: {sent:?}");
        }
    }

    fn the_page_of_a_role_shows_the_oldest_of_very_many_assignments_and_leads_to_the_others(database: &Database) {
        let (server, _, admin) = administered(database);
        let acme = server.administration().organizations().unwrap().remove(0);
        let console = recovery_administrator(&server, acme.id);
        let page = format!("/o/{}/roles/deployer", acme.slug);
        let group = admin.post("/groups", &json!({ "display_name": "crew" })).expect(201).id();
        for number in 0..51 {
            admin.post("/scopes", &json!({ "path": format!("/p{number}") })).expect(201);
        }
        in_parallel(4, 50, |number| assign(&admin, &group, "deployer", &format!("/p{number}")));
        assert!(!console.page(&page).says("/p49").html.contains("All assignments"));
        assign(&admin, &group, "deployer", "/p50");
        let shown = console.page(&page).says("These are the oldest. All assignments of deployer");
        assert!(!shown.text().contains("/p50"), "{}", shown.text());
        console.page(&format!("/o/{}/mappings?q=deployer", acme.slug)).says("51 assignments");
    }
}

on_both_databases! {
    fn a_scope_is_found_by_its_path_among_many(database: &Database) {
        let (server, _, admin) = administered(database);
        filled(&server, &admin);
        let change = |path: &str, about: &str| {
            let body = json!({ "path": path, "description": about });
            admin.send("PATCH", "/scopes", &[], Some(&body.to_string()))
        };
        let (before, _) = all(&admin, "/scopes", 1_000);
        change("/p3/production", "ships").expect(200);
        change("/p33", "is not there").expect(404);
        // Its neighbours in the order of paths lie in nothing of the kind.
        for (path, production) in [("/p3-x", false), ("/p3.y/z", true), ("/p30", false)] {
            admin.post("/scopes", &json!({ "path": path, "production": production })).expect(201);
        }
        problem(&admin.delete("/scopes?path=/p3"), 409, "`/p3/production` lies in `/p3`");
        problem(&admin.delete("/scopes?path=/p3.y"), 409, "`/p3.y/z` lies in `/p3.y`");
        let gate = json!({ "scope": "/p4/production", "permission": "deploy:run", "minimum": 2 });
        admin.put("/gates", &gate).expect(200);
        admin.delete("/scopes?path=/p4/production").expect(204);
        for path in ["/p4/production", "/p30/none", "/none"] {
            admin.delete(&format!("/scopes?path={path}")).expect(404);
        }
        for path in ["/p30", "/p3-x", "/p3.y/z", "/p3.y"] {
            admin.delete(&format!("/scopes?path={path}")).expect(204);
        }
        admin.delete("/scopes?path=/").expect(409);
        // The organization itself has a row from the moment on something is said of it, and stands once all the same.
        change("/", "all of it").expect(200);
        change("/", "everything").expect(200);
        let (after, _) = all(&admin, "/scopes", 3);
        assert_eq!((&after[0]["description"], after.len()), (&json!("everything"), before.len() - 1));
        let shown = after.iter().find(|scope| scope["path"] == "/p3/production").unwrap();
        assert_eq!((&shown["description"], &shown["production"]), (&json!("ships"), &json!(true)));
        let (gates, _) = all(&admin, "/gates", 1);
        assert!(gates.iter().all(|gate| gate["scope"] != "/p4/production"), "{gates:?}");
        assert_eq!(gates.len(), 16);
    }
}
