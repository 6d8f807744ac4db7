//! Replay: a decision on record, decided again by what held at its revision, with its reasons.

use serde_json::{Map, Value};

use crate::access::decide::{Circumstances, Question};
use crate::access::graph::{Denial, Graph, Lifetimes, Resource, Subject};
use crate::access::guardrail::{Guardrails, facts_from_json};
use crate::db::DatabaseError;
use crate::evidence::decisions::{AskedSubject, DecisionRecord};
use crate::model::{OrganizationId, ResourceId, Said};

use super::{Administration, MayAnswer, names};

impl Administration {
    /// Decides anew what a record says was decided: by the permissions, roles, scopes, resources, guardrails,
    /// assignments, memberships and attributes of its revision, at its time, with what its caller said. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn replay(&self, organization: OrganizationId, record: &DecisionRecord) -> Result<MayAnswer, DatabaseError> {
        let circumstances = circumstances(&record.facts);
        let resource = Resource { resource_type: &record.resource_type, id: &record.resource };
        let subject = match record.subject {
            AskedSubject::User(id) => Ok(Subject::User(ResourceId::into(id))),
            AskedSubject::Service(id) => Ok(Subject::Service(ResourceId::into(id))),
            // Whom a name meant then is not on record: nobody, or more than one.
            AskedSubject::Unknown => Err(Denial::UnknownSubject),
            AskedSubject::Ambiguous => Err(Denial::AmbiguousSubject),
        };
        let permission = record.permission.as_str();
        let question = Question { subject, permission, resource, circumstances: Some(&circumstances) };
        let explanation = if let Ok(subject) = subject {
            let slice = self.live.slice_at(organization, subject, resource, record.revision)?;
            slice.rules().explain(&question, record.at)
        } else {
            let (graph, guardrails) = (Graph::empty(), Guardrails::none());
            let nothing = crate::access::decide::Rules {
                graph: &graph,
                guardrails: &guardrails,
                lifetimes: Lifetimes::default(),
            };
            nothing.explain(&question, record.at)
        };
        let names = self.live.read(|tx| names::of(tx, organization, &explanation))?;
        let (allowed, revision) = (explanation.is_allowed(), record.revision);
        Ok(MayAnswer { allowed, revision, reasons: explanation.lines(&names) })
    }
}

/// What the caller said and was believed, as the record holds it.
fn circumstances(facts: &str) -> Circumstances {
    let said: Map<String, Value> = serde_json::from_str(facts).unwrap_or_default();
    let mut circumstances = Circumstances::default();
    for (name, value) in &said {
        let resource = name.strip_prefix(Said::Resource.prefix()).map(|name| (name, &mut circumstances.resource));
        let found = match resource {
            Some(found) => found,
            None => match name.strip_prefix(Said::Subject.prefix()) {
                Some(name) => (name, &mut circumstances.subject),
                None => (name.as_str(), &mut circumstances.context),
            },
        };
        let (name, facts) = found;
        facts.extend(facts_from_json([(&name.to_owned(), value)]));
    }
    circumstances
}
