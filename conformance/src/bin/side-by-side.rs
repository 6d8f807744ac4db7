//! Reads reports in JSON, each named, and prints them side by side in Markdown.

use std::fs;
use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use conformance::report::side_by_side::{Named, render};

/// Prints reports of several servers side by side, in Markdown.
#[derive(Debug, Parser)]
struct Arguments {
    /// `Name of the server=report.json`
    #[arg(required = true, value_name = "NAME=FILE")]
    reports: Vec<String>,
}

fn main() -> ExitCode {
    let printed = Arguments::parse().reports.iter().map(|argument| read(argument)).collect::<Result<Vec<_>, _>>();
    let printed = printed.and_then(|reports| {
        stdout().write_all(render(&reports).as_bytes()).map_err(|error| format!("standard output: {error}"))
    });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Where not even this can be written there is nobody to tell.
            drop(writeln!(stderr(), "side-by-side: {problem}"));
            ExitCode::from(2)
        }
    }
}

fn read(argument: &str) -> Result<Named, String> {
    let (name, file) = argument.split_once('=').ok_or_else(|| format!("`{argument}`: expected `NAME=FILE`"))?;
    let text = fs::read_to_string(file).map_err(|error| format!("`{file}`: {error}"))?;
    let report = serde_json::from_str(&text).map_err(|error| format!("`{file}` is no report ({error})"))?;
    Ok((name.to_owned(), report))
}
