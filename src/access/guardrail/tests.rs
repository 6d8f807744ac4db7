//! What a guardrail may say, and what is said of one that says it wrongly.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::model::{Catalogue, GuardrailId, Moment, Reason, RoleName, ScopePath};

use super::*;

/// A guardrail around a rule.
pub fn guardrail(id: &str, rule: &str) -> String {
    format!("@id(\"{id}\")\n@reason(\"Because of {id}.\")\n@control(\"C-1\")\n{rule}")
}

/// What the tests' organization knows: a date of clearance, and records with a status.
pub fn vocabulary() -> Vocabulary {
    let mut vocabulary = Vocabulary::new(&Catalogue::default());
    vocabulary.declare_person("clearance_until", FactKind::Moment).unwrap();
    vocabulary.declare_leaf("record".parse().unwrap(), "status", FactKind::Text).unwrap();
    vocabulary.declare_circumstance("soft", FactKind::Flag).unwrap();
    vocabulary
}

fn refusal(rule: &str) -> String {
    Guardrail::parse(&guardrail("g", rule), &vocabulary()).unwrap_err().to_string()
}

fn names<T: std::str::FromStr<Err: std::fmt::Debug> + Ord>(texts: &[&str]) -> BTreeSet<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Every ready guardrail once, with sensible parameters.
pub fn every_ready_one() -> Vec<Ready> {
    let production: ScopePath = "/billing/production".parse().unwrap();
    let deploys = names(&["deploy:run", "deploy:approve"]);
    vec![
        Ready::SeparationOfDuties {
            role: "developer".parse().unwrap(),
            other: "release-manager".parse().unwrap(),
            permissions: deploys.clone(),
        },
        Ready::AuthorMayNotDeploy { permissions: deploys.clone(), scope: ScopePath::root() },
        Ready::AttributeLimit {
            attribute: "userType".to_owned(),
            values: ["Employee".to_owned(), "Apprentice \"of\" \\ ours".to_owned()].into(),
            permissions: deploys.clone(),
            scope: production.clone(),
        },
        Ready::FreezeWindow {
            from: Moment::from_micros(1_000_000_000_000_000),
            until: Moment::from_micros(1_000_086_400_000_000),
            permissions: deploys.clone(),
            scope: production.clone(),
            except: names(&["release-manager"]),
        },
        Ready::FreezeDays {
            days: [5, 6, 7].into(),
            from_minute: 900,
            permissions: deploys.clone(),
            scope: production.clone(),
            except: BTreeSet::new(),
        },
        Ready::Clearance { attribute: "clearance_until".to_owned(), permissions: deploys, scope: production },
        Ready::BuildShell { roles: names(&["admin-of-builds"]) },
    ]
}

#[test]
fn every_ready_guardrail_is_valid_and_says_what_it_is_for() {
    for ready in every_ready_one() {
        let id: GuardrailId = ready.name().parse().unwrap();
        let reason: Reason = "Why \"not\"\\".parse().unwrap();
        let text = ready.text(&id, &reason, &"SOX-AC-03".parse().unwrap()).unwrap();
        let guardrail = Guardrail::parse(&text, &vocabulary()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(guardrail.id(), &id);
        assert_eq!(guardrail.reason(), &reason);
        assert_eq!(guardrail.control().as_str(), "SOX-AC-03");
        assert_eq!(guardrail.text(), text);
    }
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let text = |ready: Ready| ready.text(&"g".parse().unwrap(), &"r".parse().unwrap(), &"c".parse().unwrap());
    let role: RoleName = "developer".parse().unwrap();
    let run: BTreeSet<Permission> = names(&["deploy:run"]);
    let root = ScopePath::root();
    for (ready, expected) in [
        (
            Ready::SeparationOfDuties { role: role.clone(), other: role, permissions: run.clone() },
            LibraryError::SameRole,
        ),
        (
            Ready::AuthorMayNotDeploy { permissions: BTreeSet::new(), scope: root.clone() },
            LibraryError::Empty("permissions"),
        ),
        (
            Ready::FreezeWindow {
                from: Moment::from_micros(2),
                until: Moment::from_micros(2),
                permissions: run.clone(),
                scope: root.clone(),
                except: BTreeSet::new(),
            },
            LibraryError::EndsBeforeItBegins,
        ),
        (
            Ready::FreezeDays {
                days: [8].into(),
                from_minute: 0,
                permissions: run.clone(),
                scope: root.clone(),
                except: BTreeSet::new(),
            },
            LibraryError::Clock,
        ),
        (Ready::Clearance { attribute: "a) || (b".to_owned(), permissions: run, scope: root }, LibraryError::Attribute),
        (Ready::BuildShell { roles: BTreeSet::new() }, LibraryError::Empty("roles")),
    ] {
        assert_eq!(text(ready), Err(expected));
    }
}

#[test]
fn what_does_not_validate_is_refused_with_its_place_and_what_was_expected() {
    for (rule, expected) in [
        (
            "forbid (principal, action, resource) when { principal. };",
            "line 4, column 56: unexpected token `}`, expected identifier",
        ),
        (
            "forbid (principal is User, action, resource)\n  when { principal.departement == \"x\" };",
            "line 5, column 10: attribute `departement` on entity type `User` not found, did you mean `department`?",
        ),
        (
            "forbid (principal, action == Action::\"deploy:rum\", resource);",
            "line 4, column 30: unrecognized action `Action::\"deploy:rum\"`, did you mean `Action::\"deploy:run\"`?",
        ),
    ] {
        assert_eq!(refusal(rule), expected, "{rule}");
    }
}

#[test]
fn a_type_error_that_cedar_would_skip_over_is_refused() {
    for rule in [
        "forbid (principal, action, resource) when { principal in \"admins\" };",
        "forbid (principal is User, action, resource) when { principal.department > 3 };",
        "forbid (principal is User, action, resource) when { principal.department in [\"it\"] };",
        "forbid (principal, action, resource) when { resource.production == \"yes\" };",
        "forbid (principal, action, resource) when { context.nowhere };",
        "forbid (principal, action, resource) when { principal.department == \"it\" };",
        "forbid (principal in Group::\"a\", action, resource);",
        "forbid (principal, action, resource is Bucket);",
        "forbid (principal, action, resource) when { context.now < \"2026-01-01\" };",
        "forbid (principal, action, resource) when { context.now < datetime(\"soon\") };",
    ] {
        let message = refusal(rule);
        assert!(message.starts_with("line "), "{rule}: {message}");
    }
}

#[test]
fn a_guardrail_that_could_never_forbid_anything_is_refused() {
    for rule in [
        "forbid (principal, action, resource) when { false };",
        "forbid (principal is Service, action, resource) when { principal is User };",
        "forbid (principal, action == Action::\"deploy:run\", resource) when { principal has nothing };",
    ] {
        assert!(Guardrail::parse(&guardrail("g", rule), &vocabulary()).is_err(), "{rule}");
    }
}

#[test]
fn a_guardrail_forbids_once_and_says_who_it_is() {
    let rule = "forbid (principal, action, resource);";
    let parse = |text: &str| Guardrail::parse(text, &vocabulary()).unwrap_err();
    assert_eq!(parse(&guardrail("g", "permit (principal, action, resource);")), GuardrailError::Permit);
    assert_eq!(parse(rule), GuardrailError::Annotation("id"));
    assert_eq!(parse(&format!("@id(\"Not A Name\") {rule}")), GuardrailError::Annotation("id"));
    assert_eq!(parse(&format!("@id(\"g\") {rule}")), GuardrailError::Annotation("reason"));
    assert_eq!(parse(&format!("@id(\"g\") @reason(\"r\") {rule}")), GuardrailError::Annotation("control"));
    let extra = format!("@advice(\"a\") {}", guardrail("g", rule));
    assert_eq!(parse(&extra), GuardrailError::UnknownAnnotation("advice".to_owned()));
    assert!(parse(&guardrail("g", &format!("{rule} {rule}"))).to_string().contains("unexpected token `forbid`"));
    assert!(parse(&guardrail("g", "forbid (principal == ?principal, action, resource);")).to_string().contains("slot"));
    assert!(parse("").to_string().starts_with("line 1, column 1: "));
    let long = guardrail("g", &format!("// {}\n{rule}", "x".repeat(GUARDRAIL_BYTES)));
    assert!(matches!(parse(&long), GuardrailError::TooLong(_)));
}

#[test]
fn nesting_beyond_the_limit_is_refused_and_nesting_up_to_it_is_survived() {
    let parse = |condition: &str| {
        let rule = format!("forbid (principal, action, resource) when {{ {condition} }};");
        Guardrail::parse(&guardrail("g", &rule), &vocabulary())
    };
    for (open, close) in [("(", ")"), ("!(", ")"), ("[", "]"), ("{a: ", "}")] {
        let nested = |depth: usize| format!("{}resource.production{}", open.repeat(depth), close.repeat(depth));
        assert!(matches!(parse(&nested(GUARDRAIL_DEPTH)), Err(GuardrailError::TooDeep)), "{open}");
        assert!(!matches!(parse(&nested(GUARDRAIL_DEPTH - 1)), Err(GuardrailError::TooDeep)), "{open}");
    }
    for link in
        ["resource.production && ", "resource.production || ", "1 + ", "1 * ", "if true then true else ", "!", "-"]
    {
        assert!(
            matches!(parse(&format!("{}true", link.repeat(GUARDRAIL_OPERATORS + 1))), Err(GuardrailError::TooDeep)),
            "{link}"
        );
        let _survived = parse(&format!("{}true", link.repeat(GUARDRAIL_OPERATORS / 2)));
    }
    let _survived = parse(&format!("context{}", ".a".repeat(GUARDRAIL_OPERATORS)));
    assert!(matches!(parse(&format!("context{}", ".a".repeat(GUARDRAIL_OPERATORS + 1))), Err(GuardrailError::TooDeep)));
    assert!(parse(&format!("resource.path == \"{}\"", "(.&&".repeat(500))).is_ok(), "texts do not nest");
}

#[test]
fn what_a_guardrail_reads_is_known() {
    let read = |rule: &str| Guardrail::read(&guardrail("g", rule)).unwrap();
    let one = read(
        "forbid (principal is User, action == Action::\"deploy:run\", resource in Project::\"/billing\") \
         when { principal.department == \"principal.title\" && context.now < principal.clearance_until } \
         unless { principal.roles.containsAll([\"a\", \"b\"]) };",
    );
    assert_eq!(one.person_attributes().collect::<Vec<_>>(), ["clearance_until", "department"]);
    assert!(!one.reads_circumstances() && one.reads.clock() && !one.reads.identity);
    assert_eq!(one.roles_apart(), [vec!["a".parse().unwrap(), "b".parse().unwrap()]]);
    assert!(one.bears_on(&"deploy:run".parse().unwrap()) && !one.bears_on(&"build:run".parse().unwrap()));
    assert!(read("forbid (principal, action, resource) when { principal.is_author };").reads_circumstances());
    assert!(read("forbid (principal, action, resource) when { context.approvals < 2 };").reads_circumstances());
    assert!(read("forbid (principal, action, resource);").bears_on(&"build:run".parse().unwrap()));
    for rule in [
        "forbid (principal == User::\"x\", action, resource);",
        "forbid (principal in User::\"x\", action, resource);",
        "forbid (principal, action, resource) when { principal == User::\"x\" };",
        "forbid (principal, action, resource) when { [User::\"x\"].contains(principal) };",
        "forbid (principal, action, resource) when { principal is User in User::\"x\" };",
    ] {
        assert!(read(rule).reads.identity, "{rule}");
    }
}

#[test]
fn attributes_are_declared_once_by_names_a_rule_can_say() {
    let mut vocabulary = vocabulary();
    assert_eq!(vocabulary.declare_person("clearance_until", FactKind::Moment), Ok(()));
    let taken = Err(VocabularyError::Taken("clearance_until".to_owned()));
    assert_eq!(vocabulary.declare_person("clearance_until", FactKind::Text), taken);
    for reserved in ["roles", "is_author", "known_as"] {
        assert!(matches!(vocabulary.declare_person(reserved, FactKind::Texts), Err(VocabularyError::Taken(_))));
    }
    assert!(matches!(vocabulary.declare_circumstance("now", FactKind::Moment), Err(VocabularyError::Taken(_))));
    for name in ["", "1a", "a-b", "a b", "_a", "ä", &"a".repeat(64)] {
        assert!(matches!(vocabulary.declare_person(name, FactKind::Text), Err(VocabularyError::Name(_))), "{name}");
    }
    for resource_type in ["in", "if", "a-b", "a--b", "like"] {
        vocabulary.declare_type(resource_type.parse().unwrap());
    }
    assert!(vocabulary.schema().is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        let _either = Guardrail::parse(&text, &vocabulary());
        let _either = Guardrail::parse(&guardrail("g", &text), &vocabulary());
    }

    #[test]
    fn whatever_a_parameter_holds_stays_a_text(value in "[^\\p{C}\\p{Bidi_Control}]{1,40}") {
        let ready = Ready::AttributeLimit {
            attribute: "department".to_owned(),
            values: [value.clone()].into(),
            permissions: names(&["deploy:run"]),
            scope: ScopePath::root(),
        };
        let text = ready.text(&"g".parse().unwrap(), &"r".parse().unwrap(), &"c".parse().unwrap()).unwrap();
        prop_assert!(Guardrail::parse(&text, &vocabulary()).is_ok(), "{}", text);
    }
}
