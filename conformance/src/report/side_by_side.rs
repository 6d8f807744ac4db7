//! Reports of several servers in one Markdown document.

use serde_json::Value;

/// A server's name and its report in JSON.
pub type Named = (String, Value);

/// Three tables, counts, conversations and requirements, and what failed in each server.
pub fn render(reports: &[Named]) -> String {
    let names = reports.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" | ");
    let rule = "---|".repeat(reports.len());
    let mut page = format!("| | {names} |\n|---|{rule}\n");
    for (part, title) in [("conversations", "conversations"), ("requirements", "requirements")] {
        for word in ["passed", "failed", "not supported", "not checked"] {
            let cells = reports
                .iter()
                .map(|(_, report)| entries(report, part).filter(|one| one["outcome"] == word).count().to_string());
            let cells: Vec<String> = cells.collect();
            page.extend([format!("| {title} {word} | {} |\n", cells.join(" | "))]);
        }
    }
    page.extend(["\n## Conversations\n\n", "| | | ", &names, " |\n|---|---|", &rule, "\n"]);
    page += &rows(reports, "conversations", "id");
    page.extend(["\n## Requirements\n\n", "| | | ", &names, " |\n|---|---|", &rule, "\n"]);
    page += &rows(reports, "requirements", "number");
    for (name, report) in reports {
        page += &failures(name, report);
    }
    page
}

fn entries<'a>(report: &'a Value, part: &str) -> impl Iterator<Item = &'a Value> {
    report[part].as_array().into_iter().flatten()
}

/// A row for everything in the first report, which has all there is.
fn rows(reports: &[Named], part: &str, key: &str) -> String {
    let Some((_, first)) = reports.first() else { return String::new() };
    let mut rows = String::new();
    for entry in entries(first, part) {
        let cells = reports.iter().map(|(_, report)| {
            let found = entries(report, part).find(|one| one[key] == entry[key]);
            match found.and_then(|one| one["outcome"].as_str()).unwrap_or("not checked") {
                "failed" => "**failed**".to_owned(),
                word => word.to_owned(),
            }
        });
        let cells: Vec<String> = cells.collect();
        let provider = entry["provider"].as_str().map(|provider| format!("{provider}: ")).unwrap_or_default();
        let (number, title) = (text(&entry[key]), text(&entry["title"]));
        rows.extend([format!("| {number} | {provider}{title} | {} |\n", cells.join(" | "))]);
    }
    rows
}

fn failures(name: &str, report: &Value) -> String {
    let conversations = entries(report, "conversations").map(|one| (text(&one["id"]), "", one));
    let checks = entries(report, "requirements").flat_map(|requirement| {
        let checks = requirement["checks"].as_array().into_iter().flatten();
        checks.map(move |check| (text(&requirement["number"]), check["says"].as_str().unwrap_or_default(), check))
    });
    let mut list = String::new();
    for (number, says, entry) in conversations.chain(checks).filter(|(_, _, entry)| entry["outcome"] == "failed") {
        let says = if says.is_empty() { String::new() } else { format!("{says}: ") };
        list.extend([format!("* {number} {says}{}\n", short(&text(&entry["reason"])))]);
    }
    if list.is_empty() { String::new() } else { format!("\n## What failed in {name}\n\n{list}") }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// One line, and of a long one its beginning.
fn short(reason: &str) -> String {
    let line = reason.replace('\n', " ").replace('|', "\\|").replace('<', "\\<").replace('*', "\\*");
    let cut: String = line.chars().take(160).collect();
    if cut.len() < line.len() { cut + "…" } else { cut }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_servers_stand_side_by_side() {
        let report = |outcome: &str| {
            json!({
                "conversations": [{ "id": "OK-1", "provider": "Okta", "title": "t", "outcome": outcome, "reason": "step 1" }],
                "requirements": [{ "number": "7", "title": "u", "outcome": outcome, "checks": [{ "says": "it holds", "outcome": outcome, "reason": "a|b" }] }],
            })
        };
        let page = render(&[("One".to_owned(), report("passed")), ("Two".to_owned(), report("failed"))]);
        for line in [
            "| conversations failed | 0 | 1 |",
            "| OK-1 | Okta: t | passed | **failed** |",
            "| 7 | u | passed | **failed** |",
            "## What failed in Two",
            "* OK-1 step 1",
            "* 7 it holds: a\\|b",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        assert!(!page.contains("What failed in One"));
    }
}
