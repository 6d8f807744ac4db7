//! The layers, held: reads the source under `src/` and fails on an arrow that runs back.
//!
//! To add a part, give it a line in [`PARTS`]; to let a part use another library, a line in [`LIBRARIES`].
//! Test modules are exempt, as they are from the lints.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests say what went wrong by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A top-level module of the library (or `main`) and what it may use of the others.
struct Part {
    name: &'static str,
    may_use: &'static [&'static str],
}

const fn part(name: &'static str, may_use: &'static [&'static str]) -> Part {
    Part { name, may_use }
}

/// From the bottom to the top. Nothing stands in a line that is not above it: see
/// `the_table_itself_points_one_way`.
const PARTS: &[Part] = &[
    // Pure: no clock, no ids of their own making, no input or output.
    part("model", &[]),
    part("scim", &["model"]),
    part("access", &["model"]),
    part("evidence", &["model"]),
    part("signals", &["model"]),
    // The edges' tools.
    part("clock", &["model"]),
    part("ids", &["model", "clock"]),
    part("config", &["model"]),
    part("telemetry", &["model", "config"]),
    // `now` and ids are arguments of the database layer; its clock is for time limits.
    part("db", &["model", "signals", "scim", "access", "evidence", "clock"]),
    part("live", &["model", "signals", "scim", "access", "evidence", "db", "clock", "ids", "telemetry"]),
    part("service", &["model", "signals", "scim", "access", "evidence", "db", "live", "clock", "ids", "telemetry"]),
    part("outbound", &["model", "signals", "evidence", "service", "live", "clock", "ids", "telemetry"]),
    part("jobs", &["model", "signals", "evidence", "service", "live", "db", "outbound", "clock", "ids", "telemetry"]),
    part("http", &["model", "signals", "scim", "access", "evidence", "service", "live", "clock", "ids", "telemetry"]),
    // The wiring.
    part("app", &["model", "config", "telemetry", "clock", "ids", "db", "live", "service", "outbound", "jobs", "http"]),
    part(
        "cli",
        &[
            "model",
            "signals",
            "scim",
            "access",
            "evidence",
            "config",
            "telemetry",
            "clock",
            "ids",
            "db",
            "live",
            "service",
            "outbound",
            "app",
        ],
    ),
    part("main", &["cli"]),
];

/// A library that only some files may name.
struct Library {
    crates: &'static [&'static str],
    only_in: &'static [&'static str],
}

const LIBRARIES: &[Library] = &[
    Library { crates: &["actix_web", "actix_http", "actix_rt"], only_in: &["src/http.rs", "src/http/", "src/app.rs"] },
    Library { crates: &["diesel", "diesel_async", "diesel_migrations", "r2d2"], only_in: &["src/db.rs", "src/db/"] },
    Library { crates: &["tokio_postgres", "tokio_postgres_rustls"], only_in: &["src/db.rs", "src/db/"] },
    Library { crates: &["libsqlite3_sys"], only_in: &["src/db.rs", "src/db/"] },
    Library { crates: &["clap"], only_in: &["src/cli.rs", "src/cli/", "src/config.rs", "src/config/"] },
];

/// Think again before a file grows past this.
const LINES_PER_FILE: usize = 500;

/// Names that say nothing about what a file is for.
const VAGUE_NAMES: &[&str] = &["mod", "utils", "util", "helpers", "helper", "manager", "common", "misc"];

#[test]
fn arrows_point_one_way() {
    assert_none(&sources().iter().flat_map(arrows_that_run_back).collect::<Vec<_>>());
}

#[test]
fn libraries_stay_in_their_layer() {
    assert_none(&sources().iter().flat_map(libraries_out_of_place).collect::<Vec<_>>());
}

#[test]
fn files_are_short_named_well_and_open_with_their_purpose() {
    assert_none(&sources().iter().flat_map(untidiness).collect::<Vec<_>>());
}

// Where the organization may be missing, sooner or later a statement is not bound to one.
#[test]
fn an_organization_is_never_optional() {
    assert_none(&sources().iter().flat_map(organizations_that_may_be_missing).collect::<Vec<_>>());
}

#[test]
fn the_table_itself_points_one_way() {
    let mut below = BTreeSet::new();
    for part in PARTS {
        for used in part.may_use {
            assert!(
                below.contains(used),
                "`{}` may use `{used}`, which does not stand above it in the table",
                part.name
            );
        }
        assert!(below.insert(part.name), "`{}` stands in the table twice", part.name);
    }
}

#[test]
fn each_check_finds_what_it_is_for() {
    let source = |path: &str, text: &str| Source { path: PathBuf::from(path), text: text.to_owned() };
    for (path, text) in [
        ("src/scim/filter.rs", "use crate::db::Tx;"),
        ("src/scim/filter.rs", "use crate::{\n    model::{UserId, GroupId},\n    db,\n};"),
        ("src/scim/filter.rs", "use super::super::db::Tx;"),
        ("src/scim.rs", "fn f() { super::http::answer() }"),
        ("src/db/user.rs", "fn f() { crate::ids::user(); }"),
        ("src/unheard_of.rs", "//! New."),
        ("src/main.rs", "fn main() { muster::db::open() }"),
    ] {
        assert_eq!(arrows_that_run_back(&source(path, text)).len(), 1, "{path}: {text}");
    }
    for text in [
        "// use crate::db::Tx;",
        "use crate::model::UserId; use super::path::Path; const TEXT: &str = \"crate::db::\";",
        "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::db::Tx;\n}",
    ] {
        assert_eq!(arrows_that_run_back(&source("src/scim/filter.rs", text)), Vec::<String>::new(), "{text}");
    }
    assert_eq!(arrows_that_run_back(&source("src/scim/filter/tests.rs", "use crate::db::Tx;")), Vec::<String>::new());
    assert_eq!(libraries_out_of_place(&source("src/service/people.rs", "use diesel::prelude::*;")).len(), 1);
    assert_eq!(libraries_out_of_place(&source("src/main.rs", "#[actix_web::main]\nasync fn main() {}")).len(), 1);
    assert_eq!(libraries_out_of_place(&source("src/db/user.rs", "use diesel::prelude::*;")), Vec::<String>::new());
    let optional = "fn list(tx: &mut Tx<'_>, organization: Option< OrganizationId>) {}";
    assert_eq!(organizations_that_may_be_missing(&source("src/db/user.rs", optional)).len(), 1);
    assert_eq!(untidiness(&source("src/db/mod.rs", "use x;")).len(), 2);
    assert_eq!(untidiness(&source("src/db/user.rs", &format!("//! Long.\n{}", "\n".repeat(LINES_PER_FILE)))).len(), 1);
}

/// One file of the product.
struct Source {
    /// Relative to the repository.
    path: PathBuf,
    text: String,
}

impl Source {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The names of the modules from the crate's root to this file: `src/db/user.rs` is `db`, `user`.
    fn modules(&self) -> Vec<String> {
        let below_src = self.path.strip_prefix("src").unwrap().with_extension("");
        below_src.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    }

    /// The product's code: no comments, no string literals, no tests.
    fn code(&self) -> String {
        if self.modules().iter().any(|module| module == "tests") {
            return String::new();
        }
        let product = self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        without_literals(&without_comments(product))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: path.strip_prefix(root).unwrap().to_owned(), text });
            }
        }
    }
    assert!(found.len() > 1, "no source found under `src/`");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn arrows_that_run_back(source: &Source) -> Vec<String> {
    let modules = source.modules();
    let own = &modules[0];
    if own == "lib" {
        return Vec::new();
    }
    let Some(part) = PARTS.iter().find(|part| part.name == own) else {
        return vec![format!("{}: `{own}` has no line in PARTS", source.name())];
    };
    let forbidden = |used: &String| used != own && !part.may_use.contains(&used.as_str());
    parts_used(&source.code(), modules.len())
        .into_iter()
        .filter(forbidden)
        .map(|used| format!("{}: `{own}` must not use `{used}`", source.name()))
        .collect()
}

/// Top-level parts named by `crate::part`, `crate::{part, …}`, `muster::part` or enough `super::`s.
fn parts_used(code: &str, depth: usize) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for root in ["crate::".to_owned(), "muster::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in code.match_indices(&root) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == ':' {
                continue;
            }
            used.extend(first_segments(&code[at + root.len()..]));
        }
    }
    used.retain(|name| PARTS.iter().any(|part| part.name == name));
    used
}

/// The first name of a path, or of each path in a group `{a::b, c::{d, e}}`.
fn first_segments(path: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let mut segments = vec![String::new()];
    let mut depth = 0_usize;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => segments.push(String::new()),
            _ if depth == 0 => segments.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    segments.iter().map(|segment| name(segment)).collect()
}

fn libraries_out_of_place(source: &Source) -> Vec<String> {
    let code = source.code();
    let words: BTreeSet<&str> = code
        .match_indices("::")
        .filter_map(|(at, _)| code[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next())
        .collect();
    let name = source.name();
    LIBRARIES
        .iter()
        .filter(|library| !library.only_in.iter().any(|place| name.starts_with(place)))
        .flat_map(|library| library.crates.iter().filter(|library| words.contains(*library)))
        .map(|library| format!("{name}: must not use the library `{library}`"))
        .collect()
}

fn organizations_that_may_be_missing(source: &Source) -> Vec<String> {
    let code: String = source.code().split_whitespace().collect();
    let found = code.contains("Option<OrganizationId>") || code.contains("Option<&OrganizationId>");
    found.then(|| format!("{}: an organization must not be optional", source.name())).into_iter().collect()
}

fn untidiness(source: &Source) -> Vec<String> {
    let name = source.name();
    let stem = source.modules().pop().unwrap_or_default();
    let lines = source.text.lines().count();
    let mut found = Vec::new();
    if lines > LINES_PER_FILE {
        found.push(format!("{name}: {lines} lines, at most {LINES_PER_FILE} are allowed"));
    }
    if !source.text.starts_with("//! ") {
        found.push(format!("{name}: must open with `//!` and what it is for"));
    }
    if VAGUE_NAMES.contains(&stem.as_str()) {
        found.push(format!("{name}: `{stem}` says nothing, name the file after its one concept"));
    }
    found
}

fn without_comments(code: &str) -> String {
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Drops what stands between double quotes; a quote as a character literal is not taken for a string.
fn without_literals(code: &str) -> String {
    let code = code.replace("'\"'", "' '").replace("\\\\", "").replace("\\\"", "");
    code.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "{} found:\n{}", violations.len(), violations.join("\n"));
}
