//! Schemas and resource types as data (RFC 7643 §2, §7): the engine asks these, never an attribute's name.
//!
//! [`ResourceTypes::builtin`] reads them from `schemas/*.json`. Names and URNs are looked up without regard to case
//! (RFC 7643 §2.1).

mod extension;
mod load;

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

pub use load::SchemaError;

/// The data type of an attribute (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Text.
    #[default]
    String,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// xsd:dateTime.
    DateTime,
    /// Base64.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

/// Whether clients may write an attribute (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Only the server sets it.
    ReadOnly,
    /// Clients set it at will.
    #[default]
    ReadWrite,
    /// Clients set it once.
    Immutable,
    /// Clients set it and never see it.
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// Whatever is asked.
    Always,
    /// Nobody sees it.
    Never,
    /// Unless excluded.
    #[default]
    Default,
    /// Only when asked for by name.
    Request,
}

/// Where a value must be unique (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Nowhere.
    #[default]
    None,
    /// In the organization.
    Server,
    /// Everywhere.
    Global,
}

/// One attribute or sub-attribute.
///
/// What a document leaves out has the default of RFC 7643 §2.2.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    /// Canonical spelling; compared without regard to case (RFC 7643 §2.1).
    pub name: String,
    /// Its data type.
    #[serde(default, rename = "type")]
    pub kind: Kind,
    /// Whether it holds an array.
    #[serde(default)]
    pub multi_valued: bool,
    /// What it means, for `/Schemas`.
    pub description: String,
    /// Whether a resource must have it.
    #[serde(default)]
    pub required: bool,
    /// Suggested values.
    #[serde(default)]
    pub canonical_values: Vec<String>,
    /// Whether case matters in comparisons; always so for references and binary values (RFC 7643 §2.3.6, §2.3.7).
    #[serde(default)]
    pub case_exact: bool,
    /// Who may write it.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default)]
    pub returned: Returned,
    /// Where it is unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// What a reference may point at.
    #[serde(default)]
    pub reference_types: Vec<String>,
    /// The sub-attributes of a complex attribute.
    #[serde(default)]
    pub sub_attributes: Vec<Attribute>,
}

/// One schema document (RFC 7643 §7).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Schema {
    /// Its URN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// A resource type: a base schema, its extensions and the common attributes (RFC 7643 §6, §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// `User` or `Group`; also its `id`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its endpoint below the base URL, `/Users`.
    pub endpoint: String,
    /// `id`, `externalId`, `meta` and `schemas`: common to all, in no schema document (RFC 7643 §3.1).
    pub common: Vec<Attribute>,
    /// The base schema.
    pub schema: Schema,
    /// The extensions.
    pub extensions: Vec<Extension>,
    /// The multi-valued attribute that is kept as rows of its own instead of in the document (`members`), if any.
    pub rows_attribute: Option<String>,
    /// Whether a stored document may hold what is not returned unasked; asked at every answer, so it is worked out once.
    pub(super) hides: OnceLock<bool>,
}

/// Every resource type there is; clones share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTypes {
    /// Users.
    pub user: Arc<ResourceType>,
    /// Groups.
    pub group: Arc<ResourceType>,
    /// Roles and entitlements, where the connection assigns roles.
    pub offered: Option<Offered>,
    /// How the same looks to a connection that assigns roles.
    with_roles: Arc<WithRoles>,
}

/// What a connection that assigns roles may look up (draft-ietf-scim-roles-entitlements-01).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Roles it may assign.
    pub role: Arc<ResourceType>,
    /// Permissions that come with them.
    pub entitlement: Arc<ResourceType>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct WithRoles {
    /// Users, with the roles they hold.
    user: Arc<ResourceType>,
    offered: Offered,
    /// The extension that says which roles these are.
    access: Schema,
}

/// An extension of a resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its schema.
    pub schema: Schema,
    /// Whether every resource must have it.
    pub required: bool,
}

impl Attribute {
    /// The sub-attribute called `name`.
    pub fn sub_attribute(&self, name: &str) -> Option<&Self> {
        named(&self.sub_attributes, name)
    }
}

impl Schema {
    /// The attribute called `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        named(&self.attributes, name)
    }

    /// Whether `urn` is this schema's.
    pub fn is(&self, urn: &str) -> bool {
        self.id.eq_ignore_ascii_case(urn)
    }
}

/// The extension of users that says which roles they hold.
pub const ACCESS_EXTENSION: &str = "urn:muster:scim:schemas:extension:access:1.0:User";

impl ResourceType {
    /// Whether clients cannot write anything of it.
    pub fn is_read_only(&self) -> bool {
        self.schemas().flat_map(|schema| &schema.attributes).all(|one| one.mutability == Mutability::ReadOnly)
    }

    /// The attribute called `name`, of the base schema or common to all resources; extensions have names of their own.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.schema.attribute(name).or_else(|| named(&self.common, name))
    }

    /// Every attribute that needs no URN: those common to all resources, then the base schema's.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.common.iter().chain(&self.schema.attributes)
    }

    /// The extension with this URN.
    pub fn extension(&self, urn: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.schema.is(urn))
    }

    /// The base schema, then the extensions'.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.schema).chain(self.extensions.iter().map(|extension| &extension.schema))
    }
}

impl ResourceTypes {
    /// All of them, in the order discovery lists them.
    pub fn all(&self) -> impl Iterator<Item = &ResourceType> {
        let offered = self.offered.iter().flat_map(|offered| [&*offered.role, &*offered.entitlement]);
        [&*self.user, &*self.group].into_iter().chain(offered)
    }

    /// The same for a connection that assigns roles.
    #[must_use]
    pub fn with_roles(&self) -> Self {
        let WithRoles { user, offered, .. } = &*self.with_roles;
        Self { user: Arc::clone(user), offered: Some(offered.clone()), ..self.clone() }
    }
}

fn named<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.len() == name.len() && attribute.name.eq_ignore_ascii_case(name))
}
