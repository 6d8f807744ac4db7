//! Explanations, word by word.

use super::*;
use crate::access::graph::tests::rows::*;
use crate::access::graph::{Change, Graph, Lifetimes};
use crate::access::guardrail::tests::{guardrail, vocabulary};
use crate::access::guardrail::{Guardrail, Guardrails};
use crate::model::{Assignment, AssignmentSource, ConnectionId, Validity};

/// Ada (1) deploys through two groups; Bob (2) administers; Eve (3) has nothing.
fn organization() -> Graph {
    let mut through = assignment(1, "deployer", "/billing", group(2));
    through.source = AssignmentSource::Connection(ConnectionId::from_bytes(group_id(9).as_bytes()).unwrap());
    through.reason = Some("on call".parse().unwrap());
    through.approver = Some(user_id(2).into());
    graph([
        user(1),
        user(2),
        user(3),
        joined(1, 1),
        nested(2, 1),
        scope("/billing"),
        scope("/billing/production"),
        Change::Assigned(Box::new(through)),
        assigned(2, "admin", "/", user_principal(2)),
    ])
}

fn names() -> Names {
    let mut names = Names::default();
    for (id, name) in [
        (user_id(1).into(), "ada"),
        (user_id(2).into(), "bob"),
        (user_id(3).into(), "eve"),
        (group_id(1).into(), "Payments"),
        (group_id(2).into(), "Deployers"),
        (group_id(9).into(), "okta"),
    ] {
        names.names.insert(id, name.to_owned());
    }
    names
}

fn explain(graph: &Graph, guardrails: &Guardrails, user: u32, path: &str) -> Explanation {
    let rules = Rules { graph, guardrails, lifetimes: Lifetimes::default() };
    let subject = Ok(user_subject(user));
    rules.explain(&Question { subject, permission: "deploy:run", resource: place(path), circumstances: None }, NOW)
}

fn lines(graph: &Graph, user: u32, path: &str) -> Vec<String> {
    explain(graph, &Guardrails::none(), user, path).lines(&names())
}

const ASSIGNMENT: &str = "00000000-0000-0003-0000-000000000001";

#[test]
fn an_allow_is_told_from_the_group_to_the_scope_each_with_source_and_since_when() {
    let explanation = explain(&organization(), &Guardrails::none(), 1, "/billing/production");
    let mut names = names();
    let since = Moment::from_micros(0);
    assert_eq!(explanation.memberships().len(), 2);
    for row in explanation.memberships() {
        names.memberships.insert(row, Provenance { since, source: "okta".to_owned() });
    }
    for role in explanation.roles() {
        names.roles.insert(role.clone(), since);
    }
    assert!(explanation.named().iter().all(|id| names.names.contains_key(id)));
    let epoch = "1970-01-01T00:00:00.000000Z";
    assert_eq!(
        explanation.lines(&names),
        [
            "`ada` may `deploy:run` at `/billing/production`".to_owned(),
            format!("`ada` is a member of the group `Payments` (since {epoch}, from okta)"),
            format!("`Payments` is a member of the group `Deployers` (since {epoch}, from okta)"),
            format!(
                "`Deployers` is assigned the role `deployer` at `/billing` (assignment {ASSIGNMENT}, by the connection \
                 `okta`, since {epoch}, approved by `bob`, reason: on call)"
            ),
            format!("the role `deployer` at version 1 (since {epoch}) holds `deploy:run`"),
            "`/billing/production` lies in `/billing`".to_owned(),
        ]
    );
}

#[test]
fn a_denial_names_the_least_change_that_would_open_it_and_who_could_make_it() {
    assert_eq!(
        lines(&organization(), 3, "/billing"),
        [
            "`eve` may not `deploy:run` at `/billing`",
            "no assignment allows it",
            "assigning `eve` the role `deployer` at `/billing` would open it (brings 2 permissions)",
            "adding `eve` to the group `Deployers` would open it: it has the role `deployer` at `/billing` (brings 2 \
             permissions)",
            "who has `organization:manage-access` could change that: `bob`",
        ]
    );
}

#[test]
fn making_the_change_that_is_named_opens_it() {
    for path in ["/", "/billing", "/billing/production"] {
        let explanation = explain(&organization(), &Guardrails::none(), 3, path);
        let Reasons::NotAllowed { openings, .. } = &explanation.reasons else { panic!("{explanation:?}") };
        assert!(!openings.is_empty());
        for opening in openings {
            let mut graph = organization();
            match opening {
                Opening::Join { group, .. } => {
                    let number = if *group == group_id(2) { 2 } else { 1 };
                    graph.apply(joined(number, 3));
                }
                Opening::Assign { role, .. } => graph.apply(assigned(9, role.as_str(), path, user_principal(3))),
                Opening::Wait(_) | Opening::Renew(_) => panic!("{opening:?}"),
            }
            assert!(explain(&graph, &Guardrails::none(), 3, path).is_allowed(), "{opening:?}");
        }
    }
}

#[test]
fn the_group_that_brings_least_is_named() {
    let mut graph = organization();
    graph.apply(assigned(5, "release-manager", "/", group(3)));
    graph.apply(assigned(6, "developer", "/", group(2)));
    let explanation = explain(&graph, &Guardrails::none(), 3, "/billing");
    assert_eq!(
        explanation.joinable(),
        Some(group_id(3)),
        "three permissions rather than two and one more with a scope"
    );
    graph.apply(assigned(7, "developer", "/", group(3)));
    assert_eq!(explain(&graph, &Guardrails::none(), 3, "/billing").joinable(), Some(group_id(2)));
}

#[test]
fn what_ended_or_has_not_begun_is_said() {
    let mut graph = organization();
    let valid = |from: i64, until: i64| Validity::new(NOW.plus_micros(from), Some(NOW.plus_micros(until))).unwrap();
    let ended = Assignment { validity: valid(-9, -1), ..assignment(5, "deployer", "/", user_principal(3)) };
    let begins = Assignment { validity: valid(1, 9), ..assignment(6, "deployer", "/", user_principal(3)) };
    graph.apply(Change::Assigned(Box::new(ended)));
    graph.apply(Change::Assigned(Box::new(begins)));
    let lines = lines(&graph, 3, "/");
    assert!(lines[2].starts_with("it will be allowed from 1970-01-01T00:16:40.000001Z: assignment "), "{lines:?}");
    assert!(lines[3].contains("ended at 1970-01-01T00:16:39.999999Z; renewing it would open it"), "{lines:?}");
}

#[test]
fn a_guardrail_is_named_with_its_reason_and_control_and_so_is_what_it_misses() {
    let graph = organization();
    let put = |rule: &str| {
        let one = Guardrail::parse(&guardrail("g", rule), &vocabulary()).unwrap();
        explain(&graph, &Guardrails::new([one], vocabulary()), 1, "/billing").lines(&names())
    };
    let lines = put("forbid (principal, action, resource);");
    assert_eq!(lines[0], "`ada` may not `deploy:run` at `/billing`");
    assert_eq!(lines[1], "the guardrail `g` forbids it: Because of g. (control C-1)");
    assert!(lines.last().unwrap().contains("the role `deployer`"), "{lines:?}");
    let lines = put("forbid (principal is User, action, resource) when { principal.department == \"x\" };");
    assert_eq!(
        lines[1],
        "the guardrail `g` cannot be judged, which denies; missing: `principal.department` (control C-1)"
    );
}

#[test]
fn who_does_not_take_part_is_told_what_would_have_to_happen() {
    for (standing, expected) in [
        (Standing::Inactive, "`ada` is deactivated; its connection would have to activate it again"),
        (Standing::Suspended, "`ada` is suspended; an administrator would have to lift it"),
        (Standing::Deleted, "`ada` is no longer here"),
    ] {
        let mut graph = organization();
        graph.apply(Change::User { subject: user_subject(1), standing });
        assert_eq!(lines(&graph, 1, "/billing")[1], expected);
    }
    assert_eq!(lines(&organization(), 8, "/billing")[1], "nobody of that name is known here");
    assert_eq!(lines(&organization(), 1, "/nowhere")[1], "there is no project `/nowhere`");
}

#[test]
fn a_service_is_never_told_to_join_a_group() {
    let mut graph = organization();
    let service = service(1, user_id(1), NOW.plus_micros(9));
    let subject = Subject::Service(service.id);
    graph.apply(Change::Service(Box::new(service)));
    let rules = Rules { graph: &graph, guardrails: &Guardrails::none(), lifetimes: Lifetimes::default() };
    let question =
        Question { subject: Ok(subject), permission: "deploy:run", resource: place("/billing"), circumstances: None };
    let explanation = rules.explain(&question, NOW);
    assert_eq!(explanation.joinable(), None);
    assert!(matches!(explanation.reasons, Reasons::NotAllowed { openings, .. } if openings.len() == 1));
}

#[test]
fn the_same_rows_in_another_order_are_explained_the_same() {
    let rows = [
        user(1),
        joined(1, 1),
        joined(2, 1),
        joined(3, 1),
        assigned(3, "deployer", "/", group(3)),
        assigned(2, "deployer", "/", group(2)),
        assigned(4, "release-manager", "/", group(1)),
    ];
    let forwards = graph(rows.clone());
    let backwards = graph(rows.into_iter().rev());
    assert_eq!(lines(&forwards, 1, "/"), lines(&backwards, 1, "/"));
}
