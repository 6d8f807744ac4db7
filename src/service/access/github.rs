//! A deployment that waits at GitHub for a custom protection rule: asked like any other question, answered as a review.

use serde_json::{Map, Value, json};

use crate::access::decide::Circumstances;
use crate::access::graph::Resource;
use crate::access::guardrail::facts_from_json;
use crate::evidence::canonical::canonical;
use crate::model::{RequestId, ScopeKind, ScopePath};

use super::super::{ServiceError, Services};
use super::decide::{Asking, Judgement};

/// How a deployment at GitHub is asked about.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Who: a text in which `{login}` stands for the login.
    pub subject: String,
    /// Where: a text in which `{owner}`, `{repository}` and `{environment}` stand for theirs, in lower case.
    pub scope: String,
    /// What.
    pub permission: String,
}

/// A deployment that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Who owns the repository.
    pub owner: String,
    /// Its name, without the owner's.
    pub repository: String,
    /// Where it deploys to, as GitHub calls it.
    pub environment: String,
    /// Who set it off.
    pub login: String,
    /// The commit.
    pub commit: String,
    /// The branch or tag.
    pub branch: String,
    /// Where the review goes.
    pub callback: String,
    /// Through which installation of the App.
    pub installation: u64,
}

/// What GitHub is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Where to.
    pub callback: String,
    /// Through which installation of the App.
    pub installation: u64,
    /// The environment, as GitHub calls it.
    pub environment: String,
    /// Whether it may go on.
    pub approved: bool,
    /// Why, for people.
    pub comment: String,
}

impl Rule {
    fn subject(&self, deployment: &Deployment) -> String {
        self.subject.replace("{login}", &deployment.login)
    }

    /// Names are looked at one by one before they are put in: one with a `/` would lead to another scope.
    fn scope(&self, deployment: &Deployment) -> Option<ScopePath> {
        let parts = [
            ("{owner}", &deployment.owner),
            ("{repository}", &deployment.repository),
            ("{environment}", &deployment.environment),
        ];
        let mut scope = self.scope.clone();
        for (name, value) in parts.into_iter().filter(|(name, _)| self.scope.contains(name)) {
            let value = value.to_ascii_lowercase();
            if value.contains(['/', '{']) {
                return None;
            }
            scope = scope.replace(name, &value);
        }
        scope.parse().ok()
    }
}

impl Services {
    /// Decides about a deployment that waits at GitHub. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unauthorized`] when `token` does not stand any more; [`ServiceError::Unavailable`] when it cannot be
    /// judged: the deployment goes on waiting.
    pub fn review_deployment(
        &self,
        token: &str,
        rule: &Rule,
        deployment: &Deployment,
        request: RequestId,
    ) -> Result<Review, ServiceError> {
        let caller = self.admit_enforcement_point(token, request)?.caller;
        let scope = rule.scope(deployment);
        let (circumstances, facts) = told_by_github(deployment);
        let asking = Asking {
            subject_type: "user",
            subject: &rule.subject(deployment),
            permission: &rule.permission,
            resource: match &scope {
                Some(scope) => Resource { resource_type: scope.kind().as_str(), id: scope.as_str() },
                // What cannot be a scope is asked about as it is: unknown, denied, on record.
                None => Resource { resource_type: ScopeKind::Environment.as_str(), id: &deployment.environment },
            },
            circumstances,
            facts,
        };
        let judgement = self.decide(&caller, &asking)?;
        let comment = comment(&judgement, &asking);
        let Deployment { environment, callback, installation, .. } = deployment.clone();
        Ok(Review { callback, installation, environment, approved: judgement.allowed, comment })
    }
}

/// GitHub signs these, so they are believed.
fn told_by_github(deployment: &Deployment) -> (Circumstances, String) {
    let told: Map<String, Value> = [("branch", &deployment.branch), ("commit", &deployment.commit)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let circumstances = Circumstances { context: facts_from_json(&told), ..Circumstances::default() };
    let facts = if told.is_empty() { String::new() } else { canonical(&Value::Object(told)).unwrap_or_default() };
    (circumstances, facts)
}

fn comment(judgement: &Judgement, asking: &Asking<'_>) -> String {
    let Judgement { allowed, id, reason, .. } = judgement;
    let may = if *allowed { "may" } else { "may not" };
    format!("{} {may} {} at {}: {reason} (decision {id})", asking.subject, asking.permission, asking.resource.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(owner: &str, repository: &str, environment: &str, template: &str) -> Option<String> {
        let rule =
            Rule { subject: "{login}@example.com".to_owned(), scope: template.to_owned(), permission: String::new() };
        let (owner, repository, environment) = (owner.to_owned(), repository.to_owned(), environment.to_owned());
        let deployment =
            Deployment { owner, repository, environment, login: "ada".to_owned(), ..Deployment::default() };
        assert_eq!(rule.subject(&deployment), "ada@example.com");
        rule.scope(&deployment).map(|scope| scope.as_str().to_owned())
    }

    #[test]
    fn the_scope_of_a_deployment_is_made_of_names_that_hold_no_other_scope() {
        let usual = "/{repository}/{environment}";
        assert_eq!(scope("Acme", "Billing", "Production", usual).as_deref(), Some("/billing/production"));
        assert_eq!(scope("Acme", "Billing", "Production", "/{owner}").as_deref(), Some("/acme"));
        assert_eq!(scope("Acme", "a/b", "Production", "/x/{environment}").as_deref(), Some("/x/production"));
        for (repository, environment) in [
            ("billing/staging", "x"),
            ("billing", "../x"),
            ("", "x"),
            ("billing", ""),
            ("{environment}", "x"),
            ("b", "a b"),
        ] {
            assert_eq!(scope("acme", repository, environment, usual), None, "{repository} {environment}");
        }
        assert_eq!(scope("acme", "billing/production", "", "/{repository}"), None);
    }
}
