//! A PostgreSQL server of a test's own.

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use muster::clock::Clock;
use tempfile::TempDir;

use super::{Authority, ask, postgres_program, postgres_script, run, try_run};

/// Longer than anything that is waited for takes; reached only when a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the server is to be like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether it offers TLS, under a certificate of its own authority.
    pub tls: bool,
    /// Settings of `postgresql.conf`.
    pub settings: &'static [(&'static str, &'static str)],
}

/// How it is stopped.
#[derive(Debug, Clone, Copy)]
pub enum Shutdown {
    /// Orderly: sessions are ended, everything is written.
    Fast,
    /// As if the power failed.
    Immediate,
}

/// A server, stopped and deleted when dropped. Its database is `postgres`, its user and password are `muster`.
pub struct Cluster {
    folder: TempDir,
    port: u16,
    options: Options,
}

impl Cluster {
    /// Starts a new server on a free port.
    pub fn start(options: Options) -> Self {
        let folder = folder();
        let data = folder.path().join("data");
        let password = folder.path().join("password");
        fs::write(&password, "muster\n").unwrap();
        give_to_server_user(folder.path());
        let mut initdb = postgres_program("initdb");
        initdb.arg("--pgdata").arg(&data).arg(format!("--pwfile={}", password.display()));
        initdb.args(["--username=muster", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        run(&mut initdb);
        if options.tls {
            let authority = Authority::new("the cluster's authority");
            let (certificate, key) = authority.issue(&["localhost", "127.0.0.1"]);
            for (file, text) in
                [("authority.crt", authority.certificate()), ("server.crt", certificate), ("server.key", key)]
            {
                fs::write(data.join(file), text).unwrap();
                fs::set_permissions(data.join(file), fs::Permissions::from_mode(0o600)).unwrap();
            }
            give_to_server_user(&data);
        }
        Self { folder, port: 0, options }.started_on_a_free_port()
    }

    /// Starts a hot standby that follows this server by streaming replication.
    pub fn standby(&self) -> Self {
        let folder = folder();
        give_to_server_user(folder.path());
        let mut copy = postgres_program("pg_basebackup");
        copy.arg("--pgdata").arg(folder.path().join("data")).arg("--dbname").arg(self.url("sslmode=prefer"));
        run(copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]));
        Self { folder, port: 0, options: self.options }.started_on_a_free_port()
    }

    /// Makes a standby take over. Returns when it takes writes.
    pub fn promote(&self) {
        run(self.control("promote").arg("--wait"));
    }

    /// Returns when this standby has replayed all that `primary` has written.
    ///
    /// # Panics
    /// When it does not get there.
    pub fn catch_up_with(&self, primary: &Self) {
        let written = primary.ask("SELECT pg_current_wal_flush_lsn()");
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
        let began = Clock::monotonic();
        while self.ask(&replayed) != "t" {
            assert!(began.elapsed() < PATIENCE, "the standby does not reach {written}");
        }
    }

    /// Stops the server. Returns when it is gone.
    pub fn stop(&self, how: Shutdown) {
        let mode = match how {
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
        };
        run(self.control("stop").args(["--wait", "--mode", mode]));
    }

    /// Starts it again on the same port.
    pub fn start_again(&self) {
        self.try_start().unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// Halts all its processes where they stand: it neither answers nor refuses.
    pub fn suspend(&self) {
        self.signal("STOP");
    }

    /// Lets a suspended server go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Its URL with these parameters, `sslmode=verify-full` for instance.
    pub fn url(&self, parameters: &str) -> String {
        Self::url_of(&[self], parameters)
    }

    /// The URL that names several servers, tried in this order.
    pub fn url_of(clusters: &[&Self], parameters: &str) -> String {
        let hosts: Vec<String> = clusters.iter().map(|cluster| format!("localhost:{}", cluster.port)).collect();
        format!("postgres://muster:muster@{}/postgres?{parameters}", hosts.join(","))
    }

    /// The certificate of the authority that vouches for it, in a file. Only with `tls`.
    pub fn authority_file(&self) -> PathBuf {
        self.data().join("authority.crt")
    }

    /// Its answer to one statement, columns separated by `|`.
    ///
    /// # Panics
    /// With the server's error.
    pub fn ask(&self, statement: &str) -> String {
        ask(&self.url("sslmode=disable"), statement).unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn started_on_a_free_port(mut self) -> Self {
        // Between looking and starting somebody else may take the port.
        let mut failures = Vec::new();
        for _attempt in 0..5 {
            self.port = free_port();
            match self.try_start() {
                Ok(()) => return self,
                Err(failure) => failures.push(failure),
            }
        }
        let log = fs::read_to_string(self.data().join("server.log")).unwrap_or_default();
        panic!("the server did not start: {}\n{log}", failures.join("\n"));
    }

    fn try_start(&self) -> Result<(), String> {
        let tls = [("ssl", "on"), ("ssl_ca_file", "authority.crt")];
        let settings = self.options.settings.iter().chain(if self.options.tls { &tls[..] } else { &[] });
        let settings: Vec<String> = settings.map(|(name, value)| format!("-c {name}={value}")).collect();
        let place = format!("-p {} -c listen_addresses=localhost -c unix_socket_directories=", self.port);
        let options = format!("{place} {}", settings.join(" "));
        let log = self.data().join("server.log");
        try_run(self.control("start").args(["--wait", "--options", &options, "--log"]).arg(log)).map(drop)
    }

    fn control(&self, action: &str) -> Command {
        let mut command = postgres_program("pg_ctl");
        command.args([action, "--silent", "--pgdata"]).arg(self.data());
        command
    }

    fn signal(&self, signal: &str) {
        let pid_file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let server = pid_file.lines().next().unwrap();
        let kill = |script: &str, pids: &str| {
            run(Command::new("sh").args(["-c", script, "sh", signal]).args(pids.split_whitespace()));
        };
        // The one that makes the others comes first; of them some may be ending just now.
        kill("kill -s $1 $2", server);
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
        kill("signal=$1; shift; for pid; do kill -s $signal $pid || true; done", &children);
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.resume();
            drop(try_run(self.control("stop").args(["--wait", "--mode", "immediate"])));
        }
    }
}

/// A port nobody listens on just now, below those that the system gives to whoever asks for any: no connection takes it
/// between looking and starting, nor while the server is stopped.
fn free_port() -> u16 {
    loop {
        let random = RandomState::new().build_hasher().finish();
        let port = 20_000 + u16::try_from(random % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn folder() -> TempDir {
    TempDir::with_prefix("muster-cluster-").unwrap()
}

/// PostgreSQL refuses to run as root, so root gives the folder away.
fn give_to_server_user(folder: &Path) {
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let user = run(postgres_script().arg("user"));
        run(Command::new("chown").arg("-R").arg(user).arg(folder));
    }
}
