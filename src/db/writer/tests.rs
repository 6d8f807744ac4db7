//! The writer against both databases, whole and failing: every request its own answer, all or nothing.

use super::*;
use crate::db::access::{self, AccessRow, ServiceRow};
use crate::db::brakes::{BrakeRow, Quarantine};
use crate::db::groups::{GroupChange, GroupNames, GroupRow};
use crate::db::keyring::KeyRow;
use crate::db::memberships::MembershipChange;
use crate::db::tests::faults::{Fault, calls, inject};
use crate::db::tests::fresh::{Fresh, batch as run_text, broken, on_both_databases, picture};
use crate::db::users::{self, EmailRow, Status, StatusChange, UserChange, UserDeletion, UserRow, UserSortKeys};
use crate::db::{AdministrationRow, Count, Dialect, ResourceKind, events::EventRow};
use crate::db::{history, organizations};
use crate::ids;
use crate::model::{
    Actor, Connection, ConnectionId, GroupId, Member, MemberKind, Moment, Profile, ResourceId, Service, UserId, Version,
};

const NOW: Moment = Moment::from_micros(1_790_000_000_000_000);

fn event(action: &'static str, resource: ResourceId) -> EventRow {
    EventRow {
        id: ids::event(NOW),
        at: NOW,
        actor: Actor::Server,
        request: ids::request(NOW),
        action,
        resource,
        details: "{}".to_owned(),
        sealed: None,
    }
}

fn organization_set(slug: &str) -> WriteSet {
    let id = ids::organization(NOW);
    let mut set = WriteSet::new(id);
    set.takes_revision = true;
    let (slug, name) = (slug.to_owned(), "Acme".to_owned());
    set.administration.push(AdministrationRow::Organization { id, slug, name, created_at: NOW, certification: false });
    set.events.push(event("organization.created", id.into()));
    set
}

fn connection_set(organization: OrganizationId, name: &str) -> WriteSet {
    let mut set = WriteSet::new(organization);
    set.takes_revision = true;
    let (id, name, profile, off) = (ids::connection(NOW), name.to_owned(), Profile::Default, false);
    let connection = Connection { organization, id, name, profile, paused: off, assigns_roles: off, asynchronous: off };
    set.administration.push(AdministrationRow::Connection { connection, created_at: NOW });
    set.events.push(event("connection.created", id.into()));
    set
}

fn user_set(organization: OrganizationId, name: &str) -> (UserId, WriteSet) {
    let id = ids::user(NOW);
    let mut set = WriteSet::new(organization);
    set.users_created.push(UserRow {
        id,
        connection: ConnectionId::NOBODY,
        user_name_key: name.to_owned(),
        sort_keys: UserSortKeys::default(),
        external_id: None,
        active: true,
        created_at: NOW,
        person_key: vec![1],
        document: "{}".to_owned(),
    });
    set.emails_added.push(EmailRow { address_key: format!("{name}@example.com"), user: id });
    set.counts.push(Count { connection: ConnectionId::NOBODY, kind: ResourceKind::User, present: 1, deleted: 0 });
    set.events.push(event("user.created", id.into()));
    (id, set)
}

fn change_set(organization: OrganizationId, users: &[UserId], expected: Version) -> WriteSet {
    let mut set = WriteSet::new(organization);
    for id in users {
        set.users_changed.push(UserChange {
            id: *id,
            expected,
            version: expected.next(),
            managed_by: ConnectionId::NOBODY,
            connection: ConnectionId::NOBODY,
            user_name_key: id.to_string(),
            sort_keys: UserSortKeys::default(),
            external_id: Some("changed".to_owned()),
            active: true,
            suspended: false,
            modified_at: NOW,
            document: "{}".to_owned(),
        });
        set.events.push(event("user.changed", (*id).into()));
    }
    set
}

fn group_set(organization: OrganizationId, name: &str, members: &[UserId]) -> (GroupId, WriteSet) {
    let id = ids::group(NOW);
    let mut set = WriteSet::new(organization);
    set.takes_revision = !members.is_empty();
    set.groups_created.push(GroupRow {
        id,
        connection: ConnectionId::NOBODY,
        names: GroupNames {
            display_name: name.to_owned(),
            display_name_key: name.to_owned(),
            unique_name_key: Some(name.to_owned()),
            external_id: None,
        },
        created_at: NOW,
        document: "{}".to_owned(),
    });
    let join =
        |user: &UserId| MembershipChange { group: id, member: Member { id: (*user).into(), kind: MemberKind::User } };
    set.joined.extend(members.iter().map(join));
    set.counts.push(Count { connection: ConnectionId::NOBODY, kind: ResourceKind::Group, present: 1, deleted: 0 });
    let (created, mut joined) = (event("group.created", id.into()), event("group.members-changed", id.into()));
    joined.request = created.request;
    set.events.push(created);
    set.events.extend((!members.is_empty()).then_some(joined));
    (id, set)
}

fn job(set: WriteSet) -> Job {
    let (answer, _nobody_waits) = sync_channel(1);
    Job { set, since: Clock::monotonic(), answer }
}

fn write_all(database: &Database, sets: impl IntoIterator<Item = WriteSet>) -> Vec<Answer> {
    let jobs: Vec<Job> = sets.into_iter().map(job).collect();
    write_group(database, &mut None, &jobs)
}

#[track_caller]
fn write_one(database: &Database, set: WriteSet) -> Written {
    only(write_all(database, [set])).unwrap()
}

fn organization(fresh: &Fresh) -> OrganizationId {
    let set = organization_set("acme");
    let id = set.organization;
    write_one(&fresh.database, set);
    id
}

fn is_there(database: &Database, organization: OrganizationId, id: UserId) -> bool {
    let found: Result<_, DatabaseError> = database.read(|tx| users::by_id(tx, organization, id));
    found.unwrap().is_some()
}

on_both_databases! {
    fn a_group_with_a_bad_member_answers_each_its_own(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (ada, set) = user_set(organization, "ada");
        write_one(database, set);
        let sets = [
            user_set(organization, "grace").1,
            user_set(organization, "ada").1,
            change_set(organization, &[ada], Version::new(7)),
            group_set(organization, "builders", &[ada]).1,
            group_set(organization, "builders", &[]).1,
            group_set(organization, "readers", &[ids::user(NOW)]).1,
            group_set(organization, "testers", &[ada]).1,
        ];
        let answers = write_all(database, sets);
        assert_eq!(answers[0].as_ref().unwrap().revision, None);
        assert!(matches!(answers[1], Err(WriteError::Violated(Constraint::UserName))), "{answers:?}");
        assert!(matches!(answers[2], Err(WriteError::Stale)), "{answers:?}");
        assert_eq!(answers[3].as_ref().unwrap().revision, Some(Revision::new(2)));
        assert!(matches!(answers[4], Err(WriteError::Violated(Constraint::GroupName))), "{answers:?}");
        assert!(matches!(answers[5], Err(WriteError::Stale)), "who is not there cannot join: {answers:?}");
        assert_eq!(answers[6].as_ref().unwrap().revision, Some(Revision::new(3)));
        assert_eq!(broken(database), Vec::<String>::new());
    }

    fn whoever_is_deleted_cannot_leave_a_group_afterwards(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (ada, set) = user_set(organization, "ada");
        write_one(database, set);
        let (builders, set) = group_set(organization, "builders", &[ada]);
        write_one(database, set);
        let mut delete = WriteSet::new(organization);
        delete.takes_revision = true;
        delete.users_deleted.push(UserDeletion { id: ada, expected: Version::FIRST, at: NOW });
        delete.statuses.push(StatusChange { user: ada, status: Status::Deleted, since: NOW });
        delete.emails_removed.push(EmailRow { address_key: "ada@example.com".to_owned(), user: ada });
        delete.counts.push(Count {
            connection: ConnectionId::NOBODY,
            kind: ResourceKind::User,
            present: -1,
            deleted: 1,
        });
        delete.events.push(event("user.deleted", ada.into()));
        let mut leave = WriteSet::new(organization);
        leave.takes_revision = true;
        let member = Member { id: ada.into(), kind: MemberKind::User };
        leave.left.push(MembershipChange { group: builders, member });
        leave.groups_changed.push(GroupChange::Touch { id: builders, modified_at: NOW });
        leave.events.push(event("group.members-changed", builders.into()));
        // Worked out at the same time, written in one go: the deletion came first and ended the membership.
        let answers = write_all(database, [delete, leave]);
        let deleted = answers[0].as_ref().unwrap().revision;
        assert!(matches!(answers[1], Err(WriteError::Stale)), "{answers:?}");
        let inside: Result<_, DatabaseError> =
            database.read(|tx| history::memberships(tx, organization, builders, ada.into()));
        assert_eq!(inside.unwrap().iter().map(|span| span.until).collect::<Vec<_>>(), [deleted]);
        assert_eq!(broken(database), Vec::<String>::new());
    }

    fn a_member_joins_and_leaves_one_group_in_the_order_of_revisions(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (ada, set) = user_set(organization, "ada");
        let (builders, group) = group_set(organization, "builders", &[ada]);
        for first in [set, group] {
            write_one(database, first);
        }
        let change = MembershipChange { group: builders, member: Member { id: ada.into(), kind: MemberKind::User } };
        let changed = |joined: bool| {
            let mut set = WriteSet::new(organization);
            set.takes_revision = true;
            if joined { &mut set.joined } else { &mut set.left }.push(change);
            set.groups_changed.push(GroupChange::Touch { id: builders, modified_at: NOW });
            set.events.push(event("group.members-changed", builders.into()));
            set
        };
        // The first was worked out before she joined: she is in the group by then, and it has to be worked out again.
        let answers = write_all(database, [changed(true), changed(false)]);
        assert!(matches!(answers[0], Err(WriteError::Stale)), "{answers:?}");
        assert!(answers[1].is_ok(), "{answers:?}");
        // And the other way round both take place, one after the other.
        write_one(database, changed(true));
        let answers = write_all(database, [changed(false), changed(true)]);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(broken(database), Vec::<String>::new());
    }

    fn every_uniqueness_rule_is_told_by_its_name(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (ada, set) = user_set(organization, "ada");
        let (builders, group) = group_set(organization, "builders", &[ada]);
        let key = |id: ResourceId| {
            let mut set = WriteSet::new(organization);
            let (wrapped, material) = (false, vec![0; 32]);
            let row = KeyRow { id, organization, purpose: "persons", wrapped, material, created_at: NOW };
            set.administration.push(AdministrationRow::Key(row));
            set.events.push(event("key.created", id));
            set
        };
        let mut joins_again = WriteSet::new(organization);
        joins_again.takes_revision = true;
        let member = Member { id: ada.into(), kind: MemberKind::User };
        joins_again.joined.push(MembershipChange { group: builders, member });
        joins_again.events.push(event("group.members-changed", builders.into()));
        let same_id = set.clone();
        for first in [set, group, key(ids::resource(NOW)), connection_set(organization, "okta")] {
            write_one(database, first);
        }
        let told = |set: WriteSet| match only(write_all(database, [set])) {
            Err(WriteError::Violated(constraint)) => constraint,
            other => panic!("{other:?}"),
        };
        assert_eq!(told(user_set(organization, "ada").1), Constraint::UserName);
        assert_eq!(told(group_set(organization, "builders", &[]).1), Constraint::GroupName);
        assert_eq!(told(organization_set("acme")), Constraint::OrganizationSlug);
        assert_eq!(told(connection_set(organization, "okta")), Constraint::ConnectionName);
        assert_eq!(told(key(ids::resource(NOW))), Constraint::Other);
        let service = |owner: UserId| {
            let mut set = WriteSet::new(organization);
            (set.takes_revision, set.access_state) = (true, Some(database.read(|tx| access::state(tx, organization)).unwrap()));
            let name = "Pipeline".parse().unwrap();
            let service = Service { id: ids::service(NOW), name, owner, successor: None, expires_at: NOW, stopped_at: None };
            set.access.push(AccessRow::Service(ServiceRow::new(service, NOW)));
            set.events.push(event("service.created", owner.into()));
            set
        };
        write_one(database, service(ada));
        assert_eq!(told(service(ada)), Constraint::ServiceName);
        let mut other_name = same_id;
        other_name.users_created[0].user_name_key = "grace".to_owned();
        assert_eq!(told(other_name), Constraint::Other);
        let quarantine = || {
            let mut set = WriteSet::new(organization);
            let (id, connection) = (ids::resource(NOW), ConnectionId::NOBODY);
            let row = Quarantine { id, connection, from: ids::event(NOW), opened_at: NOW, people: 50, population: 60, groups: 0, closed: None };
            set.administration.push(AdministrationRow::Brake(BrakeRow::Opens(row)));
            set.events.push(event("brake.fired", id));
            set
        };
        write_one(database, quarantine());
        // Somebody else was faster: it is worked out anew, and then there is nothing to do.
        assert!(matches!(only(write_all(database, [quarantine()])), Err(WriteError::Stale)));
        assert!(matches!(only(write_all(database, [joins_again])), Err(WriteError::Stale)));
    }

    fn whichever_call_fails_a_write_takes_place_once_or_not_at_all(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (ada, set) = user_set(organization, "ada");
        write_one(database, set);
        inject(database, None);
        write_one(database, group_set(organization, "counted", &[ada]).1);
        let number = calls(database);
        assert!(number > 5, "{number} calls");
        for n in 0..number {
            for (kind, fault) in [("once", Fault::Once(n)), ("gone", Fault::FromThenOn(n))] {
                let before = picture(database);
                let mut kept = None;
                let jobs = [job(group_set(organization, &format!("{kind} {n}"), &[ada]).1)];
                inject(database, Some(fault));
                let answer = only(write_group(database, &mut kept, &jobs));
                inject(database, None);
                drop(kept);
                assert_eq!(answer.is_ok(), picture(database) != before, "{fault:?}: {answer:?}");
                assert!(kind == "once" || answer.is_err(), "{fault:?}");
                assert_eq!(broken(database), Vec::<String>::new(), "{fault:?}");
            }
        }
    }

    fn a_commit_whose_answer_is_lost_is_looked_up(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        for group in [1, 5] {
            let sets: Vec<_> = (0..group).map(|n| user_set(organization, &format!("{group} {n}"))).collect();
            inject(database, Some(Fault::LostCommit));
            let answers = write_all(database, sets.iter().map(|(_, set)| set.clone()));
            inject(database, None);
            assert!(answers.iter().all(|answer| matches!(answer, Ok(Written { revision: None }))), "{answers:?}");
            assert!(sets.iter().all(|(id, _)| is_there(database, organization, *id)));
        }
        assert_eq!(broken(database), Vec::<String>::new());
    }

    fn a_lost_commit_in_a_group_written_one_by_one_is_looked_up_too(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (ada, set) = user_set(organization, "ada");
        inject(database, Some(Fault::LostCommit));
        let answers = write_all(database, [set, user_set(organization, "ada").1]);
        inject(database, None);
        assert!(answers[0].is_ok(), "{answers:?}");
        // SQLite commits both at once, and of the second there is nothing to be found.
        assert!(answers[1].is_err(), "{answers:?}");
        assert!(is_there(database, organization, ada));
        assert_eq!(broken(database), Vec::<String>::new());
    }

    fn a_request_that_has_waited_too_long_is_not_begun(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (ada, set) = user_set(organization, "ada");
        let mut late = job(set);
        late.since = late.since.checked_sub(PATIENCE + Duration::from_secs(1)).unwrap();
        let answer = only(write_group(database, &mut None, &[late]));
        assert!(matches!(answer, Err(WriteError::Database(DatabaseError::Unavailable(_)))), "{answer:?}");
        assert!(!is_there(database, organization, ada));
    }

    fn the_last_acknowledged_write_is_remembered(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (writer, _thread) = Writer::start(database.clone()).unwrap();
        assert_eq!(writer.last_acknowledged(), None);
        let (_, set) = user_set(organization, "ada");
        let event = set.events[0].id;
        writer.write(set.clone()).unwrap();
        assert!(matches!(writer.write(set), Err(WriteError::Violated(_))));
        assert_eq!(writer.last_acknowledged(), Some(Acknowledged { organization, event }));
        writer.forget(Acknowledged { organization, event: ids::event(NOW) });
        assert!(writer.last_acknowledged().is_some());
        writer.forget(Acknowledged { organization, event });
        assert_eq!(writer.last_acknowledged(), None);
    }

    fn two_servers_that_write_the_same_rows_in_opposite_orders_wait_or_are_told(fresh: &Fresh) {
        let (organization, database) = (organization(fresh), &fresh.database);
        let (ada, first) = user_set(organization, "ada");
        let (grace, second) = user_set(organization, "grace");
        assert!(write_all(database, [first, second]).iter().all(Result::is_ok));
        let write = |users: [UserId; 2]| {
            let mut connection = None;
            let mut written = 0;
            for version in 1..=20 {
                let set = change_set(organization, &users, Version::new(version));
                match only(write_group(database, &mut connection, &[job(set)])) {
                    Ok(_) => written += 1,
                    Err(WriteError::Stale) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            written
        };
        let written = std::thread::scope(|scope| {
            let other = scope.spawn(|| write([grace, ada]));
            write([ada, grace]) + other.join().unwrap()
        });
        assert!(written >= 1);
        let read: Result<_, DatabaseError> = database.read(|tx| users::by_id(tx, organization, ada));
        assert_eq!(read.unwrap().unwrap().version, Version::new(1 + written));
    }
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let fresh = Fresh::new(Dialect::Sqlite);
    let (organization, database) = (organization(&fresh), &fresh.database);
    let before = picture(database);
    let large = |name: &str| {
        let mut set = user_set(organization, name).1;
        set.users_created[0].document = "x".repeat(200_000);
        set
    };
    for sets in [vec![large("ada")], vec![large("ada"), large("grace")]] {
        // This connection may not make the file any longer.
        let mut connection = Some(open(database).unwrap());
        batch(&mut connection.as_mut().unwrap().tx(), "PRAGMA max_page_count = 1").unwrap();
        match attempt(database, &mut connection, &sets.iter().collect::<Vec<_>>()) {
            Err(Failure::BeforeCommit(error)) => assert!(error.to_string().contains("full"), "{error}"),
            Ok(answers) => assert!(answers.iter().all(Result::is_err), "{answers:?}"),
            Err(Failure::Refused(_) | Failure::AtCommit(_)) => panic!("neither refused nor lost"),
        }
        assert_eq!(picture(database), before);
    }
    write_one(database, large("ada"));
    assert_eq!(broken(database), Vec::<String>::new());
}

#[test]
fn a_deadlock_between_two_servers_is_sent_again() {
    let fresh = Fresh::new(Dialect::Postgres);
    let (organization, database) = (organization(&fresh), &fresh.database);
    let (ada, first) = user_set(organization, "ada");
    let (grace, second) = user_set(organization, "grace");
    assert!(write_all(database, [first, second]).iter().all(Result::is_ok));
    let lock = |tx: &mut Tx<'_>, id: UserId| {
        let hex = id.to_string().replace('-', "");
        batch(tx, &format!("UPDATE scim_user SET active = active WHERE id = '\\x{hex}'"))
    };
    let (write_holds_its_first, told) = sync_channel(1);
    std::thread::scope(|scope| {
        // Another server's transaction: holds Grace, then wants Ada, whom the writer holds.
        let other = scope.spawn(|| {
            database.with_own_connection(|tx| {
                // Its patience is longer, so that the writer is the one that is sent away.
                batch(tx, "SET deadlock_timeout = '60s'").unwrap();
                batch(tx, "BEGIN").unwrap();
                lock(tx, grace).unwrap();
                write_holds_its_first.send(()).unwrap();
                lock(tx, ada).unwrap();
                batch(tx, "COMMIT").map_err(DatabaseError::from)
            })
        });
        told.recv().unwrap();
        let sets =
            [change_set(organization, &[ada], Version::FIRST), change_set(organization, &[grace], Version::FIRST)];
        let mut both = sets[0].clone();
        both.users_changed.extend(sets[1].users_changed.clone());
        both.events.extend(sets[1].events.clone());
        let written = only(write_group(database, &mut None, &[job(both)]));
        assert!(written.is_ok(), "{written:?}");
        other.join().unwrap().unwrap();
    });
    assert_eq!(broken(database), Vec::<String>::new());
}

#[test]
fn a_connection_that_the_server_has_closed_is_replaced() {
    let fresh = Fresh::new(Dialect::Postgres);
    let (organization, database) = (organization(&fresh), &fresh.database);
    let (writer, _thread) = Writer::start(database.clone()).unwrap();
    for n in 0..3 {
        writer.write(user_set(organization, &format!("user {n}")).1).unwrap();
        let others = "datname = current_database() AND pid <> pg_backend_pid()";
        run_text(database, &format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}"));
    }
    let known: Result<_, DatabaseError> = database.read(|tx| organizations::revision(tx, organization));
    assert_eq!(known.unwrap(), Some(Revision::new(1)));
    assert_eq!(broken(database), Vec::<String>::new());
}

#[test]
fn a_full_queue_and_a_writer_that_is_gone_are_told_at_once() {
    let fresh = Fresh::new(Dialect::Sqlite);
    let refusal = |writer: &Writer| match writer.write(WriteSet::new(ids::organization(NOW))) {
        Err(WriteError::Database(DatabaseError::Unavailable(why))) => why,
        other => panic!("{other:?}"),
    };
    let (jobs, queue) = sync_channel(0);
    let writer = Writer { jobs, desk: Arc::new(Desk::new(fresh.database.clone())) };
    let _company = writer.enter();
    assert_eq!(refusal(&writer), "too many writes are waiting");
    drop(queue);
    assert_eq!(refusal(&writer), "the writer has stopped");
}

#[test]
fn whoever_is_alone_needs_no_other_thread_to_write() {
    let fresh = Fresh::new(Dialect::Sqlite);
    let (organization, database) = (organization(&fresh), &fresh.database);
    let (jobs, queue) = sync_channel(1);
    let writer = Writer { jobs, desk: Arc::new(Desk::new(database.clone())) };
    drop(queue);
    let (ada, set) = user_set(organization, "ada");
    writer.write(set).unwrap();
    assert!(is_there(database, organization, ada));
}
