//! PostgreSQL URLs: libpq's `sslmode` and `sslrootcert` mapped onto rustls, everything else left to tokio-postgres.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::DatabaseError;

/// How to reach PostgreSQL.
#[derive(Clone)]
pub(super) struct PostgresSettings {
    /// One for each host, in the order they are tried.
    pub(super) hosts: Vec<Config>,
    pub(super) tls: Tls,
}

/// Whether and how the connection is encrypted.
#[derive(Clone)]
pub(super) enum Tls {
    /// `sslmode=disable`: clear text, for a server on this machine.
    Off,
    /// `sslmode=require` and stricter: TLS, the certificate checked against known authorities and the host's name.
    Verified(Arc<ClientConfig>),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

impl PostgresSettings {
    /// Reads a `postgres://` or `postgresql://` URL. Messages never repeat the URL: it may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self, DatabaseError> {
        let (bare, mode, root) = split_tls_parameters(url)?;
        let mut hosts = each_host(&bare)
            .iter()
            .map(|url| url.parse::<Config>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| DatabaseError::Url(format!("the PostgreSQL URL cannot be read: {error}")))?;
        let several = hosts.iter().map(|config| config.get_hosts().len()).sum::<usize>() > 1;
        for config in &mut hosts {
            if config.get_connect_timeout().is_none() {
                config.connect_timeout(CONNECT_TIMEOUT);
            }
            if config.get_application_name().is_none() {
                config.application_name("muster");
            }
            if several && !url.contains("target_session_attrs") {
                // Of several hosts only the primary takes writes; after a failover that is another one.
                config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
            config.tcp_user_timeout(Duration::from_secs(10));
            config.keepalives_idle(Duration::from_secs(10));
        }
        let tls = match mode.as_deref() {
            Some("disable") => Tls::Off,
            None if root.is_none() && hosts.iter().all(only_this_machine) => Tls::Off,
            None | Some("require" | "verify-ca" | "verify-full") => {
                Tls::Verified(Arc::new(client_config(root.as_deref())?))
            }
            Some(other) => {
                return Err(DatabaseError::Url(format!(
                    "sslmode `{other}` is not supported, expected `disable`, `require` or `verify-full`"
                )));
            }
        };
        // Never the driver's `prefer`: it falls back to clear text.
        let ssl_mode = if matches!(tls, Tls::Off) { SslMode::Disable } else { SslMode::Require };
        for config in &mut hosts {
            config.ssl_mode(ssl_mode);
        }
        Ok(Self { hosts, tls })
    }
}

/// The same URL once for each host it names. The driver would give the first that hangs all the time there is.
fn each_host(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |end| rest.split_at(end));
    let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    hosts.split(',').map(|host| format!("{scheme}://{user}{host}{path}")).collect()
}

/// Whether every host is this machine, where clear text leaves nothing to read on a wire.
fn only_this_machine(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        Host::Unix(_) => true,
    })
}

/// Takes `sslmode` and `sslrootcert` out of the URL's query; the driver does not know libpq's values.
fn split_tls_parameters(url: &str) -> Result<(String, Option<String>, Option<String>), DatabaseError> {
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), None, None)) };
    let (mut mode, mut root, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = || -> String {
            url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        match name {
            "sslmode" if mode.is_none() => mode = Some(value.to_owned()),
            "sslrootcert" if root.is_none() => root = Some(decoded()),
            "sslmode" | "sslrootcert" => {
                return Err(DatabaseError::Url(format!("the PostgreSQL URL gives `{name}` twice")));
            }
            _ => rest.push(pair),
        }
    }
    let bare = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    Ok((bare, mode, root))
}

fn client_config(root: Option<&str>) -> Result<ClientConfig, DatabaseError> {
    let mut store = RootCertStore::empty();
    match root {
        Some("system") | None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| DatabaseError::Url(format!("sslrootcert `{path}` cannot be read: {error}")))?;
            let (added, _ignored) = store.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(DatabaseError::Url(format!("sslrootcert `{path}` holds no certificate, expected PEM")));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DatabaseError::Url(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ssl_mode_decides_and_clear_text_is_the_default_on_this_machine_only() {
        let tls = |url: &str| PostgresSettings::parse(url).map(|s| matches!(s.tls, Tls::Verified(_)));
        assert!(!tls("postgres://u:p@db.example.com/m?sslmode=disable").unwrap());
        assert!(tls("postgres://u:p@db.example.com/m?sslmode=require").unwrap());
        assert!(tls("postgres://u:p@db.example.com/m?sslmode=verify-full").unwrap());
        assert!(tls("postgres://u:p@db.example.com/m").unwrap());
        assert!(!tls("postgres://u:p@127.0.0.1/m").unwrap());
    }

    #[test]
    fn each_host_of_the_url_is_tried_for_itself() {
        let settings = PostgresSettings::parse("postgres://u:p%40s@a:1,b:2/m?sslmode=disable").unwrap();
        let hosts: Vec<_> =
            settings.hosts.iter().map(|one| (one.get_hosts().to_vec(), one.get_ports().to_vec())).collect();
        assert_eq!(hosts, [(vec![Host::Tcp("a".to_owned())], vec![1]), (vec![Host::Tcp("b".to_owned())], vec![2])]);
        for host in &settings.hosts {
            assert_eq!(host.get_password(), Some(b"p@s".as_slice()));
            assert_eq!(host.get_dbname(), Some("m"));
            assert_eq!(host.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_without_repeating_the_password() {
        for url in [
            "postgres://u:s3cret@h/m?sslmode=prefer",
            "postgres://u:s3cret@h/m?sslmode=require&sslmode=disable",
            "postgres://u:s3cret@h/m?sslrootcert=/nowhere.pem",
            "postgres://u:s3cret@h:notaport/m",
        ] {
            let error = PostgresSettings::parse(url).err().unwrap().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
