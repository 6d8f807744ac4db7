//! Reviews of deployments, given back to GitHub as the App that was asked.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use ureq::http::Method;
use url::Url;

use crate::clock::Clock;
use crate::model::DestinationError;
use crate::service::access::github::Review;

use super::client::{Client, OutboundError, Outgoing};

/// The most that is read of an answer, in bytes.
const ANSWER_BYTES: u64 = 65_536;
/// How long the App's own token is good for, in seconds; GitHub allows ten minutes.
const TOKEN_SECONDS: i64 = 300;
/// How far GitHub's clock may be behind ours, in seconds.
const CLOCKS_APART: i64 = 60;
/// The version of the API that is spoken.
const VERSION: (&str, &str) = ("X-GitHub-Api-Version", "2022-11-28");
const ACCEPT: (&str, &str) = ("Accept", "application/vnd.github+json");

/// Why GitHub was not told. For the log of whoever runs the server.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// The key is none.
    #[error("the private key of the App cannot be used: {0}")]
    Key(#[from] jsonwebtoken::errors::Error),
    /// An address is none.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// No answer.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// Another answer than was expected.
    #[error("GitHub answers {status} to {what}")]
    Refused {
        /// What was asked of it.
        what: &'static str,
        /// Its status.
        status: u16,
    },
    /// An answer that cannot be read.
    #[error("GitHub's answer holds no token: {0}")]
    Answer(#[from] serde_json::Error),
}

/// A GitHub App.
pub struct App {
    client: Client,
    clock: Clock,
    api: String,
    client_id: String,
    key: EncodingKey,
}

/// What the App says of itself (RFC 7519).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct AccessToken {
    token: String,
}

impl App {
    /// `api` is where GitHub's API stands, `private_key` is PEM.
    ///
    /// # Errors
    /// [`GithubError::Key`].
    pub fn new(
        client: Client,
        clock: Clock,
        api: String,
        client_id: String,
        private_key: &str,
    ) -> Result<Self, GithubError> {
        let key = EncodingKey::from_rsa_pem(private_key.as_bytes())?;
        Ok(Self { client, clock, api, client_id, key })
    }

    /// Tells GitHub whether a deployment may go on. Blocks.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn review(&self, review: &Review) -> Result<(), GithubError> {
        let token = self.token(review.installation)?;
        let state = if review.approved { "approved" } else { "rejected" };
        let body = json!({ "environment_name": review.environment, "state": state, "comment": review.comment });
        let status = self.post(&review.callback, &token, &body.to_string())?.0;
        if status == 204 { Ok(()) } else { Err(GithubError::Refused { what: "the review", status }) }
    }

    /// A token of this installation that can do nothing but what is needed here. It is not kept.
    fn token(&self, installation: u64) -> Result<String, GithubError> {
        let now = self.clock.now().as_micros().div_euclid(1_000_000);
        let (iat, exp) = (now.saturating_sub(CLOCKS_APART), now.saturating_add(TOKEN_SECONDS));
        let claims = Claims { iss: &self.client_id, iat, exp };
        let own = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)?;
        let address = format!("{}/app/installations/{installation}/access_tokens", self.api);
        let wanted = json!({ "permissions": { "deployments": "write" } }).to_string();
        match self.post(&address, &own, &wanted)? {
            (201, body) => Ok(serde_json::from_str::<AccessToken>(&body)?.token),
            (status, _) => Err(GithubError::Refused { what: "the App asking for a token", status }),
        }
    }

    fn post(&self, address: &str, token: &str, body: &str) -> Result<(u16, String), GithubError> {
        let url: Url = self.client.destinations().parse(address)?;
        let authorization = format!("Bearer {token}");
        let headers =
            [("Authorization", authorization.as_str()), ACCEPT, VERSION, ("Content-Type", "application/json")];
        let outgoing = Outgoing { method: Method::POST, url: &url, headers: &headers, body, at_most: ANSWER_BYTES };
        let reply = self.client.send(&outgoing)?;
        Ok((reply.status, reply.body))
    }
}
