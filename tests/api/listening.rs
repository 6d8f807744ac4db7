//! Somebody who listens: a receiver's credential, streams it fetches, and what they bring.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::model::CredentialKind;
use serde_json::{Value, json};

use crate::administration::{administered, administrator};
use crate::support::{Client, Database, Organization, Server};

/// A server with an organization, its administrator, and a receiver.
pub struct Listening {
    pub server: Server,
    pub organization: Organization,
    pub admin: Client,
    /// Bears the receiver's credential.
    pub ssf: Client,
}

impl Listening {
    pub fn new(database: &Database) -> Self {
        let (server, organization, admin) = administered(database);
        let receiver = administrator(&server, organization.id, CredentialKind::Receiver);
        let ssf = Client { base: format!("{}/ssf", server.url), token: receiver.token };
        Self { server, organization, admin, ssf }
    }

    /// A stream that is fetched, for these events; its id.
    pub fn stream(&self, events: &[&str]) -> String {
        let wanted = json!({ "events_requested": events, "delivery": { "method": "urn:ietf:rfc:8936" } });
        self.ssf.post("/stream", &wanted).expect(201).json()["stream_id"].as_str().unwrap().to_owned()
    }

    /// What waits for a stream, acknowledged with the same breath.
    pub fn fetch(&self, stream: &str) -> Vec<Value> {
        fetch(&self.ssf, stream, &json!({ "returnImmediately": true }))
    }
}

/// The claims of what a stream is answered (RFC 8936 §2.4), in the order of their ids, acknowledged.
pub fn fetch(ssf: &Client, stream: &str, how: &Value) -> Vec<Value> {
    let path = format!("/poll/{stream}");
    let sets = ssf.post(&path, how).expect(200).json()["sets"].clone();
    let sets = sets.as_object().unwrap().clone();
    let names: Vec<&String> = sets.keys().collect();
    ssf.post(&path, &json!({ "maxEvents": 0, "ack": names })).expect(200);
    let mut all: Vec<Value> = sets.values().map(|token| claims(token.as_str().unwrap())).collect();
    all.sort_by_key(|claims| claims["jti"].to_string());
    all
}

/// What a token says; its signature is looked at elsewhere.
pub fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
