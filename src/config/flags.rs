//! Settings on the command line, which clap completes from the environment.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{StringValueParser, TypedValueParser};
use secrecy::SecretString;

use super::LogFormat;

/// Settings of every command. Values from the environment never appear in `--help`: one of them may be a password.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Settings file; `muster.toml` is read when it is there
    #[arg(long, global = true, value_name = "FILE", env = "MUSTER_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Database: `sqlite:FILE` or `postgres://…` [default: sqlite:muster.db]
    #[arg(long, global = true, value_name = "URL", env = "MUSTER_DATABASE_URL", hide_env_values = true, value_parser = secret())]
    pub database_url: Option<SecretString>,
    /// File with the key that wraps all others [default for SQLite: the database file's name and `.key`]
    #[arg(long, global = true, value_name = "FILE", env = "MUSTER_ROOT_KEY_FILE", hide_env_values = true)]
    pub root_key_file: Option<PathBuf>,
    /// Networks inside that may be sent to besides the public internet: `10.0.0.0/8,fd00::/8` [default: none]
    #[arg(long, global = true, value_name = "NETWORKS", env = "MUSTER_OUTBOUND_NETWORKS", hide_env_values = true)]
    pub outbound_networks: Option<String>,
    /// Which log lines are written: `warn`, `info`, `muster=debug` [default: `info,actix_server=warn`]
    #[arg(long, global = true, value_name = "FILTER", env = "MUSTER_LOG", hide_env_values = true)]
    pub log: Option<String>,
    /// How log lines are written [default: human]
    #[arg(long, global = true, value_name = "FORMAT", env = "MUSTER_LOG_FORMAT", hide_env_values = true)]
    pub log_format: Option<LogFormat>,
}

/// Settings of a server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server settings")]
pub struct ServerFlags {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", env = "MUSTER_LISTEN", hide_env_values = true)]
    pub listen: Option<String>,
    /// The address clients use, the base of every link [default: http:// and the listen address]
    #[arg(long, value_name = "URL", env = "MUSTER_PUBLIC_URL", hide_env_values = true)]
    pub public_url: Option<String>,
    /// Where to serve `/metrics` [default: nowhere]
    #[arg(long, value_name = "HOST:PORT", env = "MUSTER_METRICS_LISTEN", hide_env_values = true)]
    pub metrics_listen: Option<String>,
    /// Requests per second and credential, 0 for no limit [default: 200]
    #[arg(long, value_name = "NUMBER", env = "MUSTER_RATE_LIMIT", hide_env_values = true)]
    pub rate_limit: Option<u32>,
    /// Mail server: `smtps://user:password@host` or `smtp://host:587?tls=required` [default: no mail is sent]
    #[arg(long, value_name = "URL", env = "MUSTER_MAIL_URL", hide_env_values = true, value_parser = secret())]
    pub mail_url: Option<SecretString>,
    /// Sender of mail: `Muster <muster@example.com>`
    #[arg(long, value_name = "ADDRESS", env = "MUSTER_MAIL_FROM", hide_env_values = true)]
    pub mail_from: Option<String>,
    /// Days the request log of connections is kept [default: 30]
    #[arg(long, value_name = "DAYS", env = "MUSTER_REQUEST_LOG_DAYS", hide_env_values = true)]
    pub request_log_days: Option<u32>,
    /// Keep no record of decisions: only to measure what the record costs
    #[arg(long, hide = true)]
    pub without_decision_log: bool,
}

/// Takes any text, so that no message of clap repeats it.
fn secret() -> impl TypedValueParser<Value = SecretString> {
    StringValueParser::new().map(SecretString::from)
}
