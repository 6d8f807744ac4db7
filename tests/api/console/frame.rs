//! What holds of every address of the console.

use muster::http::console::{Method, Needs, PAGES};

use super::{Browser, person, recovery_administrator};
use crate::support::Server;
use crate::support::rows::all_rows;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const SOMEBODY: &str = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";

/// Headers and body of a form, and what is wrong with it.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

/// Every address with every name filled in.
fn addresses(method: Method) -> Vec<(String, Needs)> {
    let of_method = PAGES.iter().copied().flatten().filter(|page| page.method == method);
    let filled = |segment: &str| match segment {
        "{organization}" => "acme".to_owned(),
        name if name.starts_with('{') => SOMEBODY.to_owned(),
        name => name.to_owned(),
    };
    of_method.map(|page| (page.path.split('/').map(filled).collect::<Vec<_>>().join("/"), page.needs)).collect()
}

on_both_databases! {
    fn every_page_has_the_headers_and_changes_nothing(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let before = all_rows(database);
        for (path, _) in addresses(Method::Get) {
            let shown = browser.get(&path);
            assert!(matches!(shown.status, 200 | 303 | 403 | 404 | 410), "{path}: {}", shown.status);
            assert_eq!(shown.headers["content-security-policy"], POLICY, "{path}");
            assert_eq!(shown.headers["cache-control"], "no-store", "{path}");
            assert_eq!(shown.headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(shown.headers["x-frame-options"], "DENY", "{path}");
            assert_eq!(shown.headers["referrer-policy"], "same-origin", "{path}");
            if shown.status == 200 {
                shown.assert_well_made();
            }
        }
        assert_eq!(all_rows(database), before, "a page that is looked at changes nothing");
    }

    fn without_a_session_only_the_doors_are_there(database: &Database) {
        let server = Server::start(database);
        server.organization("acme");
        for (path, needs) in addresses(Method::Get) {
            let shown = Browser::new(&server).get(&path);
            if needs == Needs::Nothing {
                assert!(matches!(shown.status, 200 | 404), "{path}: {}", shown.status);
                shown.assert_well_made();
            } else {
                assert_eq!(shown.location(), "/sign-in", "{path}");
                assert!(shown.html.is_empty(), "{path}");
            }
        }
    }

    fn a_form_is_refused_without_its_token_or_from_elsewhere(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let token = browser.page("/o/acme").token();
        let before = all_rows(database);
        let ours = server.url.clone();
        let form = format!("token={token}");
        let cases: [Case<'_>; 7] = [
            (&[("Origin", &ours), ("Sec-Fetch-Site", "same-origin")], "", "without a token"),
            (&[("Origin", &ours), ("Sec-Fetch-Site", "same-origin")], "token=AAAA", "with another token"),
            (&[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")], &form, "from another origin"),
            (&[("Origin", &ours), ("Sec-Fetch-Site", "cross-site")], &form, "from another site"),
            (&[("Origin", &ours), ("Sec-Fetch-Site", "same-site")], &form, "from a sibling"),
            (&[("Origin", "null")], &form, "from nowhere"),
            (&[], &form, "saying nothing"),
        ];
        for (path, _) in addresses(Method::Post) {
            for (headers, body, what) in cases {
                let shown = browser.send("POST", &path, headers, Some(body));
                assert_eq!(shown.status, 403, "{path} {what}: {}", shown.text());
                shown.assert_well_made();
            }
        }
        assert_eq!(all_rows(database), before, "nothing was changed");
    }

    fn somebody_without_rights_sees_the_own_profile_and_nothing_else(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        server.organization("other");
        let nobody = person(&server, acme.id, "nobody@example.com", "");
        assert_eq!(nobody.get("/o/acme").location(), "/o/acme/profile");
        nobody.page("/o/acme/profile").says("nobody@example.com");
        for (path, needs) in addresses(Method::Get) {
            if let Needs::Right(_) | Needs::Fresh(_) = needs {
                nobody.get(&path).expect(403).assert_well_made();
            }
        }
        let token = nobody.page("/o/acme/profile").token();
        let before = all_rows(database);
        for (path, needs) in addresses(Method::Post) {
            if let Needs::Right(_) | Needs::Fresh(_) = needs {
                nobody.post(&path, &[("token", &token)]).expect(403);
            }
        }
        assert_eq!(all_rows(database), before, "nothing was changed");
        nobody.get("/o/other").expect(404).assert_well_made();
        nobody.get("/o/never").expect(404);
    }

    fn what_is_no_page_is_told_in_a_page(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        browser.get("/o/acme/nothing-here").expect(404).says("There is nothing here").assert_well_made();
        browser.send("DELETE", "/o/acme", &[], None).expect(405).assert_well_made();
        browser.send("POST", "/o/acme", &[], Some("")).expect(405);
        let large = "x".repeat(5 * 1024 * 1024 + 1);
        let ours = server.url.clone();
        browser.send("POST", "/theme", &[("Origin", ours.as_str())], Some(&large)).expect(413).assert_well_made();
    }

    fn the_own_sessions_are_listed_within_the_navigation_one_came_from(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let of_acme = "href=\"/o/acme/people\"";
        assert!(browser.page("/sessions").html.contains(of_acme), "of the only organization");
        browser.page("/o").form("/o").with("name", "Bravo").with("slug", "bravo").send(&browser).expect(303);
        assert!(!browser.page("/sessions").html.contains(of_acme), "of two, nobody said which");
        for (here, other) in [("acme", "bravo"), ("bravo", "acme")] {
            let address = format!("/sessions?in={here}");
            assert!(browser.page(&format!("/o/{here}/people")).html.contains(&format!("href=\"{address}\"")));
            let shown = browser.page(&address);
            assert!(shown.html.contains(&format!("href=\"/o/{here}/people\"")), "{}", shown.html);
            assert!(!shown.html.contains(&format!("href=\"/o/{other}")), "{}", shown.html);
            assert_eq!(shown.form("/theme").send(&browser).location(), address);
        }
        let there = recovery_administrator(&server, acme.id);
        let shown = browser.page("/sessions?in=bravo");
        assert_eq!(shown.form("/sessions?in=bravo").send(&browser).location(), "/sessions?in=bravo");
        assert_eq!(there.get("/o/acme").location(), "/sign-in");
        // Nobody is told of an organization that is not theirs.
        server.organization("charlie");
        for slug in ["charlie", "nowhere", "\"><script>"] {
            let asked = url::form_urlencoded::byte_serialize(slug.as_bytes()).collect::<String>();
            let shown = browser.page(&format!("/sessions?in={asked}"));
            assert!(!shown.html.contains("href=\"/o/") && !shown.html.contains("<script>"), "{}", shown.html);
        }
    }

    fn the_theme_is_kept_and_leads_back_here_only(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        assert!(browser.page("/o/acme").html.contains("data-theme=\"auto\""));
        let back = browser.submit("/o/acme", "/theme", &[("theme", "dark"), ("back", "/o/acme")]);
        assert_eq!(back.location(), "/o/acme");
        assert!(browser.page("/o/acme").html.contains("data-theme=\"dark\""));
        for elsewhere in ["//evil.example/o", "https://evil.example", "/\\evil.example", "/api/v1/users", ""] {
            let back = browser.submit("/o/acme", "/theme", &[("theme", "light"), ("back", elsewhere)]);
            assert_eq!(back.location(), "/", "{elsewhere}");
        }
    }

    fn what_pages_load_is_kept_for_ever_under_its_own_name(database: &Database) {
        let server = Server::start(database);
        let browser = Browser::new(&server);
        let page = browser.page("/sign-in");
        for extension in ["css", "js", "svg"] {
            let address = page.html.split('"').find(|text| text.starts_with("/assets/") && text.ends_with(extension)).unwrap();
            let asset = browser.get(address).expect(200);
            assert_eq!(asset.headers["cache-control"], "public, max-age=31536000, immutable");
            assert!(!asset.html.contains("http://") || extension == "svg", "{address}");
        }
        browser.get("/assets/console.css").expect(404);
    }
}
