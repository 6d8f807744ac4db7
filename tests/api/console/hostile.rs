//! Names that are code, that turn the writing round, that go on for ever: in every field, on every page they reach.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use muster::http::console::{Method, PAGES};
use muster::model::AssignmentSource;
use muster::service::access::{NewAssignment, NewScope, WantedPrincipal};
use serde_json::json;

use super::browser::Shown;
use super::{Browser, caller, recovery_administrator, services};
use crate::support::{Organization, Server};

/// Turns the writing round for everything after it, unless it stands in an element of its own.
const TURNED: char = '\u{202e}';

/// Pages no page leads to, or that end the visit, or that stand for what there is none of here.
const APART: [&str; 11] = [
    "/",
    "/join/{slug}/{secret}",
    "/link/{secret}",
    "/sign-in",
    "/sign-in/sent",
    "/sign-in/to",
    "/sign-in/to/{organization}",
    "/sign-in/to/{organization}/callback",
    "/o/{organization}/quarantines/{id}",
    "/o/{organization}/mappings/preview",
    "/o/{organization}/profile",
];

/// The worst name there is for a field: what it begins with says which.
fn bad(field: &str) -> String {
    format!("{field}\"'><script>alert(1)</script><svg/onload=a(2)>{{{{7*7}}}}\u{200b}{TURNED}gnp.exe")
}

/// The same, and so long that no line holds it.
fn long(field: &str) -> String {
    format!("{}{}", bad(field), "x".repeat(1_000))
}

/// The pattern of the page an address is.
fn pattern_of(address: &str) -> Option<&'static str> {
    let path = address.split('?').next().unwrap_or(address);
    let fits = |pattern: &str| {
        let (wanted, given): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        wanted.len() == given.len()
            && wanted.iter().zip(&given).all(|(one, other)| one == other || one.starts_with('{'))
    };
    let pages = PAGES.iter().copied().flatten().filter(|page| page.method == Method::Get && fits(page.path));
    pages.map(|page| page.path).min_by_key(|path| path.matches('{').count())
}

/// Elements whose text is isolated from what stands around it.
const ISOLATED: [&str; 6] = ["bdi", "code", "textarea", "option", "title", "pre"];

/// Nothing of a name became an element, an attribute or an address, and no name turns what stands beside it.
fn assert_harmless(shown: &Shown) {
    let (html, path) = (&shown.html, &shown.path);
    for code in ["<script>alert", "<svg/onload", "\"'><script", "&#39;><script", "49\u{200b}"] {
        assert!(!html.contains(code), "{path}: {code}");
    }
    for attribute in ["href=\"", "src=\"", "action=\""] {
        for value in html.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(!value.trim_start().to_ascii_lowercase().starts_with("javascript:"), "{path}: {value}");
        }
    }
    let mut open: Vec<&str> = Vec::new();
    for part in html.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
        if tag.starts_with('/') {
            while open.pop().is_some_and(|last| last != name) {}
        } else if !tag.ends_with('/')
            && !["input", "meta", "link", "br", "wbr", "hr", "img", "!doctype"].contains(&name)
        {
            open.push(name);
        }
        if text.contains(TURNED) || text.contains("&#8238;") {
            // In a sentence a mark stands before the name, and another after it.
            let is_isolated = open.iter().any(|name| ISOLATED.contains(name)) || text.contains('\u{2068}');
            assert!(is_isolated, "{path}: a name stands beside other text in {open:?}: {text:.200}");
        }
    }
}

/// Everything that has a name, with a bad one.
fn fill(server: &Server, acme: &Organization, browser: &Browser) {
    let client = &acme.client;
    let form = browser.page("/o/acme/settings").form("/settings/name");
    form.with("name", &bad("organization")).send(browser).expect(303);
    let mut person = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": bad("userName") });
    for field in ["displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone"] {
        person[field] = json!(long(field));
    }
    person["externalId"] = json!(bad("externalId"));
    person["profileUrl"] = json!("javascript:alert(1)");
    person["photos"] = json!([{ "value": "javascript:alert(1)", "type": bad("photo") }]);
    for part in ["formatted", "givenName", "familyName", "middleName", "honorificPrefix"] {
        person["name"][part] = json!(bad(part));
    }
    person["phoneNumbers"] = json!([{ "value": bad("phone"), "type": "work" }]);
    let made = client.post("/Users", &person).expect(201).id();
    let members = json!([{ "value": made }]);
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": bad("group"), "members": members });
    client.post("/Groups", &group).expect(201);
    // Refused, and kept with the reason.
    client.post("/Users", &person).expect(409);

    let local =
        browser.page("/o/acme/people/new").form("").with("userName", &bad("local")).with("email", "a@example.com");
    let local = ["givenName", "familyName", "displayName", "title"]
        .iter()
        .fold(local, |form, name| form.with(name, &long(name)));
    let local = local.send(browser).location().to_owned();
    let crew = browser.page("/o/acme/groups/new").form("/groups").with("name", &bad("crew")).send(browser);
    let crew = crew.location().to_owned();
    browser.page(&crew).form("/add").with("names", local.rsplit('/').next().unwrap()).send(browser);
    let form = browser.page("/o/acme/connections/new").form("/connections").with("name", &bad("connection"));
    assert_harmless(&form.send(browser).expect(200));

    let (services, caller) = (services(server), caller(acme.id));
    let administration = services.administration(&caller);
    let scope = NewScope {
        path: "/p/production".parse().unwrap(),
        production: true,
        description: Some(bad("scope").parse().unwrap()),
    };
    administration.create_scope(acme.id, &scope).unwrap();
    let wanted = NewAssignment {
        principal: WantedPrincipal::Group(crew.rsplit('/').next().unwrap().to_owned()),
        role: "deployer".parse().unwrap(),
        scope: "/p".parse().unwrap(),
        from: None,
        until: None,
        source: AssignmentSource::Administrator,
        approver: None,
        reason: Some(bad("reason").parse().unwrap()),
    };
    administration.assign(acme.id, &wanted).unwrap();
    let person = WantedPrincipal::User(local.rsplit('/').next().unwrap().to_owned());
    administration.assign(acme.id, &NewAssignment { principal: person, ..wanted.clone() }).unwrap();
    let service = browser.page("/o/acme/services/new").form("/services").with("name", &bad("service"));
    let service = service.with("owner", local.rsplit('/').next().unwrap()).send(browser).location().to_owned();
    let service = WantedPrincipal::Service(service.rsplit('/').next().unwrap().to_owned());
    administration.assign(acme.id, &NewAssignment { principal: service, ..wanted.clone() }).unwrap();
    let idle =
        browser.page("/o/acme/people/new").form("").with("userName", &bad("idle")).with("email", "b@example.com");
    let idle = idle.send(browser).location().to_owned();
    browser.page(&format!("{idle}/deactivate")).form("").send(browser).expect(303);
    let rehearsed = browser.page("/o/acme/guardrails/ready/freeze-window").form("/freeze-window");
    let rehearsed =
        rehearsed.with("from", "2020-01-01T00:00").with("until", "2999-01-01T00:00").with("permissions", "deploy:run");
    let rehearsed = rehearsed.with("reason", &bad("why")).with("control", &bad("control")).send(browser).expect(200);
    assert_harmless(&rehearsed);
    rehearsed.form("/guardrails").send(browser).expect(303);
    let system = browser.page("/o/acme/systems").form("/systems").with("name", &bad("system")).send(browser);
    let system = browser.page(system.location());
    let accounts = format!("account,name\n\"{0}\",\"{0}\"\n", bad("account").replace('"', ""));
    system.form("/compare").with("accounts", &accounts).send(browser).expect(303);
    let told = browser.page("/o/acme/settings/notifications").form("/notifications").with("kind", "brake-fired");
    told.with("url", "https://hooks.example.com/x").send(browser).expect(200);
    browser.page("/o/acme/exports").form("/exports").send(browser).expect(303);
    // Somebody who has left bears the worst name too.
    let leaver = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": bad("leaver"), "displayName": bad("gone") });
    let leaver = client.post("/Users", &leaver).expect(201).id();
    client.delete(&format!("/Users/{leaver}")).expect(204);
}

on_both_databases! {
    fn no_name_is_anything_but_text_on_any_page(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        fill(&server, &acme, &browser);
        let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut queue: VecDeque<String> = ["/o/acme", "/o", "/sessions"].map(str::to_owned).into();
        while let Some(address) = queue.pop_front() {
            let Some(pattern) = pattern_of(&address) else { continue };
            let times = seen.entry(pattern).or_default();
            *times += 1;
            if *times > 12 {
                continue;
            }
            let shown = browser.get(&address);
            // The request log leads to people who are gone by now.
            assert!(matches!(shown.status, 200 | 303 | 403 | 404 | 409 | 422), "{address}: {}", shown.status);
            if shown.status == 303 {
                continue;
            }
            shown.assert_well_made();
            assert_harmless(&shown);
            let base = address.split('?').next().unwrap().to_owned();
            for href in shown.html.split("href=\"").skip(1).map(|rest| super::browser::unescaped(rest.split('"').next().unwrap())) {
                let next = if href.starts_with('?') { format!("{base}{href}") } else { href };
                if next.starts_with('/') && !next.starts_with("/assets/") && known.insert(next.clone()) {
                    queue.push_back(next);
                }
            }
        }
        let pages = PAGES.iter().copied().flatten().filter(|page| page.method == Method::Get).map(|page| page.path);
        let left: Vec<&str> = pages.filter(|path| !seen.contains_key(path) && !APART.contains(path)).collect();
        assert!(left.is_empty(), "no page leads to these, so no name was seen on them: {left:#?}");
        // Pages that answer a form or a question, with the same names.
        let asked = url::form_urlencoded::byte_serialize(bad("asked").as_bytes()).collect::<String>();
        for address in [
            format!("/o/acme/check?person={asked}&permission=deploy%3Arun&scope=%2Fp%2Fproduction"),
            format!("/o/acme/mappings/preview?kind=group&name={asked}&role=viewer&scope=%2F&until=&reason={asked}"),
            format!("/o/acme/mappings?q={asked}"),
            format!("/o/acme/people?q={asked}"),
            format!("/o/acme/groups?q={asked}"),
            format!("/o/acme/log?about={asked}"),
            format!("/o/acme/past?person={asked}&on={asked}"),
            "/o/acme/people?q=%00".to_owned(),
            "/o/acme/roles/%00".to_owned(),
            "/o/%00/people".to_owned(),
            "/join/%00/x".to_owned(),
        ] {
            let shown = browser.get(&address);
            assert!(shown.status < 500, "{address}: {}", shown.status);
            shown.assert_well_made();
            assert_harmless(&shown);
        }
        let pasted = format!("{0}, {0}@example.com", bad("pasted").replace(' ', ""));
        let read = browser.page("/o/acme/people/many").form("/many").with("names", &pasted).with("act", "deactivate").send(&browser);
        read.assert_well_made();
        assert_harmless(&read);
    }
}
