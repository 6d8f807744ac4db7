//! What is asked of others: the keys they publish, and identity providers.

use std::sync::OnceLock;

use ureq::http::Method;

use crate::live::{Exchanger, Fetch};
use crate::outbound::client::{Client, Outgoing};

/// The most that is read of a document, in bytes.
const DOCUMENT_BYTES: u64 = 256 * 1024;

/// Goes where outgoing requests may go. The client, which is dear, is made when there is first something to read.
pub(super) fn documents() -> Box<Fetch> {
    let client = OnceLock::new();
    Box::new(move |url, destinations| {
        let client: &Client = client.get_or_init(|| Client::new(destinations.clone()));
        let url = client.destinations().parse(url).map_err(|error| error.to_string())?;
        let headers = [("Accept", "application/json")];
        let outgoing =
            Outgoing { method: Method::GET, url: &url, headers: &headers, body: "", at_most: DOCUMENT_BYTES };
        let reply = client.send(&outgoing).map_err(|error| error.to_string())?;
        if reply.status == 200 { Ok(reply.body) } else { Err(format!("it answered {}", reply.status)) }
    })
}

/// Asks identity providers, where outgoing requests may go.
pub(super) fn exchanges() -> Box<Exchanger> {
    let client = OnceLock::new();
    Box::new(move |exchange, destinations| {
        let client: &Client = client.get_or_init(|| Client::new(destinations.clone()));
        let url = client.destinations().parse(exchange.url).map_err(|error| error.to_string())?;
        let mut headers = vec![("Accept", "application/json")];
        if !exchange.authorization.is_empty() {
            headers.push(("Authorization", exchange.authorization));
        }
        if exchange.form.is_some() {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        let method = if exchange.form.is_some() { Method::POST } else { Method::GET };
        let body = exchange.form.unwrap_or_default();
        let outgoing = Outgoing { method, url: &url, headers: &headers, body, at_most: DOCUMENT_BYTES };
        let reply = client.send(&outgoing).map_err(|error| error.to_string())?;
        Ok((reply.status, reply.body))
    })
}
