//! PostgreSQL: Diesel over tokio-postgres and rustls; the socket is driven by the thread that waits for it.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::postgres_url::{PostgresSettings, Tls};

/// A connection as Diesel sees it: synchronous.
pub type PgConnection = AsyncConnectionWrapper<AsyncPgConnection, OwnRuntime>;

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
    pub(super) connection: PgConnection,
    runtime: Arc<Runtime>,
}

/// Opens connections to the servers a URL names.
#[derive(Clone)]
pub(super) struct PostgresServer {
    settings: PostgresSettings,
}

/// Every statement is constant and has its index, so the plan must not depend on statistics that are missing or old, nor
/// be made anew for each execution, which costs more than the execution.
const SESSION: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
     SET enable_mergejoin = off; SET jit = off; SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '30s'";

/// Why a connection could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostgresError {
    #[error("cannot start a runtime for the connection: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("cannot connect to PostgreSQL: {}", chain(.0))]
    Connect(#[from] tokio_postgres::Error),
    #[error("cannot set up the PostgreSQL connection: {0}")]
    Prepare(#[from] diesel::ConnectionError),
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
    pub(super) const fn new(settings: PostgresSettings) -> Self {
        Self { settings }
    }

    pub(super) fn open(&self) -> Result<Pooled, PostgresError> {
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build()?);
        let inner = match &self.settings.tls {
            Tls::Off => {
                let (client, socket) = runtime.block_on(self.settings.config.connect(NoTls))?;
                runtime.block_on(AsyncPgConnection::try_from_client_and_connection(client, socket))?
            }
            Tls::Verified(tls) => {
                let connector = MakeRustlsConnect::new(tls.as_ref().clone());
                let (client, socket) = runtime.block_on(self.settings.config.connect(connector))?;
                runtime.block_on(AsyncPgConnection::try_from_client_and_connection(client, socket))?
            }
        };
        NEXT.set(Some(Arc::clone(&runtime)));
        let mut pooled = Pooled { connection: PgConnection::from(inner), runtime };
        pooled.connection.batch_execute(SESSION)?;
        Ok(pooled)
    }
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
