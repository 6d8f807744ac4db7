//! For continuous integration: one suite for each identity provider, and one for the requirements.

use super::html::escaped;
use super::{Counts, Report};
use crate::outcome::Outcome;

pub fn render(report: &Report) -> String {
    let mut suites = String::new();
    for (provider, conversations) in report.providers() {
        let cases = conversations.iter().map(|one| (format!("{} {}", one.id, one.title), &one.outcome));
        suites += &suite(provider, &cases.collect::<Vec<_>>());
    }
    let requirements = report.requirements.iter().flat_map(|requirement| {
        requirement.checks.iter().map(|check| (format!("{} {}", requirement.number, check.says), &check.outcome))
    });
    let requirements: Vec<(String, &Outcome)> = requirements.collect();
    if !requirements.is_empty() {
        suites += &suite("requirements", &requirements);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"SCIM conformance of {}\">\n{suites}</testsuites>\n",
        escaped(&report.server)
    )
}

fn suite(name: &str, cases: &[(String, &Outcome)]) -> String {
    let counts = Counts::of(cases.iter().map(|(_, outcome)| *outcome));
    let skipped = counts.not_supported + counts.not_checked;
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{skipped}\">\n",
        escaped(name),
        cases.len(),
        counts.failed
    );
    for (case, outcome) in cases {
        let inside = match outcome {
            Outcome::Passed => String::new(),
            Outcome::NotSupported(reason) | Outcome::Skipped(reason) => {
                format!("<skipped message=\"{}\"/>", escaped(reason))
            }
            Outcome::Failed(failure) => {
                let shown = failure
                    .exchange
                    .as_ref()
                    .map(|one| format!("{}\n\n{}", one.request, one.answer))
                    .unwrap_or_default();
                format!("<failure message=\"{}\">{}</failure>", escaped(&failure.what), escaped(&shown))
            }
        };
        let (class, case) = (escaped(name), escaped(case));
        text.extend(["    <testcase classname=\"", &class, "\" name=\"", &case, "\">", &inside, "</testcase>\n"]);
    }
    text + "  </testsuite>\n"
}

#[cfg(test)]
mod tests {
    use crate::report::tests::sample;

    #[test]
    fn suites_are_counted_and_texts_escaped() {
        let xml = super::render(&sample());
        for part in [
            "<testsuite name=\"Okta\" tests=\"1\" failures=\"0\" skipped=\"0\">",
            "<testsuite name=\"requirements\" tests=\"6\" failures=\"1\" skipped=\"3\">",
            "name=\"EN-1 not &lt;fine&gt;\"",
            "<failure message=\"expected 200, found &lt;500&gt;\">GET /x?a=&lt;b&gt;",
            "<skipped message=\"hidden\"/>",
        ] {
            assert!(xml.contains(part), "{part}\n{xml}");
        }
    }
}
