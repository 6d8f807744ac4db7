//! The company's access as declarative documents: as it began, and as it was after another company was bought.

use std::fmt::Write as _;

use crate::model::Moment;

const DAY: i64 = 86_400 * 1_000_000;

/// The projects, each with `test`, `staging` and `production`.
pub(super) const PROJECTS: [(&str, &str); 6] = [
    ("billing", "Invoices, payments and the ledger"),
    ("booking", "Quotes and bookings"),
    ("customs", "Declarations and duties"),
    ("platform", "Clusters, networks and the build farm"),
    ("tracking", "Where a parcel is, and when it comes"),
    ("warehouse", "Stock, picking and gates"),
];

/// As it was when the company began with Muster; `ends` is the end of the year that is told.
pub(super) fn at_first(ends: Moment) -> String {
    let mut text = String::new();
    for (project, description) in PROJECTS {
        let _ = write!(text, "[[scope]]\npath = \"/{project}\"\ndescription = \"{description}\"\n\n");
        for environment in ["test", "staging", "production"] {
            let production = environment == "production";
            let _ = write!(text, "[[scope]]\npath = \"/{project}/{environment}\"\nproduction = {production}\n\n");
        }
        let _ = write!(text, "{}{}", gate(project, "deploy:run", 2, 40), gate(project, "deploy:approve", 2, 12));
        let team = format!("eng-{project}");
        let _ = write!(text, "{}", assignment(&team, "developer", &format!("/{project}")));
        for environment in ["test", "staging"] {
            let _ = write!(text, "{}", assignment(&team, "deployer", &format!("/{project}/{environment}")));
        }
        // The warehouse releases on its own.
        if project != "warehouse" {
            let _ = write!(text, "{}", assignment("sre", "deployer", &format!("/{project}/production")));
            let _ = write!(text, "{}", assignment("release-managers", "release-manager", &format!("/{project}")));
        }
    }
    let day = |days: i64| ends.plus_micros(days.saturating_mul(DAY)).to_string();
    let rest = include_str!("access.toml")
        .replace("{service_end}", &day(240))
        .replace("{freeze_begin}", &day(24))
        .replace("{freeze_end}", &day(38));
    text + &rest
}

/// And when Fathom had been bought: its people work on tracking, and responders may read secrets.
pub(super) fn with_fathom(ends: Moment) -> String {
    let before =
        at_first(ends).replace("[\"build:view\", \"build:ssh\"]", "[\"build:view\", \"build:ssh\", \"secret:read\"]");
    before
        + &assignment("Fathom Developers", "developer", "/tracking")
        + &assignment("Fathom Operations", "deployer", "/tracking/production")
        + &assignment("Fathom Operations", "deployer", "/tracking/staging")
}

/// And when contractors had come.
pub(super) fn with_contractors(ends: Moment) -> String {
    with_fathom(ends)
        + &assignment("Contractors", "tester", "/warehouse/test")
        + &assignment("Contractors", "deployer", "/warehouse/test")
}

fn gate(project: &str, permission: &str, minimum: u32, maximum: u32) -> String {
    format!(
        "[[gate]]\nscope = \"/{project}/production\"\npermission = \"{permission}\"\nminimum = {minimum}\nmaximum = {maximum}\n\n"
    )
}

fn assignment(group: &str, role: &str, scope: &str) -> String {
    format!("\n[[assignment]]\ngroup = \"{group}\"\nrole = \"{role}\"\nscope = \"{scope}\"\n")
}
