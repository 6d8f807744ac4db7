//! What an operation is about: the meaning of its path in a resource type (RFC 7644 §3.5.2).

use crate::scim::coerce;
use crate::scim::filter::{Condition, Filter, ValuePath};
use crate::scim::path::Target;
use crate::scim::schema::{Extension, ResourceType, Returned};
use crate::scim::{ScimError, Switches};

/// What a path names.
#[derive(Debug, Clone)]
pub enum Selection<'a> {
    /// The whole resource: no path, or the base schema's URN.
    Resource,
    /// A whole extension: its URN.
    Extension(&'a Extension),
    /// An attribute or sub-attribute, of the elements given or of all.
    Attribute(Target<'a>, Option<Box<Elements>>),
}

/// The elements that a filter in brackets selects.
#[derive(Debug, Clone)]
pub struct Elements {
    /// As written.
    pub filter: Filter,
    /// As evaluated.
    pub condition: Condition,
}

impl<'a> Selection<'a> {
    /// Reads a path and looks it up.
    ///
    /// # Errors
    /// `invalidPath` where it cannot be read or names nothing, `invalidFilter` for what stands in brackets;
    /// `invalidSyntax` for an attribute no schema has, where such are not ignored.
    pub fn parse(switches: &Switches, resource_type: &'a ResourceType, text: &str) -> Result<Self, ScimError> {
        let ValuePath { path, filter, sub_attribute } = ValuePath::parse(text, switches)?;
        if filter.is_none() {
            if let Some(extension) = path.extension(resource_type) {
                return Ok(Self::Extension(extension));
            }
            if path.base_schema(resource_type).is_some() {
                return Ok(Self::Resource);
            }
        }
        let unknown = |name: &str| {
            if !switches.unknown_attributes_ignored {
                return coerce::unknown(name);
            }
            ScimError::invalid_path(format!("`{name}` is no attribute of {}; see /Schemas", resource_type.name))
        };
        let mut target = path.resolve_by(switches, resource_type).ok_or_else(|| unknown(&path.to_string()))?;
        if !switches.password_thrown_away && target.attribute.returned == Returned::Never {
            return Err(unknown(&path.to_string()));
        }
        if let Some(name) = sub_attribute {
            let sub = target.attribute.sub_attribute(&name).filter(|_| target.sub_attribute.is_none());
            target.sub_attribute = Some(sub.ok_or_else(|| unknown(&format!("{path}.{name}")))?);
        } else if filter.is_some() && target.sub_attribute.is_some() {
            return Err(ScimError::invalid_path(format!("the filter must stand before the sub-attribute of `{path}`")));
        }
        let elements = match filter {
            Some(filter) => {
                let condition = filter.clone().resolve_elements(target.attribute, switches)?;
                Some(Box::new(Elements { filter, condition }))
            }
            None => None,
        };
        Ok(Self::Attribute(target, elements))
    }
}

impl Elements {
    /// How many comparisons the filter makes.
    pub fn terms(&self) -> usize {
        fn count(filter: &Filter) -> usize {
            match filter {
                Filter::And(filters) | Filter::Or(filters) => filters.iter().map(count).sum(),
                Filter::Not(filter) | Filter::ValuePath { filter, .. } => count(filter),
                Filter::Compare { .. } | Filter::Present(_) => 1,
            }
        }
        count(&self.filter)
    }
}
