//! `docs/limits.md` says what `src/model/limits.rs` holds.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests say what went wrong by panicking")]

use std::fs;
use std::path::Path;

#[test]
fn the_documented_limits_are_the_ones_in_force() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(root.join("src/model/limits.rs")).unwrap();
    let document = fs::read_to_string(root.join("docs/limits.md")).unwrap();
    let expected = table(&source);
    let written: Vec<&str> = document.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(written, expected, "the table of `docs/limits.md` must read:\n\n{}\n", expected.join("\n"));
}

/// One row for each `pub const NAME: type = value;`, with the comment above it.
fn table(source: &str) -> Vec<String> {
    let mut rows = vec!["| limit | value | what it bounds |".to_owned(), "|---|---:|---|".to_owned()];
    let mut comment = Vec::new();
    for line in source.lines() {
        if let Some(words) = line.strip_prefix("/// ") {
            comment.push(words);
        } else if let Some(constant) = line.strip_prefix("pub const ") {
            let (name, rest) = constant.split_once(':').unwrap();
            let (_, value) = rest.split_once('=').unwrap();
            let name = name.to_lowercase().replace('_', " ");
            rows.push(format!(
                "| {name} | {} | {} |",
                grouped(product(value)),
                comment.join(" ").trim_end_matches('.')
            ));
            comment.clear();
        }
    }
    assert!(rows.len() > 2, "no limits found");
    rows
}

/// Reads `8 * 1024 * 1024;`.
fn product(expression: &str) -> u64 {
    let factor = |text: &str| text.trim().replace('_', "").parse::<u64>().expect("limits are products of integers");
    expression.trim_end_matches(';').split('*').map(factor).product()
}

/// Writes `8,388,608`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}
