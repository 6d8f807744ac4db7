//! Outgoing requests: to the addresses that were checked, without redirects, bounded in time and size.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls_native_certs::load_native_certs;
use ureq::config::Config;
use ureq::http::{HeaderMap, Method, Request, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use url::Url;

use crate::clock::Clock;
use crate::model::{DestinationError, Destinations};

/// How long a whole exchange may take.
const WHOLE: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// The most that is read of an answer's head, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// Connections to one host, and to all, that are kept for the next request.
const IDLE: (usize, usize) = (4, 64);
/// How long a name leads where it led.
const KEPT: Duration = Duration::from_secs(10);
/// Names remembered at once, and the addresses of one that are tried.
const REMEMBERED: usize = 1_000;
const ADDRESSES: usize = 16;

/// Why there is no answer. The texts are for the administrator who named the destination.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// It may not be connected to.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// It did not answer in time.
    #[error("no answer within {} seconds", WHOLE.as_secs())]
    TimedOut,
    /// More than was asked for.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// Anything else on the way.
    #[error("no answer: {0}")]
    Failed(String),
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status; a redirect is an answer like any other.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: &'a Url,
    /// Headers besides those every request has.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty for none.
    pub body: &'a str,
    /// The most that is read of the answer's body, in bytes.
    pub at_most: u64,
}

/// Sends requests; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    destinations: Arc<Destinations>,
}

/// Where a name led when it was last looked up and checked.
type Known = HashMap<(String, u16), (Instant, Vec<SocketAddr>)>;

#[derive(Debug)]
struct CheckedResolver {
    destinations: Arc<Destinations>,
    resolver: Box<dyn Resolver>,
    known: Mutex<Known>,
}

impl CheckedResolver {
    fn look_up(
        &self,
        (host, port): (&str, u16),
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<Vec<SocketAddr>, ureq::Error> {
        // An address is where it says: nobody is asked, and no thread is started to ask.
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        Ok(self.resolver.resolve(uri, config, timeout)?.to_vec())
    }
}

impl Resolver for CheckedResolver {
    /// What is checked here is what is connected to, for as long as it is kept; what is refused is not kept.
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let encrypted = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let (key, now) = ((host.to_ascii_lowercase(), port), Clock::monotonic());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let fresh = known.filter(|(at, _)| now.duration_since(*at) < KEPT).map(|(_, addresses)| addresses);
        let found = match &fresh {
            Some(addresses) => addresses.clone(),
            None => self.look_up((host, port), uri, config, timeout)?,
        };
        let mut checked = self.empty();
        for address in &found {
            self.destinations.permit(*address, encrypted).map_err(|refused| ureq::Error::Other(Box::new(refused)))?;
            if checked.len() < ADDRESSES {
                checked.push(*address);
            }
        }
        if fresh.is_none() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(key, (now, found));
        }
        Ok(checked)
    }
}

impl Client {
    /// A client that goes where `destinations` permit, and trusts the authorities the operating system trusts.
    pub fn new(destinations: Destinations) -> Self {
        Self::resolving(destinations, Box::new(DefaultResolver::default()))
    }

    /// One that asks somebody else for addresses.
    fn resolving(destinations: Destinations, resolver: Box<dyn Resolver>) -> Self {
        let destinations = Arc::new(destinations);
        let roots: Vec<_> =
            load_native_certs().certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(WHOLE))
            .timeout_connect(Some(CONNECT))
            .timeout_resolve(Some(CONNECT))
            .max_response_header_size(HEAD_BYTES)
            .max_idle_connections_per_host(IDLE.0)
            .max_idle_connections(IDLE.1)
            .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let known = Mutex::default();
        let resolver = CheckedResolver { destinations: Arc::clone(&destinations), resolver, known };
        let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { agent, destinations }
    }

    /// Where it may go.
    pub fn destinations(&self) -> &Destinations {
        &self.destinations
    }

    /// Sends a request and waits for the answer. Blocks.
    ///
    /// # Errors
    /// [`OutboundError`].
    pub fn send(&self, outgoing: &Outgoing<'_>) -> Result<Reply, OutboundError> {
        self.exchange(outgoing).map(|(reply, _headers)| reply)
    }

    /// As [`Client::send`], with the headers of the answer.
    ///
    /// # Errors
    /// [`OutboundError`].
    pub fn exchange(&self, outgoing: &Outgoing<'_>) -> Result<(Reply, HeaderMap), OutboundError> {
        self.destinations.parse(outgoing.url.as_str())?;
        let mut request = Request::builder().method(outgoing.method.clone()).uri(outgoing.url.as_str());
        for (name, value) in outgoing.headers {
            request = request.header(*name, *value);
        }
        let unsendable = |error: ureq::http::Error| OutboundError::Failed(error.to_string());
        let answer = if outgoing.body.is_empty() {
            self.agent.run(request.body(()).map_err(unsendable)?)
        } else {
            self.agent.run(request.body(outgoing.body).map_err(unsendable)?)
        };
        let mut answer = answer.map_err(understood)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.body_mut().with_config().limit(outgoing.at_most).lossy_utf8(true).read_to_string();
        match body {
            Ok(body) => Ok((Reply { status, body }, headers)),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(OutboundError::TooLarge(outgoing.at_most)),
            Err(error) => Err(understood(error)),
        }
    }
}

fn understood(error: ureq::Error) -> OutboundError {
    match error {
        ureq::Error::Timeout(_) => OutboundError::TimedOut,
        ureq::Error::Other(other) => match other.downcast::<DestinationError>() {
            Ok(refused) => OutboundError::Destination(*refused),
            Err(other) => OutboundError::Failed(other.to_string()),
        },
        error => OutboundError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
