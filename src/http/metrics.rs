//! What is counted, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::access::gates::Gate;
use crate::model::OrganizationId;

/// Upper bounds of the latency histogram, in seconds: from a read in memory to a lease that had to run out.
const BUCKETS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Every value is one of few: names of routes, never paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
    method: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HealthLabels {
    health: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceiverLabels {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GateLabels {
    organization: String,
    scope: String,
    permission: String,
    state: &'static str,
}

type Latencies = Family<RouteLabels, Histogram, fn() -> Histogram>;

/// The counters of this process.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latencies: Latencies,
    in_flight: Gauge,
    database_up: Gauge,
    lease_current: Gauge,
    times_gone_back: Gauge<u64, AtomicU64>,
    request_lines_lost: Gauge<u64, AtomicU64>,
    connections: Family<HealthLabels, Gauge>,
    findings: Family<FindingLabels, Gauge>,
    receivers: Family<ReceiverLabels, Gauge>,
    gates: Family<GateLabels, Gauge>,
}

/// Counts a request as being answered until dropped, whether it is answered or its client goes away.
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The state of the server at the moment of a scrape.
#[derive(Debug, Clone)]
pub struct State {
    /// Whether the database answers.
    pub database_up: bool,
    /// Whether this server may judge.
    pub lease_current: bool,
    /// How often the database was found behind what it had acknowledged.
    pub times_gone_back: u64,
    /// Lines of the request log that were lost.
    pub request_lines_lost: u64,
    /// How many connections of the deployment fare how.
    pub connections: BTreeMap<&'static str, i64>,
    /// How much stands that was found of leavers and nobody has acknowledged, by its kind.
    pub findings: BTreeMap<&'static str, i64>,
    /// How many receivers are in which state.
    pub receivers: Vec<(&'static str, i64)>,
    /// The gates of the organizations in memory, as they were seen last.
    pub gates: Vec<(OrganizationId, Gate)>,
}

impl Default for Metrics {
    /// Nothing counted yet.
    fn default() -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let latencies = Latencies::new_with_constructor(|| Histogram::new(BUCKETS));
        let (in_flight, database_up, lease_current) = (Gauge::default(), Gauge::default(), Gauge::default());
        let times_gone_back = Gauge::default();
        let mut registry = Registry::with_prefix("muster");
        registry.register("http_requests", "Answered requests", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "From the head of a request to its answer, in seconds",
            latencies.clone(),
        );
        registry.register("http_requests_in_flight", "Requests being answered", in_flight.clone());
        registry.register("database_up", "1 if the database answers", database_up.clone());
        registry.register("lease_current", "1 if this server may judge", lease_current.clone());
        registry.register(
            "database_times_gone_back",
            "How often the database was found behind what it had acknowledged: a replica promoted too early",
            times_gone_back.clone(),
        );
        let (request_lines_lost, connections) = (Gauge::default(), Family::default());
        registry.register(
            "request_log_lines_lost",
            "Lines of the request log of connections that were lost: more had gathered than may, or the database failed",
            Gauge::clone(&request_lines_lost),
        );
        registry.register(
            "connections",
            "Connections of the deployment by how they fare: failing ones have requests refused",
            Family::clone(&connections),
        );
        let findings = Family::default();
        registry.register(
            "leaver_findings",
            "What the still-gone watch found of leavers and nobody has acknowledged",
            Family::clone(&findings),
        );
        let receivers = Family::default();
        registry.register(
            "receivers",
            "Receivers of the deployment by their state: failing ones do not answer, paused ones are told nothing",
            Family::clone(&receivers),
        );
        let gates = Family::default();
        registry.register(
            "gate_passing",
            "How many people can pass a gate, by its state: open, closed, too few or too many",
            Family::clone(&gates),
        );
        registry.register("build", "This build", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self {
            registry,
            requests,
            latencies,
            in_flight,
            database_up,
            lease_current,
            times_gone_back,
            request_lines_lost,
            connections,
            findings,
            receivers,
            gates,
        }
    }
}

impl Metrics {
    /// A request begins.
    pub fn enter(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// A request is answered.
    pub fn count(&self, route: &'static str, method: &str, status: u16, duration: Duration) {
        let method = known_method(method);
        self.requests.get_or_create(&RequestLabels { route, method, status: class(status) }).inc();
        self.latencies.get_or_create(&RouteLabels { route, method }).observe(duration.as_secs_f64());
    }

    /// The page, in the `OpenMetrics` text format.
    pub fn page(&self, state: State) -> String {
        self.database_up.set(i64::from(state.database_up));
        self.lease_current.set(i64::from(state.lease_current));
        self.times_gone_back.set(state.times_gone_back);
        self.request_lines_lost.set(state.request_lines_lost);
        for (health, count) in state.connections {
            self.connections.get_or_create(&HealthLabels { health }).set(count);
        }
        for (kind, count) in state.findings {
            self.findings.get_or_create(&FindingLabels { kind }).set(count);
        }
        for (state, count) in state.receivers {
            self.receivers.get_or_create(&ReceiverLabels { state }).set(count);
        }
        // A gate that is gone, or in another state, must not stand there any more.
        self.gates.clear();
        for (organization, gate) in state.gates {
            let labels = GateLabels {
                organization: organization.to_string(),
                scope: gate.scope.to_string(),
                permission: gate.permission.to_string(),
                state: gate.state().as_str(),
            };
            self.gates.get_or_create(&labels).set(i64::try_from(gate.passing).unwrap_or(i64::MAX));
        }
        let mut page = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}

/// Methods are made up at will; labels and lines of the log are not.
pub(super) fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

const fn class(status: u16) -> &'static str {
    match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(passing: usize) -> Gate {
        Gate {
            scope: format!("/p{passing}").parse().unwrap(),
            permission: "deploy:run".parse().unwrap(),
            passing,
            bounds: crate::model::GateBounds::new(1, Some(2)).unwrap(),
        }
    }

    #[test]
    fn requests_are_counted_by_route_method_and_class_of_status() {
        let metrics = Metrics::default();
        for _ in 0..2 {
            metrics.count("/Users/{id}", "GET", 404, Duration::from_millis(3));
        }
        metrics.count("/Users", "BREW", 405, Duration::from_millis(3));
        let running = metrics.enter();
        let state = State {
            database_up: true,
            lease_current: false,
            times_gone_back: 3,
            request_lines_lost: 2,
            connections: BTreeMap::from([("failing", 4)]),
            findings: BTreeMap::from([("re-added", 5)]),
            receivers: vec![("failing", 6)],
            gates: vec![
                (OrganizationId::from_bytes(&[1; 16]).unwrap(), gate(0)),
                (OrganizationId::from_bytes(&[1; 16]).unwrap(), gate(3)),
            ],
        };
        let page = metrics.page(state.clone());
        for line in [
            r#"muster_http_requests_total{route="/Users/{id}",method="GET",status="4xx"} 2"#,
            r#"muster_http_requests_total{route="/Users",method="other",status="4xx"} 1"#,
            r#"muster_http_request_duration_seconds_bucket{le="0.0025",route="/Users/{id}",method="GET"} 0"#,
            r#"muster_http_request_duration_seconds_bucket{le="0.005",route="/Users/{id}",method="GET"} 2"#,
            "muster_http_requests_in_flight 1",
            "muster_database_up 1",
            "muster_lease_current 0",
            "muster_database_times_gone_back 3",
            "muster_request_log_lines_lost 2",
            r#"muster_connections{health="failing"} 4"#,
            r#"muster_leaver_findings{kind="re-added"} 5"#,
            r#"muster_receivers{state="failing"} 6"#,
            r#"muster_gate_passing{organization="01010101-0101-0101-0101-010101010101",scope="/p0",permission="deploy:run",state="closed"} 0"#,
            r#"muster_gate_passing{organization="01010101-0101-0101-0101-010101010101",scope="/p3",permission="deploy:run",state="too many"} 3"#,
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
        drop(running);
        assert!(metrics.page(state).contains("muster_http_requests_in_flight 0"));
    }
}
