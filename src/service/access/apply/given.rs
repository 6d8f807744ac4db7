//! What a document gives: assignments, and roles that connections may assign. What it gave and names no more ends.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use crate::db::access::{AccessRow, AssignmentRow, assignments, people, principals};
use crate::db::users::Status;
use crate::db::{organizations, role_offers};
use crate::ids;
use crate::model::{
    Assignment, AssignmentId, AssignmentSource, Connection, ConnectionId, Moment, Principal, ResourceId, RoleName,
    RoleOffer, ScopePath, UserId, Validity, fold,
};

use super::super::administrators::{self, Taken};
use super::super::document::{AssignmentEntry, Document, OfferEntry};
use super::super::principals::WantedPrincipal;
use super::super::{Result, assignments::details, offers};
use super::Work;

impl Work<'_, '_, '_> {
    pub(super) fn given(&mut self, document: &Document) -> Result<()> {
        let mut over = self.assignments(&document.assignments)?;
        over.extend(self.offers(&document.offers)?);
        self.end(&over)
    }

    /// Makes the assignments of the document; answers those of earlier documents that it names no more.
    fn assignments(&mut self, entries: &[Spanned<AssignmentEntry>]) -> Result<Vec<Assignment>> {
        let now = self.change.now;
        let known = assignments::list(self.change.tx, self.change.organization)?.into_iter();
        let mut known: Vec<Assignment> = known.map(|row| row.assignment).collect();
        let mut named: BTreeSet<AssignmentId> = BTreeSet::new();
        for entry in entries {
            let wanted = entry.get_ref();
            let role = self.known_role(entry, &wanted.role)?;
            let scope = self.known_scope(entry, &wanted.scope)?;
            let until = wanted.until.as_deref().map(|text| self.read::<Moment, _>(entry, text)).transpose()?;
            let reason = wanted.reason.as_deref().map(|text| self.read(entry, text)).transpose()?;
            let principal = self.principal(entry)?;
            let same = known.iter().find(|one| {
                !matches!(one.source, AssignmentSource::Connection(_))
                    && one.role == role
                    && one.scope == scope
                    && one.principal == principal
                    && one.validity.until() == until
            });
            if let Some(same) = same {
                named.insert(same.id);
                continue;
            }
            let validity = Validity::asked(None, until, now).map_err(|error| self.wrong(entry, error))?;
            let source = AssignmentSource::Document;
            let id = ids::assignment(now);
            let assignment = Assignment { id, role, scope, principal, validity, source, approver: None, reason };
            self.change.event("assignment.created", id, details(&assignment));
            self.change.rows.push(AccessRow::Assignment(AssignmentRow::new(assignment.clone(), now)));
            // Said twice it is given once.
            named.insert(id);
            known.push(assignment);
        }
        Ok(known
            .into_iter()
            .filter(|one| one.source == AssignmentSource::Document && !named.contains(&one.id))
            .collect())
    }

    fn principal(&mut self, entry: &Spanned<AssignmentEntry>) -> Result<Principal> {
        let wanted = entry.get_ref().clone();
        let named = match (wanted.group, wanted.user, wanted.service) {
            (Some(name), None, None) => WantedPrincipal::Group(name),
            (None, Some(name), None) => return self.user_of(entry, &name).map(Principal::User),
            (None, None, Some(name)) => {
                let known = self.running.get(&fold(&name)).map(|service| Principal::Service(service.id));
                return known.ok_or_else(|| self.wrong(entry, format!("there is no service `{name}`")));
            }
            _ => return Err(self.wrong(entry, "expected exactly one of `group`, `user` and `service`")),
        };
        named.find(self.change.tx, self.change.organization).map_err(|error| self.wrong(entry, error))
    }

    /// Makes the offers of the document and withdraws those of earlier documents that it names no more; answers what was
    /// assigned by these.
    fn offers(&mut self, entries: &[Spanned<OfferEntry>]) -> Result<Vec<Assignment>> {
        let organization = self.change.organization;
        let connections = organizations::connections(self.change.tx, organization)?.into_iter();
        let connections: BTreeMap<String, Connection> =
            connections.map(|connection| (fold(&connection.name), connection)).collect();
        let mut offered: BTreeMap<ConnectionId, Vec<RoleOffer>> = BTreeMap::new();
        for offer in role_offers::list(self.change.tx, organization)? {
            offered.entry(offer.connection).or_default().push(offer);
        }
        let before: Vec<RoleOffer> = offered.values().flatten().filter(|offer| offer.by_document).cloned().collect();
        let mut named: BTreeSet<ResourceId> = BTreeSet::new();
        for entry in entries {
            let wanted = entry.get_ref();
            let role = &self.known_role(entry, &wanted.role)?;
            let scope = &self.known_scope(entry, &wanted.scope)?;
            let connection = connections.get(&fold(&wanted.connection)).ok_or_else(|| {
                self.wrong(entry, format!("the organization has no connection `{}`", wanted.connection))
            })?;
            let known = offered.entry(connection.id).or_default();
            let wanted = offers::Wanted { role, scope, by_document: true };
            let made = offers::make(self.change, connection, known, wanted);
            let made = made.map_err(|error| self.wrong(entry, error))?;
            if named.insert(made.id) && known.iter().all(|other| other.id != made.id) {
                known.push(made);
            }
        }
        let mut over = Vec::new();
        for offer in before.into_iter().filter(|offer| !named.contains(&offer.id)) {
            offers::withdraw(self.change, &offer);
            self.change.takes_access = true;
            over.extend(offers::assigned_by(self.change, offer.connection, &[offer])?);
        }
        Ok(over)
    }

    /// Ends what the document gives no more, unless nobody would be left to administer the organization.
    fn end(&mut self, over: &[Assignment]) -> Result<()> {
        if over.is_empty() {
            return Ok(());
        }
        let taken = Taken { assignments: over.iter().map(|one| one.id).collect(), ..Taken::default() };
        // What the document gives besides may make somebody else an administrator.
        if !self.makes_an_administrator()? {
            let (organization, now) = (self.change.organization, self.change.now);
            self.change.only_at = administrators::keep_one(self.change.tx, organization, now, &taken)?;
        }
        self.change.takes_access = true;
        for assignment in over {
            self.change.end(assignment);
        }
        Ok(())
    }

    /// Whether an active user is made `admin` at `/` for good, or a group with one in it.
    fn makes_an_administrator(&mut self) -> Result<bool> {
        let organization = self.change.organization;
        let made = self.change.rows.iter().filter_map(|row| match row {
            AccessRow::Assignment(row) => Some(&row.assignment),
            _ => None,
        });
        let lasting = made.filter(|one| one.role.as_str() == RoleName::ADMIN && one.scope == ScopePath::root());
        let lasting = lasting.filter(|one| one.validity.until().is_none());
        let principals: Vec<Principal> = lasting.map(|one| one.principal).collect();
        let users: Vec<UserId> = principals
            .iter()
            .filter_map(|one| if let Principal::User(user) = one { Some(*user) } else { None })
            .collect();
        let newcomers = self.change.people.users_created.iter();
        if newcomers.filter(|new| new.active).any(|new| users.contains(&new.id)) {
            return Ok(true);
        }
        let found = people::by_ids(self.change.tx, organization, users)?;
        if found.iter().any(|person| person.status == Status::Active) {
            return Ok(true);
        }
        for principal in principals {
            if let Principal::Group(group) = principal
                && !principals::active_members(self.change.tx, organization, group, 1)?.is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
