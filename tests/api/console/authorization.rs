//! Every page and form of the console for every kind of person: a table that stands in `tests/authorization-console.txt`
//! and is read when it changes.
//!
//! `MUSTER_ACCEPT_AUTHORIZATION=1 cargo nextest run --test api authorization` records it anew.

use std::fmt::Write as _;
use std::path::Path;

use muster::http::console::{Method, PAGES};

use super::{Browser, person, recovery_administrator};
use crate::support::Server;
use crate::support::rows::rows_of;

const RECORDED: &str = "tests/authorization-console.txt";

const ABOUT: &str = "\
# Who may look at which page of the console, and send which form. People are signed in to an organization; `elsewhere` is an
# administrator of another one. Whoever is let in may still ask for something that is not there or is wrong.
#
# yes       let in                          -   not signed in: to the sign-in page
# no        known, and refused: 403         absent   404, as if the organization were not there
#
";

/// A value for each name in a path that names nothing there is.
fn filled(pattern: &str) -> String {
    let segments = pattern.split('/').skip(1).map(|segment| match segment {
        "{organization}" => "acme",
        name if name.starts_with('{') => "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a",
        name => name,
    });
    segments.fold(String::new(), |path, segment| format!("{path}/{segment}"))
}

/// What a form of this person is marked with.
fn token(browser: &Browser, home: &str) -> String {
    browser.page(home).token()
}

on_both_databases! {
    fn every_page_lets_in_whom_the_table_says(database: &Database) {
        let server = Server::start(database);
        let (acme, bravo) = (server.organization("acme"), server.organization("bravo"));
        let here = |name: &str, role: &str| person(&server, acme.id, name, role);
        let people: Vec<(&str, Browser, &str)> = vec![
            ("nobody", Browser::new(&server), "/sign-in"),
            ("elsewhere", person(&server, bravo.id, "zoe", "admin"), "/sessions"),
            ("no role", here("nina", ""), "/sessions"),
            ("user", here("uma", "user"), "/sessions"),
            ("developer", here("dan", "developer"), "/sessions"),
            ("auditor", here("ava", "auditor"), "/sessions"),
            ("admin", here("ada", "admin"), "/sessions"),
            ("recovery", recovery_administrator(&server, acme.id), "/sessions"),
        ];
        let before = rows_of(database, acme.id);
        let names = people.iter().fold(String::new(), |line, (name, ..)| line + &format!("{name:<11}"));
        let mut told = format!("{ABOUT}{:<62}{}\n", "", names.trim_end());
        let mut pages: Vec<_> = PAGES.iter().copied().flatten().collect();
        pages.sort_by_key(|page| (page.path, page.method == Method::Post));
        for page in pages {
            let path = filled(page.path);
            // A session ends by it: whoever has one may.
            let ends = page.path == "/sign-out";
            let mut cells = String::new();
            for (who, browser, home) in &people {
                let shown = match page.method {
                    Method::Get => browser.get(&path),
                    Method::Post if ends && *who != "nobody" => {
                        cells.push_str("yes        ");
                        continue;
                    }
                    Method::Post => browser.post(&path, &[("token", &token(browser, home))]),
                };
                let to_sign_in = shown.status == 303 && shown.location().starts_with("/sign-in");
                let belongs = page.path.starts_with("/o/{organization}");
                let cell = match shown.status {
                    303 if to_sign_in && page.path != "/sign-in" => "-",
                    403 => "no",
                    404 if *who == "elsewhere" && belongs => "absent",
                    status => {
                        assert!(status < 500, "{who} {path}: {status}");
                        assert!(*who != "elsewhere" || !belongs, "{who} {path}: {status}");
                        "yes"
                    }
                };
                let _ = write!(cells, "{cell:<11}");
            }
            let method = if page.method == Method::Post { "POST" } else { "GET" };
            let line = format!("{:<62}{cells}", format!("{method:<5}{}", page.path));
            told.push_str(line.trim_end());
            told.push('\n');
        }
        assert_eq!(rows_of(database, acme.id), before, "nothing was made");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
        if std::env::var_os("MUSTER_ACCEPT_AUTHORIZATION").is_some() {
            std::fs::write(&file, &told).unwrap();
        }
        let recorded = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(recorded == told, "{RECORDED} says otherwise; look at what changed and record it:\n{told}");
    }
}
