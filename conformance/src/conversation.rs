//! What identity providers send, replayed: one file a conversation under `cases/`, its language described in
//! `cases/README.md`.

mod pattern;
mod replay;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::announcement::Feature;
use crate::exchange::Exchange;
use crate::outcome::Outcome;
use crate::session::Session;

/// One conversation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// `OK-1`.
    pub id: String,
    /// The identity provider, as people call it.
    pub provider: String,
    /// What happens, as a sentence.
    pub title: String,
    /// Where it is known from.
    pub source: String,
    /// What the server must have for it.
    #[serde(default)]
    pub needs: Vec<Feature>,
    /// Headers of every request; null leaves out one that is usual.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// What is sent, in order.
    pub steps: Vec<Step>,
}

/// One request, or many of one kind, and what is expected of the answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// What the identity provider does here.
    pub say: String,
    /// `GET /Users?count=1`.
    pub request: String,
    /// Headers of this request alone.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body, with variables and makers.
    pub body: Option<Value>,
    /// What is expected of every answer.
    pub expect: Expectation,
    /// What later steps need of the answer: a variable's name, and a JSON pointer or `header NAME`.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    /// How often; `${n}` counts from 1, and what is kept becomes a list.
    pub times: Option<usize>,
    /// Once for every item of a list, which has the list's name within the step.
    #[serde(rename = "for")]
    pub each: Option<String>,
    /// How many requests may be under way at once.
    pub parallel: Option<usize>,
    /// How many requests are sent in a second, for how many seconds.
    pub rate: Option<Rate>,
    /// Read on to the end of the list, by `startIndex`.
    pub walk: Option<Walk>,
}

/// What is expected of an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The status, or several that are all right.
    pub status: Status,
    /// Patterns of headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// The pattern of the body. An answer without a body, 204, is not compared.
    pub body: Option<Value>,
}

/// One status or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Status {
    /// This one.
    One(u16),
    /// Any of these.
    Any(Vec<u16>),
}

/// So many requests in a second.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// How many a second.
    pub per_second: u32,
    /// For how long; a short run makes it two seconds.
    pub seconds: u32,
}

/// A list that is read page by page. The request holds `${start}` where the index of the first resource stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Walk {
    /// The ids that must be seen, a list that was kept. Nobody may be seen twice.
    pub finds: String,
    /// What somebody else sends after every page.
    pub meanwhile: Option<Meanwhile>,
}

/// A request of somebody else's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meanwhile {
    /// `POST /Users`.
    pub request: String,
    /// The body, with variables.
    pub body: Option<Value>,
}

/// A step that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// What the identity provider did.
    pub say: String,
    /// What was said, masked.
    pub exchanges: Vec<Arc<Exchange>>,
    /// Whether the answers were as expected.
    pub outcome: Outcome,
}

impl Conversation {
    /// Has it with a server.
    pub fn replay(&self, session: &Session, thorough: bool) -> Outcome {
        replay::replay(self, session, thorough).into()
    }

    /// Has it step by step, in a short run: what was said in each step, up to the first that is not as expected.
    pub fn rehearse(&self, session: &Session) -> (Vec<Taken>, Outcome) {
        let mut taken = Vec::new();
        session.journal();
        let ended = replay::steps(self, session, false, &mut |step, result| {
            let outcome = Outcome::from(result.clone());
            taken.push(Taken { say: step.say.clone(), exchanges: session.journal(), outcome });
        });
        (taken, ended.into())
    }

    /// The folder of its provider: `entra`.
    pub fn folder(&self) -> String {
        self.provider.to_lowercase().replace(' ', "-")
    }
}

/// Reads a conversation.
///
/// # Errors
/// A sentence that says where it is not one.
pub fn read(text: &str) -> Result<Conversation, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Every conversation that comes with the program, in the order of `cases/`.
///
/// # Errors
/// A sentence that names the file that cannot be read.
pub fn all() -> Result<Vec<Conversation>, String> {
    FILES.iter().map(|(name, text)| read(text).map_err(|error| format!("cases/{name}: {error}"))).collect()
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../cases/", $name)))),+]
    };
}

const FILES: &[(&str, &str)] = files![
    "okta/ok-1.json",
    "okta/ok-2.json",
    "okta/ok-3.json",
    "okta/ok-4.json",
    "okta/ok-5.json",
    "okta/ok-6.json",
    "okta/ok-7.json",
    "okta/ok-8.json",
    "okta/ok-9.json",
    "entra/en-1.json",
    "entra/en-2.json",
    "entra/en-3.json",
    "entra/en-4.json",
    "entra/en-5.json",
    "entra/en-6.json",
    "entra/en-7.json",
    "entra/en-8.json",
    "entra/en-9.json",
    "entra/en-10.json",
    "entra/en-11.json",
    "entra/en-12.json",
    "entra/en-13.json",
    "entra/en-14.json",
    "onelogin/ol-1.json",
    "google/go-1.json",
    "jumpcloud/jc-1.json",
    "ping/pf-1.json",
    "sailpoint/sp-1.json",
    "authentik/ak-1.json",
    "authentik/ak-2.json",
    "authentik/ak-3.json",
    "rauthy/ra-1.json",
    "keycloak/kc-1.json",
    "canaille/ca-1.json",
    "rippling/ri-1.json",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_comes_with_the_program_and_stands_where_its_provider_says() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let mut present = BTreeSet::new();
        for folder in fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            for file in fs::read_dir(&folder).unwrap() {
                let path = file.unwrap().path();
                present.insert(path.strip_prefix(&cases).unwrap().to_str().unwrap().to_owned());
            }
        }
        let listed: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(listed, present);
        for ((name, _), conversation) in FILES.iter().zip(all().unwrap()) {
            let expected = format!("{}/{}.json", conversation.folder(), conversation.id.to_lowercase());
            assert_eq!(*name, expected);
            assert!(!conversation.steps.is_empty() && !conversation.source.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_word_the_language_lacks_is_an_error() {
        let text = r#"{"id":"X","provider":"X","title":"x","source":"x","steps":[{"say":"x","request":"GET /","expects":{}}]}"#;
        assert!(read(text).unwrap_err().contains("expects"));
    }
}
