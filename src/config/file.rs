//! `muster.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::github::GithubSection;
use super::{ConfigError, DEFAULT_FILE, LogFormat};

/// The file, as written. An unknown key is refused: it is a mistyped one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsFile {
    #[serde(default, deserialize_with = "secret")]
    pub(super) database_url: Option<SecretString>,
    pub(super) root_key_file: Option<PathBuf>,
    pub(super) outbound_networks: Option<String>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) listen: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) metrics_listen: Option<String>,
    pub(super) rate_limit: Option<u32>,
    #[serde(default)]
    pub(super) github: BTreeMap<String, GithubSection>,
    pub(super) request_log_days: Option<u32>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) mail_url: Option<SecretString>,
    pub(super) mail_from: Option<String>,
    #[serde(default)]
    pub(super) invitation_domains: Vec<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(SecretString::from(text)))
}

impl SettingsFile {
    /// Reads the named file, which must be there, or the default one, which may be.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, ConfigError> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &path.to_string_lossy()),
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => {
                Err(ConfigError::Unreadable { path: path.to_string_lossy().into_owned(), problem: error.to_string() })
            }
        }
    }

    pub(super) fn parse(text: &str, path: &str) -> Result<Self, ConfigError> {
        // The library's full text shows the line, which may be the one with the password.
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            let problem = error.message().lines().collect::<Vec<_>>().join(", ");
            ConfigError::File { path: path.to_owned(), problem: format!("line {line}: {problem}") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        SettingsFile::parse(text, "muster.toml").unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_and_line() {
        let message = refused("rate_limit = 5\nlistn = '127.0.0.1:80'\n");
        assert!(message.contains("`listn`") && message.contains("line 2"), "{message}");
    }

    #[test]
    fn a_value_of_the_wrong_type_or_range_is_refused() {
        assert!(refused("rate_limit = 'many'").contains("line 1"));
        assert!(refused("rate_limit = -1").contains("line 1"));
        assert!(refused("log_format = 'xml'").contains("xml"));
    }

    #[test]
    fn a_broken_line_is_reported_without_the_password_on_it() {
        for text in [
            "database_url = 'postgres://muster:canary@db/muster",
            "database_url = postgres://muster:canary@db/muster",
            "database_url = ['postgres://muster:canary@db/muster']",
            "database_url = { url = 'postgres://muster:canary@db/muster' }",
        ] {
            let message = refused(text);
            assert!(!message.contains("canary") && message.contains("line 1"), "{message}");
        }
    }
}
