//! The resource types of each organization: those of the server, and whatever schemas the organization has added. Kept
//! in memory beside the credentials, and forgotten with them when the feed says so.

use std::sync::PoisonError;

use crate::db::{DatabaseError, ResourceKind, extension_schemas};
use crate::model::OrganizationId;
use crate::scim::schema::{ResourceTypes, Schema, SchemaError};

use super::Live;

impl Live {
    /// The resource types of an organization; `None` when the database must be asked, by [`Live::types`].
    pub fn types_from_memory(&self, organization: OrganizationId) -> Option<ResourceTypes> {
        self.0.admissions.types(organization)
    }

    /// The resource types of an organization, which begin with `builtin`. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn types(&self, organization: OrganizationId, builtin: &ResourceTypes) -> Result<ResourceTypes, DatabaseError> {
        if let Some(types) = self.types_from_memory(organization) {
            return Ok(types);
        }
        // Followed before it is read: whoever changes a schema from then on is noticed.
        if self.0.serves {
            self.0.feed.watch(&self.0, organization)?;
        }
        let times_forgotten = self.0.admissions.times_forgotten(organization);
        let documents = self.read(|tx| extension_schemas::list(tx, organization))?;
        let types = extended(builtin, &documents)
            .map_err(|error| DatabaseError::Corrupt { table: "extension_schema", problem: error.to_string() })?;
        if self.0.serves {
            self.0.admissions.keep_types(organization, types.clone(), times_forgotten);
        }
        Ok(types)
    }
}

/// `builtin` with these documents.
fn extended(builtin: &ResourceTypes, documents: &[(ResourceKind, String)]) -> Result<ResourceTypes, SchemaError> {
    let of = |kind: ResourceKind| {
        let documents = documents.iter().filter(move |(found, _)| *found == kind);
        documents.map(|(_, text)| Schema::from_json(text)).collect::<Result<Vec<Schema>, SchemaError>>()
    };
    builtin.with(of(ResourceKind::User)?, of(ResourceKind::Group)?)
}

impl super::admission::Admissions {
    fn types(&self, organization: OrganizationId) -> Option<ResourceTypes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).types.get(&organization).cloned()
    }

    fn keep_types(&self, organization: OrganizationId, types: ResourceTypes, times_forgotten: u64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.forgotten.get(&organization).copied().unwrap_or_default() == times_forgotten {
            known.types.insert(organization, types);
        }
    }
}
