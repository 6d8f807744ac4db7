//! What a caller says of an act: `context` and the `properties` of subject, action and resource. Of it counts what the
//! caller's credential is believed; anything else is ignored.

use serde_json::Value;

use crate::access::decide::Circumstances;
use crate::access::graph::Facts;
use crate::access::guardrail::facts_from_json;
use crate::evidence::canonical::canonical;
use crate::model::{Believed, Said, limits};

use super::wire::{Properties, RequestError};

/// Everything that was said beside the question.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sayings<'r> {
    /// Of the subject.
    pub subject: Option<&'r Properties>,
    /// Of the action.
    pub action: Option<&'r Properties>,
    /// Of the resource.
    pub resource: Option<&'r Properties>,
    /// Of everything.
    pub context: Option<&'r Properties>,
}

impl Sayings<'_> {
    /// What of it is believed, and the same as canonical JSON for the record; an empty text for nothing.
    ///
    /// # Errors
    /// [`RequestError::SaidTooMuch`]: it is put on record with every answer, and one request may ask much.
    pub fn believed(&self, believed: &Believed) -> Result<(Circumstances, String), RequestError> {
        let (mut circumstances, mut record) = (Circumstances::default(), Properties::new());
        let mut left = limits::SAID_BYTES;
        let parts = [
            (Said::Circumstance, self.context, &mut circumstances.context),
            (Said::Resource, self.resource, &mut circumstances.resource),
            (Said::Subject, self.subject, &mut circumstances.subject),
        ];
        for (said, properties, facts) in parts {
            let properties = properties.map(|properties| picked(believed, said, properties)).unwrap_or_default();
            take(said, properties, facts, &mut record, &mut left)?;
        }
        // What is said of the action goes over the context.
        let of_action = self.action.map(|action| picked(believed, Said::Circumstance, action)).unwrap_or_default();
        take(Said::Circumstance, of_action, &mut circumstances.context, &mut record, &mut left)?;
        if record.is_empty() {
            return Ok((circumstances, String::new()));
        }
        // What has no canonical text is no fact either.
        let text = canonical(&Value::Object(record)).unwrap_or_default();
        Ok((circumstances, text))
    }
}

type Property<'r> = (&'r String, &'r Value);

/// Those that are believed. Of a list its names are looked for: a request may say very many others.
fn picked<'r>(believed: &Believed, said: Said, properties: &'r Properties) -> Vec<Property<'r>> {
    match believed.listed(said) {
        Some(names) => names.filter_map(|name| properties.get_key_value(name)).collect(),
        None => properties.iter().filter(|(name, _)| believed.holds(said, name)).collect(),
    }
}

fn take(
    said: Said,
    properties: Vec<Property<'_>>,
    facts: &mut Facts,
    record: &mut Properties,
    left: &mut usize,
) -> Result<(), RequestError> {
    for (name, value) in properties {
        spend(left, name.len()).and_then(|()| weigh(left, value)).ok_or(RequestError::SaidTooMuch)?;
        facts.extend(facts_from_json([(name, value)]));
        record.insert(format!("{}{name}", said.prefix()), value.clone());
    }
    Ok(())
}

/// Takes as many bytes off `left` as a value is long, about; `None` as soon as there are too few.
fn weigh(left: &mut usize, value: &Value) -> Option<()> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => spend(left, 8),
        Value::String(text) => spend(left, text.len().saturating_add(2)),
        Value::Array(elements) => {
            spend(left, 2)?;
            elements.iter().try_for_each(|element| weigh(left, element))
        }
        Value::Object(members) => {
            spend(left, 2)?;
            members.iter().try_for_each(|(name, value)| spend(left, name.len()).and_then(|()| weigh(left, value)))
        }
    }
}

fn spend(left: &mut usize, bytes: usize) -> Option<()> {
    *left = left.checked_sub(bytes)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Fact;

    fn believed(said: &Value, believed: &str) -> (Circumstances, String) {
        let part = |name| said.get(name).and_then(Value::as_object);
        let (subject, action) = (part("subject"), part("action"));
        let sayings = Sayings { subject, action, resource: part("resource"), context: part("context") };
        sayings.believed(&if believed == "*" { Believed::Everything } else { believed.parse().unwrap() }).unwrap()
    }

    #[test]
    fn what_is_said_and_believed_has_a_limit_and_what_is_not_believed_has_none() {
        let (most, believed) = (limits::SAID_BYTES, Believed::default());
        let says = |context: &Value| {
            let sayings = Sayings { context: context.as_object(), ..Sayings::default() };
            sayings.believed(&believed).map(|(_, record)| record.len())
        };
        let text = |length: usize| "x".repeat(length);
        assert!(says(&json!({ "branch": text(most - "branch".len() - 2) })).unwrap() >= most);
        for too_much in [
            json!({ "branch": text(most - "branch".len() - 1) }),
            json!({ "commit_authors": vec!["ada"; most / 5] }),
            json!({ "run": { "of": [{ "what": text(most) }] } }),
            json!({ "branch": text(most / 2), "commit": text(most / 2) }),
        ] {
            assert_eq!(says(&too_much), Err(RequestError::SaidTooMuch));
        }
        assert_eq!(says(&json!({ "diff": text(10 * most), "branch": "main" })), Ok(r#"{"branch":"main"}"#.len()));
    }

    #[test]
    fn what_is_not_on_the_list_is_as_if_it_were_not_said() {
        let said = json!({ "subject": { "role": "admin", "device": "known" }, "action": { "soft": true },
            "resource": { "status": "active", "production": false }, "context": { "branch": "main", "soft": false } });
        assert_eq!(believed(&said, ""), (Circumstances::default(), String::new()));
        let (facts, record) = believed(&said, "branch,resource.status,subject.device,soft");
        assert_eq!(facts.subject, Facts::from([("device".to_owned(), Fact::Text("known".to_owned()))]));
        assert_eq!(facts.resource, Facts::from([("status".to_owned(), Fact::Text("active".to_owned()))]));
        assert_eq!(facts.context["soft"], Fact::Flag(true), "said of the action itself");
        let expected = r#"{"branch":"main","resource.status":"active","soft":true,"subject.device":"known"}"#;
        assert_eq!(record, expected);
        assert!(believed(&said, "*").1.contains(r#""subject.role":"admin""#));
    }
}
