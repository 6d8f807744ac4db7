//! From what a caller names to what the graph holds.

use crate::model::{Leaf, ScopeKind, ScopePath, UserId, fold};

use super::roles::PermissionNumber;
use super::scopes::Chain;
use super::{Denial, Graph, Identifier, IdentifierKind, Standing, Subject};

/// What is asked about, as AuthZEN names it: a scope by its path, or a resource below one by its type and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resource<'a> {
    /// `organization`, `project`, `environment`, or a declared type.
    pub resource_type: &'a str,
    /// A scope's path, or the id of a resource below one.
    pub id: &'a str,
}

/// A question whose subject, permission and resource are all known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    pub(super) subject: u32,
    pub(super) permission: PermissionNumber,
    pub(super) place: Place,
}

/// What is known of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts<'g> {
    /// The scope it is, or lies in.
    pub path: &'g ScopePath,
    /// Whether that is production.
    pub production: bool,
    /// The resource itself, unless it is a scope.
    pub leaf: Option<&'g Leaf>,
}

/// Where a resource is, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub chain: Chain,
    pub production: bool,
}

impl Identifier {
    /// A user's `userName` or a service's name.
    pub fn name(text: &str) -> Self {
        Self { kind: IdentifierKind::Name, text: fold(text).into() }
    }

    /// A value of `emails`.
    pub fn email(text: &str) -> Self {
        Self { kind: IdentifierKind::Email, text: fold(text).into() }
    }

    /// `externalId`, compared exactly.
    pub fn external_id(text: &str) -> Self {
        Self { kind: IdentifierKind::ExternalId, text: text.into() }
    }
}

/// Whether folding leaves a text as it is; `false` where that cannot be seen at a glance.
fn is_folded(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase())
}

impl Graph {
    /// The subject of a type (`user`, `service`) that a text names: by its id, or by an identifier of the kinds given.
    ///
    /// # Errors
    /// [`Denial::UnknownSubject`], or [`Denial::AmbiguousSubject`] when the text names more than one.
    pub fn subject(&self, subject_type: &str, text: &str, kinds: &[IdentifierKind]) -> Result<Subject, Denial> {
        let (mut found, mut ambiguous) = (None, false);
        let mut bears = |number: u32| {
            let Some(subject) = self.present(number, subject_type) else { return };
            match found {
                None => found = Some(subject),
                Some(other) => ambiguous |= other != subject,
            }
        };
        let by_id = text.parse::<UserId>().ok().and_then(|id| match subject_type {
            "user" => Some(Subject::User(id)),
            "service" => Some(Subject::Service(crate::model::ResourceId::from(id).into())),
            _ => None,
        });
        if let Some(number) = by_id.and_then(|subject| self.subjects.number(&subject)) {
            bears(number);
        }
        let folded = (!is_folded(text)).then(|| fold(text)).filter(|folded| folded != text);
        for key in [Some(text), folded.as_deref()].into_iter().flatten() {
            for (number, kind) in self.by_identifier.get(key).into_iter().flatten() {
                if kinds.contains(kind) && (*kind != IdentifierKind::ExternalId || key == text) {
                    bears(*number);
                }
            }
        }
        if ambiguous { Err(Denial::AmbiguousSubject) } else { found.ok_or(Denial::UnknownSubject) }
    }

    /// The subject of a number, if it is of this type and has not been deleted.
    fn present(&self, number: u32, subject_type: &str) -> Option<Subject> {
        let gone = matches!(self.subjects.get(number)?.standing, Standing::Unknown | Standing::Deleted);
        let subject = self.subjects.key(number).copied().filter(|_| !gone)?;
        let of_type = match subject {
            Subject::User(_) => subject_type == "user",
            Subject::Service(_) => subject_type == "service",
        };
        of_type.then_some(subject)
    }

    /// Whether a subject takes part.
    pub fn standing(&self, subject: Subject) -> Standing {
        let record = self.subjects.number(&subject).and_then(|number| self.subjects.get(number));
        record.map_or(Standing::Unknown, |record| record.standing)
    }

    /// What guardrails may read of a subject.
    pub fn facts(&self, subject: Subject) -> Option<&super::Facts> {
        self.subjects.number(&subject).and_then(|number| self.subjects.get(number))?.facts.as_deref()
    }

    /// The texts by which a subject is known besides its id.
    pub fn identifiers(&self, subject: Subject) -> &[Identifier] {
        let record = self.subjects.number(&subject).and_then(|number| self.subjects.get(number));
        record.map_or(&[], |record| &record.identifiers)
    }

    /// Finds everything a question names.
    ///
    /// # Errors
    /// [`Denial`] naming what is not known.
    pub fn resolve(&self, subject: Subject, permission: &str, resource: Resource<'_>) -> Result<Resolved, Denial> {
        Ok(Resolved {
            subject: self.subjects.number(&subject).ok_or(Denial::UnknownSubject)?,
            permission: self.roles.permission(permission).ok_or(Denial::UnknownPermission)?,
            place: self.place(resource).ok_or(Denial::UnknownResource)?,
        })
    }

    /// What is known of a resource; `None` if it is not known, or is of another type than said.
    pub fn whereabouts(&self, resource: Resource<'_>) -> Option<Whereabouts<'_>> {
        let production = self.place(resource)?.production;
        if ScopeKind::from_name(resource.resource_type).is_some() {
            let (_, scope) = self.scopes.known(resource.id)?;
            return Some(Whereabouts { path: &scope.path, production, leaf: None });
        }
        let leaf = &self.scopes.leaf(resource.resource_type, resource.id)?.leaf;
        Some(Whereabouts { path: &leaf.scope, production, leaf: Some(leaf) })
    }

    /// Where a resource is; `None` if it is not known, or is of another type than said.
    pub(super) fn place(&self, resource: Resource<'_>) -> Option<Place> {
        let scope = if let Some(kind) = ScopeKind::from_name(resource.resource_type) {
            let (number, scope) = self.scopes.known(resource.id)?;
            (scope.path.kind() == kind).then_some(number)?
        } else {
            let leaf = self.scopes.leaf(resource.resource_type, resource.id)?;
            self.scopes.get(leaf.scope)?.scope.as_ref().map(|_| leaf.scope)?
        };
        let chain = self.scopes.chain(scope);
        Some(Place { chain, production: self.scopes.is_production(chain) })
    }
}
