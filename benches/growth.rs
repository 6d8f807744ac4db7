//! What texts made to cost take: each at a size and at four times that. The second of a pair takes about four times as long
//! as the first; sixteen times would say that something is read again and again.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use muster::scim::filter::{Filter, eval};
use muster::scim::schema::ResourceTypes;
use muster::scim::{Switches, json};
use serde_json::json;

/// So many times the size.
const LARGER: usize = 4;

/// A text of a size, read.
fn pair(criterion: &mut Criterion, what: &str, size: usize, text: impl Fn(usize) -> String, read: impl Fn(&str)) {
    let mut group = criterion.benchmark_group(format!("growth/{what}"));
    for size in [size, size * LARGER] {
        let text = text(size);
        group.throughput(Throughput::Bytes(text.len().try_into().unwrap_or(u64::MAX)));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| bencher.iter(|| read(black_box(&text))));
    }
    group.finish();
}

fn filter(text: &str) {
    let _ = black_box(Filter::parse(text, &Switches::DEFAULT));
}

fn body(text: &str) {
    let _ = black_box(json::parse(text.as_bytes()));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    pair(&mut criterion, "alternatives", 50, |size| vec!["title co \"ab\""; size].join(" or "), filter);
    pair(&mut criterion, "parentheses without end", 3_000, |size| "(".repeat(size), filter);
    pair(&mut criterion, "brackets without end", 500, |size| "emails[".repeat(size), filter);
    pair(&mut criterion, "spaces", 3_000, |size| format!("title{}pr", " ".repeat(size)), filter);
    pair(&mut criterion, "a long name", 3_000, |size| format!("{} pr", "a".repeat(size)), filter);
    pair(&mut criterion, "a long value", 3_000, |size| format!("title co \"{}\"", "\\u0061".repeat(size / 6)), filter);

    pair(&mut criterion, "small values", 20_000, |size| format!("{{\"a\":[{}0]}}", "0,".repeat(size)), body);
    pair(&mut criterion, "names", 7_000, |size| format!("{{{}\"a\":0}}", names(size)), body);
    pair(&mut criterion, "braces without end", 200_000, |size| "{\"a\":".repeat(size / 5), body);
    pair(&mut criterion, "one long text", 10_000, |size| format!("{{\"a\":\"{}\"}}", "x".repeat(size)), body);
    pair(&mut criterion, "escapes", 10_000, |size| format!("{{\"a\":\"{}\"}}", "\\n".repeat(size)), body);
    pair(&mut criterion, "digits", 200_000, |size| format!("{{\"a\":{}}}", "9".repeat(size)), body);

    // What is sought is half as long as where it is sought, and nearly there in every place.
    let types = ResourceTypes::builtin()?;
    for size in [3_000, 3_000 * LARGER] {
        let sought = format!("title co \"{}b\"", "a".repeat(size / 2));
        let condition = Filter::parse(&sought, &Switches::DEFAULT)?.resolve(&types.user, &Switches::DEFAULT)?;
        let user = json!({ "userName": "ada", "title": "a".repeat(size) });
        criterion.bench_function(&format!("growth/what is sought/{size}"), |bencher| {
            bencher.iter(|| eval(black_box(&condition), black_box(&user)));
        });
    }
    criterion.final_summary();
    Ok(())
}

/// So many members of an object, each with a name of its own.
fn names(count: usize) -> String {
    (0..count).fold(String::new(), |names, number| names + &format!("\"k{number}\":1,"))
}
