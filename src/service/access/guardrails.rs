//! Guardrails, and the attributes they may read.

use serde_json::json;

use crate::access::graph::Lifetimes;
use crate::access::guardrail::{Attribute, AttributeOwner, Guardrail, Guardrails};
use crate::access::{decide::Rules, difference};
use crate::db::Tx;
use crate::db::access::guardrails::{self, GuardrailRow};
use crate::db::access::{AccessRow, leaves};
use crate::model::{GuardrailId, OrganizationId};

use super::{Administration, AdministrationError, Change, Result};

/// A guardrail as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownGuardrail {
    /// Its name, text and age.
    pub row: GuardrailRow,
    /// Why it is there.
    pub reason: String,
    /// The control it implements.
    pub control: String,
    /// What is wrong with it by now: it names something that is gone. It denies wherever it bears.
    pub problem: Option<String>,
}

impl Administration {
    /// The guardrails of an organization, by name.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn guardrails(&self, organization: OrganizationId) -> Result<Vec<ShownGuardrail>> {
        self.live.read(|tx| {
            let rows = guardrails::list(tx, organization)?;
            let vocabulary = guardrails::vocabulary(tx, organization)?;
            let shown = rows.into_iter().map(|row| {
                let read = Guardrail::read(&row.text);
                let problem = read
                    .as_ref()
                    .map_err(ToString::to_string)
                    .and_then(|guardrail| guardrail.check(&vocabulary).map_err(|error| error.to_string()));
                let (reason, control) = read.map_or_else(
                    |_unreadable| (String::new(), String::new()),
                    |guardrail| (guardrail.reason().to_string(), guardrail.control().to_string()),
                );
                ShownGuardrail { row, reason, control, problem: problem.err() }
            });
            Ok(shown.collect())
        })
    }

    /// Reads a guardrail somebody wrote and validates it against what the organization knows. Changes nothing.
    ///
    /// # Errors
    /// [`AdministrationError::Unfitting`] with the position and what was expected.
    pub fn check_guardrail(&self, organization: OrganizationId, text: &str) -> Result<Guardrail> {
        self.live.read(|tx| parse(tx, organization, text))
    }

    /// Saves a guardrail under its name; one that is there is replaced. What it forbids is forbidden on every server
    /// when this returns.
    ///
    /// # Errors
    /// [`AdministrationError::Unfitting`] with the position and what was expected; [`AdministrationError::InUse`] if
    /// nobody could pass some gate any more, unless it is to be saved `anyway`.
    pub fn save_guardrail(&self, organization: OrganizationId, text: &str, anyway: bool) -> Result<Guardrail> {
        self.change_access(organization, |change| {
            let guardrail = parse(change.tx, organization, text)?;
            if save(change, &guardrail)? && !anyway {
                locks_nobody_out(change, &guardrail)?;
            }
            Ok(guardrail)
        })
    }

    /// Removes a guardrail; its text stays on record.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn remove_guardrail(&self, organization: OrganizationId, id: &GuardrailId) -> Result<()> {
        self.change_access(organization, |change| {
            let all = guardrails::list(change.tx, organization)?;
            if !all.iter().any(|row| row.id == *id) {
                return Err(AdministrationError::NotFound(format!(
                    "the organization has no guardrail `{id}`; `muster guardrail list` shows them"
                )));
            }
            change.rows.push(AccessRow::GuardrailEnds(id.clone()));
            change.event("guardrail.removed", organization, json!({ "guardrail": id.as_str() }));
            Ok(())
        })
    }

    /// The attributes an organization has declared, by owner and name.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn attributes(&self, organization: OrganizationId) -> Result<Vec<Attribute>> {
        Ok(self.live.read(|tx| guardrails::attributes(tx, organization))?)
    }

    /// Declares an attribute for guardrails to read. Of users it is read from the entitlements of that type.
    ///
    /// # Errors
    /// [`AdministrationError::Unfitting`] for a name that is none or is taken.
    pub fn declare_attribute(&self, organization: OrganizationId, attribute: &Attribute) -> Result<()> {
        self.change_access(organization, |change| {
            let all = guardrails::attributes(change.tx, organization)?;
            if all.contains(attribute) {
                return Ok(());
            }
            let mut vocabulary = guardrails::vocabulary(change.tx, organization)?;
            vocabulary.declare(attribute).map_err(|error| AdministrationError::Unfitting(error.to_string()))?;
            change.rows.push(AccessRow::Attribute(attribute.clone()));
            change.event("attribute.declared", organization, details(&attribute.owner, &attribute.name));
            Ok(())
        })
    }

    /// Declares an attribute no more.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`]; [`AdministrationError::InUse`] while a guardrail or a resource names it.
    pub fn remove_attribute(&self, organization: OrganizationId, owner: &AttributeOwner, name: &str) -> Result<()> {
        self.change_access(organization, |change| {
            let mut all = guardrails::attributes(change.tx, organization)?;
            let before = all.len();
            all.retain(|attribute| attribute.owner != *owner || attribute.name != name);
            if all.len() == before {
                let message = format!("the organization has declared no attribute `{name}` of `{}`", owner.as_str());
                return Err(AdministrationError::NotFound(message));
            }
            unused(change, owner, name)?;
            change.rows.push(AccessRow::AttributeEnds(owner.clone(), name.to_owned()));
            change.event("attribute.removed", organization, details(owner, name));
            Ok(())
        })
    }
}

fn details(owner: &AttributeOwner, name: &str) -> serde_json::Value {
    json!({ "owner": owner.as_str(), "attribute": name })
}

/// Reads and validates a text.
pub(super) fn parse(tx: &mut Tx<'_>, organization: OrganizationId, text: &str) -> Result<Guardrail> {
    let vocabulary = guardrails::vocabulary(tx, organization)?;
    Guardrail::parse(text, &vocabulary).map_err(|error| AdministrationError::Unfitting(error.to_string()))
}

/// Works out the rows of saving a guardrail; whether there are any.
pub(super) fn save(change: &mut Change<'_, '_>, guardrail: &Guardrail) -> Result<bool> {
    let all = guardrails::list(change.tx, change.organization)?;
    let known = all.into_iter().find(|row| row.id == *guardrail.id());
    let created_at = known.as_ref().map_or(change.now, |row| row.created_at);
    match &known {
        Some(row) if row.text == guardrail.text() => return Ok(false),
        Some(row) => change.rows.push(AccessRow::GuardrailEnds(row.id.clone())),
        None => {}
    }
    let row = GuardrailRow { id: guardrail.id().clone(), text: guardrail.text().to_owned(), created_at };
    change.rows.push(AccessRow::Guardrail(row));
    change.takes_access = true;
    let action = if known.is_some() { "guardrail.changed" } else { "guardrail.created" };
    change.event(
        action,
        change.organization,
        json!({ "guardrail": guardrail.id().as_str(),
        "control": guardrail.control().as_str() }),
    );
    Ok(true)
}

/// Refuses a guardrail after which nobody passes a gate that somebody passes now.
fn locks_nobody_out(change: &mut Change<'_, '_>, guardrail: &Guardrail) -> Result<()> {
    let (graph, guardrails, revision) = crate::live::rules(change.tx, change.organization)?;
    // The answer holds at this revision: the write must happen at it.
    change.only_at = Some(revision);
    let others = guardrails.iter().filter(|other| other.id() != guardrail.id()).cloned();
    let after = Guardrails::new(others.chain([guardrail.clone()]), guardrails.vocabulary().clone());
    let rules = |guardrails| Rules { graph: &graph, guardrails, lifetimes: Lifetimes::default() };
    let closed: Vec<String> = difference::closed_by(&rules(&guardrails), &rules(&after), change.now)
        .into_iter()
        .map(|gate| format!("`{}` at `{}`", gate.permission, gate.scope))
        .collect();
    if closed.is_empty() {
        return Ok(());
    }
    Err(AdministrationError::InUse(format!(
        "with the guardrail `{}` nobody could pass {} any more; confirm it to save it anyway",
        guardrail.id(),
        closed.join(", ")
    )))
}

fn unused(change: &mut Change<'_, '_>, owner: &AttributeOwner, name: &str) -> Result<()> {
    let mut vocabulary = crate::access::guardrail::Vocabulary::new(&crate::db::access::catalogue::complete(
        change.tx,
        change.organization,
    )?);
    let unfitting =
        |error: crate::access::guardrail::VocabularyError| AdministrationError::Unfitting(error.to_string());
    for attribute in guardrails::attributes(change.tx, change.organization)? {
        if attribute.owner != *owner || attribute.name != name {
            vocabulary.declare(&attribute).map_err(unfitting)?;
        }
    }
    for leaf in leaves::list(change.tx, change.organization)? {
        if AttributeOwner::Resource(leaf.resource_type.clone()) == *owner && leaf.facts.contains_key(name) {
            let message =
                format!("the {} `{}` has the attribute `{name}`; change it first", leaf.resource_type, leaf.id);
            return Err(AdministrationError::InUse(message));
        }
        vocabulary.declare_type(leaf.resource_type);
    }
    for row in guardrails::list(change.tx, change.organization)? {
        let fits = Guardrail::read(&row.text).is_ok_and(|guardrail| guardrail.check(&vocabulary).is_ok());
        if !fits {
            let message = format!("the guardrail `{}` reads the attribute `{name}`; change it first", row.id);
            return Err(AdministrationError::InUse(message));
        }
    }
    Ok(())
}
