//! What a caller says of an act: `context` and the `properties` of subject, action and resource. Of it counts what the
//! caller's credential is believed; anything else is ignored.

use serde_json::Value;

use crate::access::decide::Circumstances;
use crate::access::graph::Facts;
use crate::access::guardrail::facts_from_json;
use crate::evidence::canonical::canonical;
use crate::model::{Believed, Said};

use super::wire::Properties;

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
    pub fn believed(&self, believed: &Believed) -> (Circumstances, String) {
        let (mut circumstances, mut record) = (Circumstances::default(), Properties::new());
        let parts = [
            (Said::Circumstance, self.context, &mut circumstances.context),
            (Said::Resource, self.resource, &mut circumstances.resource),
            (Said::Subject, self.subject, &mut circumstances.subject),
        ];
        for (said, properties, facts) in parts {
            take(believed, said, properties, facts, &mut record);
        }
        // What is said of the action goes over the context.
        take(believed, Said::Circumstance, self.action, &mut circumstances.context, &mut record);
        if record.is_empty() {
            return (circumstances, String::new());
        }
        // What has no canonical text is no fact either.
        let text = canonical(&Value::Object(record)).unwrap_or_default();
        (circumstances, text)
    }
}

fn take(believed: &Believed, said: Said, properties: Option<&Properties>, facts: &mut Facts, record: &mut Properties) {
    for (name, value) in properties.into_iter().flatten().filter(|(name, _)| believed.holds(said, name)) {
        facts.extend(facts_from_json([(name, value)]));
        record.insert(format!("{}{name}", said.prefix()), value.clone());
    }
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
        sayings.believed(&if believed == "*" { Believed::Everything } else { believed.parse().unwrap() })
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
