//! What the README says to type, typed.

use std::process::Command;

use crate::support::Program;

/// The commands of a section, in their order.
fn commands(section: &str) -> String {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once(&format!("\n## {section}\n")).unwrap();
    let text = rest.split("\n## ").next().unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

on_both_databases! {
    fn a_reader_comes_from_a_pushed_group_to_a_denied_deployment_and_its_reason(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (base, token) = server.first_lines();
        let text = commands("Who may deploy");
        let typed = text.lines().filter(|line| ["muster ", "curl ", "BEN=", "CREW="].iter().any(|begin| line.starts_with(begin))).count();
        assert!(typed < 10, "{typed} commands");
        let script = format!("muster() {{ {} \"$@\"; }}\n{text}", env!("CARGO_BIN_EXE_muster"));
        let ran = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).current_dir(program.folder())
            .env("BASE", &base).env("TOKEN", &token).env("MUSTER_DATABASE_URL", database.url()).output().unwrap();
        let (said, complained) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
        assert!(ran.status.success(), "{said}\n{complained}");
        let (before, after) = said.split_once("\"members\"").or_else(|| said.split_once("\"displayName\":\"Billing crew\"")).unwrap();
        assert!(before.contains("\"decision\":true"), "{said}");
        assert!(after.contains("exit code 1: denied"), "{said}");
        assert!(after.contains("deployer"), "the reason names what would open it: {said}");
    }
}
