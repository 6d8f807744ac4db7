//! Where the root key lies: `root_key_file`, else, on SQLite, beside the database.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::db::{Database, keyring};
use crate::live::RootKey;

use super::error::CommandError;

/// The file the root key is in, where there is to be one.
pub(super) fn file(settings: &Settings, database: &Database) -> Option<PathBuf> {
    settings.root_key_file.clone().or_else(|| beside(database, ".key"))
}

/// The name of a file that belongs to a SQLite file, whichever way that was reached.
pub(super) fn beside(database: &Database, suffix: &str) -> Option<PathBuf> {
    let path = database.file()?;
    let mut name: OsString = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()).into_os_string();
    name.push(suffix);
    Some(PathBuf::from(name))
}

/// Reads the root key. Beside a SQLite file it is made when it is first needed; nowhere else, for a mistyped name must
/// not become a new key.
pub(super) fn load(settings: &Settings, database: &Database) -> Result<Option<RootKey>, CommandError> {
    let Some(path) = file(settings, database) else { return Ok(None) };
    if settings.root_key_file.is_none() && !path.exists() {
        if is_wrapped(database)? {
            return Err(CommandError::Failed(format!(
                "the root key file `{}` is missing, without which the keyring does not open; put it back",
                path.display()
            )));
        }
        return Ok(Some(RootKey::create_file(&path)?));
    }
    if is_open_to_others(&path) {
        tracing::warn!(file = %path.display(), "other users can read the root key file; run `chmod 600` on it");
    }
    Ok(Some(RootKey::from_file(&path)?))
}

/// Whether the keyring needs a root key.
pub(super) fn is_wrapped(database: &Database) -> Result<bool, CommandError> {
    Ok(database.read(keyring::any)?.is_some_and(|(_, wrapped, _)| wrapped))
}

/// Whether anybody but the owner may read or write the file.
pub(super) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}
