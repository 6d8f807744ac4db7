//! Extension schemas of an organization: add, list, remove (RFC 7643 §3.3, §7).

use serde_json::json;

use crate::db::extension_schemas::{self, ExtensionSchemaRow};
use crate::db::{AdministrationRow, DatabaseError, ResourceKind, Tx, groups, organizations, users};
use crate::live::Decision;
use crate::model::{ConnectionId, OrganizationId, ResourceId, limits};
use crate::scim::schema::{ResourceTypes, Schema, SchemaError};

use super::{Administration, AdministrationError, decisive};

/// Resources looked at in one statement.
const BATCH: i64 = 500;

/// A schema an organization has added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedSchema {
    /// What it extends.
    pub kind: ResourceKind,
    /// The schema.
    pub schema: Schema,
    /// The document as it was added.
    pub document: String,
}

impl Administration {
    /// Adds a schema, a JSON document, to the users or the groups of an organization; in force on every server when this
    /// returns.
    ///
    /// # Errors
    /// [`AdministrationError::Unfitting`] for a document that cannot be honoured, [`AdministrationError::Taken`] when the
    /// organization has added a schema of this URN already.
    pub fn add_schema(
        &self,
        organization: OrganizationId,
        kind: ResourceKind,
        document: &str,
    ) -> Result<AddedSchema, AdministrationError> {
        let schema = Schema::extension(document)?;
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            // Together with the revision this keeps two who add schemas at once from contradicting each other.
            let seen = organizations::revision(tx, organization)?;
            let present = list(tx, organization)?;
            if present.iter().any(|other| other.schema.is(&schema.id)) {
                let message = format!("the schema `{}` exists already in the organization; remove it first", schema.id);
                return Err(AdministrationError::Taken(message));
            }
            if present.len() >= limits::SCHEMAS {
                let message = format!("the organization has {} schemas, which is all it may have", limits::SCHEMAS);
                return Err(AdministrationError::Unfitting(message));
            }
            let added = AddedSchema { kind, schema: schema.clone(), document: document.to_owned() };
            let of = |kind: ResourceKind| {
                let all = present.iter().chain([&added]).filter(move |other| other.kind == kind);
                all.map(|other| other.schema.clone()).collect::<Vec<Schema>>()
            };
            ResourceTypes::builtin()?.with(of(ResourceKind::User), of(ResourceKind::Group))?;
            let row = ExtensionSchemaRow { urn_key: key(&schema.id), kind, document: document.to_owned() };
            let now = self.clock.now();
            let mut set = decisive(organization, vec![AdministrationRow::ExtensionSchema { row, created_at: now }]);
            set.only_at = seen;
            // Every server must know it before anybody is told that it is there.
            set.takes_access = true;
            let details = json!({ "schema": schema.id });
            set.events.push(cause.event(now, "schema.added", ResourceId::from(organization), &details));
            Ok(Decision::Write(Box::new(set), added))
        })
    }

    /// The schemas an organization has added.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn schemas(&self, organization: OrganizationId) -> Result<Vec<AddedSchema>, AdministrationError> {
        self.live.read(|tx| list(tx, organization))
    }

    /// Removes a schema that no user and no group has a value of.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`]; [`AdministrationError::Unfitting`] while there are values, naming a resource.
    pub fn remove_schema(&self, organization: OrganizationId, urn: &str) -> Result<(), AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let seen = organizations::revision(tx, organization)?;
            let Some(removed) = list(tx, organization)?.into_iter().find(|added| added.schema.is(urn)) else {
                let message = format!("the organization has added no schema `{urn}`; `muster schema list` shows them");
                return Err(AdministrationError::NotFound(message));
            };
            if let Some(id) = holder(tx, organization, &removed)? {
                return Err(AdministrationError::Unfitting(format!(
                    "the schema `{}` is in use, for one by `{id}`; clear its values first",
                    removed.schema.id
                )));
            }
            let now = self.clock.now();
            let row = AdministrationRow::RemoveExtensionSchema { urn_key: key(&removed.schema.id) };
            let mut set = decisive(organization, vec![row]);
            set.only_at = seen;
            set.takes_access = true;
            let details = json!({ "schema": removed.schema.id });
            set.events.push(cause.event(now, "schema.removed", ResourceId::from(organization), &details));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }
}

impl From<SchemaError> for AdministrationError {
    fn from(error: SchemaError) -> Self {
        Self::Unfitting(error.to_string())
    }
}

fn key(urn: &str) -> String {
    urn.to_ascii_lowercase()
}

fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<AddedSchema>, AdministrationError> {
    extension_schemas::list(tx, organization)?
        .into_iter()
        .map(|(kind, document)| Ok(AddedSchema { kind, schema: Schema::from_json(&document)?, document }))
        .collect()
}

/// Some resource that has a value of the schema. Looks through all of them: schemas are removed rarely.
fn holder(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    added: &AddedSchema,
) -> Result<Option<ResourceId>, DatabaseError> {
    // As it stands in a document; within a text the quotes would be escaped.
    let member = format!("\"{}\":{{", added.schema.id);
    if added.kind == ResourceKind::User {
        return first(|after| {
            let users = users::page_after(tx, organization, after.into(), BATCH)?;
            Ok(users.into_iter().map(|user| (user.id.into(), user.document.contains(&member))).collect())
        });
    }
    let connections = organizations::connections(tx, organization)?;
    for connection in connections.iter().map(|connection| connection.id).chain([ConnectionId::NOBODY]) {
        let found = first(|after| {
            let groups = groups::page_after(tx, organization, connection, after.into(), BATCH)?;
            Ok(groups.into_iter().map(|group| (group.id.into(), group.document.contains(&member))).collect())
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn first(
    mut page: impl FnMut(ResourceId) -> Result<Vec<(ResourceId, bool)>, DatabaseError>,
) -> Result<Option<ResourceId>, DatabaseError> {
    let mut after = ResourceId::FIRST;
    loop {
        let found = page(after)?;
        if let Some((id, _)) = found.iter().find(|(_, holds)| *holds) {
            return Ok(Some(*id));
        }
        let Some((last, _)) = found.last() else { return Ok(None) };
        after = *last;
    }
}
