//! One line in the log for each finished request, and one count.

use std::time::Instant;

use crate::clock::Clock;
use crate::model::{Caller, RequestId};

use super::metrics::{InFlight, Metrics};

/// What is known of a request while it is answered. Never its query, its body or its token.
pub struct Record {
    request: RequestId,
    method: String,
    route: &'static str,
    caller: Option<Caller>,
    began: Instant,
    _in_flight: InFlight,
}

impl Record {
    /// A request arrives.
    pub fn new(request: RequestId, method: &str, metrics: &Metrics) -> Self {
        Self {
            request,
            method: method.to_owned(),
            route: "none",
            caller: None,
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

    /// A span for work on another thread, so that what is logged there names the request.
    pub fn span(&self) -> tracing::Span {
        tracing::info_span!("request", request.id = %self.request, http.method = self.method, http.route = self.route)
    }

    /// The answer is made: writes and errors are worth a line, good reads only on request.
    pub fn finish(self, status: u16, metrics: &Metrics) {
        let duration = Clock::monotonic().duration_since(self.began);
        metrics.count(self.route, &self.method, status, duration);
        let caller = self.caller.as_ref();
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
                    connection.id = caller.map(|caller| tracing::field::display(caller.connection)),
                    credential.id = caller.map(|caller| tracing::field::display(caller.credential)),
                    "request finished"
                )
            };
        }
        if status < 400 && matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            line!(tracing::Level::DEBUG);
        } else {
            line!(tracing::Level::INFO);
        }
    }
}
