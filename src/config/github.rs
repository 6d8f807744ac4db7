//! Which deployments at GitHub ask here, and as which GitHub App the answer goes back.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::ConfigError;

/// Where GitHub's API stands when nothing else is said.
const DEFAULT_API: &str = "https://api.github.com";
/// Who asks when nothing else is said.
const DEFAULT_SUBJECT: &str = "{login}";
/// About what is asked when nothing else is said.
const DEFAULT_SCOPE: &str = "/{repository}/{environment}";
/// What must be allowed when nothing else is said.
const DEFAULT_PERMISSION: &str = "deploy:run";

/// A section `[github.NAME]`, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GithubSection {
    token_file: PathBuf,
    webhook_secret_file: PathBuf,
    client_id: String,
    private_key_file: PathBuf,
    subject: Option<String>,
    scope: Option<String>,
    permission: Option<String>,
    api: Option<String>,
    #[serde(default)]
    networks: Vec<String>,
}

/// A GitHub App whose deployment protection rule is answered at `/webhooks/github/NAME`.
#[derive(Debug, Clone)]
pub struct GithubSettings {
    /// What it is called in the path of its webhook.
    pub name: String,
    /// A token of kind `pep`, which says whose organization answers.
    pub token: SecretString,
    /// What GitHub signs its webhooks with.
    pub webhook_secret: SecretString,
    /// The App, by its client id or its number.
    pub client_id: String,
    /// The App's private key, as PEM.
    pub private_key: SecretString,
    /// Who asks: a text in which `{login}` stands for the GitHub login.
    pub subject: String,
    /// About what is asked: a text in which `{owner}`, `{repository}` and `{environment}` stand for theirs.
    pub scope: String,
    /// What must be allowed.
    pub permission: String,
    /// Where GitHub's API stands.
    pub api: String,
    /// Networks besides the public internet in which it may stand.
    pub networks: Vec<String>,
}

impl GithubSection {
    /// Reads the files a section names.
    pub(super) fn read(&self, name: &str) -> Result<GithubSettings, ConfigError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            let problem = format!("`{name}` is not a name of a section, expected `a` to `z`, `0` to `9` and `-`");
            return Err(ConfigError::Value { setting: "github", problem });
        }
        let or = |value: &Option<String>, default: &str| value.clone().unwrap_or_else(|| default.to_owned());
        Ok(GithubSettings {
            name: name.to_owned(),
            token: secret(&self.token_file)?,
            webhook_secret: secret(&self.webhook_secret_file)?,
            client_id: self.client_id.clone(),
            private_key: secret(&self.private_key_file)?,
            subject: or(&self.subject, DEFAULT_SUBJECT),
            scope: or(&self.scope, DEFAULT_SCOPE),
            permission: or(&self.permission, DEFAULT_PERMISSION),
            api: or(&self.api, DEFAULT_API).trim_end_matches('/').to_owned(),
            networks: self.networks.clone(),
        })
    }
}

/// What a file holds, without the line end that editors put behind it. An empty one is refused: whoever signs with
/// nothing signs for everybody.
fn secret(path: &Path) -> Result<SecretString, ConfigError> {
    let value = |problem: String| ConfigError::Value { setting: "github", problem };
    let text = fs::read_to_string(path)
        .map_err(|error| value(format!("the file `{}` cannot be read: {error}", path.display())))?;
    let text = text.trim();
    if text.is_empty() { Err(value(format!("the file `{}` is empty", path.display()))) } else { Ok(text.into()) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn section(folder: &Path, secret: &str) -> GithubSection {
        let file = |name: &str, text: &str| {
            fs::write(folder.join(name), text).unwrap();
            folder.join(name).display().to_string()
        };
        let text = format!(
            "token_file = '{}'\nwebhook_secret_file = '{}'\nclient_id = 'Iv1.x'\nprivate_key_file = '{}'\n",
            file("token", "muster_pep_x\n"),
            file("secret", secret),
            file("key", "PEM")
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn secrets_are_read_from_files_and_defaults_fill_the_rest() {
        let folder = tempfile::TempDir::new().unwrap();
        let read = section(folder.path(), "shh\n").read("acme").unwrap();
        assert_eq!((read.token.expose_secret(), read.webhook_secret.expose_secret()), ("muster_pep_x", "shh"));
        assert_eq!((read.scope.as_str(), read.permission.as_str()), ("/{repository}/{environment}", "deploy:run"));
        assert!(!format!("{read:?}").contains("shh"));
    }

    #[test]
    fn an_empty_secret_and_a_name_that_fits_no_path_are_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        assert!(section(folder.path(), " \n").read("acme").is_err());
        for name in ["", "a/b", "A", "a b"] {
            assert!(section(folder.path(), "shh").read(name).is_err(), "{name}");
        }
    }
}
