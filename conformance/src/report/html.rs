//! One page that needs nothing else, in light or dark as the reader's system is.

use super::Report;
use crate::outcome::Outcome;

const STYLE: &str = "
:root { color-scheme: light dark; --text: #1a1a1a; --soft: #5c5c5c; --page: #fff; --line: #ddd; --code: #f5f5f5; --good: #1a7f37; --bad: #cf222e; --other: #7d5a00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --soft: #a0a0a0; --page: #16181b; --line: #33373d; --code: #1f2328; --good: #57c46b; --bad: #ff7b72; --other: #d9b34a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .35rem .5rem; vertical-align: top; }
td:nth-child(1) { width: 8rem; white-space: nowrap; } td:nth-child(2) { width: 4.5rem; white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); font-weight: 600; } .not { color: var(--other); } .why { color: var(--soft); }
pre { background: var(--code); padding: .75rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
summary { cursor: pointer; }
";

pub fn render(report: &Report) -> String {
    let server = escaped(&report.server);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>SCIM conformance of {server}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>SCIM conformance of {server}</h1>\n\
         <p>Conversations: {}.<br>Requirements: {}.</p>\n",
        escaped(&report.conversation_counts().words()),
        escaped(&report.requirement_counts().words()),
    );
    if !report.left_behind.is_empty() {
        page.extend(["<p class=\"failed\">Left behind: ", &escaped(&report.left_behind.join(", ")), "</p>\n"]);
    }
    for (provider, conversations) in report.providers() {
        page.extend(["<h2>", &escaped(provider), "</h2>\n<table>\n"]);
        for one in conversations {
            page += &row(&one.outcome, &one.id, &one.title, &details(&one.outcome));
        }
        page += "</table>\n";
    }
    if !report.requirements.is_empty() {
        page += "<h2>Requirements</h2>\n<table>\n";
    }
    for requirement in &report.requirements {
        let checks = requirement.checks.iter().map(|check| {
            let word = check.outcome.word();
            let class = class(&check.outcome);
            format!(
                "<div><span class=\"{class}\">{word}</span>: {}</div>{}",
                escaped(&check.says),
                details(&check.outcome)
            )
        });
        let inside: String = checks.collect();
        let open = if matches!(requirement.outcome(), Outcome::Failed(_)) { " open" } else { "" };
        let inside = format!("<details{open}><summary>{}</summary>{inside}</details>", escaped(&requirement.title));
        page += &row(&requirement.outcome(), &requirement.number.to_string(), "", &inside);
    }
    if !report.requirements.is_empty() {
        page += "</table>\n";
    }
    page + "</body>\n</html>\n"
}

fn row(outcome: &Outcome, name: &str, title: &str, inside: &str) -> String {
    let (class, word) = (class(outcome), outcome.word());
    format!("<tr><td class=\"{class}\">{word}</td><td>{}</td><td>{}{inside}</td></tr>\n", escaped(name), escaped(title))
}

fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed(_) => "failed",
        Outcome::NotSupported(_) | Outcome::Skipped(_) => "not",
    }
}

fn details(outcome: &Outcome) -> String {
    if matches!(outcome, Outcome::Passed) {
        return String::new();
    }
    let mut text = format!("<div class=\"why\">{}</div>", escaped(outcome.reason()));
    if let Outcome::Failed(failure) = outcome
        && let Some(exchange) = &failure.exchange
    {
        text.extend(["<pre>", &escaped(&exchange.request), "</pre><pre>", &escaped(&exchange.answer), "</pre>"]);
    }
    text
}

/// Safe in a text and in an attribute, of HTML as of XML.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() && !letter.is_whitespace() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use crate::report::tests::sample;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let page = super::render(&sample());
        for part in ["GET /x?a=&lt;b&gt;", "not &lt;fine&gt;", "&quot;&amp;&quot;", "prefers-color-scheme: dark"] {
            assert!(page.contains(part), "{part}");
        }
        for part in ["<b>", "<fine>", "<500>", "<script", "http-equiv", "src="] {
            assert!(!page.contains(part), "{part}");
        }
        assert_eq!(super::escaped("a\u{1b}\nb"), "a\u{fffd}\nb");
    }
}
