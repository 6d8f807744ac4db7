//! Attribute notation (RFC 7644 §3.10): `userName`, `name.givenName`, `urn:…:User:manager.value`.

use std::fmt;

use super::error::ScimError;
use super::profile::Switches;
use super::schema::{Attribute, Extension, ResourceType, Schema};

/// The name of an attribute as a client wrote it, or, in a resolved [`Condition`](super::filter::Condition), in its
/// canonical spelling with the URN only where the attribute belongs to an extension.
///
/// Text alone cannot tell the URN of an extension from an attribute (`urn:example:User` may be either), so a URN alone
/// is held as schema `urn:example` and attribute `User`; [`AttributePath::extension`] and [`AttributePath::resolve`]
/// ask the resource type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributePath {
    /// The schema's URN, where given.
    pub schema: Option<String>,
    /// The attribute.
    pub attribute: String,
    /// The sub-attribute, where given.
    pub sub_attribute: Option<String>,
}

/// The attribute that a path names in a resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The extension it belongs to; none for the base schema and the common attributes.
    pub extension: Option<&'a Extension>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// The sub-attribute, where the path names one.
    pub sub_attribute: Option<&'a Attribute>,
}

impl Target<'_> {
    /// The same target in canonical spelling.
    pub fn path(&self) -> AttributePath {
        AttributePath {
            schema: self.extension.map(|extension| extension.schema.id.clone()),
            attribute: self.attribute.name.clone(),
            sub_attribute: self.sub_attribute.map(|sub_attribute| sub_attribute.name.clone()),
        }
    }
}

impl AttributePath {
    /// An attribute of the base schema, without a sub-attribute.
    pub fn of(attribute: impl Into<String>) -> Self {
        Self { schema: None, attribute: attribute.into(), sub_attribute: None }
    }

    /// Reads `[URN ":"] attribute ["." sub-attribute]` (RFC 7644 §3.10). Names may contain `$`, which `$ref` needs and
    /// the RFC's grammar forgets; the URN may also be followed by a dot, as in `urn:…:User.manager`.
    ///
    /// # Errors
    /// `invalidPath` when this is no such name.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        Self::read(text).ok_or_else(|| {
            ScimError::invalid_path(format!(
                "`{}` is not an attribute name; expected one like `userName`, `name.givenName` or `urn:…:User:department`",
                excerpt(text)
            ))
        })
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let Some((schema, last)) = text.rsplit_once(':') else {
            let (attribute, sub_attribute) = match text.split_once('.') {
                Some((attribute, sub_attribute)) => (attribute, Some(sub_attribute)),
                None => (text, None),
            };
            let named = is_name(attribute) && sub_attribute.is_none_or(is_name);
            return named.then(|| Self::new(None, attribute, sub_attribute));
        };
        if !schema.split(':').all(is_urn_part) || !schema.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return None;
        }
        let names: Vec<&str> = last.split('.').collect();
        match *names.as_slice() {
            [attribute] if is_name(attribute) => Some(Self::new(Some(schema.to_owned()), attribute, None)),
            [attribute, sub_attribute] if is_name(attribute) && is_name(sub_attribute) => {
                Some(Self::new(Some(schema.to_owned()), attribute, Some(sub_attribute)))
            }
            // The URN's last part, followed by a dot.
            [end, attribute, sub_attribute] if [end, attribute, sub_attribute].into_iter().all(is_name) => {
                Some(Self::new(Some(format!("{schema}:{end}")), attribute, Some(sub_attribute)))
            }
            // A URN alone that ends in a version number, `urn:example:badge:1.0`.
            _ if is_urn_part(last) => Some(Self::new(Some(schema.to_owned()), last, None)),
            _ => None,
        }
    }

    fn new(schema: Option<String>, attribute: &str, sub_attribute: Option<&str>) -> Self {
        Self { schema, attribute: attribute.to_owned(), sub_attribute: sub_attribute.map(ToOwned::to_owned) }
    }

    /// The attribute this names in `resource_type`; letter case does not matter.
    ///
    /// Without a URN an attribute is looked for in the base schema and among the common attributes, then, because some
    /// identity providers leave the URN out (`manager`), in the extensions, if exactly one has it.
    pub fn resolve<'a>(&self, resource_type: &'a ResourceType) -> Option<Target<'a>> {
        let Some(schema) = &self.schema else {
            return self.resolve_unqualified(resource_type);
        };
        if let Some(place) = Place::find(schema, resource_type) {
            return place.target(resource_type, &self.attribute, self.sub_attribute.as_deref());
        }
        // `urn:…:User.manager`: the URN ended at the dot.
        let place = Place::find(&self.joined(schema), resource_type)?;
        place.target(resource_type, self.sub_attribute.as_deref()?, None)
    }

    /// As [`AttributePath::resolve`], as far as the profile reads names so.
    pub fn resolve_by<'a>(&self, switches: &Switches, resource_type: &'a ResourceType) -> Option<Target<'a>> {
        let target = self.resolve(resource_type)?;
        let tolerated = match &self.schema {
            None => target.extension.is_none() || switches.extension_attributes_without_urn,
            Some(schema) => Place::find(schema, resource_type).is_some() || switches.dots_behind_urns,
        };
        tolerated.then_some(target)
    }

    fn resolve_unqualified<'a>(&self, resource_type: &'a ResourceType) -> Option<Target<'a>> {
        let sub_attribute = self.sub_attribute.as_deref();
        if resource_type.attribute(&self.attribute).is_some() {
            return Place::Base.target(resource_type, &self.attribute, sub_attribute);
        }
        let mut having =
            resource_type.extensions.iter().filter(|extension| extension.schema.attribute(&self.attribute).is_some());
        match (having.next(), having.next()) {
            (Some(only), None) => Place::Extension(only).target(resource_type, &self.attribute, sub_attribute),
            _ => None,
        }
    }

    /// The extension whose URN this is, with no attribute after it (`urn:…:extension:enterprise:2.0:User`).
    pub fn extension<'a>(&self, resource_type: &'a ResourceType) -> Option<&'a Extension> {
        let schema = self.schema.as_deref().filter(|_| self.sub_attribute.is_none())?;
        resource_type.extension(&self.joined(schema))
    }

    /// The base schema, if this is its URN with no attribute after it.
    pub fn base_schema<'a>(&self, resource_type: &'a ResourceType) -> Option<&'a Schema> {
        let schema = self.schema.as_deref().filter(|_| self.sub_attribute.is_none())?;
        Some(&resource_type.schema).filter(|base| base.is(&self.joined(schema)))
    }

    fn joined(&self, schema: &str) -> String {
        format!("{schema}:{}", self.attribute)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.attribute)?;
        if let Some(sub_attribute) = &self.sub_attribute {
            write!(f, ".{sub_attribute}")?;
        }
        Ok(())
    }
}

enum Place<'a> {
    Base,
    Extension(&'a Extension),
}

impl<'a> Place<'a> {
    fn find(urn: &str, resource_type: &'a ResourceType) -> Option<Self> {
        if resource_type.schema.is(urn) {
            return Some(Self::Base);
        }
        resource_type.extension(urn).map(Self::Extension)
    }

    fn target(
        self,
        resource_type: &'a ResourceType,
        attribute: &str,
        sub_attribute: Option<&str>,
    ) -> Option<Target<'a>> {
        let (extension, attribute) = match self {
            Self::Base => (None, resource_type.attribute(attribute)?),
            Self::Extension(extension) => (Some(extension), extension.schema.attribute(attribute)?),
        };
        let sub_attribute = match sub_attribute {
            Some(name) => Some(attribute.sub_attribute(name)?),
            None => None,
        };
        Some(Target { extension, attribute, sub_attribute })
    }
}

/// The beginning of what a client wrote, short enough for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARACTERS: usize = 60;
    // Backticks tell what is quoted from what is said.
    let text = text.replace('`', "'");
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// ATTRNAME of RFC 7643 §2.1, with `$` also as its first character.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
}

/// What stands between two colons of a URI, without the characters that mean something in a filter.
fn is_urn_part(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%/?#@!$&'*+;=".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::ResourceTypes;

    const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn resolved(text: &str) -> Option<String> {
        let types = ResourceTypes::builtin().unwrap();
        let path = AttributePath::parse(text).unwrap();
        path.resolve(&types.user).map(|target| target.path().to_string())
    }

    // Requirement 32
    #[test]
    fn the_version_in_a_urn_is_not_split_at_its_dot() {
        let path = AttributePath::parse(&format!("{ENTERPRISE}:manager.displayName")).unwrap();
        assert_eq!(path.schema.as_deref(), Some(ENTERPRISE));
        assert_eq!(path.attribute, "manager");
        assert_eq!(path.sub_attribute.as_deref(), Some("displayName"));
        assert_eq!(path.to_string(), format!("{ENTERPRISE}:manager.displayName"));
    }

    #[test]
    fn paths_print_as_they_were_read() {
        for text in ["userName", "name.givenName", "members.$ref", "x-y_z", "urn:example:badge:1.0", CORE, ENTERPRISE] {
            assert_eq!(AttributePath::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_attribute_name_is_rejected() {
        for text in
            ["", ".", "a.", ".a", "a.b.c", "1a", "a b", "a[b]", ":a", "urn::a", "urn:x:", "é", "a,b", "urn:x:a..b c"]
        {
            assert!(AttributePath::parse(text).is_err(), "{text:?}");
        }
    }

    // Requirement 2
    #[test]
    fn names_and_urns_resolve_in_any_letter_case_to_the_canonical_spelling() {
        assert_eq!(resolved("USERNAME").as_deref(), Some("userName"));
        assert_eq!(resolved("Name.GIVENNAME").as_deref(), Some("name.givenName"));
        assert_eq!(resolved("META.lastmodified").as_deref(), Some("meta.lastModified"));
        assert_eq!(resolved(&format!("{}:USERNAME", CORE.to_uppercase())).as_deref(), Some("userName"));
        let department = format!("{ENTERPRISE}:department");
        assert_eq!(resolved(&department.to_uppercase()), Some(department));
    }

    #[test]
    fn an_attribute_of_an_extension_is_found_with_its_urn_without_it_and_after_a_dot() {
        let manager = Some(format!("{ENTERPRISE}:manager"));
        assert_eq!(resolved(&format!("{ENTERPRISE}:manager")), manager);
        assert_eq!(resolved("manager"), manager);
        assert_eq!(resolved(&format!("{ENTERPRISE}.manager")), manager);
        assert_eq!(resolved(&format!("{ENTERPRISE}.manager.value")), Some(format!("{ENTERPRISE}:manager.value")));
        assert_eq!(resolved(&format!("{CORE}.name.givenName")).as_deref(), Some("name.givenName"));
    }

    #[test]
    fn what_no_schema_has_resolves_to_nothing() {
        for text in ["nickname2", "name.nick", "urn:example:x:userName", "userName.value", &format!("{CORE}:manager")] {
            assert_eq!(resolved(text), None, "{text}");
        }
    }

    #[test]
    fn a_urn_alone_is_the_extension_and_no_attribute() {
        let types = ResourceTypes::builtin().unwrap();
        let path = AttributePath::parse(&ENTERPRISE.to_lowercase()).unwrap();
        assert_eq!(path.extension(&types.user).unwrap().schema.id, ENTERPRISE);
        assert_eq!(path.resolve(&types.user), None);
        assert_eq!(path.base_schema(&types.user), None);
        assert!(AttributePath::parse(CORE).unwrap().base_schema(&types.user).is_some());
        assert!(AttributePath::of("userName").extension(&types.user).is_none());
    }
}
