//! The requests of the Authorization API 1.0 (AuthZEN), read. Unknown members are ignored, wherever they stand; what is
//! required and missing, or of another type, is named.

use std::borrow::Cow;

use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

/// The most evaluations in one request.
const EVALUATIONS: usize = crate::model::limits::EVALUATIONS;

/// What is wrong with a request: the text of the 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No JSON, or values of other types.
    #[error("the body cannot be read: {0}")]
    Form(String),
    /// A required member is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// An option that is none.
    #[error(
        "`options.evaluations_semantic` is `{0}`, expected `execute_all`, `deny_on_first_deny` or `permit_on_first_permit`"
    )]
    Semantic(String),
    /// Too many at once.
    #[error("`evaluations` holds {0} requests, expected at most {EVALUATIONS}")]
    TooMany(usize),
    /// More is said of one question than is put on record.
    #[error(
        "what is said in `context` and `properties` and believed is longer than {} bytes; say less of one question",
        crate::model::limits::SAID_BYTES
    )]
    SaidTooMuch,
}

/// A text of the request, borrowed from it unless something in it is escaped.
#[derive(Debug, Clone)]
struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Reader).map(Text)
    }
}

/// Attributes that a caller says of something.
pub type Properties = Map<String, Value>;

#[derive(Debug, Clone, Deserialize)]
#[serde(expecting = "an object with `type` and `id`")]
struct Entity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    properties: Option<Properties>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(expecting = "an object with `name`")]
struct NamedAction<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    properties: Option<Properties>,
}

/// What an evaluation may say, and what of it a batch says for all.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(expecting = "an object with `subject`, `action` and `resource`")]
struct Parts<'a> {
    #[serde(borrow)]
    subject: Option<Entity<'a>>,
    #[serde(borrow)]
    action: Option<NamedAction<'a>>,
    #[serde(borrow)]
    resource: Option<Entity<'a>>,
    context: Option<Properties>,
}

/// Who or what: a type and an identifier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Named<'r> {
    /// `user`, `service`; `organization`, `project`, `environment`, or a declared type.
    pub kind: &'r str,
    /// Which.
    pub id: &'r str,
    /// What the caller says of it.
    pub properties: Option<&'r Properties>,
}

/// One question (Authorization API 1.0, Access Evaluation Request).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation<'r> {
    /// Who wants to.
    pub subject: Named<'r>,
    /// What: a permission.
    pub action: Act<'r>,
    /// At what.
    pub resource: Named<'r>,
    /// What the caller says of the circumstances.
    pub context: Option<&'r Properties>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Act<'r> {
    /// A permission.
    pub name: &'r str,
    /// What the caller says of it.
    pub properties: Option<&'r Properties>,
}

/// How a batch is gone through (Authorization API 1.0, Evaluations semantics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Semantic {
    /// Every one is judged.
    #[default]
    ExecuteAll,
    /// Up to the first that is denied.
    DenyOnFirstDeny,
    /// Up to the first that is permitted.
    PermitOnFirstPermit,
}

impl Semantic {
    const ALL: [Self; 3] = [Self::ExecuteAll, Self::DenyOnFirstDeny, Self::PermitOnFirstPermit];

    /// Whether an answer is the last one.
    pub fn ends_with(self, allowed: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !allowed,
            Self::PermitOnFirstPermit => allowed,
        }
    }

    /// As requests name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExecuteAll => "execute_all",
            Self::DenyOnFirstDeny => "deny_on_first_deny",
            Self::PermitOnFirstPermit => "permit_on_first_permit",
        }
    }
}

/// The body of an evaluation, of a batch of them or of a search, as it arrived.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with `subject`, `action` and `resource`")]
pub struct Body<'a> {
    #[serde(borrow)]
    subject: Option<Entity<'a>>,
    #[serde(borrow)]
    action: Option<NamedAction<'a>>,
    #[serde(borrow)]
    resource: Option<Entity<'a>>,
    context: Option<Properties>,
    #[serde(borrow, default)]
    evaluations: Vec<Parts<'a>>,
    #[serde(borrow)]
    options: Option<Options<'a>>,
    page: Option<Page>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with options")]
struct Options<'a> {
    #[serde(borrow)]
    evaluations_semantic: Option<Text<'a>>,
}

/// Which part of what a search finds is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(expecting = "an object with `token` and `limit`")]
pub struct Page {
    /// From the answer before.
    pub token: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

impl<'a> Body<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// [`RequestError::Form`], [`RequestError::TooMany`].
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let body: Self = serde_json::from_slice(body).map_err(|error| RequestError::Form(error.to_string()))?;
        match body.evaluations.len() {
            count if count > EVALUATIONS => Err(RequestError::TooMany(count)),
            _ => Ok(body),
        }
    }

    /// The one question.
    ///
    /// # Errors
    /// [`RequestError::Missing`].
    pub fn evaluation(&self) -> Result<Evaluation<'_>, RequestError> {
        self.filled_in(None)
    }

    /// The questions of a batch, in order; empty when it is no batch. What one lacks and nothing says for all makes that
    /// one unanswerable and no other. Members are replaced whole (Authorization API 1.0, Default values).
    pub fn evaluations(&self) -> impl ExactSizeIterator<Item = Result<Evaluation<'_>, RequestError>> {
        self.evaluations.iter().map(|parts| self.filled_in(Some(parts)))
    }

    /// How the batch is gone through.
    ///
    /// # Errors
    /// [`RequestError::Semantic`].
    pub fn semantic(&self) -> Result<Semantic, RequestError> {
        let Some(name) = self.options.as_ref().and_then(|options| options.evaluations_semantic.as_deref()) else {
            return Ok(Semantic::default());
        };
        let known = Semantic::ALL.into_iter().find(|semantic| semantic.as_str() == name);
        known.ok_or_else(|| RequestError::Semantic(name.chars().take(40).collect()))
    }

    /// The type of the subjects that are searched for, what they may do, and at what. An identifier that stands there is
    /// ignored (Authorization API 1.0, Subject Search).
    ///
    /// # Errors
    /// [`RequestError::Missing`].
    pub fn subjects(&self) -> Result<(Named<'_>, Act<'_>, Named<'_>), RequestError> {
        let (subject, resource) = (self.subject.as_ref(), self.resource.as_ref());
        Ok((searched(subject, Side::Subject)?, act(self.action.as_ref())?, named(resource, Side::Resource)?))
    }

    /// Who, what, and the type of the resources that are searched for.
    ///
    /// # Errors
    /// [`RequestError::Missing`].
    pub fn resources(&self) -> Result<(Named<'_>, Act<'_>, Named<'_>), RequestError> {
        let (subject, resource) = (self.subject.as_ref(), self.resource.as_ref());
        Ok((named(subject, Side::Subject)?, act(self.action.as_ref())?, searched(resource, Side::Resource)?))
    }

    /// Who, and at what the acts are searched for.
    ///
    /// # Errors
    /// [`RequestError::Missing`].
    pub fn actions(&self) -> Result<(Named<'_>, Named<'_>), RequestError> {
        Ok((named(self.subject.as_ref(), Side::Subject)?, named(self.resource.as_ref(), Side::Resource)?))
    }

    /// What the caller says of the circumstances of everything.
    pub const fn context(&self) -> Option<&Properties> {
        self.context.as_ref()
    }

    /// Which part of what a search finds is wanted.
    pub const fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }

    fn filled_in<'r>(&'r self, parts: Option<&'r Parts<'a>>) -> Result<Evaluation<'r>, RequestError> {
        Ok(Evaluation {
            subject: named(parts.and_then(|parts| parts.subject.as_ref()).or(self.subject.as_ref()), Side::Subject)?,
            action: act(parts.and_then(|parts| parts.action.as_ref()).or(self.action.as_ref()))?,
            resource: named(
                parts.and_then(|parts| parts.resource.as_ref()).or(self.resource.as_ref()),
                Side::Resource,
            )?,
            context: parts.and_then(|parts| parts.context.as_ref()).or(self.context.as_ref()),
        })
    }
}

#[derive(Clone, Copy)]
enum Side {
    Subject,
    Resource,
}

impl Side {
    /// The names of itself, its type and its identifier.
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Subject => ("subject", "subject.type", "subject.id"),
            Self::Resource => ("resource", "resource.type", "resource.id"),
        }
    }
}

fn named<'r>(entity: Option<&'r Entity<'_>>, side: Side) -> Result<Named<'r>, RequestError> {
    let found = searched(entity, side)?;
    let identified = entity.is_some_and(|entity| entity.id.is_some());
    identified.then_some(found).ok_or(RequestError::Missing(side.names().2))
}

fn searched<'r>(entity: Option<&'r Entity<'_>>, side: Side) -> Result<Named<'r>, RequestError> {
    let (whole, kind, _) = side.names();
    let entity = entity.ok_or(RequestError::Missing(whole))?;
    let kind = entity.kind.as_deref().ok_or(RequestError::Missing(kind))?;
    Ok(Named { kind, id: entity.id.as_deref().unwrap_or_default(), properties: entity.properties.as_ref() })
}

fn act<'r>(action: Option<&'r NamedAction<'_>>) -> Result<Act<'r>, RequestError> {
    let action = action.ok_or(RequestError::Missing("action"))?;
    let name = action.name.as_deref().ok_or(RequestError::Missing("action.name"))?;
    Ok(Act { name, properties: action.properties.as_ref() })
}
