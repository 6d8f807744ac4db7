//! `muster plan` and `muster apply`: access as one document.

use std::path::PathBuf;

use clap::Args;

use crate::config::Settings;
use crate::service::access;

use super::error::CommandError;
use super::organization_choice::OrganizationChoice;
use super::{guardrail, output, session};

#[derive(Debug, Args)]
pub(super) struct Document {
    #[command(flatten)]
    organization: OrganizationChoice,
    /// The document, `access.toml`; `-` for standard input
    file: PathBuf,
}

/// `muster plan`.
pub(super) fn plan(document: &Document, settings: &Settings) -> Result<(), CommandError> {
    let text = guardrail::read(&document.file)?;
    session::work(settings, |session| {
        let caller = session.caller(&document.organization)?;
        let preview = access::plan(&session.services, &caller, &text)?;
        if preview.changes.is_empty() {
            return output::line("nothing would change");
        }
        preview.lines().iter().try_for_each(|line| output::line(line))
    })
}

/// `muster apply`.
pub(super) fn apply(document: &Document, settings: &Settings) -> Result<(), CommandError> {
    let text = guardrail::read(&document.file)?;
    session::work(settings, |session| {
        let caller = session.caller(&document.organization)?;
        match access::apply(&session.services, &caller, &text)? {
            0 => output::line("nothing was to be changed"),
            1 => output::line("1 change"),
            changes => output::line(&format!("{changes} changes")),
        }
    })
}
