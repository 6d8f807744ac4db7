//! Guardrails: rules that forbid, whatever is assigned. Each is one Cedar `forbid` policy.
//!
//! Cedar skips a policy that fails while it is evaluated, which for a rule that forbids would be to allow. So a
//! guardrail is strictly validated when it is saved, and one that fails all the same denies and is named.

mod judge;
mod library;
mod nesting;
mod person;
mod reads;
mod ready;
mod values;
mod vocabulary;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet, ValidationMode, ValidationWarning, Validator,
};

use crate::model::limits::{GUARDRAIL_BYTES, GUARDRAIL_DEPTH, GUARDRAIL_OPERATORS};
use crate::model::{GuardrailId, Permission, Reason, RoleName};

use reads::Reads;

pub use judge::{Bearing, Guardrails, Setting, Verdict, View};
pub use library::{LibraryError, Ready};
pub use person::person_facts;
pub use ready::{ReadyError, ReadyParameters};
pub use values::facts_from_json;
pub use vocabulary::{
    Attribute, AttributeOwner, FactKind, KNOWN_AS, PERSON_ATTRIBUTES, PersonAttribute, Vocabulary, VocabularyError,
};

/// A rule that forbids.
#[derive(Debug, Clone)]
pub struct Guardrail {
    id: GuardrailId,
    reason: Reason,
    control: Reason,
    text: String,
    policy: Policy,
    /// The permissions it bears on; `None` for every one.
    permissions: Option<Vec<Permission>>,
    reads: Reads,
}

/// A text is no guardrail. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardrailError {
    /// Does not parse, or names what is not there.
    #[error("line {line}, column {column}: {message}{}", expectation(expected.as_ref()))]
    At {
        /// Where.
        line: usize,
        /// Where in the line, in characters.
        column: usize,
        /// What is wrong.
        message: String,
        /// What was expected.
        expected: Option<String>,
    },
    /// Not a `forbid`.
    #[error("a guardrail forbids, expected `forbid` instead of `permit`; to allow something assign a role")]
    Permit,
    /// An annotation is missing or says nothing.
    #[error("the annotation `@{0}` is missing or not valid, expected `@{0}(\"…\")` before `forbid`")]
    Annotation(&'static str),
    /// An annotation that means nothing.
    #[error("the annotation `@{0}` means nothing here, expected `@id`, `@reason` and `@control`")]
    UnknownAnnotation(String),
    /// Too long.
    #[error("a guardrail is at most {GUARDRAIL_BYTES} bytes long, and this one has {0}")]
    TooLong(usize),
    /// Too deep.
    #[error("a guardrail nests at most {GUARDRAIL_DEPTH} brackets and has at most {GUARDRAIL_OPERATORS} operators")]
    TooDeep,
    /// What the organization declared yields no schema.
    #[error(transparent)]
    Vocabulary(#[from] VocabularyError),
}

fn expectation(expected: Option<&String>) -> String {
    expected.map(|expected| format!(", {expected}")).unwrap_or_default()
}

/// Name under which Cedar speaks of the one policy; taken out of its messages again.
const POLICY: &str = "guardrail";

impl Guardrail {
    /// Reads a guardrail as it was saved, without asking whether what it names is still there.
    ///
    /// # Errors
    /// [`GuardrailError`] with the position and what was expected.
    pub fn read(text: &str) -> Result<Self, GuardrailError> {
        if text.len() > GUARDRAIL_BYTES {
            return Err(GuardrailError::TooLong(text.len()));
        }
        if nesting::is_too_deep(text) {
            return Err(GuardrailError::TooDeep);
        }
        let parsed = Policy::parse(Some(PolicyId::new(POLICY)), text);
        let policy = parsed.map_err(|errors| positioned(text, &DetailedError::from(&errors)))?;
        if policy.effect() != Effect::Forbid {
            return Err(GuardrailError::Permit);
        }
        let known = ["id", "reason", "control"];
        if let Some((unknown, _)) = policy.annotations().find(|(name, _)| !known.contains(name)) {
            return Err(GuardrailError::UnknownAnnotation(unknown.to_owned()));
        }
        let id = annotation::<GuardrailId>(&policy, "id")?;
        let reads = Reads::of(&policy);
        Ok(Self {
            reason: annotation(&policy, "reason")?,
            control: annotation(&policy, "control")?,
            text: text.to_owned(),
            permissions: permissions(&policy),
            policy: policy.new_id(PolicyId::new(id.as_str())),
            id,
            reads,
        })
    }

    /// Reads a guardrail somebody wrote, and validates it strictly against what the organization knows.
    ///
    /// # Errors
    /// [`GuardrailError`] with the position and what was expected.
    pub fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Self, GuardrailError> {
        let guardrail = Self::read(text)?;
        guardrail.check(vocabulary)?;
        Ok(guardrail)
    }

    /// Validates a guardrail against what the organization knows now.
    ///
    /// A guardrail that could never forbid anything is an error, too.
    ///
    /// # Errors
    /// [`GuardrailError`] with the position and what was expected.
    pub fn check(&self, vocabulary: &Vocabulary) -> Result<(), GuardrailError> {
        let validator = Validator::new(vocabulary.schema()?);
        let named = self.policy.new_id(PolicyId::new(POLICY));
        let mut policies = PolicySet::new();
        if let Err(error) = policies.add(named) {
            return Err(positioned(&self.text, &DetailedError::from(&error)));
        }
        let result = validator.validate(&policies, ValidationMode::Strict);
        if let Some(error) = result.validation_errors().next() {
            return Err(positioned(&self.text, &DetailedError::from(error)));
        }
        // Letters of several scripts in one text are what names of places and people look like.
        let harmless = |warning: &&ValidationWarning| matches!(warning, ValidationWarning::MixedScriptString(_));
        match result.validation_warnings().find(|warning| !harmless(warning)) {
            Some(warning) => Err(positioned(&self.text, &DetailedError::from(warning))),
            None => Ok(()),
        }
    }

    /// Its name (`@id`).
    pub fn id(&self) -> &GuardrailId {
        &self.id
    }

    /// Why it is there, for people (`@reason`).
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The control of an audit framework it implements (`@control`).
    pub fn control(&self) -> &Reason {
        &self.control
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it bears on a permission.
    pub fn bears_on(&self, permission: &Permission) -> bool {
        self.permissions.as_ref().is_none_or(|permissions| permissions.contains(permission))
    }

    /// Whether it reads what only the caller knows: the commit, its authors, approvals.
    pub fn reads_circumstances(&self) -> bool {
        self.reads.circumstances()
    }

    /// The attributes it reads of people: what must be kept in memory.
    pub fn person_attributes(&self) -> impl Iterator<Item = &str> {
        self.reads.person_attributes()
    }

    /// Roles one person may not hold together at one scope, each inner list one such rule.
    pub fn roles_apart(&self) -> &[Vec<RoleName>] {
        &self.reads.roles_apart
    }
}

fn annotation<T: std::str::FromStr>(policy: &Policy, name: &'static str) -> Result<T, GuardrailError> {
    let value = policy.annotation(name).ok_or(GuardrailError::Annotation(name))?;
    value.parse().map_err(|_refused| GuardrailError::Annotation(name))
}

fn permissions(policy: &Policy) -> Option<Vec<Permission>> {
    let named = match policy.action_constraint() {
        ActionConstraint::Any => return None,
        ActionConstraint::Eq(action) => vec![action],
        ActionConstraint::In(actions) => actions,
    };
    Some(named.iter().filter_map(|action| action.id().unescaped().parse().ok()).collect())
}

/// Says an error of Cedar's in our words, with its place.
fn positioned(text: &str, error: &DetailedError) -> GuardrailError {
    let label = error.source_locations.first();
    let start = label.map_or(0, |label| label.loc.start);
    let before = text.get(..start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
    let message = error.message.strip_prefix(&format!("for policy `{POLICY}`, ")).unwrap_or(&error.message);
    let expected = label.and_then(|label| label.label.clone()).or_else(|| error.help.clone());
    GuardrailError::At {
        line: before.matches('\n').count().saturating_add(1),
        column: before.get(line_start..).unwrap_or_default().chars().count().saturating_add(1),
        message: message.to_owned(),
        expected,
    }
}

#[cfg(test)]
pub(crate) mod tests;
