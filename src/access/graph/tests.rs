//! The graph, row by row and against a plain reading of the same rows.

mod cedar;
pub mod rows;
pub mod world;

use crate::model::{Catalogue, GateBounds, Moment, Permission, Principal, Scope, ScopePath, Service, Validity};

use super::*;
use rows::*;

#[test]
fn a_role_assigned_to_a_group_holds_at_the_scope_and_in_everything_within() {
    let graph = graph([
        user(1),
        joined(1, 1),
        scope("/billing"),
        scope("/billing/production"),
        scope("/payroll"),
        assigned(1, "deployer", "/billing", group(1)),
    ]);
    assert!(allows(&graph, 1, "deploy:run", "/billing"));
    assert!(allows(&graph, 1, "deploy:run", "/billing/production"));
    for elsewhere in ["/", "/payroll"] {
        assert_eq!(denial(&graph, 1, "deploy:run", elsewhere), Some(Denial::NotAssigned), "{elsewhere}");
    }
    assert_eq!(denial(&graph, 1, "deploy:approve", "/billing"), Some(Denial::NotAssigned));
    assert_eq!(denial(&graph, 2, "deploy:run", "/billing"), Some(Denial::UnknownSubject));
}

#[test]
fn leaving_a_group_takes_what_it_gave_and_nothing_else() {
    let mut graph = graph([
        user(1),
        joined(1, 1),
        joined(2, 1),
        assigned(1, "deployer", "/", group(1)),
        assigned(2, "viewer", "/", group(2)),
    ]);
    graph.apply(left(1, 1));
    assert!(!allows(&graph, 1, "deploy:run", "/") && allows(&graph, 1, "build:view", "/"));
    graph.apply(left(1, 1));
    graph.apply(joined(1, 1));
    assert!(allows(&graph, 1, "deploy:run", "/"));
}

#[test]
fn groups_in_groups_count_and_stop_counting_when_any_link_is_cut() {
    let chain = [user(1), joined(1, 1), nested(2, 1), nested(3, 2), assigned(1, "deployer", "/", group(3))];
    for cut in [left(1, 1), unnested(2, 1), unnested(3, 2), Change::GroupDeleted(group_id(2))] {
        let mut graph = graph(chain.clone());
        assert!(allows(&graph, 1, "deploy:run", "/"));
        graph.apply(cut.clone());
        assert!(!allows(&graph, 1, "deploy:run", "/"), "{cut:?}");
        assert_eq!(who(&graph, "deploy:run", "/"), [], "{cut:?}");
    }
}

#[test]
fn a_cycle_of_groups_that_should_not_be_is_answered_all_the_same() {
    let graph = graph([
        user(1),
        joined(1, 1),
        nested(2, 1),
        nested(1, 2),
        nested(3, 2),
        assigned(1, "deployer", "/", group(3)),
    ]);
    assert!(allows(&graph, 1, "deploy:run", "/"));
    assert_eq!(who(&graph, "deploy:run", "/"), [user_subject(1)]);
    assert!(!allows(&graph, 1, "deploy:approve", "/"));
}

#[test]
fn an_assignment_begins_and_ends_at_its_times_by_itself_and_the_answer_says_when() {
    let mut graph = graph([user(1)]);
    let (begin, end) = (NOW.plus_micros(10), NOW.plus_micros(20));
    graph.apply(Change::Assigned(Box::new(Assignment {
        validity: Validity::new(begin, Some(end)).unwrap(),
        ..assignment(1, "deployer", "/", Principal::User(user_id(1)))
    })));
    let at = |now: Moment| graph.may(user_subject(1), "deploy:run", ROOT, now);
    assert_eq!(at(NOW).outcome, Err(Denial::NotAssigned));
    assert_eq!(at(NOW).next_turn, Some(begin));
    assert!(at(begin).outcome.is_ok());
    assert_eq!(at(begin).next_turn, Some(end));
    assert_eq!(at(end).outcome, Err(Denial::NotAssigned));
    assert_eq!(at(end).next_turn, None);
}

#[test]
fn of_several_assignments_the_one_that_holds_longest_counts() {
    let until = |micros| Validity::new(NOW, Some(NOW.plus_micros(micros))).unwrap();
    let mut graph = graph([user(1), joined(1, 1)]);
    for (id, micros) in [(1, 5), (2, 50), (3, 20)] {
        let given = assignment(id, "viewer", "/", group(1));
        graph.apply(Change::Assigned(Box::new(Assignment { validity: until(micros), ..given })));
    }
    assert_eq!(graph.may(user_subject(1), "build:view", ROOT, NOW).next_turn, Some(NOW.plus_micros(50)));
    graph.apply(assigned(4, "viewer", "/", Principal::User(user_id(1))));
    assert_eq!(graph.may(user_subject(1), "build:view", ROOT, NOW).next_turn, None);
}

#[test]
fn an_answer_lives_no_longer_than_its_kind_allows_and_never_past_the_next_turn() {
    let lifetimes = Lifetimes::default();
    assert_eq!(lifetimes.valid_until(NOW, true, None), NOW);
    assert_eq!(lifetimes.valid_until(NOW, false, None), NOW.plus_micros(60_000_000));
    assert_eq!(lifetimes.valid_until(NOW, false, Some(NOW.plus_micros(7))), NOW.plus_micros(7));
    assert_eq!(lifetimes.valid_until(NOW, true, Some(NOW.plus_micros(7))), NOW);
}

#[test]
fn production_holds_for_everything_within() {
    let mut graph = graph([user(1), scope("/billing"), scope("/billing/blue")]);
    let production = |graph: &Graph| graph.may(user_subject(1), "build:view", place("/billing/blue"), NOW).production;
    assert!(!production(&graph));
    graph.apply(Change::Scope(Box::new(Scope { production: true, ..scope_of("/billing") })));
    assert!(production(&graph));
}

#[test]
fn only_the_active_are_allowed_anything() {
    let mut graph = graph([user(1), assigned(1, "viewer", "/", Principal::User(user_id(1)))]);
    for standing in [Standing::Inactive, Standing::Suspended, Standing::Deleted] {
        graph.apply(Change::User { subject: user_subject(1), standing });
        assert_eq!(denial(&graph, 1, "build:view", "/"), Some(Denial::NotActive(standing)));
        assert_eq!(who(&graph, "build:view", "/"), []);
        assert_eq!(graph.resources_where_may(user_subject(1), "build:view", "organization", NOW, None, 9), [""; 0]);
        assert!(graph.permissions_at(user_subject(1), ROOT, NOW, None, 9).is_empty());
    }
    graph.apply(user(1));
    assert!(allows(&graph, 1, "build:view", "/"));
}

#[test]
fn a_member_nobody_has_seen_is_not_a_subject() {
    let graph = graph([joined(1, 1), assigned(1, "viewer", "/", group(1))]);
    assert_eq!(denial(&graph, 1, "build:view", "/"), Some(Denial::UnknownSubject));
    assert_eq!(who(&graph, "build:view", "/"), []);
}

#[test]
fn a_service_is_allowed_until_it_expires_is_stopped_or_its_owner_leaves() {
    let expires_at = NOW.plus_micros(10);
    let service = service(1, user_id(1), expires_at);
    let subject = Subject::Service(service.id);
    let given = assigned(1, "deployer", "/", Principal::Service(service.id));
    let mut graph = graph([user(1), Change::Service(Box::new(service.clone())), given]);
    let at = |graph: &Graph, now| graph.may(subject, "deploy:run", ROOT, now).outcome.err();
    assert_eq!(at(&graph, NOW), None);
    assert_eq!(graph.may(subject, "deploy:run", ROOT, NOW).next_turn, Some(expires_at));
    assert_eq!(at(&graph, expires_at), Some(Denial::ServiceExpired));
    graph.apply(Change::User { subject: user_subject(1), standing: Standing::Inactive });
    assert_eq!(at(&graph, NOW), Some(Denial::OwnerNotActive));
    graph.apply(user(1));
    graph.apply(Change::Service(Box::new(Service { stopped_at: Some(NOW), ..service })));
    assert_eq!(at(&graph, NOW), Some(Denial::NotActive(Standing::Deleted)));
}

#[test]
fn a_new_version_of_a_role_holds_for_every_assignment_and_a_removed_role_for_none() {
    let mut graph = graph([user(1), assigned(1, "debugger", "/", Principal::User(user_id(1)))]);
    assert!(!allows(&graph, 1, "build:ssh", "/"));
    graph.apply(role("debugger", 1, &["build:ssh"]));
    assert!(allows(&graph, 1, "build:ssh", "/"));
    graph.apply(role("debugger", 2, &["build:view"]));
    assert!(!allows(&graph, 1, "build:ssh", "/") && allows(&graph, 1, "build:view", "/"));
    graph.apply(Change::RoleRemoved("debugger".parse().unwrap()));
    assert!(!allows(&graph, 1, "build:view", "/"));
}

#[test]
fn a_permission_outside_the_catalogue_is_denied_even_if_a_role_holds_it() {
    let mut graph = graph([role("reader", 1, &["read"]), user(1), assigned(1, "reader", "/", user_principal(1))]);
    assert_eq!(denial(&graph, 1, "read", "/"), Some(Denial::UnknownPermission));
    let mut catalogue = Catalogue::default();
    let entry = crate::model::CatalogueEntry { description: String::new(), durable: false };
    catalogue.declare("read".parse().unwrap(), entry).unwrap();
    graph.apply(Change::Catalogue(Box::new(catalogue)));
    assert!(allows(&graph, 1, "read", "/"));
    graph.apply(Change::Catalogue(Box::default()));
    assert_eq!(denial(&graph, 1, "read", "/"), Some(Denial::UnknownPermission));
}

#[test]
fn an_administrator_holds_everything_reserved_and_nothing_else() {
    let graph = graph([user(1), assigned(1, "admin", "/", user_principal(1))]);
    let held = graph.permissions_at(user_subject(1), ROOT, NOW, None, 99);
    assert!(held.len() > 3 && held.iter().all(|permission| permission.is_reserved()));
    assert!(!allows(&graph, 1, "organization:*", "/"), "the wildcard itself is no action");
}

#[test]
fn a_scope_that_is_not_known_or_of_another_type_is_denied() {
    let mut graph = graph([user(1), scope("/billing"), assigned(1, "viewer", "/", user_principal(1))]);
    let asked = |graph: &Graph, resource_type, id| {
        graph.may(user_subject(1), "build:view", Resource { resource_type, id }, NOW).outcome.err()
    };
    assert_eq!(asked(&graph, "project", "/billing"), None);
    for (resource_type, id) in [
        ("environment", "/billing"),
        ("organization", "/billing"),
        ("project", "/"),
        ("project", "billing"),
        ("project", "/billing/"),
        ("project", "/unheard-of"),
        ("environment", "/billing/unheard-of"),
        ("user", "/billing"),
        ("", ""),
    ] {
        assert_eq!(asked(&graph, resource_type, id), Some(Denial::UnknownResource), "{resource_type} {id}");
    }
    graph.apply(Change::ScopeRemoved("/billing".parse().unwrap()));
    assert_eq!(asked(&graph, "project", "/billing"), Some(Denial::UnknownResource));
}

#[test]
fn resources_below_a_scope_take_what_holds_at_the_scope() {
    let mut graph = graph([user(1), scope("/billing"), scope("/payroll"), leaf("record", "r/1'", "/billing")]);
    let record = Resource { resource_type: "record", id: "r/1'" };
    let asked = |graph: &Graph| graph.may(user_subject(1), "build:view", record, NOW).outcome.err();
    assert_eq!(asked(&graph), Some(Denial::NotAssigned));
    graph.apply(assigned(1, "viewer", "/billing", user_principal(1)));
    assert_eq!(asked(&graph), None);
    assert_eq!(graph.resources_where_may(user_subject(1), "build:view", "record", NOW, None, 9), ["r/1'"]);
    graph.apply(leaf("record", "r/1'", "/payroll"));
    assert_eq!(asked(&graph), Some(Denial::NotAssigned));
    graph.apply(Change::LeafRemoved("record".parse().unwrap(), "r/1'".parse().unwrap()));
    assert_eq!(asked(&graph), Some(Denial::UnknownResource));
}

#[test]
fn a_subject_is_named_by_id_or_by_the_identifiers_asked_for() {
    let mut graph = graph([user(1), user(2), identifiers(1, &[Identifier::name("Ada"), Identifier::email("a@x")])]);
    let names = [IdentifierKind::Name];
    let find = |graph: &Graph, text: &str, kinds: &[IdentifierKind]| graph.subject("user", text, kinds);
    assert_eq!(find(&graph, &user_id(1).to_string(), &[]), Ok(user_subject(1)));
    assert_eq!(find(&graph, "ADA", &names), Ok(user_subject(1)));
    assert_eq!(find(&graph, "ada", &[]), Err(Denial::UnknownSubject));
    assert_eq!(find(&graph, "a@x", &names), Err(Denial::UnknownSubject));
    assert_eq!(find(&graph, "A@X", &[IdentifierKind::Email]), Ok(user_subject(1)));
    assert_eq!(graph.subject("service", "ada", &names), Err(Denial::UnknownSubject));
    graph.apply(identifiers(2, &[Identifier::email("a@x"), Identifier::external_id("E1")]));
    assert_eq!(find(&graph, "a@x", &[IdentifierKind::Email]), Err(Denial::AmbiguousSubject));
    assert_eq!(find(&graph, "e1", &[IdentifierKind::ExternalId]), Err(Denial::UnknownSubject));
    assert_eq!(find(&graph, "E1", &[IdentifierKind::ExternalId]), Ok(user_subject(2)));
    graph.apply(Change::User { subject: user_subject(2), standing: Standing::Deleted });
    assert_eq!(find(&graph, "a@x", &[IdentifierKind::Email]), Ok(user_subject(1)));
    graph.apply(identifiers(1, &[Identifier::name("grace")]));
    assert_eq!(find(&graph, "ada", &names), Err(Denial::UnknownSubject));
    assert_eq!(find(&graph, "grace", &names), Ok(user_subject(1)));
}

#[test]
fn somebody_who_takes_anothers_id_as_a_name_makes_it_ambiguous() {
    let graph = graph([user(1), user(2), identifiers(2, &[Identifier::name(&user_id(1).to_string())])]);
    let named = graph.subject("user", &user_id(1).to_string(), &[IdentifierKind::Name]);
    assert_eq!(named, Err(Denial::AmbiguousSubject));
}

#[test]
fn people_with_the_same_facts_share_them_and_what_nobody_has_is_forgotten() {
    let facts =
        |department: &str| Facts::from([("department".to_owned(), crate::model::Fact::Text(department.into()))]);
    let describe =
        |number, department| Change::Facts { subject: user_subject(number), facts: Box::new(facts(department)) };
    let mut graph = graph([user(1), user(2), describe(1, "it"), describe(2, "it")]);
    assert!(std::ptr::eq(graph.facts(user_subject(1)).unwrap(), graph.facts(user_subject(2)).unwrap()));
    graph.apply(describe(1, "hr"));
    graph.apply(describe(2, "hr"));
    assert_eq!(graph.facts(user_subject(1)), Some(&facts("hr")));
    assert_eq!(graph.facts.len(), 1);
}

#[test]
fn pages_of_a_search_are_in_order_without_gap_or_repetition() {
    let mut rows: Vec<Change> = (1..=25).rev().flat_map(|number| [user(number), joined(1, number)]).collect();
    rows.push(assigned(1, "viewer", "/", group(1)));
    rows.extend((1..=25).map(|number| scope(&format!("/p{number:02}"))));
    let graph = graph(rows);
    let (mut people, mut after) = (Vec::new(), None);
    loop {
        let page = graph.subjects_who_may("user", "build:view", ROOT, NOW, after, 10);
        let Some(last) = page.last().copied() else { break };
        after = Some(last);
        people.extend(page);
    }
    assert_eq!(people, (1..=25).map(user_subject).collect::<Vec<_>>());
    let (mut projects, mut after) = (Vec::new(), None);
    loop {
        let page = graph.resources_where_may(user_subject(1), "build:view", "project", NOW, after.as_deref(), 10);
        let Some(last) = page.last().cloned() else { break };
        after = Some(last);
        projects.extend(page);
    }
    assert_eq!(projects, (1..=25).map(|number| format!("/p{number:02}")).collect::<Vec<_>>());
    let first = graph.permissions_at(user_subject(1), ROOT, NOW, None, 1);
    assert_eq!(first.iter().map(|one| one.as_str()).collect::<Vec<_>>(), ["build:view"]);
    assert_eq!(graph.permissions_at(user_subject(1), ROOT, NOW, Some("build:view"), 9), Vec::<&Permission>::new());
}

#[test]
fn searching_for_what_is_not_known_finds_nothing() {
    let graph = graph([user(1), assigned(1, "viewer", "/", user_principal(1))]);
    assert_eq!(graph.subjects_who_may("user", "fly", ROOT, NOW, None, 9), []);
    assert_eq!(graph.subjects_who_may("user", "build:view", place("/nowhere"), NOW, None, 9), []);
    assert_eq!(graph.subjects_who_may("robot", "build:view", ROOT, NOW, None, 9), []);
    assert_eq!(graph.subjects_who_may("service", "build:view", ROOT, NOW, None, 9), []);
    assert_eq!(graph.resources_where_may(user_subject(1), "build:view", "record", NOW, None, 9), [""; 0]);
    assert_eq!(graph.resources_where_may(user_subject(9), "build:view", "organization", NOW, None, 9), [""; 0]);
}

#[test]
fn a_gate_of_a_scope_is_kept_with_it() {
    let mut with_gate = scope_of("/");
    with_gate.gates.insert("deploy:run".parse().unwrap(), GateBounds::new(1, None).unwrap());
    let graph = graph([Change::Scope(Box::new(with_gate.clone()))]);
    assert_eq!(graph.scope(&ScopePath::root()), Some(&with_gate));
}
