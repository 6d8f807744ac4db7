//! The program: looks at a server and prints a report.

use std::fs;
use std::io::{Write as _, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use conformance::Options;
use conformance::client::Target;
use conformance::report::Form;
use conformance::selection::Selection;

/// Replays what identity providers send to a SCIM 2.0 server, and checks what the RFCs demand of it.
///
/// It creates users and groups with names of its own and deletes them again. Exit code 0: nothing failed; 1: something
/// did; 2: wrong usage, or the server does not answer.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The SCIM base URL: `https://host/scim/v2`
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// A bearer token that may read and write
    #[arg(long, value_name = "TOKEN", env = "SCIM_TOKEN", hide_env_values = true)]
    token: String,
    /// A token of another organization, to see that the two are apart
    #[arg(long, value_name = "TOKEN", env = "SCIM_OTHER_TOKEN", hide_env_values = true)]
    other_token: Option<String>,
    /// Only this: an identity provider (`entra`), a conversation (`EN-3`), a requirement (`33`), `conversations` or
    /// `requirements`; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// The form of the report
    #[arg(long, value_name = "FORM", default_value = "text")]
    report: ReportForm,
    /// Write the report to this file; a summary goes to the terminal
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep rates up for their whole minute
    #[arg(long)]
    thorough: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReportForm {
    Text,
    Html,
    Json,
    Junit,
}

impl From<ReportForm> for Form {
    fn from(form: ReportForm) -> Self {
        match form {
            ReportForm::Text => Self::Text,
            ReportForm::Html => Self::Html,
            ReportForm::Json => Self::Json,
            ReportForm::Junit => Self::Junit,
        }
    }
}

fn main() -> ExitCode {
    match look(&Arguments::parse()) {
        Ok(nothing_failed) => ExitCode::from(u8::from(!nothing_failed)),
        Err(problem) => {
            // Where not even this can be written there is nobody to tell.
            drop(writeln!(stderr(), "conformance: {problem}"));
            ExitCode::from(2)
        }
    }
}

fn look(arguments: &Arguments) -> Result<bool, String> {
    let target = Target::new(&arguments.base_url, &arguments.token, arguments.other_token.as_deref())?;
    let options = Options { selection: Selection::of(&arguments.only)?, thorough: arguments.thorough };
    let report = conformance::run(target, &options)?;
    let rendered = report.render(arguments.report.into());
    let printed = match &arguments.output {
        Some(file) => {
            fs::write(file, rendered).map_err(|error| format!("`{}`: {error}", file.display()))?;
            report.render(Form::Text)
        }
        None => rendered,
    };
    stdout().write_all(printed.as_bytes()).map_err(|error| format!("standard output: {error}"))?;
    Ok(report.failures().is_empty() && report.left_behind.is_empty())
}
