//! `sslmode` is honoured against a real server: encrypted to the one that was meant, or not at all.

use muster::db::{Database as Store, DatabaseError, IfMissing};

use super::rows;
use crate::support::{Authority, Cluster, Options};

fn encrypted(url: &str) -> Result<bool, DatabaseError> {
    let store = Store::open(url, IfMissing::Refuse)?;
    Ok(rows(&store, "SELECT ssl::text AS text FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == ["true"])
}

#[track_caller]
fn refusal(url: &str) -> String {
    let error = encrypted(url).expect_err(url);
    assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
    let told = error.to_string();
    assert!(!told.contains("muster:muster") && !told.contains("s3cret"), "{told}");
    told
}

#[test]
fn the_ssl_mode_decides_and_strangers_are_refused() {
    let cluster = Cluster::start(Options { tls: true, ..Options::default() });
    let authority = cluster.authority_file().display().to_string();
    let folder = tempfile::TempDir::new().unwrap();
    let stranger = folder.path().join("stranger.crt");
    std::fs::write(&stranger, Authority::new("a stranger").certificate()).unwrap();

    for mode in ["require", "verify-ca", "verify-full"] {
        let url = |file: &str| cluster.url(&format!("sslmode={mode}&sslrootcert={file}"));
        assert!(encrypted(&url(&authority)).unwrap(), "{mode}");
        let told = refusal(&url(&stranger.display().to_string()));
        assert!(told.contains("certificate"), "{mode}: {told}");
        // Nor does one that no authority of the machine vouches for pass.
        let told = refusal(&cluster.url(&format!("sslmode={mode}")));
        assert!(told.contains("certificate"), "{mode}: {told}");
    }
    assert!(!encrypted(&cluster.url("sslmode=disable")).unwrap());
    assert!(encrypted(&cluster.url(&format!("sslrootcert={authority}"))).unwrap(), "a named authority asks for TLS");

    // The certificate is for `localhost`, and another name leads to the same server.
    let elsewhere = cluster.url(&format!("sslmode=verify-full&sslrootcert={authority}&hostaddr=127.0.0.1"));
    let told = refusal(&elsewhere.replace("@localhost:", "@db.example.com:"));
    assert!(told.contains("not valid for name") || told.contains("NotValidForName"), "{told}");

    let wrong = cluster.url(&format!("sslmode=verify-full&sslrootcert={authority}")).replace(":muster@", ":s3cret@");
    assert!(refusal(&wrong).contains("password authentication failed"));

    // From now on the server takes encrypted connections only.
    let data = cluster.ask("SHOW data_directory");
    cluster.ask(&format!("COPY (SELECT 'hostssl all all all scram-sha-256') TO '{data}/pg_hba.conf'"));
    cluster.ask("SELECT pg_reload_conf()");
    let told = super::client::until("clear text is refused", || {
        encrypted(&cluster.url("sslmode=disable")).err().map(|error| error.to_string())
    });
    assert!(told.contains("no encryption"), "{told}");
    assert!(encrypted(&cluster.url(&format!("sslmode=verify-full&sslrootcert={authority}"))).unwrap());
}

#[test]
fn a_server_without_tls_is_not_talked_to_when_tls_is_asked_for() {
    let cluster = Cluster::start(Options::default());
    let told = refusal(&cluster.url("sslmode=require"));
    assert!(told.contains("TLS"), "{told}");
}
