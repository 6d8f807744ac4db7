//! One line in the log for each finished request, and one count.

use std::time::{Duration, Instant};

use actix_web::web::Bytes;

use crate::clock::Clock;
use crate::model::{Caller, RequestId};

use super::metrics::{InFlight, Metrics, known_method};

/// What is known of a request while it is answered. What it logs is never its query, its body, its token or a method
/// somebody made up.
pub struct Record {
    request: RequestId,
    method: &'static str,
    route: &'static str,
    caller: Option<Caller>,
    writes: bool,
    body: Bytes,
    began: Instant,
    _in_flight: InFlight,
}

impl Record {
    /// A request arrives.
    pub fn new(request: RequestId, method: &str, metrics: &Metrics) -> Self {
        Self {
            request,
            method: known_method(method),
            route: "none",
            caller: None,
            writes: false,
            body: Bytes::new(),
            began: Clock::monotonic(),
            _in_flight: metrics.enter(),
        }
    }

    /// The request, as logs and events name it.
    pub const fn request(&self) -> RequestId {
        self.request
    }

    /// Its credential is good.
    pub fn admit(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    /// It is for this route.
    pub const fn route(&mut self, route: &'static str) {
        self.route = route;
    }

    /// Whether it is meant to change something.
    pub const fn is_write(&mut self, writes: bool) {
        self.writes = writes;
    }

    /// Keeps its body, for the request log of its connection and for what it names.
    pub fn keep(&mut self, body: &Bytes) {
        self.body = body.clone();
    }

    /// Who calls, once that is known.
    pub const fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// Whether it is meant to change something.
    pub const fn writes(&self) -> bool {
        self.writes
    }

    /// Its body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Its method, or `other`.
    pub const fn method(&self) -> &'static str {
        self.method
    }

    /// Its route, or `none`.
    pub const fn route_name(&self) -> &'static str {
        self.route
    }

    /// How long it has taken so far.
    pub fn duration(&self) -> Duration {
        Clock::monotonic().duration_since(self.began)
    }

    /// A span for work on another thread, so that what is logged there names the request.
    pub fn span(&self) -> tracing::Span {
        tracing::info_span!("request", request.id = %self.request, http.method = self.method, http.route = self.route)
    }

    /// The answer is made: refusals and errors are worth a line, the others only on request. A write that succeeded has
    /// its event on record.
    pub fn finish(self, status: u16, metrics: &Metrics) {
        let duration = Clock::monotonic().duration_since(self.began);
        metrics.count(self.route, self.method, status, duration);
        let caller = self.caller.as_ref();
        let connection = caller.map(|caller| caller.connection).filter(|connection| !connection.is_nobody());
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    request.id = %self.request,
                    http.method = self.method,
                    http.route = self.route,
                    http.status = status,
                    duration_ms = duration.as_secs_f64() * 1_000.0,
                    organization.id = caller.map(|caller| tracing::field::display(caller.organization)),
                    connection.id = connection.map(tracing::field::display),
                    credential.id = caller.and_then(|caller| caller.actor.credential()).map(tracing::field::display),
                    "request finished"
                )
            };
        }
        if status < 400 {
            line!(tracing::Level::DEBUG);
        } else {
            line!(tracing::Level::INFO);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::config::LogFormat;
    use crate::ids;
    use crate::model::{Actor, Moment, Profile};
    use crate::telemetry::logged;

    fn finished(filter: &str, method: &str, status: u16) -> Vec<Value> {
        let now = Moment::from_micros(0);
        let lines = logged(filter, LogFormat::Json, || {
            let metrics = Metrics::default();
            let request = ids::request(now);
            let mut record = Record::new(request, method, &metrics);
            let connection = ids::connection(now);
            record.admit(&Caller {
                organization: ids::organization(now),
                connection,
                profile: Profile::Default,
                paused: false,
                assigns_roles: false,
                actor: Actor::Connection(connection, ids::credential(now)),
                request,
                digest: None,
            });
            record.route("/Users/{id}");
            record.finish(status, &metrics);
        });
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn refusals_and_errors_have_a_line_and_what_succeeds_only_on_request() {
        for (filter, method, status, lines) in [
            ("info", "POST", 201, 0),
            ("info", "POST", 409, 1),
            ("debug", "POST", 201, 1),
            ("info", "GET", 404, 1),
            ("info", "GET", 200, 0),
            ("info", "HEAD", 304, 0),
            ("debug", "GET", 200, 1),
            ("error", "POST", 201, 0),
        ] {
            assert_eq!(finished(filter, method, status).len(), lines, "{filter} {method} {status}");
        }
    }

    #[test]
    fn a_line_names_the_request_and_its_caller_by_identifiers() {
        let lines = finished("debug", "PATCH", 200);
        let line = lines[0].as_object().unwrap();
        let expected = [
            "connection.id",
            "credential.id",
            "duration_ms",
            "http.method",
            "http.route",
            "http.status",
            "level",
            "message",
            "organization.id",
            "request.id",
            "target",
            "timestamp",
        ];
        let mut names: Vec<&str> = line.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!((&line["http.route"], &line["http.status"]), (&Value::from("/Users/{id}"), &Value::from(200)));
    }
}
