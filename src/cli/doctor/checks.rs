//! The checks.

use crate::clock::Clock;
use crate::config::{ListenAddress, PublicUrl, ServerSettings, Settings};
use crate::db::{Database, Dialect, MigrationState, diagnosis, servers};
use crate::live::{Live, LiveSettings, RootKey};

use super::super::root_key;
use super::finding::Finding;

/// Tokens expire and events are dated by a machine's clock, leases run by the database's: they should agree.
const NOTICEABLE_MICROS: i64 = 2_000_000;
const INTOLERABLE_MICROS: i64 = 60_000_000;

pub(super) fn database(database: &Database) -> Finding {
    let text = match database.dialect() {
        Dialect::Sqlite => "the SQLite file opens",
        Dialect::Postgres => "PostgreSQL is reached",
    };
    Finding::ok("database", text)
}

pub(super) fn migrations(database: &Database) -> Finding {
    let name = "migrations";
    match database.migration_state() {
        Ok(MigrationState::Current) => Finding::ok(name, "the schema is up to date"),
        Ok(MigrationState::Empty) => {
            Finding::error(name, "the database is empty; start `muster serve` or run `muster migrate`")
        }
        Ok(MigrationState::Behind(missing)) => {
            Finding::error(name, format!("{missing} migrations are missing; run `muster migrate`"))
        }
        Ok(MigrationState::FromTheFuture(migration)) => Finding::error(
            name,
            format!("the schema bears `{migration}`, which this version does not know; run a newer version"),
        ),
        Err(error) => Finding::error(name, error.to_string()),
    }
}

pub(super) fn root_key(settings: &Settings, database: &Database) -> Finding {
    let name = "root key";
    let wrapped = match root_key::is_wrapped(database) {
        Ok(wrapped) => wrapped,
        Err(error) => return Finding::error(name, error.to_string()),
    };
    let Some(path) = root_key::file(settings, database) else {
        return if wrapped {
            Finding::error(name, "the keyring was made with a root key; name its file in `root_key_file`")
        } else {
            let advice = "there is none, the keys stand unwrapped in the database; \
                          put 64 hexadecimal digits (`openssl rand -hex 32`) in a file and name it in `root_key_file`";
            Finding::warning(name, advice)
        };
    };
    let shown = path.display();
    if settings.root_key_file.is_none() && !path.exists() && !wrapped {
        return Finding::ok(name, format!("`{shown}` is made when it is first needed"));
    }
    let opened = RootKey::from_file(&path).map_err(|error| error.to_string()).and_then(|key| opens(database, key));
    if let Err(problem) = opened {
        return Finding::error(name, problem);
    }
    if root_key::is_open_to_others(&path) {
        return Finding::warning(name, format!("other users can read `{shown}`; run `chmod 600 {shown}`"));
    }
    Finding::ok(name, format!("`{shown}` opens the keyring; keep a copy away from the database"))
}

fn opens(database: &Database, key: RootKey) -> Result<(), String> {
    let settings = LiveSettings { serves: false, root_key: Some(key) };
    let (live, threads) =
        Live::start(database.clone(), Clock::system(), settings).map_err(|error| error.to_string())?;
    drop(live);
    threads.join();
    Ok(())
}

pub(super) fn clock(database: &Database, clock: &Clock) -> Finding {
    let before = clock.now().as_micros();
    match database.read(servers::clock) {
        Ok(theirs) => {
            // The answer was made somewhere between the two readings.
            let after = clock.now().as_micros();
            judge_clock(if theirs < before {
                before.saturating_sub(theirs)
            } else {
                theirs.saturating_sub(after).max(0)
            })
        }
        Err(error) => Finding::error("clock", error.to_string()),
    }
}

fn judge_clock(apart_micros: i64) -> Finding {
    let name = "clock";
    let seconds = apart_micros.saturating_add(500_000).div_euclid(1_000_000);
    let advice = format!("the clocks of this machine and of the database are {seconds} s apart; let NTP set both");
    match apart_micros {
        0..NOTICEABLE_MICROS => Finding::ok(name, "this machine and the database agree"),
        NOTICEABLE_MICROS..INTOLERABLE_MICROS => Finding::warning(name, advice),
        _ => Finding::error(name, advice),
    }
}

pub(super) fn message_language(database: &Database) -> Finding {
    match database.read(diagnosis::message_language) {
        Ok(locale) => judge_language(&locale),
        Err(error) => Finding::error("messages", error.to_string()),
    }
}

fn judge_language(locale: &str) -> Finding {
    let name = "messages";
    let bare = locale.split(['.', '@']).next().unwrap_or_default();
    if matches!(bare, "" | "C" | "POSIX" | "English") || bare == "en" || bare.starts_with("en_") {
        return Finding::ok(name, "the database's messages are in English");
    }
    Finding::warning(
        name,
        format!(
            "the database's messages are in `{locale}`, in which some errors are not recognised; \
             run `ALTER ROLE … SET lc_messages = 'C'`"
        ),
    )
}

pub(super) fn public_url(server: &ServerSettings) -> Finding {
    judge_public_url(&server.public_url(server.listen.port()), &server.listen)
}

fn judge_public_url(url: &PublicUrl, listen: &ListenAddress) -> Finding {
    let name = "public URL";
    match (url.is_loopback(), url.is_encrypted()) {
        (true, _) if !listen.is_loopback() => Finding::error(
            name,
            format!("`{url}` means this machine only, but the server listens on `{listen}`; set `public_url`"),
        ),
        (true, _) => Finding::ok(name, format!("`{url}`, for this machine only")),
        (false, true) => Finding::ok(name, format!("`{url}`")),
        (false, false) => Finding::warning(
            name,
            format!(
                "`{url}` sends tokens in clear text; put a proxy that ends TLS in front and set `public_url` to https"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, ServerFlags};

    #[test]
    fn clocks_may_differ_by_a_moment_but_not_by_minutes() {
        assert!(judge_clock(0).is_ok());
        assert!(judge_clock(1_999_999).is_ok());
        let noticeable = judge_clock(2_000_000);
        assert!(!noticeable.is_ok() && !noticeable.is_error());
        assert!(judge_clock(60_000_000).is_error());
        assert!(judge_clock(61_000_000).to_string().contains("61 s"));
    }

    #[test]
    fn messages_are_to_be_english_or_untranslated() {
        for english in ["C", "C.UTF-8", "POSIX", "en_US.UTF-8", "en_GB", ""] {
            assert!(judge_language(english).is_ok(), "{english}");
        }
        for other in ["de_DE.UTF-8", "eng", "ca_ES"] {
            assert!(!judge_language(other).is_ok(), "{other}");
        }
    }

    #[test]
    fn the_public_url_is_to_reach_the_server_and_to_be_encrypted() {
        for (listen, url, expected) in [
            ("127.0.0.1:8080", None, "ok"),
            ("0.0.0.0:8080", None, "error"),
            ("0.0.0.0:8080", Some("http://localhost:8080"), "error"),
            ("0.0.0.0:8080", Some("http://muster.example.com"), "warning"),
            ("127.0.0.1:8080", Some("https://muster.example.com"), "ok"),
        ] {
            let flags = ServerFlags {
                listen: Some(listen.to_owned()),
                public_url: url.map(str::to_owned),
                ..ServerFlags::default()
            };
            let config = tempfile::NamedTempFile::new().unwrap();
            let general = Flags { config: Some(config.path().to_owned()), ..Flags::default() };
            let finding = public_url(&ServerSettings::load(&general, &flags).unwrap());
            assert!(finding.to_string().starts_with(expected), "{listen} {url:?}: {finding}");
        }
    }
}
