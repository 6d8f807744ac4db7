//! `docs/profiles.md` says what `src/scim/profile.rs` holds, and every switch is shown in both positions by a test.

#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use std::fs;
use std::path::Path;

/// A line of the table.
struct Switch {
    name: String,
    positions: Vec<String>,
    words: String,
}

#[test]
fn the_documented_switches_are_the_ones_in_force() {
    let mut expected = vec![
        "| switch | default | rfc | okta | entra | interop | yes means |".to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    for Switch { name, positions, words } in switches() {
        let (name, words) = (name.replace('_', " "), words.trim_end_matches('.').replace('|', "\\|"));
        expected.push(format!("| {name} | {} | {words} |", positions.join(" | ")));
    }
    let document = read("docs/profiles.md");
    let table = document.lines().skip_while(|line| !line.starts_with("| switch |"));
    let written: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    assert_eq!(written, expected, "the table of `docs/profiles.md` must read:\n\n{}\n", expected.join("\n"));
}

/// The tests compare what each of the five profiles does with the position of its switch.
#[test]
fn every_switch_differs_between_profiles_and_is_asked_for_by_a_test() {
    let folder = fs::read_dir(root().join("tests/api/profiles")).unwrap();
    let tests: String = folder.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    for Switch { name, positions, .. } in switches() {
        assert!(
            positions.iter().any(|position| position == "yes"),
            "no profile has `{name}`: a rule of all, not a switch"
        );
        assert!(
            positions.iter().any(|position| position == "no"),
            "all profiles have `{name}`: a rule of all, not a switch"
        );
        let asked = format!(".{name}");
        let is_asked = |at: usize| {
            !tests.split_at(at + asked.len()).1.starts_with(|next: char| next.is_alphanumeric() || next == '_')
        };
        assert!(
            tests.match_indices(&asked).any(|(at, _)| is_asked(at)),
            "no test in tests/api/profiles asks for `{name}`"
        );
    }
}

/// The last column of `docs/ipsie.md` names files and the beginnings of tests in them.
#[test]
fn what_the_ipsie_table_names_as_proof_is_there() {
    let document = read("docs/ipsie.md");
    let mut proofs = 0;
    for cell in document.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.split(" | ").last()) {
        for proof in cell.trim_end_matches(" |").split("; ").filter(|proof| proof.starts_with('`')) {
            let (file, tests) = proof.trim_start_matches('`').split_once('`').unwrap();
            let path = if file.starts_with("src/") { file.to_owned() } else { format!("tests/api/{file}.rs") };
            assert!(root().join(&path).exists(), "`docs/ipsie.md` names `{path}`");
            let names = tests.trim_start_matches(": ").split(", ").filter(|name| name.ends_with('…'));
            for name in names.map(|name| name.trim_end_matches('…')) {
                assert!(read(&path).contains(&format!("fn {name}")), "`{path}` has no test `{name}…`");
                proofs += 1;
            }
        }
    }
    assert!(proofs > 20, "the table was not found");
}

/// Every page of `docs/connect/` stands in its index, with a profile there is.
#[test]
fn every_page_on_connecting_stands_in_the_index() {
    let index = read("docs/connect/README.md");
    for entry in fs::read_dir(root().join("docs/connect")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        let line = index.lines().find(|line| line.contains(&format!("({name})"))).unwrap_or_else(|| panic!("{name}"));
        let profile = line.split('`').nth(1).unwrap();
        assert!(muster::model::Profile::from_name(profile).is_some(), "{line}");
        assert!(read(&format!("docs/connect/{name}")).contains(&format!("rofile: `{profile}`")), "{name}");
    }
}

/// Reads the lines `name: yes no no yes no;` with the comments above them.
fn switches() -> Vec<Switch> {
    let source = read("src/scim/profile.rs");
    let table = source.split_once("\nswitches! {").unwrap().1.split_once("\n}").unwrap().0;
    let mut found = Vec::new();
    let mut comment = Vec::new();
    for line in table.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("/// ") {
            comment.push(words);
        } else if let Some((name, positions)) = line.strip_suffix(';').and_then(|line| line.split_once(':')) {
            let positions: Vec<String> = positions.split_whitespace().map(str::to_owned).collect();
            assert_eq!(positions.len(), 5, "{name}");
            found.push(Switch { name: name.to_owned(), positions, words: comment.join(" ") });
            comment.clear();
        }
    }
    assert!(found.len() > 20, "the table was not found");
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
