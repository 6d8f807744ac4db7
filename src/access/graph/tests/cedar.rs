//! The graph against Cedar: each role a template, each assignment a link, groups and scopes as entities.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicyId, PolicySet, Request, SlotId, Template,
};
use proptest::prelude::*;

use crate::model::Principal;

use super::super::*;
use super::rows::*;
use super::world::{GROUPS, PERMISSIONS, SCOPES, Step, USERS, World, step};

fn uid(kind: &str, id: impl std::fmt::Display) -> EntityUid {
    format!("{kind}::\"{id}\"").parse().unwrap()
}

/// The assignments that hold now, as links of templates.
fn policies(world: &World) -> PolicySet {
    let mut policies = PolicySet::new();
    for (number, given) in world.assignments.iter().filter(|(_, given)| given.validity.holds(NOW)) {
        let role = given.role.as_str();
        let template = PolicyId::new(role);
        if policies.template(&template).is_none() {
            let allowed = PERMISSIONS.into_iter().filter(|permission| world.holds(role, permission));
            let actions: Vec<String> = allowed.map(|permission| uid("Action", permission).to_string()).collect();
            let text =
                format!("permit (principal in ?principal, action in [{}], resource in ?resource);", actions.join(", "));
            policies.add_template(Template::parse(Some(template.clone()), text).unwrap()).unwrap();
        }
        let principal = match given.principal {
            Principal::Group(id) => uid("Group", id),
            Principal::User(id) => uid("User", id),
            Principal::Service(id) => uid("Service", id),
        };
        let slots = [(SlotId::principal(), principal), (SlotId::resource(), uid("Scope", &given.scope))];
        policies.link(template, PolicyId::new(format!("assignment {number}")), HashMap::from(slots)).unwrap();
    }
    policies
}

fn entities(world: &World) -> Entities {
    let in_groups = |rows: &std::collections::BTreeSet<(u32, u32)>, inner: u32| -> HashSet<EntityUid> {
        rows.iter().filter(|row| row.1 == inner).map(|row| uid("Group", group_id(row.0))).collect()
    };
    let users =
        (0..USERS).map(|user| Entity::new_no_attrs(uid("User", user_id(user)), in_groups(&world.members, user)));
    let groups =
        (0..GROUPS).map(|group| Entity::new_no_attrs(uid("Group", group_id(group)), in_groups(&world.nested, group)));
    let scopes = SCOPES.into_iter().map(|path| {
        let parent = path.parse::<crate::model::ScopePath>().unwrap().parent();
        Entity::new_no_attrs(uid("Scope", path), parent.map(|parent| uid("Scope", parent)).into_iter().collect())
    });
    Entities::from_entities(users.chain(groups).chain(scopes), None).unwrap()
}

/// Cedar refuses cycles, as writing does.
fn closes_a_cycle(world: &World, step: &Step) -> bool {
    let Step::Nesting(outer, inner, true) = step else { return false };
    let mut reached = vec![*outer];
    let mut next = 0;
    while let Some(group) = reached.get(next).copied() {
        next += 1;
        let more: Vec<u32> =
            world.nested.iter().filter(|row| row.1 == group && !reached.contains(&row.0)).map(|row| row.0).collect();
        reached.extend(more);
    }
    reached.contains(inner)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("MUSTER_TEST_LONG").is_some() { 10_000 } else { 200 }))]

    #[test]
    fn the_graph_allows_what_cedar_allows(steps in prop::collection::vec(step(), 0..60)) {
        let (mut world, mut graph) = (World::default(), Graph::empty());
        for step in &steps {
            if !matches!(step, Step::Scope(0, false)) && !closes_a_cycle(&world, step) {
                graph.apply(world.take(step));
            }
        }
        let (policies, entities, authorizer) = (policies(&world), entities(&world), Authorizer::new());
        for user in (0..USERS).filter(|user| world.active.contains(user)) {
            for path in SCOPES.into_iter().filter(|path| *path == "/" || world.scopes.contains(path)) {
                for permission in PERMISSIONS {
                    let (principal, action) = (uid("User", user_id(user)), uid("Action", permission));
                    let request = Request::new(principal, action, uid("Scope", path), Context::empty(), None).unwrap();
                    let allowed = authorizer.is_authorized(&request, &policies, &entities).decision() == Decision::Allow;
                    prop_assert_eq!(allows(&graph, user, permission, path), allowed, "{} {} {}", user, permission, path);
                }
            }
        }
    }
}
