//! GitHub's custom deployment protection rules: a webhook asks, a review through the App answers.
//!
//! A delivery that is sent again is judged again: what was taken away in the meantime is not approved by it.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::model::RequestId;
use crate::service::access::github::{Deployment, Review, Rule};
use crate::service::{ServiceError, Services};

use super::{Refusal, signature};

/// Gives a review back to GitHub; the error is for the log.
pub type Tell = dyn Fn(&Review) -> Result<(), String> + Send + Sync;

/// The rules of this server, by the name in their path.
#[derive(Clone, Default)]
pub struct Gates(BTreeMap<String, Arc<Gate>>);

/// One rule: an App of GitHub and the organization that answers.
pub struct Gate {
    /// A token of kind `pep`.
    token: SecretString,
    key: hmac::Key,
    callbacks: String,
    rule: Rule,
    tell: Box<Tell>,
}

/// What GitHub was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It did not ask.
    Nothing,
    /// Go on.
    Approved,
    /// Do not.
    Rejected,
}

impl Told {
    pub(super) const fn as_json(self) -> &'static str {
        match self {
            Self::Nothing => "{}",
            Self::Approved => r#"{"state":"approved"}"#,
            Self::Rejected => r#"{"state":"rejected"}"#,
        }
    }
}

impl Gates {
    /// Adds a rule under a name.
    pub fn add(&mut self, name: String, gate: Gate) {
        self.0.insert(name, Arc::new(gate));
    }

    pub(super) fn find(&self, name: &str) -> Option<&Arc<Gate>> {
        self.0.get(name)
    }
}

/// The webhook `deployment_protection_rule`, as far as it is read.
#[derive(Deserialize)]
struct Message {
    action: String,
    environment: String,
    deployment_callback_url: String,
    deployment: Option<Deployed>,
    repository: Repository,
    sender: Account,
    installation: Installation,
}

#[derive(Deserialize)]
struct Deployed {
    sha: Option<String>,
    #[serde(rename = "ref")]
    branch: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    name: String,
    owner: Account,
}

#[derive(Deserialize)]
struct Account {
    login: String,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

impl Gate {
    /// `secret` is what GitHub signs with; reviews are given only to addresses under `api`.
    pub fn new(token: SecretString, secret: &SecretString, api: &str, rule: Rule, tell: Box<Tell>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        Self { token, key, callbacks: format!("{api}/repos/"), rule, tell }
    }

    /// What a webhook asks; `None` if it asks nothing.
    ///
    /// # Errors
    /// 401 before anything is read of a body that GitHub has not signed; 400 for one that is not what GitHub sends.
    pub(super) fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Deployment>, Refusal> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        signature::check(&self.key, headers, body)?;
        if header("X-GitHub-Event") != "deployment_protection_rule" {
            return Ok(None);
        }
        let message: Message = serde_json::from_slice(body).map_err(|error| {
            tracing::debug!(%error, "a webhook that is signed cannot be read");
            Refusal::Bad("the body is not the webhook `deployment_protection_rule` of GitHub, as JSON")
        })?;
        if message.action != "requested" {
            return Ok(None);
        }
        if !self.is_callback(&message.deployment_callback_url) {
            return Err(Refusal::Bad("`deployment_callback_url` is not an address of the API this rule is for"));
        }
        let Message {
            environment,
            deployment_callback_url: callback,
            deployment,
            repository,
            sender,
            installation,
            ..
        } = message;
        let (commit, branch) = deployment.map(|deployed| (deployed.sha, deployed.branch)).unwrap_or_default();
        Ok(Some(Deployment {
            owner: repository.owner.login,
            repository: repository.name,
            environment,
            login: sender.login,
            commit: commit.unwrap_or_default(),
            branch: branch.unwrap_or_default(),
            callback,
            installation: installation.id,
        }))
    }

    fn is_callback(&self, address: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let below = address.strip_prefix(&self.callbacks);
        below.is_some_and(|below| below.chars().all(plain) && below.ends_with("/deployment_protection_rule"))
            && !address.contains("/..")
    }

    /// Decides and tells GitHub. Blocks.
    ///
    /// # Errors
    /// 503 when it cannot be judged, 502 when GitHub does not take the review.
    pub(super) fn judge(&self, services: &Services, deployment: &Deployment, id: RequestId) -> Result<Told, Refusal> {
        let review = services.review_deployment(self.token.expose_secret(), &self.rule, deployment, id);
        let review = review.map_err(|error| {
            let told = match error {
                ServiceError::Unauthorized => "the rule's token does not stand any more; issue another".to_owned(),
                other => format!("{other:?}"),
            };
            tracing::warn!(request.id = %id, error = %told, "a deployment at GitHub cannot be judged");
            Refusal::CannotJudge
        })?;
        (self.tell)(&review).map_err(|error| {
            tracing::warn!(request.id = %id, %error, "GitHub does not take a review");
            Refusal::NotTold
        })?;
        Ok(if review.approved { Told::Approved } else { Told::Rejected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_go_to_the_api_and_nowhere_else() {
        let rule = Rule { subject: String::new(), scope: String::new(), permission: String::new() };
        let secret = SecretString::from("shh");
        let gate = Gate::new("t".into(), &secret, "https://api.github.com", rule, Box::new(|_review| Ok(())));
        assert!(
            gate.is_callback("https://api.github.com/repos/acme/billing/actions/runs/1/deployment_protection_rule")
        );
        for address in [
            "https://api.github.com.evil.example/repos/a/b/actions/runs/1/deployment_protection_rule",
            "https://evil.example/repos/a/b/actions/runs/1/deployment_protection_rule",
            "http://api.github.com/repos/a/b/actions/runs/1/deployment_protection_rule",
            "https://api.github.com/repos/../user/deployment_protection_rule",
            "https://api.github.com/repos/a/b/collaborators",
            "https://api.github.com/repos/a/b/collaborators?/deployment_protection_rule",
            "https://api.github.com/repos/a/%2e%2e/deployment_protection_rule",
            "",
        ] {
            assert!(!gate.is_callback(address), "{address}");
        }
    }
}
