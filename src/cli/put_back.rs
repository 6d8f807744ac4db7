//! `muster put-back`: what to do after a backup was put back.

use clap::Args;

use crate::config::Settings;
use crate::model::Moment;

use super::error::CommandError;
use super::{output, session};

/// Say that the database was put back from a backup: ends every session and open invitation, and shows what is missing
#[derive(Debug, Args)]
pub(super) struct PutBack {
    /// Revoke every token, client and issuer too: some may have been revoked after the backup was made
    #[arg(long)]
    revoke_tokens: bool,
}

pub(super) fn run(command: &PutBack, settings: &Settings) -> Result<(), CommandError> {
    session::administer(settings, |administration| {
        let noted = administration.note_put_back(command.revoke_tokens)?;
        let moment = |moment: Option<Moment>| moment.map_or_else(|| output::NOTHING.to_owned(), output::seconds);
        let rows: Vec<[String; 4]> = noted
            .into_iter()
            .map(|one| [one.organization.slug, moment(one.as_of), one.admitting.to_string(), one.revoked.to_string()])
            .collect();
        output::table(["ORGANIZATION", "AS OF", "ADMITTING", "REVOKED"], &rows)
    })
}
