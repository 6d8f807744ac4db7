//! What guardrails may speak of in one organization, and the Cedar schema made from it.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::Schema;
use cedar_policy::ffi::DetailedError;
use serde_json::{Map, Value, json};

use crate::model::limits::GUARDRAIL_ATTRIBUTES;
use crate::model::{Catalogue, LeafError, Permission, ResourceType, ScopeKind};

/// What kind of value an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// Cedar's `Bool`.
    Flag,
    /// Cedar's `Long`.
    Number,
    /// Cedar's `String`.
    Text,
    /// Cedar's `Set<String>`.
    Texts,
    /// Cedar's `datetime`; a date means its first moment in UTC.
    Moment,
}

impl FactKind {
    const ALL: [Self; 5] = [Self::Flag, Self::Number, Self::Text, Self::Texts, Self::Moment];

    /// Its name in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Number => "number",
            Self::Text => "text",
            Self::Texts => "texts",
            Self::Moment => "moment",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Of what an attribute is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeOwner {
    /// Of users.
    User,
    /// Of requests: what only the caller knows.
    Request,
    /// Of resources of a type.
    Resource(ResourceType),
}

impl AttributeOwner {
    /// `user`, `request` or the type of the resources.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User => "user",
            Self::Request => "request",
            Self::Resource(resource_type) => resource_type.as_str(),
        }
    }
}

impl FromStr for AttributeOwner {
    type Err = LeafError;

    fn from_str(text: &str) -> Result<Self, LeafError> {
        match text {
            "user" => Ok(Self::User),
            "request" => Ok(Self::Request),
            other => other.parse().map(Self::Resource),
        }
    }
}

/// An attribute an organization declares, beside those that are always there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attribute {
    /// Of what it is said.
    pub owner: AttributeOwner,
    /// Its name in guardrails.
    pub name: String,
    /// Its kind.
    pub kind: FactKind,
}

/// An attribute of people that guardrails may read without anybody declaring it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonAttribute {
    /// Its name in guardrails.
    pub name: &'static str,
    /// Where SCIM has it (RFC 7643 §4.1, §4.3).
    pub path: &'static str,
    /// Its kind.
    pub kind: FactKind,
}

const fn text(name: &'static str, path: &'static str) -> PersonAttribute {
    PersonAttribute { name, path, kind: FactKind::Text }
}

/// What SCIM says of people, for guardrails.
pub const PERSON_ATTRIBUTES: &[PersonAttribute] = &[
    text("userType", "userType"),
    text("title", "title"),
    text("locale", "locale"),
    text("preferredLanguage", "preferredLanguage"),
    text("country", "addresses.country"),
    text("department", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
    text("division", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division"),
    text("organization", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization"),
    text("costCenter", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter"),
    text("employeeNumber", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"),
];

/// Names of the roles the subject holds at the resource.
pub(super) const ROLES: &str = "roles";
/// Whether the subject is one of `context.commit_authors`.
pub(super) const IS_AUTHOR: &str = "is_author";
/// What a person is known by besides the id: userName and addresses folded, externalId as it is. No guardrail reads it;
/// authors are recognised by it.
pub const KNOWN_AS: &str = "known_as";
/// What is worked out of a subject rather than said of it.
pub(super) const COMPUTED: [&str; 3] = [ROLES, IS_AUTHOR, KNOWN_AS];
/// Who wrote what is to be deployed: identifiers as subjects bear them.
pub(super) const COMMIT_AUTHORS: &str = "commit_authors";
/// The time of the decision.
pub(super) const NOW: &str = "now";
/// 1 on Mondays to 7 on Sundays, in UTC.
pub(super) const WEEKDAY: &str = "weekday";
/// Minutes since midnight, in UTC.
pub(super) const MINUTE_OF_DAY: &str = "minute_of_day";
/// What our clock says.
pub(super) const CLOCK: [&str; 3] = [NOW, WEEKDAY, MINUTE_OF_DAY];
/// Whether the resource is production.
pub(super) const PRODUCTION: &str = "production";
/// The path of the scope the resource is, or lies in.
pub(super) const PATH: &str = "path";

/// What callers may say of the circumstances without anybody declaring it.
const CIRCUMSTANCES: [(&str, FactKind); 6] = [
    (COMMIT_AUTHORS, FactKind::Texts),
    ("approvals", FactKind::Number),
    ("branch", FactKind::Text),
    ("commit", FactKind::Text),
    ("artifact_digest", FactKind::Text),
    ("run", FactKind::Text),
];

/// An attribute cannot be declared, or the whole yields no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    /// Not a name.
    #[error("`{0}` is not the name of an attribute, expected letters, digits and `_`, beginning with a letter")]
    Name(String),
    /// Taken.
    #[error("the attribute `{0}` is there already, choose another name")]
    Taken(String),
    /// Too many.
    #[error("there are {GUARDRAIL_ATTRIBUTES} attributes already, remove one first")]
    Full,
    /// Cedar does not accept it.
    #[error("the permissions and attributes of this organization make no schema: {0}")]
    Schema(String),
}

type Attributes = BTreeMap<String, FactKind>;

/// What guardrails may speak of in one organization.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    permissions: Vec<Permission>,
    person: Attributes,
    circumstances: Attributes,
    leaves: BTreeMap<ResourceType, Attributes>,
}

impl Vocabulary {
    /// The permissions of a catalogue, what SCIM says of people, and what callers usually know.
    pub fn new(catalogue: &Catalogue) -> Self {
        Self {
            permissions: catalogue.permissions().map(|(permission, _)| permission.clone()).collect(),
            person: PERSON_ATTRIBUTES.iter().map(|attribute| (attribute.name.to_owned(), attribute.kind)).collect(),
            circumstances: CIRCUMSTANCES.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
            leaves: BTreeMap::new(),
        }
    }

    /// Declares an attribute.
    ///
    /// # Errors
    /// [`VocabularyError`].
    pub fn declare(&mut self, attribute: &Attribute) -> Result<(), VocabularyError> {
        match &attribute.owner {
            AttributeOwner::User => self.declare_person(&attribute.name, attribute.kind),
            AttributeOwner::Request => self.declare_circumstance(&attribute.name, attribute.kind),
            AttributeOwner::Resource(resource_type) => {
                self.declare_leaf(resource_type.clone(), &attribute.name, attribute.kind)
            }
        }
    }

    /// Declares an attribute of people.
    ///
    /// # Errors
    /// [`VocabularyError`].
    pub fn declare_person(&mut self, name: &str, kind: FactKind) -> Result<(), VocabularyError> {
        declare(&mut self.person, &COMPUTED, name, kind)
    }

    /// Declares something callers know.
    ///
    /// # Errors
    /// [`VocabularyError`].
    pub fn declare_circumstance(&mut self, name: &str, kind: FactKind) -> Result<(), VocabularyError> {
        declare(&mut self.circumstances, &CLOCK, name, kind)
    }

    /// Declares a type of resources below scopes.
    pub fn declare_type(&mut self, resource_type: ResourceType) {
        self.leaves.entry(resource_type).or_default();
    }

    /// Declares an attribute of resources of a type, and the type with it.
    ///
    /// # Errors
    /// [`VocabularyError`].
    pub fn declare_leaf(
        &mut self,
        resource_type: ResourceType,
        name: &str,
        kind: FactKind,
    ) -> Result<(), VocabularyError> {
        declare(self.leaves.entry(resource_type).or_default(), &[PRODUCTION, PATH], name, kind)
    }

    /// The permissions guardrails may bear on.
    pub fn permissions(&self) -> &[Permission] {
        &self.permissions
    }

    /// The types of resources below scopes.
    pub fn leaf_types(&self) -> impl Iterator<Item = &ResourceType> {
        self.leaves.keys()
    }

    /// The kind of an attribute of people.
    pub fn person(&self, name: &str) -> Option<FactKind> {
        self.person.get(name).copied()
    }

    /// The kind of something callers know.
    pub fn circumstance(&self, name: &str) -> Option<FactKind> {
        self.circumstances.get(name).copied()
    }

    /// The kind of an attribute of resources of a type.
    pub fn leaf(&self, resource_type: &ResourceType, name: &str) -> Option<FactKind> {
        self.leaves.get(resource_type)?.get(name).copied()
    }

    /// The Cedar schema. Every attribute counts as present: one that is missing when it is read denies.
    pub(super) fn schema(&self) -> Result<Schema, VocabularyError> {
        let computed = [(ROLES.to_owned(), FactKind::Texts), (IS_AUTHOR.to_owned(), FactKind::Flag)];
        let services: Attributes = computed.clone().into();
        let people: Attributes = self.person.clone().into_iter().chain(computed).collect();
        let place: Attributes = [(PRODUCTION.to_owned(), FactKind::Flag), (PATH.to_owned(), FactKind::Text)].into();
        let mut types = Map::new();
        types.insert("User".to_owned(), entity_type(&people, &[]));
        types.insert("Service".to_owned(), entity_type(&services, &[]));
        let mut resource_types = Vec::new();
        let mut around: Vec<String> = Vec::new();
        for kind in [ScopeKind::Organization, ScopeKind::Project, ScopeKind::Environment] {
            let name = cedar_type(kind.as_str());
            types.insert(name.clone(), entity_type(&place, &around));
            around.push(name.clone());
            resource_types.push(name);
        }
        for (leaf, attributes) in &self.leaves {
            let name = cedar_type(leaf.as_str());
            let all: Attributes = attributes.clone().into_iter().chain(place.clone()).collect();
            types.insert(name.clone(), entity_type(&all, &around));
            resource_types.push(name);
        }
        let clock = [(NOW, FactKind::Moment), (WEEKDAY, FactKind::Number), (MINUTE_OF_DAY, FactKind::Number)];
        let clock = clock.into_iter().map(|(name, kind)| (name.to_owned(), kind));
        let context = shape(&self.circumstances.clone().into_iter().chain(clock).collect());
        let applies_to =
            json!({ "principalTypes": ["User", "Service"], "resourceTypes": resource_types, "context": context });
        let action = |permission: &Permission| (permission.to_string(), json!({ "appliesTo": applies_to }));
        let actions: Map<String, Value> = self.permissions.iter().map(action).collect();
        let schema = json!({ "": { "entityTypes": types, "actions": actions } });
        Schema::from_json_value(schema).map_err(|error| VocabularyError::Schema(DetailedError::from(&error).message))
    }
}

/// Whether a text can name an attribute.
pub(super) fn is_attribute_name(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain && name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.len() <= 63
}

fn declare(attributes: &mut Attributes, reserved: &[&str], name: &str, kind: FactKind) -> Result<(), VocabularyError> {
    if !is_attribute_name(name) {
        return Err(VocabularyError::Name(name.chars().take(63).collect()));
    }
    let other_kind = attributes.get(name).is_some_and(|declared| *declared != kind);
    if other_kind || reserved.contains(&name) {
        return Err(VocabularyError::Taken(name.to_owned()));
    }
    if attributes.len() >= GUARDRAIL_ATTRIBUTES && !attributes.contains_key(name) {
        return Err(VocabularyError::Full);
    }
    attributes.insert(name.to_owned(), kind);
    Ok(())
}

/// The Cedar type of a kind of resource: `environment` is `Environment`, `build-cache` is `Build_cache`.
pub(super) fn cedar_type(resource_type: &str) -> String {
    let mut characters = resource_type.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).map(|c| if c == '-' { '_' } else { c }).collect()
}

fn entity_type(attributes: &Attributes, around: &[String]) -> Value {
    json!({ "shape": shape(attributes), "memberOfTypes": around })
}

fn shape(attributes: &Attributes) -> Value {
    let typed = |(name, kind): (&String, &FactKind)| {
        let kind = match kind {
            FactKind::Flag => json!({ "type": "Boolean" }),
            FactKind::Number => json!({ "type": "Long" }),
            FactKind::Text => json!({ "type": "String" }),
            FactKind::Texts => json!({ "type": "Set", "element": { "type": "String" } }),
            FactKind::Moment => json!({ "type": "Extension", "name": "datetime" }),
        };
        (name.clone(), kind)
    };
    json!({ "type": "Record", "attributes": attributes.iter().map(typed).collect::<Map<_, _>>() })
}
