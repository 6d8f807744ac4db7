//! The servers, and requests to them that may fail.

use std::sync::{Mutex, RwLock};
use std::time::Duration;

use muster::clock::Clock;
use serde_json::Value;

use crate::support::{Dice, Program, ServerProcess};

/// Longer than a lease and the longest stop: what is sent to a server that stands still is answered when it goes on.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long something may take to be acknowledged, tried again and again.
const ENOUGH: Duration = Duration::from_mins(5);

/// Servers on one database, and the command line beside them.
pub(super) struct Fleet {
    pub(super) program: Program,
    servers: Vec<Mutex<Option<ServerProcess>>>,
    bases: RwLock<Vec<String>>,
    pub(super) scim: String,
    /// A token for enforcement points that is never revoked.
    pub(super) pep: String,
    /// Whom a token of their own is asked about with, which is revoked: name and token.
    pub(super) tokens: Mutex<Vec<(String, String)>>,
}

impl Fleet {
    pub(super) fn start(database_url: &str, count: usize) -> Self {
        let program = Program::alone().with("MUSTER_DATABASE_URL", database_url).with("MUSTER_RATE_LIMIT", "0");
        let program = program.with("MUSTER_LOG", "warn,muster::app=info");
        let first = program.serve(&[]);
        let (_, scim) = first.first_lines();
        let mut servers = vec![first];
        servers.extend((1..count).map(|_| program.serve(&[])));
        program.done(&["scope", "create", "/billing/production", "--production"]);
        let pep = program.done(&["token", "issue", "--kind", "pep"]).trim().to_owned();
        let bases = RwLock::new(servers.iter().map(|server| server.base().to_owned()).collect());
        let servers = servers.into_iter().map(|server| Mutex::new(Some(server))).collect();
        Self { program, servers, bases, scim, pep, tokens: Mutex::default() }
    }

    /// Where one of them listens.
    pub(super) fn any(&self, dice: &mut Dice) -> String {
        let bases = self.bases.read().unwrap();
        bases[dice.below(bases.len())].clone()
    }

    pub(super) fn base(&self, which: usize) -> String {
        self.bases.read().unwrap()[which].clone()
    }

    pub(super) fn len(&self) -> usize {
        self.servers.len()
    }

    /// Sends a signal to one of them.
    pub(super) fn signal(&self, which: usize, signal: &str) {
        self.servers[which].lock().unwrap().as_ref().unwrap().signal(signal);
    }

    /// Kills one of them and starts another in its place.
    pub(super) fn replace(&self, which: usize) {
        let mut place = self.servers[which].lock().unwrap();
        place.take().unwrap().kill();
        let next = self.program.serve(&[]);
        self.bases.write().unwrap()[which] = next.base().to_owned();
        *place = Some(next);
    }
}

/// One who asks, over connections that are kept.
pub(super) struct Caller(ureq::Agent);

impl Caller {
    pub(super) fn new() -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
        Self(config.timeout_global(Some(PATIENCE)).build().into())
    }

    /// The status and the body, if anything came back.
    pub(super) fn send(&self, method: &str, url: &str, token: &str, body: &Value) -> Option<(u16, String)> {
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request = request.header("Authorization", format!("Bearer {token}"));
        let kind = if url.contains("/scim/") { "application/scim+json" } else { "application/json" };
        let request = request.header("Content-Type", kind);
        let answered = match body {
            Value::Null => self.0.run(request.body(()).unwrap()),
            body => self.0.run(request.body(body.to_string()).unwrap()),
        };
        let mut response = answered.ok()?;
        Some((response.status().as_u16(), response.body_mut().read_to_string().ok()?))
    }

    /// Sends a SCIM request to one server after the other until one acknowledges it.
    pub(super) fn insist(&self, fleet: &Fleet, dice: &mut Dice, method: &str, path: &str, body: &Value) -> String {
        let began = Clock::monotonic();
        loop {
            let url = format!("{}/scim/v2{path}", fleet.any(dice));
            match self.send(method, &url, &fleet.scim, body) {
                Some((200..=204, text)) => return text,
                Some((503 | 500, _)) | None => {}
                Some((status, text)) => panic!("{method} {path}: {status} {text}"),
            }
            assert!(began.elapsed() < ENOUGH, "{method} {path} is not acknowledged");
        }
    }
}

/// Runs a command until it is done; answers what it printed.
pub(super) fn insist_on_command(fleet: &Fleet, arguments: &[&str]) -> String {
    let began = Clock::monotonic();
    loop {
        let ended = fleet.program.run(arguments);
        if ended.code == Some(0) {
            return ended.stdout.trim().to_owned();
        }
        assert!(began.elapsed() < ENOUGH, "{arguments:?}: {ended:?}");
    }
}
