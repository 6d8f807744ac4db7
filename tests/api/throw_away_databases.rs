//! The throw-away databases are what they claim to be: tests that lean on them would otherwise prove nothing.

use crate::support::{Authority, Backend, Cluster, Database, Options, Shutdown, ask};

on_both_databases! {
    fn a_fresh_database_holds_nothing_and_differs_from_the_next(database: &Database) {
        let another = Database::fresh(database.backend());
        assert_ne!(database.url(), another.url());
        match database.backend() {
            Backend::Sqlite => assert!(!std::fs::exists(database.url().strip_prefix("sqlite:").unwrap()).unwrap()),
            Backend::Postgres => {
                let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
                if ask(database.url(), tables).unwrap() != "0" {
                    assert_eq!(ask(database.url(), "SELECT count(*) FROM organization").unwrap(), "0");
                }
                assert_eq!(ask(another.without_tables().url(), tables).unwrap(), "0");
            }
        }
    }
}

#[test]
fn a_cluster_offers_tls_under_an_authority_that_must_be_named() {
    let cluster = Cluster::start(Options { tls: true, ..Options::default() });
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let trusting = |authority: &std::path::Path, mode: &str| {
        let url = cluster.url(&format!("sslmode={mode}&sslrootcert={}", authority.display()));
        ask(&url, encrypted)
    };
    assert_eq!(trusting(&cluster.authority_file(), "verify-full").unwrap(), "t");
    assert_eq!(trusting(&cluster.authority_file(), "disable").unwrap(), "f");

    let folder = tempfile::TempDir::new().unwrap();
    let stranger = folder.path().join("stranger.crt");
    std::fs::write(&stranger, Authority::new("a stranger").certificate()).unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let refusal = trusting(&stranger, "verify-full").unwrap_err();
    assert!(refusal.contains("certificate verify failed"), "{refusal}");
}

#[test]
fn a_standby_follows_and_takes_over_when_the_primary_dies() {
    let primary = Cluster::start(Options::default());
    primary.ask("CREATE TABLE roll (name text)");
    let standby = primary.standby();
    primary.ask("INSERT INTO roll VALUES ('Ada')");
    standby.catch_up_with(&primary);
    assert_eq!(standby.ask("SELECT name, pg_is_in_recovery() FROM roll"), "Ada|t");

    primary.stop(Shutdown::Immediate);
    standby.promote();
    let both = Cluster::url_of(&[&primary, &standby], "sslmode=disable&target_session_attrs=read-write");
    ask(&both, "INSERT INTO roll VALUES ('Grace')").unwrap();
    assert_eq!(standby.ask("SELECT count(*), pg_is_in_recovery() FROM roll"), "2|f");
}

#[test]
fn a_cluster_is_stopped_started_and_suspended() {
    let cluster = Cluster::start(Options { settings: &[("work_mem", "1234kB")], ..Options::default() });
    assert_eq!(cluster.ask("SHOW work_mem"), "1234kB");
    cluster.stop(Shutdown::Fast);
    assert!(ask(&cluster.url("sslmode=disable"), "SELECT 1").is_err());
    cluster.start_again();
    assert_eq!(cluster.ask("SHOW work_mem"), "1234kB");

    cluster.suspend();
    // The kernel still accepts the connection; nobody answers on it.
    let waiting = cluster.url("sslmode=disable&connect_timeout=2");
    assert!(ask(&waiting, "SELECT 1").unwrap_err().contains("timeout expired"));
    cluster.resume();
    assert_eq!(cluster.ask("SELECT 1"), "1");
}
