//! Decisions with guardrails.

mod plain;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::access::graph::tests::rows::*;
use crate::access::graph::{Change, Identifier};
use crate::access::guardrail::tests::{every_ready_one, guardrail, vocabulary};
use crate::access::guardrail::{Guardrail, Ready};
use crate::model::Permission;

const DEPLOY: &str = "deploy:run";

fn rules<'a>(graph: &'a Graph, guardrails: &'a Guardrails) -> Rules<'a> {
    Rules { graph, guardrails, lifetimes: Lifetimes::default() }
}

fn put_together(texts: &[String]) -> Guardrails {
    let parse = |text: &String| Guardrail::parse(text, &vocabulary()).unwrap_or_else(|error| panic!("{error}: {text}"));
    Guardrails::new(texts.iter().map(parse), vocabulary())
}

fn ready(ready: &Ready) -> String {
    let id = ready.name().parse().unwrap();
    ready.text(&id, &"r".parse().unwrap(), &"c".parse().unwrap()).unwrap()
}

fn facts(pairs: &[(&str, &str)]) -> Facts {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), Fact::Text((*text).to_owned()))).collect()
}

fn described(number: u32, pairs: &[(&str, &str)]) -> Change {
    Change::Facts { subject: user_subject(number), facts: Box::new(facts(pairs)) }
}

fn authors(names: &[&str]) -> Circumstances {
    let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let context = [("commit_authors".to_owned(), Fact::Texts(names))].into();
    Circumstances { context, ..Circumstances::default() }
}

/// The cause of the decision on one user's deployment.
fn cause(rules: Rules<'_>, user: u32, path: &str, said: Option<&Circumstances>, now: Moment) -> String {
    let question =
        Question { subject: Ok(user_subject(user)), permission: DEPLOY, resource: place(path), circumstances: said };
    match rules.decide(&question, now).cause {
        Cause::Assigned(_) => "allowed".to_owned(),
        Cause::NotAllowed(denial) => format!("{denial:?}"),
        Cause::Forbidden(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Cause::Unclear { guardrail, missing } => format!("{guardrail} misses {}", missing.join(", ")),
    }
}

/// Users 1 to 4 deploy at `/`; `/billing/production` is production.
fn organization() -> Graph {
    let mut graph = graph((1..=4).flat_map(|number| [user(number), joined(1, number)]));
    graph.apply(assigned(1, "deployer", "/", group(1)));
    graph.apply(scope("/billing"));
    graph.apply(Change::Scope(Box::new(crate::model::Scope { production: true, ..scope_of("/billing/production") })));
    graph.apply(scope("/billing/staging"));
    graph
}

const NOBODY_SAID: Option<&Circumstances> = None;

#[test]
fn without_guardrails_the_assignments_decide() {
    let (graph, none) = (organization(), Guardrails::none());
    assert_eq!(cause(rules(&graph, &none), 1, "/billing", NOBODY_SAID, NOW), "allowed");
    assert_eq!(cause(rules(&graph, &none), 9, "/billing", NOBODY_SAID, NOW), "UnknownSubject");
}

#[test]
fn a_guardrail_forbids_what_is_assigned_and_allows_nothing_that_is_not() {
    let graph = organization();
    let here = guardrail("here", "forbid (principal, action, resource in Project::\"/billing\");");
    let guardrails = put_together(&[here]);
    let rules = rules(&graph, &guardrails);
    assert_eq!(cause(rules, 1, "/billing", NOBODY_SAID, NOW), "here");
    assert_eq!(cause(rules, 1, "/billing/production", NOBODY_SAID, NOW), "here");
    assert_eq!(cause(rules, 1, "/", NOBODY_SAID, NOW), "allowed");
    assert_eq!(cause(rules, 9, "/", NOBODY_SAID, NOW), "UnknownSubject");
}

#[test]
fn a_missing_attribute_denies_and_is_named_but_only_where_it_is_read() {
    let mut graph = organization();
    graph.apply(described(1, &[("userType", "Employee")]));
    graph.apply(described(2, &[("userType", "Contractor")]));
    graph.apply(Change::Facts {
        subject: user_subject(4),
        facts: Box::new([("userType".to_owned(), Fact::Number(3))].into()),
    });
    let guardrails = put_together(&[ready(&every_ready_one()[2])]);
    let rules = rules(&graph, &guardrails);
    let at = |user| cause(rules, user, "/billing/production", NOBODY_SAID, NOW);
    assert_eq!(at(1), "allowed");
    assert_eq!(at(2), "attribute-limit");
    assert_eq!(at(3), "attribute-limit misses principal.userType");
    assert_eq!(at(4), "attribute-limit misses principal.userType");
    assert_eq!(cause(rules, 3, "/billing/staging", NOBODY_SAID, NOW), "allowed");
}

#[test]
fn the_author_of_a_commit_may_not_deploy_it_by_whatever_name() {
    let mut graph = organization();
    graph.apply(identifiers(1, &[Identifier::name("Ada"), Identifier::email("ada@example.com")]));
    let guardrails = put_together(&[ready(&every_ready_one()[1])]);
    let rules = rules(&graph, &guardrails);
    let id = user_id(1).to_string();
    for author in ["ada", "ADA", "Ada@Example.com", id.as_str()] {
        let said = authors(&["somebody", author]);
        assert_eq!(cause(rules, 1, "/", Some(&said), NOW), "author-may-not-deploy", "{author}");
        assert_eq!(cause(rules, 2, "/", Some(&said), NOW), "allowed", "{author}");
    }
    for said in [Circumstances::default(), authors(&[])] {
        let missing = "author-may-not-deploy misses context.commit_authors";
        assert_eq!(cause(rules, 2, "/", Some(&said), NOW), missing);
    }
    let mistyped = Circumstances { context: [("commit_authors".to_owned(), Fact::Flag(true))].into(), ..authors(&[]) };
    assert!(cause(rules, 2, "/", Some(&mistyped), NOW).contains("misses"));
    assert_eq!(cause(rules, 1, "/", NOBODY_SAID, NOW), "allowed", "under some circumstances");
}

#[test]
fn two_roles_kept_apart_bar_who_holds_both_at_one_scope() {
    let mut graph = organization();
    graph.apply(assigned(2, "release-manager", "/", user_principal(1)));
    graph.apply(assigned(3, "developer", "/billing", user_principal(1)));
    let guardrails = put_together(&[ready(&every_ready_one()[0])]);
    let rules = rules(&graph, &guardrails);
    assert_eq!(cause(rules, 1, "/billing", NOBODY_SAID, NOW), "separation-of-duties");
    assert_eq!(cause(rules, 1, "/billing/staging", NOBODY_SAID, NOW), "separation-of-duties");
    assert_eq!(cause(rules, 1, "/", NOBODY_SAID, NOW), "allowed");
    assert_eq!(cause(rules, 2, "/billing", NOBODY_SAID, NOW), "allowed");
}

#[test]
fn a_role_that_will_begin_shortens_the_answer_a_guardrail_read_roles_for() {
    let mut graph = organization();
    graph.apply(assigned(2, "release-manager", "/", user_principal(1)));
    let begins = NOW.plus_micros(10);
    let validity = crate::model::Validity::new(begins, None).unwrap();
    let later = Assignment { validity, ..assignment(3, "developer", "/", user_principal(1)) };
    graph.apply(Change::Assigned(Box::new(later)));
    let guardrails = put_together(&[ready(&every_ready_one()[0])]);
    let question =
        Question { subject: Ok(user_subject(1)), permission: DEPLOY, resource: ROOT, circumstances: NOBODY_SAID };
    let decision = rules(&graph, &guardrails).decide(&question, NOW);
    assert!(decision.is_allowed());
    assert_eq!(decision.valid_until, begins);
    assert!(!rules(&graph, &guardrails).decide(&question, begins).is_allowed());
}

#[test]
fn a_freeze_holds_from_its_beginning_to_its_end_and_answers_are_not_kept() {
    let graph = organization();
    let guardrails = put_together(&[ready(&every_ready_one()[3])]);
    let rules = rules(&graph, &guardrails);
    let begin = Moment::from_micros(1_000_000_000_000_000);
    let at = |micros: i64| cause(rules, 1, "/billing/production", NOBODY_SAID, begin.plus_micros(micros));
    assert_eq!(at(-1_000), "allowed");
    assert_eq!(at(0), "freeze-window");
    assert_eq!(at(86_399_999_000), "freeze-window");
    assert_eq!(at(86_400_000_000), "allowed");
    let question = |permission| Question {
        subject: Ok(user_subject(1)),
        permission,
        resource: place("/billing/staging"),
        circumstances: NOBODY_SAID,
    };
    assert_eq!(rules.decide(&question(DEPLOY), NOW).valid_until, NOW, "the clock alone may change it");
    assert_eq!(rules.decide(&question("build:view"), NOW).valid_until, NOW.plus_micros(60_000_000));
}

#[test]
fn a_freeze_spares_the_roles_it_excepts() {
    let mut graph = organization();
    graph.apply(assigned(2, "release-manager", "/billing", user_principal(1)));
    let guardrails = put_together(&[ready(&every_ready_one()[3])]);
    let during = Moment::from_micros(1_000_000_000_000_000);
    let rules = rules(&graph, &guardrails);
    assert_eq!(cause(rules, 1, "/billing/production", NOBODY_SAID, during), "allowed");
    assert_eq!(cause(rules, 2, "/billing/production", NOBODY_SAID, during), "freeze-window");
}

#[test]
fn days_of_the_week_freeze_from_their_minute_on() {
    let graph = organization();
    let guardrails = put_together(&[ready(&every_ready_one()[4])]);
    let rules = rules(&graph, &guardrails);
    // 1970-01-02 was a Friday.
    let friday = |minute: i64| Moment::from_micros(86_400_000_000 + minute * 60_000_000);
    let at = |now| cause(rules, 1, "/billing/production", NOBODY_SAID, now);
    assert_eq!(at(friday(899)), "allowed");
    assert_eq!(at(friday(900)), "freeze-days");
    assert_eq!(at(Moment::from_micros(900 * 60_000_000)), "allowed", "a Thursday");
}

#[test]
fn a_clearance_ends_on_its_date() {
    let mut graph = organization();
    graph.apply(described(1, &[("clearance_until", "2026-03-01")]));
    graph.apply(described(2, &[("clearance_until", "2026-03-01T12:00:00+02:00")]));
    graph.apply(described(3, &[("clearance_until", "for ever")]));
    let guardrails = put_together(&[ready(&every_ready_one()[5])]);
    let rules = rules(&graph, &guardrails);
    // 2026-03-01T00:00:00Z.
    let march = Moment::from_micros(1_772_323_200_000_000);
    let at = |user, now| cause(rules, user, "/billing/production", NOBODY_SAID, now);
    assert_eq!(at(1, march.plus_micros(-1_000)), "allowed");
    assert_eq!(at(1, march), "clearance");
    assert_eq!(at(2, march.plus_micros(35_999_999_000)), "allowed");
    assert_eq!(at(2, march.plus_micros(36_000_000_000)), "clearance");
    assert_eq!(at(3, march), "clearance misses principal.clearance_until");
}

#[test]
fn a_shell_in_a_build_is_for_named_roles_and_never_in_production() {
    let mut graph = organization();
    graph.apply(role("admin-of-builds", 1, &["build:ssh"]));
    graph.apply(role("sneaky", 1, &["build:ssh"]));
    graph.apply(assigned(2, "admin-of-builds", "/", user_principal(1)));
    graph.apply(assigned(3, "sneaky", "/", user_principal(2)));
    let guardrails = put_together(&[ready(&every_ready_one()[6])]);
    let rules = rules(&graph, &guardrails);
    let may = |user, path| {
        let subject = Ok(user_subject(user));
        let question = Question { subject, permission: "build:ssh", resource: place(path), circumstances: NOBODY_SAID };
        rules.decide(&question, NOW).is_allowed()
    };
    assert!(may(1, "/billing/staging") && may(1, "/"));
    assert!(!may(1, "/billing/production") && !may(2, "/billing/staging"));
}

#[test]
fn what_the_caller_may_say_of_subject_resource_and_action_goes_over_what_is_known() {
    let mut graph = organization();
    graph.apply(leaf("record", "r1", "/"));
    let guardrails = put_together(&[
        guardrail(
            "archived",
            "forbid (principal is User, action, resource is Record) \
             when { resource.status == \"archived\" } unless { principal.title == \"admin\" };",
        ),
        guardrail("hard", "forbid (principal, action, resource is Record) unless { context.soft };"),
    ]);
    let rules = rules(&graph, &guardrails);
    let ask = |subject: &[(&str, &str)], resource: &[(&str, &str)], soft: Option<bool>| {
        let context = soft.map(|soft| ("soft".to_owned(), Fact::Flag(soft))).into_iter().collect();
        let said = Circumstances { subject: facts(subject), resource: facts(resource), context };
        let record = Resource { resource_type: "record", id: "r1" };
        let subject = Ok(user_subject(1));
        let question = Question { subject, permission: DEPLOY, resource: record, circumstances: Some(&said) };
        match rules.decide(&question, NOW).cause {
            Cause::Assigned(_) => "allowed".to_owned(),
            Cause::Forbidden(ids) => ids[0].to_string(),
            Cause::Unclear { missing, .. } => missing.join(" "),
            Cause::NotAllowed(denial) => format!("{denial:?}"),
        }
    };
    assert_eq!(ask(&[], &[("status", "active")], Some(true)), "allowed");
    assert_eq!(ask(&[], &[("status", "active")], Some(false)), "hard");
    assert_eq!(ask(&[], &[("status", "active")], None), "context.soft");
    assert_eq!(ask(&[("title", "admin")], &[("status", "archived")], Some(true)), "allowed");
    assert_eq!(ask(&[("title", "clerk")], &[("status", "archived")], Some(true)), "archived");
    assert_eq!(ask(&[], &[], Some(true)), "principal.title resource.status");
}

#[test]
fn a_guardrail_broken_after_it_was_saved_denies() {
    let graph = organization();
    for rule in [
        "forbid (principal, action, resource) when { principal in \"admins\" };",
        "forbid (principal, action, resource) when { principal.department };",
        "forbid (principal, action, resource) when { context.now < \"x\" };",
        "forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };",
    ] {
        let broken = Guardrail::read(&guardrail("broken", rule)).unwrap();
        let guardrails = Guardrails::new([broken], vocabulary());
        let said = cause(rules(&graph, &guardrails), 1, "/", NOBODY_SAID, NOW);
        assert!(said.starts_with("broken misses"), "{rule}: {said}");
    }
}

#[test]
fn whatever_is_broken_in_a_ready_guardrail_it_denies_and_is_not_saved() {
    let mut graph = organization();
    graph.apply(role("admin-of-builds", 1, &["build:ssh"]));
    graph.apply(assigned(9, "admin-of-builds", "/", group(1)));
    let broken = [
        ("principal in \"admins\"", true),
        ("principal.nowhere == \"x\"", true),
        ("principal.department", true),
        ("resource.production < 3", true),
        ("context.now < \"2026-01-01\"", true),
        ("datetime(\"soon\") < datetime(\"later\")", true),
        // What only happens when it is evaluated.
        ("9223372036854775807 + 1 == 0", false),
        ("-9223372036854775807 - 2 == 0", false),
    ];
    // Those that ask for authors are left out where nobody could name any.
    let said = authors(&["somebody"]);
    for one in every_ready_one() {
        let (text, id) = (ready(&one), one.name());
        let head = ["when {", "unless {"].iter().filter_map(|word| text.find(word)).min().unwrap_or(text.len() - 1);
        for (condition, is_refused) in broken {
            let (before, after) = text.split_at(head);
            let text = format!("{before}when {{ {condition} || true }} {after}");
            if is_refused {
                assert!(Guardrail::parse(&text, &vocabulary()).is_err(), "{text}");
            }
            let guardrails = Guardrails::new([Guardrail::read(&text).unwrap()], vocabulary());
            let permission = if id == "build-shell" { "build:ssh" } else { DEPLOY };
            let question = Question {
                subject: Ok(user_subject(1)),
                permission,
                resource: place("/billing/production"),
                circumstances: Some(&said),
            };
            let cause = rules(&graph, &guardrails).decide(&question, NOW).cause;
            let denied = matches!(&cause, Cause::Unclear { guardrail, .. } if guardrail.as_str() == id);
            assert!(denied, "{text}: {cause:?}");
        }
    }
}

#[test]
fn services_are_judged_by_what_applies_to_services() {
    let service = service(1, user_id(1), NOW.plus_micros(1));
    let subject = Subject::Service(service.id);
    let mut graph = organization();
    graph.apply(assigned(2, "deployer", "/", crate::model::Principal::Service(service.id)));
    graph.apply(Change::Service(Box::new(service)));
    let limit = ready(&every_ready_one()[2]);
    let nothing = guardrail("no-services", "forbid (principal is Service, action, resource in Project::\"/billing\");");
    for (texts, expected) in [(vec![limit.clone()], true), (vec![limit, nothing], false)] {
        let guardrails = put_together(&texts);
        let question = Question {
            subject: Ok(subject),
            permission: DEPLOY,
            resource: place("/billing/production"),
            circumstances: NOBODY_SAID,
        };
        assert_eq!(rules(&graph, &guardrails).decide(&question, NOW).is_allowed(), expected);
    }
}

#[test]
fn every_forbidding_guardrail_is_named_in_order() {
    let graph = organization();
    let all = ["b", "a", "c"].map(|id| guardrail(id, "forbid (principal, action, resource);"));
    let guardrails = put_together(&all);
    assert_eq!(cause(rules(&graph, &guardrails), 1, "/", NOBODY_SAID, NOW), "a b c");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("MUSTER_TEST_LONG").is_some() { 2_000 } else { 40 }))]

    /// Searches ask Cedar once for each different view; deciding one by one is the reference.
    #[test]
    fn searches_find_who_and_what_decisions_allow(
        people in prop::collection::vec((0..3_usize, 0..3_usize, any::<bool>(), any::<bool>()), 1..12),
        chosen in prop::collection::vec(any::<bool>(), 8),
        author in 0..12_u32,
        circumstances in any::<bool>(),
    ) {
        let mut graph = organization();
        for (number, (kind, department, manages, leads)) in (1_u32..).zip(&people) {
            graph.apply(user(number));
            graph.apply(joined(1, number));
            graph.apply(identifiers(number, &[Identifier::name(&format!("u{number}"))]));
            let mut known = vec![("clearance_until", "2100-01-01")];
            known.extend(["Employee", "Contractor"].get(*kind).map(|kind| ("userType", *kind)));
            known.extend(["it", "hr"].get(*department).map(|department| ("department", *department)));
            graph.apply(described(number, &known));
            if *manages { graph.apply(assigned(100 + number, "release-manager", "/billing", user_principal(number))); }
            if *leads { graph.apply(assigned(200 + number, "developer", "/", user_principal(number))); }
        }
        let mut texts: Vec<String> = every_ready_one().iter().map(ready).collect();
        texts.push(guardrail("not-one", &format!("forbid (principal == User::\"{}\", action, resource);", user_id(1))));
        let texts: Vec<String> = texts.into_iter().zip(&chosen).filter(|(_, on)| **on).map(|(text, _)| text).collect();
        let guardrails = put_together(&texts);
        let rules = rules(&graph, &guardrails);
        let said = authors(&[&format!("u{author}")]);
        let said = circumstances.then_some(&said);
        let everybody: Vec<Subject> = (1..=12).map(user_subject).collect();
        for path in ["/", "/billing/production", "/billing/staging"] {
            for permission in [DEPLOY, "deploy:approve", "build:view"] {
                let who = Who { subject_type: "user", permission, resource: place(path), circumstances: said };
                let allowed = |subject: &Subject| {
                    let question = Question { subject: Ok(*subject), permission, resource: place(path), circumstances: said };
                    rules.decide(&question, NOW).is_allowed()
                };
                let expected: Vec<Subject> = everybody.iter().filter(|subject| allowed(subject)).copied().collect();
                prop_assert_eq!(&rules.subjects_who_may(&who, NOW, None, 99), &expected);
                if let Some(first) = expected.first() {
                    prop_assert_eq!(rules.subjects_who_may(&who, NOW, Some(*first), 1), expected.get(1..2).unwrap_or(&[]));
                }
            }
            let question = Question { subject: Ok(user_subject(1)), permission: DEPLOY, resource: place(path), circumstances: said };
            let found: BTreeSet<&str> = rules.permissions_at(&question, NOW, None, 99).into_iter().map(Permission::as_str).collect();
            for permission in [DEPLOY, "deploy:approve", "build:view", "build:run"] {
                prop_assert_eq!(found.contains(permission), rules.decide(&Question { permission, ..question }, NOW).is_allowed());
            }
        }
        let anywhere = Question {
            subject: Ok(user_subject(1)), permission: DEPLOY, circumstances: said,
            resource: Resource { resource_type: "environment", id: "" },
        };
        let expected: Vec<String> = ["/billing/production", "/billing/staging"].into_iter()
            .filter(|path| rules.decide(&Question { resource: place(path), ..anywhere }, NOW).is_allowed())
            .map(str::to_owned).collect();
        prop_assert_eq!(rules.resources_where_may(&anywhere, NOW, None, 99), expected);
    }
}

#[test]
fn a_search_under_guardrails_goes_page_by_page() {
    let graph = graph(
        (1..=20)
            .flat_map(|number| {
                let kind = if number % 2 == 0 { "Employee" } else { "Contractor" };
                [user(number), joined(1, number), described(number, &[("userType", kind)])]
            })
            .chain([scope("/billing"), scope("/billing/production"), assigned(1, "deployer", "/", group(1))]),
    );
    let guardrails = put_together(&[ready(&every_ready_one()[2])]);
    let rules = rules(&graph, &guardrails);
    let who =
        Who { subject_type: "user", permission: DEPLOY, resource: place("/billing/production"), circumstances: None };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = rules.subjects_who_may(&who, NOW, after, 3);
        let Some(last) = page.last() else { break };
        after = Some(*last);
        found.extend(page);
    }
    assert_eq!(found, (1..=10).map(|half| user_subject(half * 2)).collect::<Vec<_>>());
}

#[test]
fn an_unknown_place_or_permission_finds_nobody_under_guardrails() {
    let graph = organization();
    let guardrails =
        put_together(&[guardrail("all", "forbid (principal, action, resource) when { context.weekday == 9 };")]);
    let rules = rules(&graph, &guardrails);
    let who = |permission, path| Who {
        subject_type: "user",
        permission,
        resource: Resource { resource_type: "project", id: path },
        circumstances: None,
    };
    assert_eq!(rules.subjects_who_may(&who(DEPLOY, "/nowhere"), NOW, None, 9), []);
    assert_eq!(rules.subjects_who_may(&who("fly", "/billing"), NOW, None, 9), []);
    assert_eq!(rules.subjects_who_may(&who(DEPLOY, "/"), NOW, None, 9), []);
    assert_eq!(rules.subjects_who_may(&who(DEPLOY, "/billing"), NOW, None, 9).len(), 4);
}
