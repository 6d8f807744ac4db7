//! PostgreSQL: Diesel over tokio-postgres and rustls; the socket is driven by the thread that waits for it.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::result::QueryResult;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncConnectionCore, AsyncPgConnection};
#[cfg(test)]
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::postgres_url::{PostgresSettings, Tls};
use super::sql::Sql;

/// A connection as Diesel sees it: synchronous.
pub type PgConnection = AsyncConnectionWrapper<AsyncPgConnection, OwnRuntime>;

/// How long one host may take until a connection can be used. A machine that hangs accepts connections all the same.
const OPEN_TIMEOUT: Duration = Duration::from_secs(4);
/// Every statement is constant and has its index, so the plan must not depend on statistics that are missing or old, nor
/// be made anew for each execution, which costs more than the execution. Nothing waits for ever; `migrate` may.
const SESSION: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
     SET enable_mergejoin = off; SET random_page_cost = 0.1; SET seq_page_cost = 0.1; SET jit = off; SET statement_timeout = '20s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '30s'";

thread_local! {
    // `From<AsyncPgConnection>` takes no argument, so the runtime of the connection being made waits here.
    static NEXT: RefCell<Option<Arc<Runtime>>> = const { RefCell::new(None) };
}

/// Drives one connection on a runtime of its own, so that a statement crosses no thread.
pub struct OwnRuntime(Option<Arc<Runtime>>);

impl diesel_async::async_connection_wrapper::BlockOn for OwnRuntime {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.0 {
            Some(runtime) => runtime.block_on(future),
            // INVARIANT: `PostgresServer::open` sets the runtime before it wraps, and nothing else wraps.
            None => std::process::abort(),
        }
    }

    fn get_runtime() -> Self {
        Self(NEXT.take())
    }
}

/// A pooled connection and the runtime that drives its socket.
pub struct Pooled {
    /// The connection.
    pub connection: PgConnection,
    pub(super) runtime: Arc<Runtime>,
}

impl Pooled {
    /// Runs statements that return no rows, in their order, and answers how many rows each touched. All are sent before the
    /// first is answered, so that together they cost one round trip. In a transaction what comes after a statement that
    /// fails, fails too.
    pub(super) fn run_together(&mut self, statements: Vec<Sql<'_>>) -> Vec<QueryResult<usize>> {
        let connection: &AsyncPgConnection = &self.connection;
        let run = |statement: Sql<'_>| {
            #[cfg(test)]
            if let Err(fault) = super::tests::faults::before(statement.0.name) {
                return std::future::ready(Err(fault)).boxed();
            }
            AsyncConnectionCore::execute_returning_count(&mut &*connection, statement)
        };
        let answers: Vec<_> = statements.into_iter().map(run).collect();
        // Each is polled first, and so sent, in its turn.
        self.runtime.block_on(join_all(answers))
    }
}

/// Opens connections to the servers a URL names.
#[derive(Clone)]
pub(super) struct PostgresServer {
    settings: PostgresSettings,
    /// Which host answered last: one that hangs costs its time limit once, not at each connection.
    answered: Arc<AtomicUsize>,
}

/// Why a connection could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostgresError {
    #[error("cannot start a runtime for the connection: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("cannot connect to PostgreSQL: {0}")]
    Connect(String),
    #[error("cannot set up the PostgreSQL session: {0}")]
    Session(#[from] diesel::result::Error),
    #[error("the PostgreSQL connection was closed")]
    Closed,
}

/// The error and everything below it: the outer text alone ("error connecting to server") helps nobody.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

impl PostgresServer {
    pub(super) fn new(settings: PostgresSettings) -> Self {
        Self { settings, answered: Arc::default() }
    }

    /// Tries the host that answered last, then the others in their order, and takes the first that answers as it should,
    /// in good time.
    pub(super) fn open(&self) -> Result<Pooled, PostgresError> {
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build()?);
        let mut problems: Vec<String> = Vec::new();
        let last = self.answered.load(Ordering::Relaxed);
        let mut hosts: Vec<(usize, &Config)> = self.settings.hosts.iter().enumerate().collect();
        hosts.sort_by_key(|(number, _)| *number != last);
        for (number, host) in hosts {
            let connected = runtime.block_on(async { timeout(OPEN_TIMEOUT, connect(host, &self.settings.tls)).await });
            match connected {
                Ok(Ok(inner)) => {
                    self.answered.store(number, Ordering::Relaxed);
                    NEXT.set(Some(Arc::clone(&runtime)));
                    let mut connection = PgConnection::from(inner);
                    SimpleConnection::batch_execute(&mut connection, SESSION)?;
                    return Ok(Pooled { connection, runtime });
                }
                Ok(Err(problem)) => problems.push(problem),
                Err(_elapsed) => problems.push("the server accepts the connection and does not answer".to_owned()),
            }
        }
        Err(PostgresError::Connect(problems.join("; ")))
    }
}

async fn connect(host: &Config, tls: &Tls) -> Result<AsyncPgConnection, String> {
    let told = |error: tokio_postgres::Error| chain(&error);
    let wrapped = match tls {
        Tls::Off => {
            let (client, socket) = host.connect(NoTls).await.map_err(told)?;
            AsyncPgConnection::try_from_client_and_connection(client, socket).await
        }
        Tls::Verified(config) => {
            let connector = MakeRustlsConnect::new(config.as_ref().clone());
            let (client, socket) = host.connect(connector).await.map_err(told)?;
            AsyncPgConnection::try_from_client_and_connection(client, socket).await
        }
    };
    wrapped.map_err(|error| chain(&error))
}

impl r2d2::ManageConnection for PostgresServer {
    type Connection = Pooled;
    type Error = PostgresError;

    fn connect(&self) -> Result<Pooled, PostgresError> {
        self.open()
    }

    // Local and free: lets the runtime notice a closed socket. A round trip would cost a third of all reads.
    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), PostgresError> {
        pooled.runtime.block_on(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        });
        if self.has_broken(pooled) { Err(PostgresError::Closed) } else { Ok(()) }
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(&mut pooled.connection)
    }
}
