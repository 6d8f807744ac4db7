//! Settings: flags over `MUSTER_*` environment variables over `muster.toml`, read once, checked once.

mod file;
mod flags;
mod github;
mod listen;
mod public_url;

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::model::{Network, NetworkError};

use file::SettingsFile;

pub use flags::{Flags, ServerFlags};
pub use github::GithubSettings;
pub use listen::ListenAddress;
pub use public_url::PublicUrl;

/// The file that is read when it is there and `--config` names no other.
pub const DEFAULT_FILE: &str = "muster.toml";
/// The database when nothing else is said.
const DEFAULT_DATABASE_URL: &str = "sqlite:muster.db";
/// Where the server listens when nothing else is said.
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
/// Which log lines are written when nothing else is said.
const DEFAULT_LOG: &str = "info,actix_server=warn";
/// Requests per second and credential when nothing else is said.
const DEFAULT_RATE_LIMIT: u32 = 200;
/// Days the request log is kept when nothing else is said.
const DEFAULT_REQUEST_LOG_DAYS: u32 = 30;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// What every command needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which database. Secret: it may hold a password.
    pub database_url: SecretString,
    /// The file of the key that wraps the keyring, where one is named.
    pub root_key_file: Option<PathBuf>,
    /// Networks inside that may be sent to, besides the public internet.
    pub outbound_networks: Vec<Network>,
    /// Which log lines are written, in the form of `tracing`'s filter: `info`, `muster=debug`.
    pub log: String,
    /// How they are written.
    pub log_format: LogFormat,
}

/// What a server needs to know besides.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where it listens.
    pub listen: ListenAddress,
    /// The base of every link, where it is given.
    public_url: Option<PublicUrl>,
    /// Where `/metrics` is served, where it is.
    pub metrics_listen: Option<ListenAddress>,
    /// Requests per second and credential; 0 for no limit.
    pub rate_limit: u32,
    /// GitHub Apps whose deployment protection rules are answered.
    pub github: Vec<GithubSettings>,
    /// Days the request log is kept.
    pub request_log_days: u32,
    /// Whether decisions leave no record, to measure what the record costs.
    pub without_decision_log: bool,
    /// The mail server and the sender, where mail is sent. Secret: the first may hold a password.
    pub mail: Option<(SecretString, String)>,
    /// Domains invitations go to; empty for all.
    pub invitation_domains: Vec<String>,
}

/// Settings that cannot be used. Messages never repeat a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the settings file `{path}` cannot be read: {problem}")]
    Unreadable {
        /// Its path.
        path: String,
        /// What the operating system says.
        problem: String,
    },
    /// The file is not what is expected.
    #[error("the settings file `{path}` cannot be used: {problem}")]
    File {
        /// Its path.
        path: String,
        /// What is wrong, and on which line.
        problem: String,
    },
    /// A setting is given but empty.
    #[error("the setting `{0}` is empty; give it a value or leave it out")]
    Empty(&'static str),
    /// A setting cannot be used.
    #[error("the setting `{setting}` cannot be used: {problem}")]
    Value {
        /// Its name.
        setting: &'static str,
        /// What is wrong and what was expected.
        problem: String,
    },
}

impl Settings {
    /// Reads what every command needs. Flags already hold the environment.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let file = SettingsFile::find(flags.config.as_deref())?;
        Self::from_parts(flags, &file)
    }

    fn from_parts(flags: &Flags, file: &SettingsFile) -> Result<Self, ConfigError> {
        let database_url = flags.database_url.clone().or_else(|| file.database_url.clone());
        let database_url = database_url.unwrap_or_else(|| SecretString::from(DEFAULT_DATABASE_URL));
        if database_url.expose_secret().trim().is_empty() {
            return Err(ConfigError::Empty("database_url"));
        }
        let root_key_file = flags.root_key_file.clone().or_else(|| file.root_key_file.clone());
        if root_key_file.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(ConfigError::Empty("root_key_file"));
        }
        let networks = flags.outbound_networks.as_deref().or(file.outbound_networks.as_deref());
        if networks.is_some_and(|text| text.trim().is_empty()) {
            return Err(ConfigError::Empty("outbound_networks"));
        }
        let networks = networks.into_iter().flat_map(|text| text.split(',')).map(|text| text.trim().parse());
        let unusable =
            |error: NetworkError| ConfigError::Value { setting: "outbound_networks", problem: error.to_string() };
        Ok(Self {
            outbound_networks: networks.collect::<Result<_, _>>().map_err(unusable)?,
            database_url,
            root_key_file,
            log: flags.log.clone().or_else(|| file.log.clone()).unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            log_format: flags.log_format.or(file.log_format).unwrap_or_default(),
        })
    }
}

impl ServerSettings {
    /// Reads what a server needs besides.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(flags: &Flags, server: &ServerFlags) -> Result<Self, ConfigError> {
        let file = SettingsFile::find(flags.config.as_deref())?;
        Self::from_parts(server, &file)
    }

    fn from_parts(flags: &ServerFlags, file: &SettingsFile) -> Result<Self, ConfigError> {
        let listen = flags.listen.as_deref().or(file.listen.as_deref()).unwrap_or(DEFAULT_LISTEN);
        let listen = ListenAddress::parse("listen", listen)?;
        let public_url =
            flags.public_url.as_deref().or(file.public_url.as_deref()).map(PublicUrl::parse).transpose()?;
        let metrics_listen = flags
            .metrics_listen
            .as_deref()
            .or(file.metrics_listen.as_deref())
            .map(|text| ListenAddress::parse("metrics_listen", text))
            .transpose()?;
        let rate_limit = flags.rate_limit.or(file.rate_limit).unwrap_or(DEFAULT_RATE_LIMIT);
        let github = file.github.iter().map(|(name, section)| section.read(name)).collect::<Result<_, _>>()?;
        let request_log_days = flags.request_log_days.or(file.request_log_days).unwrap_or(DEFAULT_REQUEST_LOG_DAYS);
        let without_decision_log = flags.without_decision_log;
        if request_log_days == 0 {
            let problem = "expected 1 day at least".to_owned();
            return Err(ConfigError::Value { setting: "request_log_days", problem });
        }
        let mail_from = flags.mail_from.clone().or_else(|| file.mail_from.clone());
        let mail = match (flags.mail_url.clone().or_else(|| file.mail_url.clone()), mail_from) {
            (Some(url), Some(from)) => Some((url, from)),
            (None, None) => None,
            (Some(_), None) => return Err(ConfigError::Empty("mail_from")),
            (None, Some(_)) => return Err(ConfigError::Empty("mail_url")),
        };
        let invitation_domains = file.invitation_domains.clone();
        Ok(Self {
            listen,
            public_url,
            metrics_listen,
            rate_limit,
            github,
            request_log_days,
            without_decision_log,
            mail,
            invitation_domains,
        })
    }

    /// The base of every link. `port`: where the server listens, which `listen` leaves open when it says 0.
    pub fn public_url(&self, port: u16) -> PublicUrl {
        self.public_url.clone().unwrap_or_else(|| PublicUrl::of(&self.listen, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "database_url = 'sqlite:file.db'\nlisten = '0.0.0.0:81'\nrate_limit = 7\nlog_format = 'json'\n";

    fn file(text: &str) -> SettingsFile {
        SettingsFile::parse(text, "muster.toml").unwrap()
    }

    #[test]
    fn without_anything_the_defaults_hold() {
        let settings = Settings::from_parts(&Flags::default(), &SettingsFile::default()).unwrap();
        assert_eq!(settings.database_url.expose_secret(), "sqlite:muster.db");
        assert_eq!(settings.log_format, LogFormat::Human);
        let server = ServerSettings::from_parts(&ServerFlags::default(), &SettingsFile::default()).unwrap();
        assert_eq!(server.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(server.public_url(server.listen.port()).as_str(), "http://127.0.0.1:8080");
        assert_eq!(server.rate_limit, 200);
        assert!(server.metrics_listen.is_none());
        assert_eq!(server.request_log_days, 30);
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let flags = Flags { database_url: Some(SecretString::from("sqlite:flag.db")), ..Flags::default() };
        let settings = Settings::from_parts(&flags, &file(FILE)).unwrap();
        assert_eq!(settings.database_url.expose_secret(), "sqlite:flag.db");
        assert_eq!(settings.log_format, LogFormat::Json);
        let flags = ServerFlags { rate_limit: Some(0), ..ServerFlags::default() };
        let server = ServerSettings::from_parts(&flags, &file(FILE)).unwrap();
        assert_eq!(server.rate_limit, 0);
        assert_eq!(server.public_url(server.listen.port()).as_str(), "http://0.0.0.0:81");
    }

    #[test]
    fn an_empty_setting_is_refused_instead_of_taken_for_none() {
        for text in ["database_url = ''", "root_key_file = ''", "outbound_networks = ''"] {
            let error = Settings::from_parts(&Flags::default(), &file(text)).unwrap_err();
            assert!(matches!(error, ConfigError::Empty(_)), "{error}");
        }
        for text in ["request_log_days = 0", "public_url = ''", "listen = ''", "metrics_listen = ''"] {
            assert!(ServerSettings::from_parts(&ServerFlags::default(), &file(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_inside_are_read_or_refused() {
        let settings = |text: &str| Settings::from_parts(&Flags::default(), &file(text));
        let two = settings("outbound_networks = '10.0.0.0/8, fd00::/8'").unwrap().outbound_networks;
        assert!(two.len() == 2 && two.iter().any(|network| network.holds("10.1.2.3".parse().unwrap())));
        assert!(settings("").unwrap().outbound_networks.is_empty());
        for text in ["10.0.0.0", "10.0.0.0/8,", "everything"] {
            assert!(settings(&format!("outbound_networks = '{text}'")).is_err(), "{text}");
        }
    }

    #[test]
    fn settings_do_not_show_the_database_url() {
        let settings = Settings::from_parts(
            &Flags::default(),
            &file("database_url = 'postgres://muster:canary@db.example.com/muster'"),
        )
        .unwrap();
        assert!(!format!("{settings:?}").contains("canary"));
    }
}
