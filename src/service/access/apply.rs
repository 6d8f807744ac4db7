//! Carrying out a declarative document, or saying what it would come to.

mod given;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Value, json};
use toml::Spanned;

use crate::access::guardrail::{Attribute, FactKind, Guardrail};
use crate::db::access::scopes::GateRow;
use crate::db::access::{
    AccessRow, LeafRow, PermissionRow, RoleRow, ScopeRow, ServiceRow, catalogue, guardrails, leaves, people, scopes,
    services,
};
use crate::db::users::Status;
use crate::ids;
use crate::live::Cause;
use crate::model::{
    BUILT_IN_ROLES, Caller, Catalogue, CatalogueEntry, Fact, GateBounds, Leaf, Moment, Permission, RoleName,
    RoleVersion, Scope, ScopePath, Service, UserId, fold,
};
use crate::service::Services;
use crate::service::people::check_names;
use crate::service::provisioning::users;

use super::document::{self, Document, DocumentError, FactEntry};
use super::{AdministrationError, Change, Preview, Result, guardrails as rules, principals};

/// What applying a document would come to, person by person.
///
/// # Errors
/// [`AdministrationError::Unfitting`] with the line; nothing is changed.
pub fn plan(services: &Services, caller: &Caller, text: &str) -> Result<Preview> {
    let administration = services.administration(caller);
    let work = |trying: &super::Administration| trying.apply_document(services, caller, text);
    Ok(administration.try_out(work)?.0)
}

/// Makes everything as the document says, in one write; where it is so already, nothing is written. Answers how many
/// things were changed.
///
/// # Errors
/// [`AdministrationError::Unfitting`] with the line; nothing is changed.
pub fn apply(services: &Services, caller: &Caller, text: &str) -> Result<usize> {
    services.administration(caller).apply_document(services, caller, text)
}

impl super::Administration {
    fn apply_document(&self, services: &Services, caller: &Caller, text: &str) -> Result<usize> {
        let document = document::read(text).map_err(unfitting)?;
        self.change_access(caller.organization, |change| {
            let mut work = Work::new(change, services, caller, text)?;
            work.all(&document)?;
            Ok(change.events.len().saturating_add(change.people.events.len()))
        })
    }
}

fn unfitting(error: DocumentError) -> AdministrationError {
    AdministrationError::Unfitting(error.to_string())
}

/// What is there, and becomes as the document says.
struct Work<'w, 'a, 'tx> {
    change: &'w mut Change<'a, 'tx>,
    services: &'w Services,
    caller: &'w Caller,
    text: &'w str,
    catalogue: Catalogue,
    roles: BTreeMap<RoleName, RoleVersion>,
    scopes: BTreeMap<ScopePath, Scope>,
    newcomers: BTreeMap<String, UserId>,
    running: BTreeMap<String, Service>,
}

impl<'w, 'a, 'tx> Work<'w, 'a, 'tx> {
    fn new(change: &'w mut Change<'a, 'tx>, services: &'w Services, caller: &'w Caller, text: &'w str) -> Result<Self> {
        let organization = change.organization;
        let built_in = BUILT_IN_ROLES.iter().filter_map(|role| role.version());
        let own = catalogue::roles(change.tx, organization)?.into_iter().map(|stored| stored.version);
        let running = services::list(change.tx, organization)?.into_iter().map(|row| row.service);
        let running = running.filter(|service| service.stopped_at.is_none());
        Ok(Self {
            catalogue: catalogue::complete(change.tx, organization)?,
            roles: built_in.chain(own).map(|version| (version.role.clone(), version)).collect(),
            scopes: scopes::complete(change.tx, organization)?,
            newcomers: BTreeMap::new(),
            running: running.map(|service| (fold(service.name.as_str()), service)).collect(),
            change,
            services,
            caller,
            text,
        })
    }

    fn all(&mut self, document: &Document) -> Result<()> {
        self.each_once(document)?;
        document.permissions.iter().try_for_each(|entry| self.permission(entry))?;
        document.roles.iter().try_for_each(|entry| self.role(entry))?;
        // What lies around others first: it is what the document says, and not only there because of them.
        let mut scopes: Vec<_> = document.scopes.iter().collect();
        scopes.sort_by_key(|entry| entry.get_ref().path.len());
        scopes.into_iter().try_for_each(|entry| self.scope(entry))?;
        document.gates.iter().try_for_each(|entry| self.gate(entry))?;
        document.users.iter().try_for_each(|entry| self.user(entry))?;
        document.services.iter().try_for_each(|entry| self.service(entry))?;
        self.attributes(document)?;
        self.resources(document)?;
        self.given(document)?;
        self.guardrails(document)
    }

    /// Said twice, which of the two were to hold?
    fn each_once(&self, document: &Document) -> Result<()> {
        self.once("permission", &document.permissions, |one| one.name.clone())?;
        self.once("role", &document.roles, |one| one.name.clone())?;
        self.once("scope", &document.scopes, |one| one.path.clone())?;
        self.once("gate", &document.gates, |one| format!("{} at {}", one.permission, one.scope))?;
        self.once("service", &document.services, |one| fold(&one.name))?;
        self.once("resource", &document.resources, |one| format!("{} {}", one.resource_type, one.id))
    }

    fn once<E>(&self, what: &str, entries: &[Spanned<E>], name: impl Fn(&E) -> String) -> Result<()> {
        let mut seen = BTreeSet::new();
        let again = entries.iter().find(|entry| !seen.insert(name(entry.get_ref())));
        let Some(entry) = again else { return Ok(()) };
        Err(self.wrong(entry, format!("the {what} `{}` is in the document twice", name(entry.get_ref()))))
    }

    fn wrong<T>(&self, entry: &Spanned<T>, message: impl Display) -> AdministrationError {
        unfitting(DocumentError::at(self.text, entry, message.to_string()))
    }

    fn read<T: FromStr<Err: Display>, E>(&self, entry: &Spanned<E>, text: &str) -> Result<T> {
        text.parse().map_err(|error: T::Err| self.wrong(entry, error))
    }

    fn known_scope<E>(&self, entry: &Spanned<E>, text: &str) -> Result<ScopePath> {
        let path: ScopePath = self.read(entry, text)?;
        if self.scopes.contains_key(&path) {
            return Ok(path);
        }
        Err(self.wrong(entry, format!("there is no scope `{path}`; add it to the document")))
    }

    fn known_role<E>(&self, entry: &Spanned<E>, text: &str) -> Result<RoleName> {
        let role: RoleName = self.read(entry, text)?;
        if self.roles.contains_key(&role) {
            return Ok(role);
        }
        Err(self.wrong(entry, format!("there is no role `{role}`; add it to the document")))
    }

    fn permission(&mut self, entry: &Spanned<document::PermissionEntry>) -> Result<()> {
        let wanted = entry.get_ref();
        let name: Permission = self.read(entry, &wanted.name)?;
        let meaning = CatalogueEntry { description: wanted.description.clone(), durable: wanted.durable };
        if self.catalogue.get(&name) == Some(&meaning) {
            return Ok(());
        }
        let declared = catalogue::permissions(self.change.tx, self.change.organization)?;
        if declared.iter().any(|row| row.name == name) {
            self.change.rows.push(AccessRow::PermissionEnds(name.clone()));
        }
        let declaring = self.catalogue.declare(name.clone(), meaning.clone());
        declaring.map_err(|error| self.wrong(entry, error))?;
        let details = json!({ "permission": name.as_str(), "durable": meaning.durable });
        self.change.rows.push(AccessRow::Permission(PermissionRow { name, entry: meaning }));
        self.change.event("permission.declared", self.change.organization, details);
        Ok(())
    }

    fn role(&mut self, entry: &Spanned<document::RoleEntry>) -> Result<()> {
        let wanted = entry.get_ref();
        let name: RoleName = self.read(entry, &wanted.name)?;
        let allowed: Result<BTreeSet<Permission>> =
            wanted.permissions.iter().map(|text| self.read(entry, text)).collect();
        let allowed = allowed?;
        let current = self.roles.get(&name).cloned();
        if current.as_ref().is_some_and(|current| current.permissions == allowed) {
            return Ok(());
        }
        let before = catalogue::versions(self.change.tx, self.change.organization, &name)?;
        let number = before.last().map_or(1, |last| last.version.number.saturating_add(1));
        let version = RoleVersion::custom(name.clone(), number, allowed, &self.catalogue);
        let version = version.map_err(|error| self.wrong(entry, error))?;
        if let Some(current) = &current {
            self.change.rows.push(AccessRow::RoleEnds(name.clone()));
            self.change.takes_access |= !current.permissions.is_subset(&version.permissions);
        }
        self.change.rows.push(AccessRow::Role(RoleRow::new(&version, self.change.now)));
        let names: Vec<&str> = version.permissions.iter().map(Permission::as_str).collect();
        let details = json!({ "role": name.as_str(), "version": number, "after": names });
        let action = if current.is_some() { "role.changed" } else { "role.created" };
        self.change.event(action, self.change.organization, details);
        self.roles.insert(name, version);
        Ok(())
    }

    fn scope(&mut self, entry: &Spanned<document::ScopeEntry>) -> Result<()> {
        let wanted = entry.get_ref();
        let path: ScopePath = self.read(entry, &wanted.path)?;
        let description = wanted.description.as_deref().map(|text| self.read(entry, text)).transpose()?;
        let missing: Vec<ScopePath> =
            path.ancestors().filter(|around| *around != path && !self.scopes.contains_key(around)).collect();
        for around in missing {
            self.set_scope(Scope { path: around, production: false, gates: BTreeMap::new(), description: None })?;
        }
        let gates = self.scopes.get(&path).map(|scope| scope.gates.clone()).unwrap_or_default();
        let scope = Scope { path, production: wanted.production, gates, description };
        if self.scopes.get(&scope.path) == Some(&scope) { Ok(()) } else { self.set_scope(scope) }
    }

    fn set_scope(&mut self, scope: Scope) -> Result<()> {
        let stored = scopes::list(self.change.tx, self.change.organization)?;
        let stored = stored.into_iter().find(|row| row.path == scope.path);
        let created_at = stored.as_ref().map_or(self.change.now, |row| row.created_at);
        if stored.is_some() {
            self.change.rows.push(AccessRow::ScopeEnds(scope.path.clone()));
            self.change.takes_access = true;
        }
        let (path, production, description) = (scope.path.clone(), scope.production, scope.description.clone());
        self.change.rows.push(AccessRow::Scope(ScopeRow { path, production, description, created_at }));
        let action = if stored.is_some() { "scope.changed" } else { "scope.created" };
        let details = json!({ "scope": scope.path.as_str(), "production": production });
        self.change.event(action, self.change.organization, details);
        self.scopes.insert(scope.path.clone(), scope);
        Ok(())
    }

    fn gate(&mut self, entry: &Spanned<document::GateEntry>) -> Result<()> {
        let wanted = entry.get_ref();
        let scope = self.known_scope(entry, &wanted.scope)?;
        let permission: Permission = self.read(entry, &wanted.permission)?;
        if !self.catalogue.knows(&permission) {
            return Err(self.wrong(entry, format!("the catalogue has no permission `{permission}`")));
        }
        let bounds = GateBounds::new(wanted.minimum, wanted.maximum).map_err(|error| self.wrong(entry, error))?;
        let before = self.scopes.get_mut(&scope).and_then(|scope| scope.gates.insert(permission.clone(), bounds));
        if before == Some(bounds) {
            return Ok(());
        }
        if before.is_some() {
            self.change.rows.push(AccessRow::GateEnds(scope.clone(), permission.clone()));
        }
        let details = json!({ "scope": scope.as_str(), "permission": permission.as_str(),
            "minimum": bounds.minimum(), "maximum": bounds.maximum() });
        self.change.rows.push(AccessRow::Gate(GateRow { scope, permission, bounds }));
        self.change.event("gate.set", self.change.organization, details);
        Ok(())
    }

    fn user(&mut self, entry: &Spanned<document::UserEntry>) -> Result<()> {
        let wanted = entry.get_ref();
        let key = fold(&wanted.user_name);
        let known = principals::user(self.change.tx, self.change.organization, &wanted.user_name);
        match known {
            Ok(_) => return Ok(()),
            Err(AdministrationError::NotFound(_)) if !self.newcomers.contains_key(&key) => {}
            Err(AdministrationError::NotFound(_)) => {
                return Err(self.wrong(entry, format!("the user `{}` is in the document twice", wanted.user_name)));
            }
            Err(error) => return Err(error),
        }
        let mut body = wanted.attributes.clone();
        body.insert("userName".to_owned(), Value::from(wanted.user_name.as_str()));
        check_names(&body, |_| "").map_err(|error| self.wrong(entry, error))?;
        let cause = Cause::from(self.caller);
        let new = users::NewUser::read(self.services, self.caller, Value::Object(body));
        let new = new.map_err(|error| self.wrong(entry, error))?;
        let people = &mut self.change.people;
        let added = new.add_to(people, self.services, self.change.tx, &cause, self.caller.connection);
        added.map_err(|error| self.wrong(entry, error))?;
        self.newcomers.insert(key, new.id);
        Ok(())
    }

    fn user_of<E>(&mut self, entry: &Spanned<E>, name: &str) -> Result<UserId> {
        if let Some(id) = self.newcomers.get(&fold(name)) {
            return Ok(*id);
        }
        let found = principals::user(self.change.tx, self.change.organization, name);
        found.map_err(|error| self.wrong(entry, error))
    }

    fn service(&mut self, entry: &Spanned<document::ServiceEntry>) -> Result<()> {
        let wanted = entry.get_ref();
        let owner = self.user_of(entry, &wanted.owner)?;
        let expires_at: Moment = self.read(entry, &wanted.expires_at)?;
        let known = self.running.get(&fold(&wanted.name)).cloned();
        let successor = match wanted.successor.as_deref() {
            None => known.as_ref().and_then(|known| known.successor).filter(|successor| *successor != owner),
            Some("") => None,
            Some(name) => Some(self.user_of(entry, name)?),
        };
        if successor == Some(owner) {
            return Err(self.wrong(entry, "the successor is the owner; name somebody else, or nobody"));
        }
        let same =
            |known: &Service| known.owner == owner && known.successor == successor && known.expires_at == expires_at;
        if known.as_ref().is_some_and(same) {
            return Ok(());
        }
        let is_new = |user: UserId, before: Option<UserId>| before != Some(user);
        if is_new(owner, known.as_ref().map(|known| known.owner)) {
            self.must_be_active(entry, "owner", owner, &wanted.owner)?;
        }
        if let (Some(user), Some(name)) = (successor, wanted.successor.as_deref())
            && is_new(user, known.as_ref().and_then(|known| known.successor))
        {
            self.must_be_active(entry, "successor", user, name)?;
        }
        if expires_at <= self.change.now {
            return Err(self.wrong(entry, format!("the service would end at {expires_at}, in the past")));
        }
        let id = known.as_ref().map_or_else(|| ids::service(self.change.now), |known| known.id);
        let stored = services::by_id(self.change.tx, self.change.organization, id)?;
        let created_at = stored.map_or(self.change.now, |row| row.created_at);
        if known.is_some() {
            self.change.rows.push(AccessRow::ServiceEnds(id));
            self.change.takes_access = true;
        }
        let name = known.map_or_else(|| self.read(entry, &wanted.name), |known| Ok(known.name))?;
        let service = Service { id, name, owner, successor, expires_at, stopped_at: None };
        self.change.rows.push(AccessRow::Service(ServiceRow::new(service.clone(), created_at)));
        let details = json!({ "name": service.name.as_str(), "owner": owner.to_string(),
            "successor": successor.map(|id| id.to_string()), "expires": expires_at.to_string() });
        self.change.event("service.set", id, details);
        self.running.insert(fold(service.name.as_str()), service);
        Ok(())
    }

    /// Nothing is handed to somebody who has left: neither what the document makes nor what it changes.
    fn must_be_active<E>(&mut self, entry: &Spanned<E>, what: &str, user: UserId, name: &str) -> Result<()> {
        let found = people::by_ids(self.change.tx, self.change.organization, [user])?;
        let comes = self.change.people.users_created.iter().any(|new| new.id == user && new.active);
        if comes || found.iter().any(|person| person.status == Status::Active) {
            return Ok(());
        }
        Err(self.wrong(entry, format!("the user `{name}` is not active; the {what} of a service must be")))
    }

    fn attributes(&mut self, document: &Document) -> Result<()> {
        let mut known = guardrails::attributes(self.change.tx, self.change.organization)?;
        let mut vocabulary = guardrails::vocabulary(self.change.tx, self.change.organization)?;
        for entry in &document.attributes {
            let wanted = entry.get_ref();
            let kind = FactKind::from_name(&wanted.kind)
                .ok_or_else(|| self.wrong(entry, "`kind` must be `flag`, `number`, `text`, `texts` or `moment`"))?;
            let attribute = Attribute { owner: self.read(entry, &wanted.owner)?, name: wanted.name.clone(), kind };
            if known.contains(&attribute) {
                continue;
            }
            vocabulary.declare(&attribute).map_err(|error| self.wrong(entry, error))?;
            let details = json!({ "owner": attribute.owner.as_str(), "attribute": attribute.name });
            self.change.rows.push(AccessRow::Attribute(attribute.clone()));
            self.change.event("attribute.declared", self.change.organization, details);
            known.push(attribute);
        }
        Ok(())
    }

    fn resources(&mut self, document: &Document) -> Result<()> {
        let known = leaves::list(self.change.tx, self.change.organization)?;
        for entry in &document.resources {
            let wanted = entry.get_ref();
            let fact = |fact: &FactEntry| match fact {
                FactEntry::Flag(flag) => Fact::Flag(*flag),
                FactEntry::Number(number) => Fact::Number(*number),
                FactEntry::Text(text) => Fact::Text(text.clone()),
                FactEntry::Texts(texts) => Fact::Texts(texts.clone()),
            };
            let leaf = Leaf {
                resource_type: self.read(entry, &wanted.resource_type)?,
                id: self.read(entry, &wanted.id)?,
                scope: self.known_scope(entry, &wanted.scope)?,
                facts: wanted.attributes.iter().map(|(name, value)| (name.clone(), fact(value))).collect(),
            };
            let before = known.iter().find(|one| one.resource_type == leaf.resource_type && one.id == leaf.id);
            if before == Some(&leaf) {
                continue;
            }
            if before.is_some() {
                let (kind, id) = (leaf.resource_type.clone(), leaf.id.clone());
                self.change.rows.push(AccessRow::LeafEnds(kind, id));
                self.change.takes_access = true;
            }
            let details =
                json!({ "type": leaf.resource_type.as_str(), "id": leaf.id.as_str(), "scope": leaf.scope.as_str() });
            self.change.rows.push(AccessRow::Leaf(LeafRow::from(&leaf)));
            self.change.event("resource.set", self.change.organization, details);
        }
        Ok(())
    }

    fn guardrails(&mut self, document: &Document) -> Result<()> {
        let mut vocabulary = crate::access::guardrail::Vocabulary::new(&self.catalogue);
        let declared = guardrails::attributes(self.change.tx, self.change.organization)?;
        let added: Vec<Attribute> = self
            .change
            .rows
            .iter()
            .filter_map(|row| match row {
                AccessRow::Attribute(attribute) => Some(attribute.clone()),
                _ => None,
            })
            .collect();
        for attribute in declared.iter().chain(&added) {
            vocabulary.declare(attribute).map_err(|error| AdministrationError::Unfitting(error.to_string()))?;
        }
        for leaf in leaves::list(self.change.tx, self.change.organization)? {
            vocabulary.declare_type(leaf.resource_type);
        }
        for row in &self.change.rows {
            if let AccessRow::Leaf(row) = row {
                vocabulary.declare_type(row.leaf.resource_type.clone());
            }
        }
        let mut seen = BTreeSet::new();
        for entry in &document.guardrails {
            let text = match (&entry.get_ref().text, &entry.get_ref().ready) {
                (Some(text), None) => text.clone(),
                (None, Some(ready)) => ready.text().map_err(|error| self.wrong(entry, error))?,
                _ => return Err(self.wrong(entry, "expected either `text` or `ready`")),
            };
            let guardrail = Guardrail::parse(&text, &vocabulary).map_err(|error| self.wrong(entry, error))?;
            if !seen.insert(guardrail.id().clone()) {
                return Err(self.wrong(entry, format!("the guardrail `{}` is in the document twice", guardrail.id())));
            }
            rules::save(self.change, &guardrail)?;
        }
        Ok(())
    }
}
