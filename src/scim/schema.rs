//! Schemas and resource types as data (RFC 7643 §2, §7): the engine asks these, never an attribute's name.

/// The data type of an attribute (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// Only the server sets it.
    ReadOnly,
    /// Clients set it at will.
    ReadWrite,
    /// Clients set it once.
    Immutable,
    /// Clients set it and never see it.
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Returned {
    /// Whatever is asked.
    Always,
    /// Nobody sees it.
    Never,
    /// Unless excluded.
    Default,
    /// Only when asked for by name.
    Request,
}

/// Where a value must be unique (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    /// Nowhere.
    None,
    /// In the organization.
    Server,
    /// Everywhere.
    Global,
}

/// One attribute or sub-attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Canonical spelling; compared without regard to case (RFC 7643 §2.1).
    pub name: String,
    /// Its data type.
    pub kind: Kind,
    /// Whether it holds an array.
    pub multi_valued: bool,
    /// What it means, for `/Schemas`.
    pub description: String,
    /// Whether a resource must have it.
    pub required: bool,
    /// Suggested values.
    pub canonical_values: Vec<String>,
    /// Whether case matters in comparisons.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// Where it is unique.
    pub uniqueness: Uniqueness,
    /// What a reference may point at.
    pub reference_types: Vec<String>,
    /// The sub-attributes of a complex attribute.
    pub sub_attributes: Vec<Attribute>,
}

/// One schema document (RFC 7643 §7).
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// An extension of a resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its schema.
    pub schema: Schema,
    /// Whether every resource must have it.
    pub required: bool,
}
