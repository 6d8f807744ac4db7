//! A database of a test's own.

use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use super::ask;

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A database that holds nothing, gone when dropped.
pub struct Database {
    url: String,
    place: Place,
    servers: usize,
}

enum Place {
    Folder(#[expect(dead_code, reason = "dropping it deletes the folder")] TempDir),
    Server { url: String, name: String },
}

impl Database {
    /// A database of this kind that holds nothing: on SQLite a file that does not exist yet, in a folder of its own; on
    /// PostgreSQL one without tables, or a copy of the one that `MUSTER_TEST_POSTGRES_TEMPLATE` names, which is migrated:
    /// that saves each test half a second.
    ///
    /// # Panics
    /// On PostgreSQL, unless `MUSTER_TEST_POSTGRES_URL` names a server on which databases may be created.
    pub fn fresh(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => Self::in_a_file(),
            Backend::Postgres => Self::on_the_server(),
        }
    }

    /// The same, of which a [`Server`](super::Server) is several: what is sent to it goes to one after the other.
    pub fn served_by(mut self, servers: usize) -> Self {
        self.servers = servers;
        self
    }

    /// Of how many servers a [`Server`](super::Server) on it is.
    pub fn servers(&self) -> usize {
        self.servers
    }

    /// Its URL, as `--database-url` takes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Which of the two it is.
    pub fn backend(&self) -> Backend {
        match self.place {
            Place::Folder(_) => Backend::Sqlite,
            Place::Server { .. } => Backend::Postgres,
        }
    }

    /// The same without tables, whatever it was.
    pub fn without_tables(&self) -> &Self {
        if let Place::Server { url, name } = &self.place {
            create(url, name, "template0");
        }
        self
    }

    /// A database of its own that holds what this one holds now, made as a backup is.
    pub fn copy(&self) -> Self {
        match &self.place {
            Place::Folder(_) => {
                let copy = Self::in_a_file();
                let file = copy.url.strip_prefix("sqlite:").unwrap();
                let mut connection = SqliteConnection::establish(self.url.strip_prefix("sqlite:").unwrap()).unwrap();
                connection.batch_execute(&format!("PRAGMA busy_timeout = 60000; VACUUM INTO '{file}'")).unwrap();
                copy
            }
            Place::Server { url: server, name } => {
                let copy = format!("{name}_copy");
                // A template may have no connections.
                ask(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
                let sever = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname =";
                ask(server, &format!("{sever} '{name}'")).unwrap();
                create(server, &copy, name);
                ask(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
                let mut url: url::Url = self.url.parse().unwrap();
                url.set_path(&copy);
                Self { url: url.into(), place: Place::Server { url: server.clone(), name: copy }, servers: 1 }
            }
        }
    }

    /// Puts what a copy holds in its place, under the servers that run on it. Only on PostgreSQL.
    pub fn put_back(&self, copy: &Self) {
        let (Place::Server { url, name }, Place::Server { name: copy, .. }) = (&self.place, &copy.place) else {
            panic!("a file is not replaced under whoever has it open");
        };
        create(url, name, copy);
    }

    fn in_a_file() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("muster.db").display());
        Self { url, place: Place::Folder(folder), servers: 1 }
    }

    fn on_the_server() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let server = std::env::var("MUSTER_TEST_POSTGRES_URL").unwrap_or_else(|_| {
            panic!(
                "no PostgreSQL to test on: run `scripts/test.sh`, or first \
                 `export MUSTER_TEST_POSTGRES_URL=$(scripts/postgres.sh start)`"
            )
        });
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let template = std::env::var("MUSTER_TEST_POSTGRES_TEMPLATE");
        create(&server, &name, template.as_deref().unwrap_or("template0"));
        let mut url: url::Url = server.parse().unwrap();
        url.set_path(&name);
        Self { url: url.into(), place: Place::Server { url: server, name }, servers: 1 }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Place::Server { url, name } = &self.place {
            // The server goes too, with everything in it: a failure here is no failure of the test.
            drop(ask(url, &drop_statement(name)));
        }
    }
}

/// A process of the same number may have left one behind when it was killed.
fn create(server: &str, name: &str, template: &str) {
    for statement in [drop_statement(name), format!("CREATE DATABASE {name} TEMPLATE {template}")] {
        ask(server, &statement).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

fn drop_statement(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
}
