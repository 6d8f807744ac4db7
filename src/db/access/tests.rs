//! What is written of access is what is read, at both databases.

use super::*;
use crate::db::events::EventRow;
use crate::db::tests::fresh::{Fresh, on_both_databases};
use crate::db::{AdministrationRow, Database, DatabaseError, Tx, WriteError, WriteSet, Writer};
use crate::ids;
use crate::model::{
    Actor, Assignment, AssignmentSource, CatalogueEntry, Fact, GateBounds, Leaf, Moment, Principal, RoleVersion,
    Service, Validity,
};

const NOW: Moment = Moment::from_micros(1_790_000_000_000_000);

struct Store {
    database: Database,
    writer: Writer,
    organization: OrganizationId,
}

impl Store {
    fn new(fresh: &Fresh) -> Self {
        let database = fresh.database.clone();
        let (writer, _thread) = Writer::start(database.clone()).unwrap();
        let organization = ids::organization(NOW);
        let mut set = WriteSet::new(organization);
        let (slug, name) = ("acme".to_owned(), "Acme".to_owned());
        set.administration.push(AdministrationRow::Organization {
            id: organization,
            slug,
            name,
            created_at: NOW,
            certification: false,
        });
        set.events.push(event(organization));
        writer.write(set).unwrap();
        Self { database, writer, organization }
    }

    fn read<T>(&self, read: impl Fn(&mut Tx<'_>, OrganizationId) -> Result<T, DatabaseError>) -> T {
        self.database.read(|tx| read(tx, self.organization)).unwrap()
    }

    fn try_write(&self, seen: AccessState, rows: Vec<AccessRow>) -> Result<Revision, WriteError> {
        let mut set = WriteSet::new(self.organization);
        (set.takes_revision, set.access, set.access_state) = (true, rows, Some(seen));
        set.events.push(event(self.organization));
        Ok(self.writer.write(set)?.revision.unwrap())
    }

    fn write(&self, rows: Vec<AccessRow>) -> Revision {
        self.try_write(self.read(state), rows).unwrap()
    }
}

fn event(organization: OrganizationId) -> EventRow {
    EventRow {
        id: ids::event(NOW),
        at: NOW,
        actor: Actor::Server,
        request: ids::request(NOW),
        action: "access.changed",
        resource: organization.into(),
        details: "{}".to_owned(),
        sealed: None,
    }
}

fn assignment(number: i64) -> AssignmentRow {
    let approver = (number % 2 == 0).then(|| ids::resource(NOW));
    let assignment = Assignment {
        id: ids::assignment(NOW),
        role: "deployer".parse().unwrap(),
        scope: "/billing".parse().unwrap(),
        principal: Principal::Group(ids::group(NOW)),
        validity: Validity::new(NOW, (number > 0).then(|| NOW.plus_micros(number))).unwrap(),
        source: AssignmentSource::Connection(ids::connection(NOW)),
        approver,
        reason: (number > 1).then(|| "on call".parse().unwrap()),
    };
    AssignmentRow::new(assignment, NOW)
}

fn role(number: u32, permissions: &[&str]) -> RoleVersion {
    let permissions = permissions.iter().map(|name| name.parse().unwrap()).collect();
    RoleVersion { role: "debugger".parse().unwrap(), number, permissions }
}

fn scope(path: &str, production: bool) -> ScopeRow {
    ScopeRow { path: path.parse().unwrap(), production, description: Some("money".parse().unwrap()), created_at: NOW }
}

on_both_databases! {
    fn what_begins_is_read_back_as_it_was_written(fresh: &Fresh) {
        let store = Store::new(fresh);
        let entry = CatalogueEntry { description: "fly".to_owned(), durable: true };
        let permission = PermissionRow { name: "plane:fly".parse().unwrap(), entry };
        let gate = GateRow {
            scope: "/billing".parse().unwrap(),
            permission: "deploy:run".parse().unwrap(),
            bounds: GateBounds::new(2, Some(5)).unwrap(),
        };
        let facts = [
            ("archived", Fact::Flag(true)),
            ("size", Fact::Number(-7)),
            ("owner", Fact::Text("it's \"me\"".to_owned())),
            ("tags", Fact::Texts(["a".to_owned(), "b".to_owned()].into())),
        ];
        let leaf = Leaf {
            resource_type: "record".parse().unwrap(),
            id: "record-1".parse().unwrap(),
            scope: "/billing".parse().unwrap(),
            facts: facts.map(|(name, fact)| (name.to_owned(), fact)).into(),
        };
        let service = Service {
            id: ids::service(NOW),
            name: "Pipeline".parse().unwrap(),
            owner: ids::user(NOW),
            successor: Some(ids::user(NOW)),
            expires_at: NOW.plus_micros(9),
            stopped_at: None,
        };
        let service = ServiceRow::new(service, NOW);
        let assignments = [assignment(0), assignment(1), assignment(2)];
        let mut rows = vec![
            AccessRow::Permission(permission.clone()),
            AccessRow::Role(RoleRow::new(&role(1, &["build:ssh", "build:view"]), NOW)),
            AccessRow::Scope(scope("/billing", false)),
            AccessRow::Gate(gate.clone()),
            AccessRow::Leaf(LeafRow::from(&leaf)),
            AccessRow::Service(service.clone()),
        ];
        rows.extend(assignments.iter().cloned().map(AccessRow::Assignment));
        let revision = store.write(rows);
        assert_eq!(store.read(catalogue::permissions), [permission]);
        let stored = store.read(catalogue::roles).remove(0);
        assert_eq!((stored.version, stored.since), (role(1, &["build:ssh", "build:view"]), revision));
        assert_eq!(store.read(scopes::list), [scope("/billing", false)]);
        assert_eq!(store.read(scopes::gates), [gate]);
        assert_eq!(store.read(leaves::list), [leaf]);
        assert_eq!(store.read(services::list), std::slice::from_ref(&service));
        assert_eq!(store.read(|tx, organization| services::by_name(tx, organization, "PIPELINE")), Some(service));
        assert_eq!(store.read(assignments::list), assignments);
        assert_eq!(store.read(state).revision, revision);
    }

    fn what_began_and_ended_since_a_revision_is_told(fresh: &Fresh) {
        let store = Store::new(fresh);
        let (first, second) = (assignment(0), assignment(1));
        let before = store.write(vec![
            AccessRow::Scope(scope("/a", false)),
            AccessRow::Role(RoleRow::new(&role(1, &["build:view"]), NOW)),
            AccessRow::Assignment(first.clone()),
        ]);
        let after = store.write(vec![
            AccessRow::ScopeEnds("/a".parse().unwrap()),
            AccessRow::Scope(scope("/a", true)),
            AccessRow::RoleEnds("debugger".parse().unwrap()),
            AccessRow::AssignmentEnds(first.assignment.id),
            AccessRow::Assignment(second.clone()),
        ]);
        let since = |revision: Revision| {
            (
                store.read(|tx, of| scopes::begun(tx, of, revision)).len(),
                store.read(|tx, of| scopes::ended(tx, of, revision)).len(),
                store.read(|tx, of| catalogue::roles_begun(tx, of, revision)).len(),
                store.read(|tx, of| catalogue::roles_ended(tx, of, revision)).len(),
                store.read(|tx, of| assignments::begun(tx, of, revision)),
                store.read(|tx, of| assignments::ended(tx, of, revision)),
            )
        };
        assert_eq!(since(before), (1, 1, 0, 1, vec![second], vec![first.assignment.id]));
        assert_eq!(since(after), (0, 0, 0, 0, vec![], vec![]));
        assert_eq!(store.read(scopes::list), [scope("/a", true)]);
    }

    fn of_two_who_decided_on_one_state_the_second_decides_again(fresh: &Fresh) {
        let store = Store::new(fresh);
        let seen = store.read(state);
        store.try_write(seen, vec![AccessRow::Scope(scope("/a", false))]).unwrap();
        let late = store.try_write(seen, vec![AccessRow::Scope(scope("/b", false))]);
        assert!(matches!(late, Err(WriteError::Stale)), "{late:?}");
        assert_eq!(store.read(scopes::list).len(), 1);
        let seen = AccessState { subjects_by_email: true, ..store.read(state) };
        let revision = store.try_write(seen, vec![]).unwrap();
        assert_eq!(store.read(state), AccessState { revision, ..seen });
    }

    fn what_is_not_there_cannot_end(fresh: &Fresh) {
        let store = Store::new(fresh);
        let ended = store.try_write(store.read(state), vec![AccessRow::ScopeEnds("/a".parse().unwrap())]);
        assert!(matches!(ended, Err(WriteError::Stale)), "{ended:?}");
        assert_eq!(store.read(state), AccessState::default());
    }
}
