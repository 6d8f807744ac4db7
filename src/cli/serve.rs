//! `muster serve`.

mod no_dumps;
pub(super) mod single_server;

use std::net::SocketAddr;

use clap::Args;
use secrecy::ExposeSecret;

use crate::app::{App, AppSettings};
use crate::clock::Clock;
use crate::config::{Flags, PublicUrl, ServerFlags, ServerSettings, Settings};
use crate::db::{Database, Dialect, IfMissing, MigrationState};
use crate::ids;
use crate::live::{LEASE, Live, LiveSettings};
use crate::model::{Actor, Caller, Destinations};
use crate::outbound::mail::Mail;
use crate::scim::schema::ResourceTypes;
use crate::service::administration::Administration;
use crate::service::post::Post;
use crate::service::{ServiceError, Services};

use super::error::CommandError;
use super::lifetime::Lifetime;
use super::{output, root_key};

use single_server::SingleServer;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) fn run(command: &Serve, flags: &Flags, settings: &Settings) -> Result<(), CommandError> {
    serve(&command.server, flags, settings, set_up)
}

/// Serves until told to stop. `greet` runs when the server listens and before it answers.
pub(super) fn serve(
    server: &ServerFlags,
    flags: &Flags,
    settings: &Settings,
    greet: impl FnOnce(&Live, &Clock, &PublicUrl) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    no_dumps::forbid();
    let server = ServerSettings::load(flags, server)?;
    let database = Database::open(settings.database_url.expose_secret(), IfMissing::Create)?;
    let single = SingleServer::claim(&database)?;
    bring_up_to_date(&database)?;
    let root_key = root_key::load(settings, &database)?;
    if root_key.is_none() {
        tracing::warn!(
            "there is no root key: the keys stand unwrapped in the database; `muster doctor` says what to do"
        );
    }
    let clock = Clock::system();
    let (live, threads) = Live::start(database, clock.clone(), LiveSettings { serves: true, root_key })?;
    live.allow_destinations(Destinations::new(settings.outbound_networks.clone()));
    let result = listen(&live, &clock, &server, greet);
    live.shut_down();
    drop(live);
    threads.join();
    drop(single);
    result
}

/// An empty database is migrated and so is a SQLite file, which is nobody else's; PostgreSQL is left to the operator.
pub(super) fn bring_up_to_date(database: &Database) -> Result<(), CommandError> {
    if database.dialect() == Dialect::Sqlite || database.migration_state()? == MigrationState::Empty {
        database.migrate()?;
    }
    Ok(database.require_current()?)
}

/// Listens first: a token that is shown once must not be made for a server that cannot start.
fn listen(
    live: &Live,
    clock: &Clock,
    server: &ServerSettings,
    greet: impl FnOnce(&Live, &Clock, &PublicUrl) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let failed = |error: &dyn std::error::Error| CommandError::Failed(error.to_string());
    let types = ResourceTypes::builtin().map_err(|error| failed(&error))?;
    let settings = AppSettings {
        listen: server.listen.to_string(),
        metrics_listen: server.metrics_listen.as_ref().map(ToString::to_string),
        rate_limit: server.rate_limit,
    };
    let services = |address: SocketAddr| Services {
        live: live.clone(),
        types,
        public_url: server.public_url(address.port()).to_string(),
        clock: clock.clone(),
    };
    let app = App::bind(settings, services).and_then(|app| app.with_github(&server.github));
    let app = app.map_err(|error| failed(&error))?.keeping_requests(server.request_log_days);
    if server.without_decision_log {
        live.keep_no_decisions();
    }
    let mut post = Post::default().only_to(server.invitation_domains.iter().cloned());
    if let Some((url, from)) = &server.mail {
        let mail = Mail::start(url.expose_secret(), from, app.services()).map_err(|error| failed(&error))?;
        post = post.by(mail);
    }
    let app = app.with_post(post).ending_on_signals();
    if !live.wait_until_current(LEASE) {
        return Err(CommandError::Failed("the database gives this server no lease; the log says why".to_owned()));
    }
    greet(live, clock, &server.public_url(app.address().port()))?;
    app.run().map_err(|error| CommandError::Failed(format!("the server ended: {error}")))
}

fn set_up(live: &Live, clock: &Clock, public_url: &PublicUrl) -> Result<(), CommandError> {
    let administration = Administration::new(live.clone(), clock.clone(), Actor::Server);
    let Some(token) = administration.set_up_when_empty(Lifetime::YEAR.as_micros())? else { return Ok(()) };
    output::line(&format!("SCIM base URL: {public_url}/scim/v2"))?;
    output::line(&format!("SCIM token: {}", *token))?;
    print_console_links(live, clock, public_url)?;
    output::line(
        "Give URL and token to the identity provider. The token is shown this once; `muster token issue` makes another. \
         The console's link signs in once, within 10 minutes; `muster login-link` makes another.",
    )
}

/// Prints, for each organization, a link that signs its recovery administrator in to the console.
pub(super) fn print_console_links(live: &Live, clock: &Clock, public_url: &PublicUrl) -> Result<(), CommandError> {
    let types = ResourceTypes::builtin().map_err(|error| CommandError::Failed(error.to_string()))?;
    let services = Services { live: live.clone(), types, public_url: public_url.to_string(), clock: clock.clone() };
    for organization in Administration::new(live.clone(), clock.clone(), Actor::Server).organizations()? {
        let caller = Caller::local(organization.id, Actor::Server, ids::request(clock.now()));
        let link = services.recovery_link(&caller);
        let link = link.map_err(|error: ServiceError| CommandError::Failed(error.to_string()))?;
        output::line(&format!("Console: {}", *link))?;
    }
    Ok(())
}
