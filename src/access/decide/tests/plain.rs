//! Decisions under the ready guardrails against a plain reading of what each of them is for: no Cedar, no index, no slices.

use super::*;

const PEOPLE: usize = 6;
const PLACES: [&str; 4] = ["/", "/billing", "/billing/production", "/billing/staging"];
const PERMISSIONS: [&str; 4] = [DEPLOY, "deploy:approve", "build:view", "build:ssh"];
/// A role, where it is assigned, and what it allows.
const ROLES: [(&str, &str, &[&str]); 5] = [
    ("deployer", "/", &["build:view", DEPLOY]),
    ("developer", "/", &["build:view", "build:run"]),
    ("release-manager", "/billing", &["build:view", DEPLOY, "deploy:approve"]),
    ("admin-of-builds", "/billing", &["build:ssh"]),
    ("sneaky", "/", &["build:ssh"]),
];
/// Microseconds, the day of the week and the minute of the day, in UTC: around the ends of the window, of Friday afternoon
/// and of days.
const MOMENTS: [(i64, u8, u16); 8] = [
    (999_999_999_999_999, 7, 106),
    (1_000_000_000_000_000, 7, 106),
    (1_000_086_399_999_999, 1, 106),
    (1_000_086_400_000_000, 1, 106),
    (999_874_799_999_999, 5, 899),
    (999_874_800_000_000, 5, 900),
    (999_993_599_000_000, 6, 1_439),
    (1_000_047_600_000_000, 7, 900),
];
/// When a clearance ends, as it is written, and in microseconds; nothing where that is no moment.
const CLEARANCES: [(&str, Option<i64>); 4] = [
    ("2001-09-08", Some(999_907_200_000_000)),
    ("2001-09-10T02:00:00+02:00", Some(1_000_080_000_000_000)),
    ("2100-01-01", Some(4_102_444_800_000_000)),
    ("for ever", None),
];

/// Somebody: which of the roles, which kind of employment and which clearance, if any.
#[derive(Debug, Clone)]
struct Somebody {
    roles: Vec<bool>,
    kind: Option<bool>,
    clearance: Option<usize>,
}

impl Somebody {
    fn any() -> impl Strategy<Value = Self> {
        let roles = prop::collection::vec(prop::bool::weighted(0.6), ROLES.len());
        let kind = prop::option::weighted(0.8, prop::bool::weighted(0.7));
        let clearance = prop::option::weighted(0.8, 0..CLEARANCES.len());
        (roles, kind, clearance).prop_map(|(roles, kind, clearance)| Self { roles, kind, clearance })
    }

    /// The roles that hold at a place, each with what it allows.
    fn roles_at(&self, path: &str) -> Vec<(&'static str, &'static [&'static str])> {
        let around = |scope: &str| scope == "/" || path == scope || path.starts_with(&format!("{scope}/"));
        let held = ROLES.iter().zip(&self.roles).filter(|((_, scope, _), held)| **held && around(scope));
        held.map(|((role, _, allowed), _)| (*role, *allowed)).collect()
    }
}

/// What was said of who wrote it: nothing, or these people.
type Authors = Option<BTreeSet<u32>>;

/// Whether a ready guardrail, by its place among [`every_ready_one`], denies; by what it is for.
fn denies(
    guardrail: usize,
    (number, who): (u32, &Somebody),
    (permission, path): (&str, &str),
    authors: &Authors,
    (micros, weekday, minute): (i64, u8, u16),
) -> bool {
    let roles: Vec<&str> = who.roles_at(path).into_iter().map(|(role, _)| role).collect();
    let deploys = [DEPLOY, "deploy:approve"].contains(&permission);
    let into_production = deploys && path == "/billing/production";
    match guardrail {
        0 => deploys && roles.contains(&"developer") && roles.contains(&"release-manager"),
        1 => deploys && authors.as_ref().is_none_or(|authors| authors.contains(&number)),
        2 => into_production && who.kind != Some(true),
        3 => {
            let frozen = (1_000_000_000_000_000..1_000_086_400_000_000).contains(&micros);
            into_production && frozen && !roles.contains(&"release-manager")
        }
        4 => into_production && weekday >= 5 && minute >= 900,
        5 => {
            let ends = who.clearance.and_then(|which| CLEARANCES[which].1);
            into_production && ends.is_none_or(|ends| micros >= ends)
        }
        _ => permission == "build:ssh" && (path == "/billing/production" || !roles.contains(&"admin-of-builds")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("MUSTER_TEST_LONG").is_some() { 10_500 } else { 60 }))]

    /// 96 questions a case, and the searches that find the same: 1,008,000 of them with `MUSTER_TEST_LONG`.
    #[test]
    fn ready_guardrails_deny_what_a_plain_reading_of_them_denies(
        people in prop::collection::vec(Somebody::any(), PEOPLE),
        chosen in prop::collection::vec(any::<bool>(), 7),
        authors in prop::option::weighted(0.8, prop::collection::btree_set(1..=7_u32, 1..4)),
        moment in 0..MOMENTS.len(),
    ) {
        let mut graph = graph([scope("/billing"), scope("/billing/staging")]);
        graph.apply(Change::Scope(Box::new(crate::model::Scope { production: true, ..scope_of("/billing/production") })));
        for name in ["admin-of-builds", "sneaky"] {
            graph.apply(role(name, 1, &["build:ssh"]));
        }
        for (number, who) in (1..).zip(&people) {
            graph.apply(user(number));
            graph.apply(identifiers(number, &[Identifier::name(&format!("u{number}"))]));
            let kind = who.kind.map(|employed| ("userType", if employed { "Employee" } else { "Contractor" }));
            let clearance = who.clearance.map(|which| ("clearance_until", CLEARANCES[which].0));
            graph.apply(described(number, &kind.into_iter().chain(clearance).collect::<Vec<_>>()));
            // Every other role by a group, each person in one of its own.
            graph.apply(joined(number, number));
            for (place, ((name, at, _), _)) in (0..).zip(ROLES.iter().zip(&who.roles)).filter(|(_, (_, held))| **held) {
                let principal = if place % 2 == 0 { user_principal(number) } else { group(number) };
                graph.apply(assigned(10 * number + place, name, at, principal));
            }
        }
        let texts: Vec<String> = every_ready_one().iter().zip(&chosen).filter(|(_, on)| **on).map(|(one, _)| ready(one)).collect();
        let guardrails = put_together(&texts);
        let rules = rules(&graph, &guardrails);
        let names: Option<Vec<String>> = authors.as_ref().map(|authors| authors.iter().map(|number| format!("u{number}")).collect());
        let said = names.map_or_else(Circumstances::default, |names| super::authors(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        let now = Moment::from_micros(MOMENTS[moment].0);
        for path in PLACES {
            for permission in PERMISSIONS {
                let mut expected = Vec::new();
                for (number, who) in (1..).zip(&people) {
                    let assigned = who.roles_at(path).iter().any(|(_, allowed)| allowed.contains(&permission));
                    let denied = |guardrail: usize| {
                        chosen[guardrail] && denies(guardrail, (number, who), (permission, path), &authors, MOMENTS[moment])
                    };
                    let allowed = assigned && !(0..7).any(denied);
                    let subject = user_subject(number);
                    let question = Question { subject: Ok(subject), permission, resource: place(path), circumstances: Some(&said) };
                    prop_assert_eq!(rules.decide(&question, now).is_allowed(), allowed, "{} {} {}", number, permission, path);
                    expected.extend(allowed.then_some(subject));
                }
                let who = Who { subject_type: "user", permission, resource: place(path), circumstances: Some(&said) };
                prop_assert_eq!(rules.subjects_who_may(&who, now, None, 99), expected, "{} {}", permission, path);
            }
        }
    }
}
