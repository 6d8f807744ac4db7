//! Decisions: flat in the number of assignments, with and without guardrails; searches and loading at full size.
//!
//! `cargo bench --bench access`; memory after loading is printed.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a benchmark, not the product")]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use muster::access::decide::{Question, Rules, Who};
use muster::access::graph::{Change, Facts, Graph, Identifier, Lifetimes, Resource, Standing, Subject};
use muster::access::guardrail::{Guardrail, Guardrails, Vocabulary};
use muster::model::{
    Assignment, AssignmentId, AssignmentSource, Catalogue, Fact, GroupId, Member, MemberKind, Moment, Principal, Scope,
    UserId, Validity,
};
use uuid::Uuid;

const NOW: Moment = Moment::from_micros(1_000_000_000);
const GROUPS: u128 = 5_000;
const GROUPS_OF_A_USER: u128 = 20;
const PROJECTS: u128 = 200;

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128((1 << 80) | number))
}

fn group(number: u128) -> GroupId {
    GroupId::new(Uuid::from_u128((2 << 80) | number))
}

fn assignment(number: u128, role: &str, scope: &str, group: GroupId) -> Change {
    Change::Assigned(Box::new(Assignment {
        id: AssignmentId::new(Uuid::from_u128((3 << 80) | number)),
        role: role.parse().unwrap(),
        scope: scope.parse().unwrap(),
        principal: Principal::Group(group),
        validity: Validity::new(Moment::from_micros(0), None).unwrap(),
        source: AssignmentSource::Administrator,
        approver: None,
        reason: None,
    }))
}

fn scope(path: &str, production: bool) -> Change {
    let path = path.parse().unwrap();
    Change::Scope(Box::new(Scope { path, production, gates: BTreeMap::new(), description: None }))
}

/// Groups of users are spread by a stride that shares no factor with their number.
fn organization(users: u128, assignments: u128) -> Graph {
    let mut loading = Graph::load();
    for project in 0..PROJECTS {
        loading.row(scope(&format!("/p{project}"), false));
        loading.row(scope(&format!("/p{project}/production"), true));
    }
    for number in 0..users {
        let subject = Subject::User(user(number));
        loading.row(Change::User { subject, standing: Standing::Active });
        let name = Identifier::name(&format!("user{number}@example.com"));
        loading.row(Change::Identifiers { subject, identifiers: vec![name] });
        let department = Fact::Text(format!("department {}", number % 40));
        let kind = Fact::Text(["Employee", "Contractor"].get(usize::from(number % 10 == 0)).unwrap().to_string());
        let facts = Facts::from([("department".to_owned(), department), ("userType".to_owned(), kind)]);
        loading.row(Change::Facts { subject, facts: Box::new(facts) });
    }
    for number in 0..users * GROUPS_OF_A_USER {
        let member = Member { id: user(number % users).into(), kind: MemberKind::User };
        loading.membership(group((number / users * 251 + number * 7) % GROUPS), member);
    }
    for number in 0..assignments {
        let role = ["viewer", "developer", "deployer"].get(usize::try_from(number % 3).unwrap()).unwrap();
        let path = format!("/p{}/production", number % PROJECTS);
        loading.row(assignment(number, role, &path, group(number * 7 % GROUPS)));
    }
    let mut graph = loading.finish();
    graph.apply(assignment(1 << 40, "deployer", "/p1/production", group(0)));
    graph
}

fn guardrails() -> Guardrails {
    let vocabulary = Vocabulary::new(&Catalogue::default());
    let one = |number: u32| {
        let condition = match number % 4 {
            0 => format!("principal.department == \"closed {number}\""),
            1 => format!("principal.userType == \"Intern {number}\""),
            2 => format!("principal.roles.containsAll([\"a{number}\", \"b\"])"),
            _ => format!("resource.path == \"/p{number}/frozen\""),
        };
        let head = format!("@id(\"g{number}\") @reason(\"r\") @control(\"c\")");
        let text = format!(
            "{head} forbid (principal is User, action == Action::\"deploy:run\", resource) when {{ {condition} }};"
        );
        Guardrail::parse(&text, &vocabulary).unwrap()
    };
    Guardrails::new((0..20).map(one), vocabulary.clone())
}

const PRODUCTION: Resource<'static> = Resource { resource_type: "environment", id: "/p1/production" };

fn question(subject: Subject) -> Question<'static> {
    Question { subject: Ok(subject), permission: "deploy:run", resource: PRODUCTION, circumstances: None }
}

fn evaluation(criterion: &mut Criterion) {
    let (none, twenty) = (Guardrails::none(), guardrails());
    let mut bench = criterion.benchmark_group("evaluation, 10,000 users in 20 groups each");
    for assignments in [100, 1_000, 5_000, 50_000] {
        let graph = organization(10_000, assignments);
        let rules = Rules { graph: &graph, guardrails: &none, lifetimes: Lifetimes::default() };
        let mut number = 0;
        bench.bench_function(BenchmarkId::new("assignments", assignments), |bencher| {
            bencher.iter(|| {
                number = (number + 7_919) % 10_000;
                black_box(rules.decide(&question(Subject::User(user(number))), NOW).is_allowed())
            });
        });
    }
    let graph = organization(10_000, 5_000);
    let who = Who { subject_type: "user", permission: "deploy:run", resource: PRODUCTION, circumstances: None };
    let rules = Rules { graph: &graph, guardrails: &twenty, lifetimes: Lifetimes::default() };
    let without = Rules { guardrails: &none, ..rules };
    let allowed = without.subjects_who_may(&who, NOW, None, 100);
    bench.bench_function("20 guardrails, allowed by assignments", |bencher| {
        let mut people = allowed.iter().cycle();
        bencher.iter(|| people.next().map(|subject| rules.decide(&question(*subject), NOW).is_allowed()));
    });
    bench.bench_function("no guardrails, allowed by assignments", |bencher| {
        let mut people = allowed.iter().cycle();
        bencher.iter(|| people.next().map(|subject| without.decide(&question(*subject), NOW).is_allowed()));
    });
    bench.finish();
}

/// Resident memory in MiB, where the system says so.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1_024
}

fn full_size(criterion: &mut Criterion) {
    let (none, twenty) = (Guardrails::none(), guardrails());
    let before = resident();
    let mut graph = organization(100_000, 5_000);
    eprintln!("an organization of 100,000 users in 20 groups each: {} MiB", resident().saturating_sub(before));
    // Everybody may deploy: the largest answer there is.
    for number in 0..GROUPS {
        graph.apply(assignment((1 << 50) | number, "deployer", "/p1", group(number)));
    }
    let who = Who { subject_type: "user", permission: "deploy:run", resource: PRODUCTION, circumstances: None };
    let mut bench = criterion.benchmark_group("100,000 users in 20 groups each");
    bench.sample_size(10);
    for (name, guardrails) in [("who can deploy", &none), ("who can deploy, 20 guardrails", &twenty)] {
        let rules = Rules { graph: &graph, guardrails, lifetimes: Lifetimes::default() };
        eprintln!("{name}: {} found", rules.subjects_who_may(&who, NOW, None, usize::MAX).len());
        bench.bench_function(name, |bencher| {
            bencher.iter(|| black_box(rules.subjects_who_may(&who, NOW, None, usize::MAX).len()));
        });
    }
    bench.bench_function("loading", |bencher| {
        bencher.iter_batched(|| (), |()| organization(100_000, 5_000), BatchSize::PerIteration);
    });
    bench.finish();
}

criterion_group!(benches, evaluation, full_size);
criterion_main!(benches);
