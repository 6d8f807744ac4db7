//! Every requirement of `docs/scim.md` that this version implements is proved by at least one test.
//!
//! A test names what it proves in a comment line above it: `// Requirement 33`, or `// Requirements 33, 34`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How `docs/scim.md` marks what this version does not implement.
const PENDING: &str = "*(comes with the complete protocol)*";
const LAST: usize = 68;

#[test]
fn every_implemented_requirement_has_a_test_that_carries_its_number() {
    let (listed, pending) = requirements();
    assert_eq!(listed, (1..=LAST).collect::<Vec<_>>(), "`docs/scim.md` lists 1 to {LAST} in order");
    let (proved, misplaced) = proofs();
    assert!(misplaced.is_empty(), "these comments stand above no test:\n{}", misplaced.join("\n"));
    let unknown: Vec<_> = proved.iter().filter(|number| !listed.contains(number)).collect();
    assert!(unknown.is_empty(), "tests carry numbers that `docs/scim.md` does not list: {unknown:?}");
    let missing: Vec<_> = listed.iter().filter(|n| !pending.contains(n) && !proved.contains(n)).collect();
    assert!(missing.is_empty(), "{} implemented requirements have no test: {missing:?}", missing.len());
}

/// The numbers in the order they are listed, and those not implemented yet.
fn requirements() -> (Vec<usize>, BTreeSet<usize>) {
    let text = fs::read_to_string(root().join("docs/scim.md")).unwrap();
    let mut listed = Vec::new();
    let mut pending = BTreeSet::new();
    for line in text.lines() {
        let Some((number, words)) = line.split_once(". ") else { continue };
        let Ok(number) = number.parse() else { continue };
        listed.push(number);
        if words.starts_with(PENDING) {
            pending.insert(number);
        }
    }
    (listed, pending)
}

/// The numbers that tests carry, and the comments that stand above no test.
fn proofs() -> (BTreeSet<usize>, Vec<String>) {
    let mut proved = BTreeSet::new();
    let mut misplaced = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(numbers) = numbers(line) else { continue };
            if stands_above_a_test(&lines[at + 1..]) {
                proved.extend(numbers);
            } else {
                misplaced.push(format!("{}:{}: {line}", path.display(), at + 1));
            }
        }
    }
    (proved, misplaced)
}

/// `// Requirement 33` or `// Requirements 33, 34`; nothing else on the line.
fn numbers(line: &str) -> Option<Vec<usize>> {
    let list = line.strip_prefix("// Requirement ").or_else(|| line.strip_prefix("// Requirements "))?;
    list.split(", ").map(|number| number.parse().ok()).collect()
}

/// Whether comments, attributes and the macro for both databases, one of them a test's, lead to a function; within the
/// macro, functions take a database.
fn stands_above_a_test(following: &[&str]) -> bool {
    let leads_on = |line: &&&str| ["//", "#[", "on_both_databases!"].iter().any(|start| line.starts_with(start));
    let head: Vec<_> = following.iter().take_while(leads_on).collect();
    let Some(function) = following.get(head.len()).filter(|line| line.contains("fn ")) else { return false };
    function.contains("(database: &Database)")
        || head.iter().any(|line| line.starts_with("on_both_databases!") || line.contains("test"))
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<_> = ["src", "tests", "conformance"].map(|folder| root().join(folder)).into();
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
