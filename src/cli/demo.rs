//! `muster demo`: a company that is made up, with a year behind it, to look around in.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;
use crate::config::{Flags, ServerFlags, Settings};
use crate::db::{Database, IfMissing};
use crate::ids;
use crate::live::{LEASE, Live, LiveSettings};
use crate::model::{Actor, Caller};
use crate::scim::schema::ResourceTypes;
use crate::service::Services;
use crate::service::demonstration::{self, Demonstration, DemonstrationError};

use super::error::CommandError;
use super::serve::single_server::SingleServer;
use super::{output, root_key, serve};

#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    server: ServerFlags,
    /// What the company is made up from: the same number makes the same company
    #[arg(long, value_name = "NUMBER", default_value_t = demonstration::SEED)]
    seed: u32,
}

/// Fills a database that holds nobody, a new one in the temporary folder unless one is named, and serves it.
pub(super) fn run(demo: &Demo, flags: &Flags, settings: &Settings) -> Result<(), CommandError> {
    let folder = if flags.database_url.is_some() { None } else { Some(Folder::make()?) };
    let settings = match &folder {
        None => settings.clone(),
        Some(Folder(path)) => {
            let url = format!("sqlite:{}", path.join("muster.db").display());
            Settings { database_url: SecretString::from(url), root_key_file: None, ..settings.clone() }
        }
    };
    let made = fill(demo, &settings)?;
    let served = serve::serve(&demo.server, flags, &settings, |live, clock, url| {
        output::line(&format!("The organization `{}` is made up: {} runs it.", made.slug, made.administrator_name))?;
        if let Some(Folder(path)) = &folder {
            output::line(&format!("Its data is in {} and goes with this process.", path.display()))?;
        }
        let types = ResourceTypes::builtin().map_err(|error| CommandError::Failed(error.to_string()))?;
        let services = Services { live: live.clone(), types, public_url: url.to_string(), clock: clock.clone() };
        let caller = Caller::local(made.organization, Actor::CommandLine, ids::request(clock.now()));
        let link = services.user_link(&caller, made.administrator)?;
        output::line(&format!("Open this within 10 minutes to sign in as that person: {}", *link))
    });
    drop(folder);
    served
}

/// Lets a year pass in an empty database.
fn fill(demo: &Demo, settings: &Settings) -> Result<Demonstration, CommandError> {
    let database = Database::open(settings.database_url.expose_secret(), IfMissing::Create)?;
    let single = SingleServer::claim(&database)?;
    serve::bring_up_to_date(&database)?;
    let root_key = root_key::load(settings, &database)?;
    let clock = Clock::manual(Clock::system().now().plus_micros(-demonstration::LENGTH));
    let (live, threads) = Live::start(database, clock.clone(), LiveSettings { serves: true, root_key })?;
    let filled = if live.wait_until_current(LEASE) {
        let types = ResourceTypes::builtin().map_err(|error| CommandError::Failed(error.to_string()))?;
        let services = Services { live: live.clone(), types, public_url: String::new(), clock };
        demonstration::fill(&services, demo.seed).map_err(|error| match error {
            DemonstrationError::NotEmpty => CommandError::Usage(error.to_string()),
            error => CommandError::Failed(error.to_string()),
        })
    } else {
        Err(CommandError::Failed("the database gives this server no lease; the log says why".to_owned()))
    };
    live.shut_down();
    drop(live);
    threads.join();
    drop(single);
    filled
}

/// A folder of one's own that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, CommandError> {
        use std::os::unix::fs::DirBuilderExt;
        let failed = |error: &dyn std::error::Error| CommandError::Failed(error.to_string());
        let random = u64::from_ne_bytes(ids::random().map_err(|error| failed(&error))?);
        let path = std::env::temp_dir().join(format!("muster-demo-{random:016x}"));
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            CommandError::Failed(format!("the folder `{}` cannot be made: {error}", Path::display(&path)))
        })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
