//! For a terminal: a line for everything, and at the end what failed, with request and answer.

use std::fmt::Write as _;

use super::Report;
use crate::outcome::Outcome;

pub fn render(report: &Report) -> String {
    let mut text = String::new();
    write_into(report, &mut text).map_or_else(|_error| String::new(), |()| text)
}

fn write_into(report: &Report, text: &mut String) -> std::fmt::Result {
    writeln!(text, "SCIM conformance of {}\n", report.server)?;
    for (provider, conversations) in report.providers() {
        writeln!(text, "{provider}")?;
        for one in conversations {
            line(text, &one.outcome, &one.id, &one.title)?;
        }
    }
    if !report.requirements.is_empty() {
        writeln!(text, "requirements")?;
    }
    for requirement in &report.requirements {
        line(text, &requirement.outcome(), &requirement.number.to_string(), &requirement.title)?;
    }
    for (name, failure) in report.failures() {
        writeln!(text, "\nfailed: {name}\n  {}", failure.what)?;
        if let Some(exchange) = &failure.exchange {
            writeln!(text, "{}\n{}", indented(&exchange.request, '>'), indented(&exchange.answer, '<'))?;
        }
    }
    writeln!(text, "\nconversations: {}", report.conversation_counts().words())?;
    writeln!(text, "requirements:  {}", report.requirement_counts().words())?;
    if !report.left_behind.is_empty() {
        writeln!(text, "left behind:   {}", report.left_behind.join(", "))?;
    }
    Ok(())
}

fn line(text: &mut String, outcome: &Outcome, name: &str, title: &str) -> std::fmt::Result {
    write!(text, "  {:<13}  {name:<6}  {title}", outcome.word())?;
    match outcome {
        Outcome::NotSupported(reason) | Outcome::Skipped(reason) => writeln!(text, " ({reason})"),
        Outcome::Passed | Outcome::Failed(_) => writeln!(text),
    }
}

fn indented(block: &str, mark: char) -> String {
    block.lines().map(|line| format!("    {mark} {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use crate::report::tests::sample;

    #[test]
    fn everything_has_a_line_and_failures_their_exchange() {
        let text = super::render(&sample());
        for line in [
            "  passed         OK-1    fine",
            "  failed         EN-1    not <fine>",
            "  failed         1       one",
            "  not checked    3       three (hidden)",
            "  not supported  9865-1  four (no)",
            "    > GET /x?a=<b>",
            "    < 500",
            "requirements:  1 passed, 1 failed, 1 not supported, 1 not checked",
            "left behind:   /Users/1: 500",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
