//! Practising: a server of its own on a port of this machine, with a database in a folder that goes with it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, TryLockError};

use conformance::client::{Client, Target};
use conformance::conversation::{self, Conversation, Taken};
use conformance::outcome::Outcome;
use conformance::session::Session;

use crate::clock::Clock;
use crate::db::{Database, IfMissing};
use crate::ids;
use crate::live::{LEASE, Live, LiveSettings};
use crate::model::{Actor, CredentialKind, Profile};
use crate::scim::schema::ResourceTypes;
use crate::service::Services;
use crate::service::administration::Administration;
use crate::service::practice::{Exercise, PracticeError, Practised, Sparring, Step};

use super::{App, AppSettings};

/// What its server listens on: a free port of this machine alone.
const LISTEN: &str = "127.0.0.1:0";
/// How long its token is good.
const TOKEN_MICROS: i64 = 3_600_000_000;
/// Turns a step may have: longer conversations are for the conformance program.
const TURNS: usize = 200;
/// Exchanges of a step that are shown.
const SHOWN: usize = 3;

/// One at a time has conversations: each takes a server of its own.
#[derive(Debug, Default)]
pub struct Partner(Mutex<()>);

impl Sparring for Partner {
    fn exercises(&self, profile: Profile) -> Vec<Exercise> {
        all(profile).iter().map(exercise).collect()
    }

    fn practise(&self, profile: Profile, id: &str) -> Result<Practised, PracticeError> {
        let _alone: MutexGuard<'_, ()> = match self.0.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::WouldBlock) => return Err(PracticeError::Busy),
            // Whoever fell down before left nothing behind that matters.
            Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
        };
        let conversation = all(profile).into_iter().find(|one| one.id == id).ok_or(PracticeError::Unknown)?;
        Scratch::make(profile)?.have(&conversation)
    }
}

fn failed(error: impl std::fmt::Display) -> PracticeError {
    PracticeError::Failed(error.to_string())
}

/// The conversations of a kind of connection that do not take long.
fn all(profile: Profile) -> Vec<Conversation> {
    let named = |one: &Conversation| match one.provider.as_str() {
        "Okta" => profile == Profile::Okta,
        "Entra" => profile == Profile::Entra,
        _ => !matches!(profile, Profile::Okta | Profile::Entra),
    };
    let is_short = |one: &Conversation| one.steps.iter().all(|step| step.times.unwrap_or_default() <= TURNS);
    conversation::all().unwrap_or_default().into_iter().filter(|one| named(one) && is_short(one)).collect()
}

fn exercise(one: &Conversation) -> Exercise {
    let (id, provider, title) = (one.id.clone(), one.provider.clone(), one.title.clone());
    Exercise { id, provider, title, steps: one.steps.len() }
}

/// A scratch organization with its server.
struct Scratch {
    base_url: String,
    token: String,
    /// Ended in this order.
    server: Running,
    _folder: Folder,
}

impl Scratch {
    fn make(profile: Profile) -> Result<Self, PracticeError> {
        let folder = Folder::make()?;
        let url = format!("sqlite:{}", folder.0.join("practice.db").display());
        let database = Database::open(&url, IfMissing::Create).map_err(failed)?;
        database.migrate().map_err(failed)?;
        let clock = Clock::system();
        let settings = LiveSettings { serves: true, root_key: None };
        let (live, threads) = Live::start(database, clock.clone(), settings).map_err(failed)?;
        let join = Box::new(move || threads.join());
        let mut server = Running { live: Some(live), join: Some(join), answering: None };
        let (base_url, token) = server.open(&clock, profile)?;
        Ok(Self { base_url, token, server, _folder: folder })
    }

    fn have(self, conversation: &Conversation) -> Result<Practised, PracticeError> {
        let target = Target::new(&self.base_url, &self.token, None).map_err(PracticeError::Failed)?;
        let session = Session::begin(Client::new(target))
            .map_err(|stop| PracticeError::Failed(Outcome::from(Err(stop)).reason().to_owned()))?;
        let (steps, outcome) = conversation.rehearse(&session);
        // Its connections are closed before its server ends, which waits for them.
        drop(session);
        drop(self.server);
        Ok(Practised {
            exercise: exercise(conversation),
            steps: steps.into_iter().map(step).collect(),
            word: outcome.word().to_owned(),
            reason: outcome.reason().to_owned(),
        })
    }
}

fn step(taken: Taken) -> Step {
    let shown = taken.exchanges.iter().take(SHOWN);
    Step {
        say: taken.say,
        exchanges: shown.map(|one| (one.request.clone(), one.answer.clone())).collect(),
        requests: taken.exchanges.len(),
        problem: taken.outcome.reason().to_owned(),
    }
}

/// A server that runs; it ends when this is dropped.
struct Running {
    live: Option<Live>,
    join: Option<Box<dyn FnOnce() + Send>>,
    answering: Option<(super::Handle, std::thread::JoinHandle<()>)>,
}

impl Running {
    /// Makes the scratch organization and answers for it: base URL and token.
    fn open(&mut self, clock: &Clock, profile: Profile) -> Result<(String, String), PracticeError> {
        let live = self.live.clone().ok_or(PracticeError::Off)?;
        if !live.wait_until_current(LEASE) {
            return Err(failed("its database gives no lease"));
        }
        let administration = Administration::new(live.clone(), clock.clone(), Actor::Server);
        let (slug, name) = ("practice".parse().map_err(failed)?, "Practice".parse().map_err(failed)?);
        let connection = "practice".parse().map_err(failed)?;
        let made = administration.create_organization(&slug, &name).and_then(|organization| {
            let connection = administration.create_connection(organization.id, &connection, profile)?;
            let (kind, of) = (CredentialKind::Scim, Some(connection.id));
            administration.issue_credential(organization.id, kind, of, TOKEN_MICROS)
        });
        let (_, token) = made.map_err(failed)?;
        let types = ResourceTypes::builtin().map_err(failed)?;
        let clock = clock.clone();
        let services = |address| Services { live, types, public_url: format!("http://{address}"), clock };
        let settings = AppSettings { listen: LISTEN.to_owned(), metrics_listen: None, rate_limit: 0 };
        let app = App::bind(settings, services).map_err(failed)?;
        let base_url = format!("http://{}/scim/v2", app.address());
        let handle = app.handle();
        let thread = std::thread::Builder::new().name("practice".to_owned()).spawn(move || {
            if let Err(error) = app.run() {
                tracing::warn!(error = %error, "the server to practise with ended");
            }
        });
        self.answering = Some((handle, thread.map_err(failed)?));
        Ok((base_url, token.to_string()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.answering.take() {
            handle.stop();
            let _ended = thread.join();
        }
        // Its threads end when nobody holds what they work for.
        if let Some(live) = self.live.take() {
            live.shut_down();
        }
        if let Some(join) = self.join.take() {
            join();
        }
    }
}

/// A folder of one's own that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, PracticeError> {
        use std::os::unix::fs::DirBuilderExt;
        let random = u64::from_ne_bytes(ids::random().map_err(failed)?);
        let path: PathBuf = Path::join(&std::env::temp_dir(), format!("muster-practice-{random:016x}"));
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}
