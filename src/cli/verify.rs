//! `muster verify`: holds a bundle against a public key. Needs no database.

use std::path::PathBuf;

use clap::Args;

use crate::evidence::bundle::{self, MOST_BYTES};
use crate::evidence::key::VerifierKey;

use super::error::CommandError;
use super::output;

/// Verify a bundle: exit 0 it holds, 1 it does not, 3 it is authentic and something in it is unconfirmed
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The bundle
    file: PathBuf,
    /// Who must have signed it, as `muster key show` prints it; without, the bundle is held against the key it names
    #[arg(long)]
    key: Option<VerifierKey>,
}

pub(super) fn run(command: &Verify) -> Result<(), CommandError> {
    let path = command.file.display();
    let unreadable = |error: std::io::Error| CommandError::Usage(format!("the file `{path}` cannot be read: {error}"));
    let size = std::fs::metadata(&command.file).map_err(unreadable)?.len();
    if usize::try_from(size).map_or(true, |size| size > MOST_BYTES) {
        return Err(CommandError::Failed(format!("`{path}` does not hold: {}", bundle::Refusal::TooLarge)));
    }
    let bytes = std::fs::read(&command.file).map_err(unreadable)?;
    let refused = |why: String| CommandError::Failed(format!("`{path}` does not hold: {why}"));
    let text = String::from_utf8(bytes).map_err(|error| refused(format!("the file is not text: {error}")))?;
    let verified = bundle::verify(&text, command.key.as_ref()).map_err(|refusal| refused(refusal.to_string()))?;
    output::line(&format!("authentic: signed by {}", verified.key))?;
    if !verified.pinned {
        output::line("the key is not pinned: anyone can make a key of this name, give the one you trust with --key")?;
    }
    for line in &verified.unconfirmed {
        output::line(&format!("not confirmed: {line}"))?;
    }
    match verified.unconfirmed.len() {
        0 => output::line("it holds"),
        many => {
            Err(CommandError::Unconfirmed(format!("`{path}` is authentic, {many} of its statements are not confirmed")))
        }
    }
}
