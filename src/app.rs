//! The server: listeners, workers, and the way it ends.

mod documents;
mod github;
mod practice;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{HttpServer, rt, web};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use documents::{documents, exchanges};

use crate::config::GithubSettings;
use crate::http::webhooks::github::Gates;
use crate::http::{self, Edge, operation};
use crate::jobs::Jobs;
use crate::outbound::{github_accounts, github_groups};
use crate::service::Services;
use crate::service::post::Post;
use crate::service::practice::Practice;

/// A connection on which nothing happens is closed after this; identity providers keep theirs for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take to arrive.
const REQUEST_HEAD: Duration = Duration::from_secs(10);
/// How long a client is waited for that was answered before it had sent everything.
const DISCONNECT: Duration = Duration::from_secs(5);
/// How long requests that are being answered may take when the server ends, in seconds.
const LAST_REQUESTS: u64 = 30;
/// Threads that may block, in all. Those who write wait there for a commit that many share: with fewer waiting, fewer
/// share it.
const BLOCKING_THREADS: usize = 64;
/// And for each worker at least.
const BLOCKING_THREADS_PER_WORKER: usize = 8;

/// How many days the request log is kept when nothing else is said.
pub const REQUEST_LOG_DAYS: u32 = 30;

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// Host and port; port 0 for any that is free.
    pub listen: String,
    /// Host and port of `/metrics`, where it is served.
    pub metrics_listen: Option<String>,
    /// Requests per second and credential; 0 for no limit.
    pub rate_limit: u32,
}

/// A server that listens and does not answer yet.
pub struct App {
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    services: web::Data<Services>,
    edge: web::Data<Edge>,
    gates: web::Data<Gates>,
    post: web::Data<Post>,
    practice: web::Data<Practice>,
    handle: Handle,
    heeds_signals: bool,
    request_log_days: u32,
}

/// Ends a running server from outside.
#[derive(Debug, Clone, Default)]
pub struct Handle(Arc<Notify>);

impl Handle {
    /// No new connections, what runs is finished, the lease is given up. Returns at once.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl App {
    /// Takes the addresses, then makes the services, whose links may depend on where it listens. Clients may connect from
    /// now on and are answered once [`App::run`] runs.
    ///
    /// # Errors
    /// What the operating system says, with the address it says it of.
    pub fn bind(settings: AppSettings, services: impl FnOnce(SocketAddr) -> Services) -> io::Result<Self> {
        let AppSettings { listen, metrics_listen, rate_limit } = settings;
        let listener = bind(&listen)?;
        let metrics_listener = metrics_listen.as_deref().map(bind).transpose()?;
        let address = listener.local_addr()?;
        let services = web::Data::new(services(address));
        services.live.fetch_documents_with(documents());
        services.live.exchange_with(exchanges());
        services.live.fetch_accounts_with(github_accounts::fetcher());
        services.live.fetch_groups_with(github_groups::fetcher());
        Ok(Self {
            address,
            metrics_address: metrics_listener.as_ref().map(TcpListener::local_addr).transpose()?,
            listener,
            metrics_listener,
            edge: web::Data::new(Edge::new(services.clone(), rate_limit)),
            services,
            gates: web::Data::new(Gates::default()),
            post: web::Data::new(Post::default()),
            practice: web::Data::new(Practice::with(practice::Partner::default())),
            handle: Handle::default(),
            heeds_signals: false,
            request_log_days: REQUEST_LOG_DAYS,
        })
    }

    /// Ends on SIGTERM and SIGINT too. For the one server a process is there for: signals are the process's, and one that
    /// runs several, or runs them beside something else, would live on after it was told to end.
    #[must_use]
    pub const fn ending_on_signals(mut self) -> Self {
        self.heeds_signals = true;
        self
    }

    /// Keeps the request log for so many days.
    #[must_use]
    pub const fn keeping_requests(mut self, days: u32) -> Self {
        self.request_log_days = days;
        self
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` is served.
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Answers the deployment protection rules of these GitHub Apps besides.
    ///
    /// # Errors
    /// A section that cannot be used, named.
    pub fn with_github(self, settings: &[GithubSettings]) -> io::Result<Self> {
        let gates = web::Data::new(github::gates(settings, &self.services.clock)?);
        Ok(Self { gates, ..self })
    }

    /// What every use case works with.
    pub fn services(&self) -> Services {
        self.services.as_ref().clone()
    }

    /// Sends what the console has to say by mail.
    #[must_use]
    pub fn with_post(self, post: Post) -> Self {
        Self { post: web::Data::new(post), ..self }
    }

    /// Ends it from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Answers until [`Handle::stop`], or a signal where it heeds them, then finishes what runs and gives up the lease.
    /// Blocks.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn run(self) -> io::Result<()> {
        let services = self.services.clone();
        let jobs = Jobs::start(&services, &self.post.clone().into_inner(), self.request_log_days)?;
        let ended = rt::System::new().block_on(self.serve());
        drop(jobs);
        services.live.shut_down();
        ended
    }

    async fn serve(self) -> io::Result<()> {
        let mut servers = vec![public(self.listener, self.edge.clone(), self.gates, (self.post, self.practice))?];
        if let Some(listener) = self.metrics_listener {
            servers.push(metrics(listener, self.edge)?);
        }
        let heeded = self.heeds_signals.then(|| [SignalKind::terminate(), SignalKind::interrupt()]);
        for kind in heeded.into_iter().flatten() {
            let (mut signal, handle) = (signal(kind)?, self.handle.clone());
            rt::spawn(async move {
                signal.recv().await;
                handle.stop();
            });
        }
        let running: Vec<ServerHandle> = servers.iter().map(Server::handle).collect();
        rt::spawn(async move {
            self.handle.0.notified().await;
            tracing::info!("server ends; what runs is finished first");
            for server in running {
                server.stop(true).await;
            }
        });
        if let Some(address) = self.metrics_address {
            tracing::info!(%address, "metrics are served");
        }
        tracing::info!(address = %self.address, "server listens");
        for server in servers.into_iter().map(rt::spawn).collect::<Vec<_>>() {
            server.await.map_err(io::Error::other)??;
        }
        Ok(())
    }
}

fn bind(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on `{address}`: {error}")))
}

fn public(
    listener: TcpListener,
    edge: web::Data<Edge>,
    gates: web::Data<Gates>,
    (post, practice): (web::Data<Post>, web::Data<Practice>),
) -> io::Result<Server> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let blocking = BLOCKING_THREADS.checked_div(workers).unwrap_or_default().max(BLOCKING_THREADS_PER_WORKER);
    let application = move || {
        actix_web::App::new()
            .app_data(edge.clone())
            .app_data(gates.clone())
            .app_data(post.clone())
            .app_data(practice.clone())
            .default_service(web::to(http::answer))
    };
    let server = HttpServer::new(application)
        .workers(workers)
        .worker_max_blocking_threads(blocking)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(REQUEST_HEAD)
        .client_disconnect_timeout(DISCONNECT)
        .shutdown_timeout(LAST_REQUESTS)
        .tcp_nodelay(true)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

fn metrics(listener: TcpListener, edge: web::Data<Edge>) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        actix_web::App::new().app_data(edge.clone()).default_service(web::to(operation::answer_metrics))
    })
    .workers(1)
    .worker_max_blocking_threads(1)
    .client_request_timeout(REQUEST_HEAD)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}

#[cfg(test)]
mod tests;
