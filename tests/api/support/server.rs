//! A running server of a test's own, in this process, or several as one, and clients that talk to it over HTTP.

use std::thread::JoinHandle;

use muster::access::decide::Rules;
use muster::app::{App, AppSettings, Handle};
use muster::clock::Clock;
use muster::config::GithubSettings;
use muster::db::{self, IfMissing};
use muster::live::{CannotJudge, Live, LiveSettings, LiveThreads};
use muster::model::{Actor, CredentialKind, OrganizationId, Profile};
use muster::outbound::mail::Mail;
use muster::scim::schema::ResourceTypes;
use muster::service::Services;
use muster::service::administration::{Administration, NewToken};
use muster::service::post::Post;
use serde_json::Value;
use ureq::config::AutoHeaderValue;

use super::Database;
use super::balancer::{Address, Balancer, Behind};

/// A server that answers until it is dropped.
pub struct Server {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The database it serves from, for looking behind the scenes.
    pub database: db::Database,
    /// Its live layer; of several servers that of the first.
    pub live: Live,
    pub clock: Clock,
    balancer: Option<Balancer>,
    _running: Vec<Running>,
}

/// One process' worth of it.
struct Running {
    behind: Behind,
    handle: Handle,
    answering: Option<JoinHandle<()>>,
    _threads: LiveThreads,
}

impl Server {
    /// Starts one on a migrated database, without a rate limit.
    pub fn start(database: &Database) -> Self {
        Self::start_with(database, 0)
    }

    /// Starts one that allows each credential so many requests a second.
    pub fn start_with(database: &Database, rate_limit: u32) -> Self {
        Self::start_at(database, rate_limit, Clock::system())
    }

    /// Starts one that lives by this clock.
    pub fn start_at(database: &Database, rate_limit: u32, clock: Clock) -> Self {
        Self::start_gated(database, rate_limit, clock, &[])
    }

    /// Starts one that answers these GitHub Apps besides.
    pub fn start_gated(database: &Database, rate_limit: u32, clock: Clock, github: &[GithubSettings]) -> Self {
        Self::start_whole(database, rate_limit, clock, github, None)
    }

    /// Starts one that lives by this clock and sends its mail to a mail server.
    pub fn start_mailing(database: &Database, clock: Clock, mail: &str) -> Self {
        Self::start_whole(database, 0, clock, &[], Some(mail))
    }

    fn start_whole(
        database: &Database,
        rate_limit: u32,
        clock: Clock,
        github: &[GithubSettings],
        mail: Option<&str>,
    ) -> Self {
        let opened = db::Database::open(database.url(), IfMissing::Create).unwrap();
        opened.migrate().unwrap();
        let address = (database.servers() > 1).then(Address::free);
        let public_url = address.as_ref().map(|address| address.url.clone());
        let start = |opened| Running::start(opened, &clock, (rate_limit, github, mail), public_url.as_deref());
        let mut running = vec![start(opened.clone())];
        for _ in 1..database.servers() {
            running.push(start(db::Database::open(database.url(), IfMissing::Refuse).unwrap()));
        }
        let behind: Vec<Behind> = running.iter().map(|one| one.behind.clone()).collect();
        let url = public_url.clone().unwrap_or_else(|| format!("http://{}", behind[0].address));
        let live = behind[0].live.clone();
        let balancer = address.map(|address| Balancer::start(address, behind));
        Self { url, database: opened, live, clock, balancer, _running: running }
    }

    /// The live layer of the server whose turn it is, which has followed what is committed.
    pub fn caught_up(&self) -> Live {
        self.balancer.as_ref().map_or_else(|| self.live.clone(), Balancer::next)
    }

    /// Judges by what is in memory of the server whose turn it is. One that the machine has not let run for as long as a
    /// lease lasts judges nothing until it is current again, and then the next one is asked.
    pub fn judge<T>(&self, organization: OrganizationId, work: impl Fn(&Rules<'_>) -> T) -> T {
        loop {
            match self.caught_up().judge(organization, |rules, _| work(rules)) {
                Err(CannotJudge::Lease) => std::thread::yield_now(),
                judged => return judged.unwrap(),
            }
        }
    }

    /// Administration, as from the command line.
    pub fn administration(&self) -> Administration {
        Administration::new(self.live.clone(), self.clock.clone(), Actor::CommandLine)
    }

    /// A new organization with one connection, and a client of it.
    pub fn organization(&self, slug: &str) -> Organization {
        let organization = self.administration().create_organization(&slug.parse().unwrap(), &slug.parse().unwrap());
        let id = organization.unwrap().id;
        let client = self.connection(id, "first", Profile::Default);
        Organization { id, client }
    }

    /// A new connection of an organization, and a client of it.
    pub fn connection(&self, organization: OrganizationId, name: &str, profile: Profile) -> Client {
        let administration = self.administration();
        administration.create_connection(organization, &name.parse().unwrap(), profile).unwrap();
        Client { base: format!("{}/scim/v2", self.url), token: self.token(organization, name) }
    }

    /// A new SCIM token of a connection, good for a day.
    pub fn token(&self, organization: OrganizationId, connection: &str) -> String {
        let wanted = NewToken {
            organization,
            kind: CredentialKind::Scim,
            connection: Some(connection.parse().unwrap()),
            valid_micros: 86_400_000_000,
        };
        self.administration().issue_token(&wanted).unwrap().to_string()
    }
}

impl Running {
    fn start(
        opened: db::Database,
        clock: &Clock,
        (rate_limit, github, mail): (u32, &[GithubSettings], Option<&str>),
        public_url: Option<&str>,
    ) -> Self {
        let settings = LiveSettings { serves: true, root_key: None };
        let (live, threads) = Live::start(opened, clock.clone(), settings).unwrap();
        let services = |address| Services {
            live: live.clone(),
            types: ResourceTypes::builtin().unwrap(),
            public_url: public_url.map_or_else(|| format!("http://{address}"), str::to_owned),
            clock: clock.clone(),
        };
        let app = AppSettings { listen: "127.0.0.1:0".to_owned(), metrics_listen: None, rate_limit };
        let mut app = App::bind(app, services).unwrap().with_github(github).unwrap();
        if let Some(url) = mail {
            let mail = Mail::start(url, "Muster <muster@example.com>", app.services()).unwrap();
            app = app.with_post(Post::default().by(mail));
        }
        let behind = Behind::new(app.address(), live);
        let handle = app.handle();
        let answering = Some(std::thread::spawn(move || app.run().unwrap()));
        while !behind.live.is_current() {
            std::thread::yield_now();
        }
        Self { behind, handle, answering, _threads: threads }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(answering) = self.answering.take() {
            let _ = answering.join();
        }
    }
}

/// An organization with a client of its first connection.
pub struct Organization {
    pub id: OrganizationId,
    pub client: Client,
}

/// A client of SCIM, or of another surface, with a bearer token.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub token: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).unwrap() }
    }

    /// A header's text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `id` of the resource in the body.
    pub fn id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_else(|| panic!("no id in {self:?}")).to_owned()
    }

    /// Itself, if the status is the one expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts an error object of the protocol with this status and `scimType` (empty: none).
    #[track_caller]
    pub fn expect_error(self, status: u16, scim_type: &str) -> Self {
        let body = self.clone().expect(status).json();
        assert_eq!(body["schemas"], serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{body}");
        assert_eq!(body["status"], status.to_string(), "{body}");
        assert_eq!(body["scimType"].as_str().unwrap_or_default(), scim_type, "{body}");
        assert!(!body["detail"].as_str().unwrap_or_default().is_empty(), "{body}");
        self
    }
}

impl Client {
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(&body.to_string()))
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &[], Some(&body.to_string()))
    }

    /// A PATCH with these operations.
    pub fn patch(&self, path: &str, operations: &Value) -> Answer {
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.send("PATCH", path, &[], Some(&body.to_string()))
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None)
    }

    /// `GET {endpoint}?filter=…`.
    pub fn filter(&self, endpoint: &str, filter: &str) -> Answer {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        self.get(&format!("{endpoint}?{query}"))
    }

    /// Any request; headers given here replace the usual ones.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        self.send_bytes(method, path, headers, body.map(str::as_bytes))
    }

    /// As [`Client::send`], with a body that need not be text.
    pub fn send_bytes(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
        // Nothing is sent that the test does not name: some identity providers send no User-Agent either.
        let config = config.user_agent(AutoHeaderValue::None).accept(AutoHeaderValue::None);
        let agent: ureq::Agent = config.build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        let given = |name: &str| headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
        if !given("Authorization") {
            request = request.header("Authorization", format!("Bearer {}", self.token));
        }
        if body.is_some() && !given("Content-Type") {
            let scim = self.base.contains("/scim/");
            request = request.header("Content-Type", if scim { "application/scim+json" } else { "application/json" });
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => agent.run(request.body(body.to_vec()).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        }
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let headers = response.headers().clone();
        let text = response.body_mut().with_config().limit(256 * 1024 * 1024).read_to_string().unwrap();
        Answer { status: response.status().as_u16(), headers, text }
    }
}
