//! Differences, small enough to be read.

use proptest::prelude::*;

use super::{difference as compare, who, *};
use crate::access::graph::tests::rows::*;
use crate::access::graph::{Change, Graph, Lifetimes};
use crate::access::guardrail::tests::{every_ready_one, guardrail, vocabulary};
use crate::access::guardrail::{Guardrail, Guardrails};
use crate::model::Scope;

fn organization() -> Graph {
    let mut graph = graph((1..=3).flat_map(|number| [user(number), joined(1, number)]));
    graph.apply(scope("/billing"));
    graph.apply(Change::Scope(Box::new(Scope { production: true, ..scope_of("/billing/production") })));
    graph.apply(assigned(1, "deployer", "/billing", group(1)));
    graph.apply(assigned(2, "admin", "/", user_principal(1)));
    graph.apply(assigned(3, "release-manager", "/billing", user_principal(2)));
    graph
}

fn put_together(rules: &[&str]) -> Guardrails {
    let parse = |rule: &&str| Guardrail::parse(rule, &vocabulary()).unwrap();
    Guardrails::new(rules.iter().map(parse), vocabulary())
}

fn rules<'a>(graph: &'a Graph, guardrails: &'a Guardrails) -> Rules<'a> {
    Rules { graph, guardrails, lifetimes: Lifetimes::default() }
}

fn between(before: Rules<'_>, after: Rules<'_>) -> Difference {
    compare(&before, &after, &Touched::default(), NOW)
}

fn difference(changes: &[Change]) -> Difference {
    let none = Guardrails::none();
    let before = organization();
    let mut after = before.clone();
    for change in changes {
        after.apply(change.clone());
    }
    between(rules(&before, &none), rules(&after, &none))
}

type People = BTreeMap<Subject, BTreeSet<Right>>;

fn said(people: &People) -> Vec<String> {
    let number = |subject: Subject| (1..9).find(|number| user_subject(*number) == subject).unwrap();
    let rights = people.iter().flat_map(|(who, rights)| rights.iter().map(move |right| (number(*who), right)));
    rights.map(|(who, (scope, permission))| format!("{who} {permission} {scope}")).collect()
}

#[test]
fn a_change_that_changes_nothing_is_empty() {
    let nothing = difference(&[assigned(9, "deployer", "/billing/production", group(1))]);
    assert_eq!(nothing, Difference { administrators: 1, ..Difference::default() });
}

#[test]
fn gains_and_losses_are_told_once_at_the_widest_scope() {
    let gained = difference(&[assigned(9, "release-manager", "/", user_principal(3))]);
    assert_eq!(said(&gained.gains), ["3 build:view /", "3 deploy:approve /", "3 deploy:run /"]);
    assert!(gained.losses.is_empty());
    let lost = difference(&[Change::Unassigned(assignment_id(1))]);
    // User 2 keeps what the role of its own gives.
    assert_eq!(
        said(&lost.losses),
        ["1 build:view /billing", "1 deploy:run /billing", "3 build:view /billing", "3 deploy:run /billing"]
    );
    let narrowed = difference(&[
        Change::Unassigned(assignment_id(1)),
        assigned(9, "deployer", "/billing/production", user_principal(3)),
    ]);
    assert!(said(&narrowed.losses).contains(&"3 deploy:run /billing".to_owned()));
    assert!(narrowed.gains.is_empty());
}

#[test]
fn a_new_version_of_a_role_and_a_change_of_membership_are_followed() {
    let left = difference(&[left(1, 3)]);
    assert_eq!(said(&left.losses), ["3 build:view /billing", "3 deploy:run /billing"]);
    let suspended =
        difference(&[Change::User { subject: user_subject(2), standing: crate::access::graph::Standing::Suspended }]);
    assert!(said(&suspended.losses).contains(&"2 deploy:approve /billing".to_owned()));
    let before = graph([user(1), role("mine", 1, &["build:view"]), assigned(1, "mine", "/", user_principal(1))]);
    let mut after = before.clone();
    after.apply(role("mine", 2, &["build:run"]));
    let none = Guardrails::none();
    let changed = between(rules(&before, &none), rules(&after, &none));
    assert_eq!(said(&changed.gains), ["1 build:run /"]);
    assert_eq!(said(&changed.losses), ["1 build:view /"]);
}

#[test]
fn a_gate_nobody_could_pass_any_more_and_the_last_administrator_are_named() {
    let closed = difference(&[Change::Unassigned(assignment_id(3)), Change::Unassigned(assignment_id(2))]);
    let gates: Vec<(&str, &str)> =
        closed.closed.iter().map(|gate| (gate.scope.as_str(), gate.permission.as_str())).collect();
    assert_eq!(gates, [("/billing/production", "deploy:approve")]);
    assert_eq!(closed.administrators, 0);
}

#[test]
fn a_guardrail_that_would_lock_everyone_out_says_so() {
    let graph = organization();
    let (none, locking) = (
        Guardrails::none(),
        put_together(&[&guardrail(
            "lock",
            "forbid (principal, action == Action::\"deploy:run\", resource) when { resource.production };",
        )]),
    );
    let locked = between(rules(&graph, &none), rules(&graph, &locking));
    assert_eq!(
        said(&locked.losses),
        (1..=3).map(|user| format!("{user} deploy:run /billing/production")).collect::<Vec<_>>()
    );
    assert_eq!(locked.closed.len(), 1);
    let lifted = between(rules(&graph, &locking), rules(&graph, &none));
    assert_eq!(lifted.gains, locked.losses);
}

#[test]
fn roles_kept_apart_that_would_meet_in_one_person_are_named() {
    let apart =
        every_ready_one()[0].text(&"apart".parse().unwrap(), &"r".parse().unwrap(), &"c".parse().unwrap()).unwrap();
    let guardrails = put_together(&[&apart]);
    let before = organization();
    let mut after = before.clone();
    after.apply(assigned(9, "developer", "/", user_principal(2)));
    let met = between(rules(&before, &guardrails), rules(&after, &guardrails));
    let conflicts: Vec<(Subject, &str)> = met.conflicts.iter().map(|one| (one.subject, one.scope.as_str())).collect();
    assert_eq!(conflicts, [(user_subject(2), "/billing")]);
    let still = between(rules(&after, &guardrails), rules(&after, &guardrails));
    assert!(still.conflicts.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("MUSTER_TEST_LONG").is_some() { 5_000 } else { 150 }))]

    /// Whoever's answer differs anywhere is named, and nobody else.
    #[test]
    fn the_difference_is_what_asking_everybody_everywhere_finds(
        changes in prop::collection::vec(0..14_usize, 0..5), guarded_before in any::<bool>(), guarded_after in any::<bool>(),
    ) {
        let pool = [
            assigned(1, "viewer", "/billing", group(1)), Change::Unassigned(assignment_id(1)), left(1, 2), nested(2, 1),
            assigned(4, "developer", "/", group(2)), assigned(5, "release-manager", "/billing/production", group(1)),
            user(4), joined(1, 4), Change::ScopeRemoved("/billing/production".parse().unwrap()),
            scope("/billing/production"), assigned(6, "deployer", "/", user_principal(3)),
            Change::User { subject: user_subject(2), standing: crate::access::graph::Standing::Inactive },
            Change::Unassigned(assignment_id(3)), scope("/payroll"),
        ];
        let texts = [
            guardrail("a", "forbid (principal, action == Action::\"deploy:run\", resource) when { resource.production };"),
            guardrail("b", "forbid (principal, action, resource in Project::\"/billing\") unless { principal.roles.contains(\"deployer\") };"),
        ];
        let (none, some) = (Guardrails::none(), put_together(&[&texts[0], &texts[1]]));
        let before = organization();
        let mut after = before.clone();
        for change in &changes {
            after.apply(pool[*change].clone());
        }
        let was = rules(&before, if guarded_before { &some } else { &none });
        let will = rules(&after, if guarded_after { &some } else { &none });
        let difference = between(was, will);
        for path in ["/", "/billing", "/billing/production", "/payroll"] {
            let scope: ScopePath = path.parse().unwrap();
            for (permission, _) in before.catalogue().permissions() {
                let (had, has) = (who(&was, &scope, permission, NOW), who(&will, &scope, permission, NOW));
                for subject in (1..=4).map(user_subject) {
                    let right = |people: &People, scope: ScopePath| people.get(&subject)
                        .is_some_and(|rights| rights.contains(&(scope, permission.clone())));
                    let told = |people: &People| scope.ancestors().any(|scope| right(people, scope));
                    let gained = has.contains(&subject) && !had.contains(&subject);
                    let lost = had.contains(&subject) && !has.contains(&subject);
                    prop_assert!(!gained || told(&difference.gains), "gain of {} at {} is not told", permission, path);
                    prop_assert!(!lost || told(&difference.losses), "loss of {} at {} is not told", permission, path);
                    prop_assert!(gained || !right(&difference.gains, scope.clone()));
                    prop_assert!(lost || !right(&difference.losses, scope.clone()));
                }
            }
        }
    }
}
