//! Explanations for people: the same words wherever they are shown.

use crate::access::graph::{Denial, Opening, Path, Standing, Subject};
use crate::model::{Assignment, AssignmentSource, GroupId, Moment, ResourceId};

use super::{Explanation, Makers, Names, Reasons, Rule};

impl Explanation {
    /// One line that says what was decided, then one a reason.
    pub fn lines(&self, names: &Names) -> Vec<String> {
        let verb = if self.is_allowed() { "may" } else { "may not" };
        let subject = self.subject.map_or_else(|| "the subject".to_owned(), |subject| names.of(subject.id()));
        let mut lines = vec![format!("{subject} {verb} `{}` at `{}`", self.permission, self.resource)];
        match &self.reasons {
            Reasons::Allowed(path) => lines.extend(self.way(path, names)),
            Reasons::Forbidden { path, rules } => {
                lines.extend(rules.iter().map(forbids));
                lines.push("without that it would be allowed:".to_owned());
                lines.extend(self.way(path, names));
            }
            Reasons::Unclear { path, rule, missing } => {
                lines.push(unclear(rule, missing));
                lines.push("with that clear, and nothing against it, it would be allowed:".to_owned());
                lines.extend(self.way(path, names));
            }
            Reasons::NotAllowed { denial, openings, makers } => {
                lines.push(self.denied(*denial, &subject));
                let changes: Vec<String> =
                    openings.iter().map(|opening| self.opening(opening, &subject, names)).collect();
                let nothing = changes.is_empty();
                lines.extend(changes);
                if !nothing || matches!(denial, Denial::NotActive(_) | Denial::ServiceExpired | Denial::OwnerNotActive)
                {
                    lines.push(who_could(makers, names));
                }
            }
        }
        lines
    }

    fn way(&self, path: &Path, names: &Names) -> Vec<String> {
        let mut lines = Vec::new();
        let mut member = self.subject.map(Subject::id);
        for group in &path.groups {
            let since = member.and_then(|member| names.memberships.get(&(*group, member)));
            let since = since.map(|row| format!(" (since {}, from {})", row.since, row.source)).unwrap_or_default();
            let who = member.map_or_else(|| "the subject".to_owned(), |member| names.of(member));
            lines.push(format!("{who} is a member of the group {}{since}", names.group(*group)));
            member = Some(ResourceId::from(*group));
        }
        let holder = member.map_or_else(|| "the subject".to_owned(), |member| names.of(member));
        let Assignment { role, scope, .. } = &path.assignment;
        let details = details(&path.assignment, names);
        lines.push(format!("{holder} is assigned the role `{role}` at `{scope}` ({details})"));
        let since = names.roles.get(role).map(|since| format!(" (since {since})")).unwrap_or_default();
        lines.push(format!("the role `{role}` at version {}{since} holds `{}`", path.role.number, self.permission));
        if scope.as_str() != self.resource {
            lines.push(format!("`{}` lies in `{scope}`", self.resource));
        }
        lines
    }

    fn denied(&self, denial: Denial, subject: &str) -> String {
        match denial {
            Denial::UnknownSubject => "nobody of that name is known here".to_owned(),
            Denial::AmbiguousSubject => "the name is borne by more than one, name the subject by its id".to_owned(),
            Denial::UnknownPermission => format!("`{}` is not in the catalogue of permissions", self.permission),
            Denial::UnknownResource => format!("there is no {} `{}`", self.resource_type, self.resource),
            Denial::NotActive(Standing::Inactive) => {
                format!("{subject} is deactivated; its connection would have to activate it again")
            }
            Denial::NotActive(Standing::Suspended) => {
                format!("{subject} is suspended; an administrator would have to lift it")
            }
            Denial::NotActive(_) => format!("{subject} is no longer here"),
            Denial::ServiceExpired => format!("{subject} is past its end; it would have to be prolonged"),
            Denial::OwnerNotActive => {
                format!("the owner of {subject} is not active; it would have to be handed over to somebody who is")
            }
            Denial::NotAssigned => "no assignment allows it".to_owned(),
        }
    }

    fn opening(&self, opening: &Opening, subject: &str, names: &Names) -> String {
        match opening {
            Opening::Wait(path) => format!(
                "it will be allowed from {}: assignment {} begins then",
                path.assignment.validity.from(),
                path.assignment.id
            ),
            Opening::Renew(path) => {
                let ended = path.assignment.validity.until().map(|end| format!(" at {end}")).unwrap_or_default();
                format!("it was allowed: assignment {} ended{ended}; renewing it would open it", path.assignment.id)
            }
            Opening::Join { group, assignment, gives } => {
                let manager = names.managers.get(group).map(|name| format!(", managed by {name}")).unwrap_or_default();
                format!(
                    "adding {subject} to the group {}{manager} would open it: it has the role `{}` at `{}` \
                     (brings {gives} permissions)",
                    names.group(*group),
                    assignment.role,
                    assignment.scope
                )
            }
            Opening::Assign { role, gives } => {
                let scope = &self.resource;
                format!("assigning {subject} the role `{role}` at `{scope}` would open it (brings {gives} permissions)")
            }
        }
    }
}

fn details(assignment: &Assignment, names: &Names) -> String {
    let Assignment { id, validity, source, approver, reason, .. } = assignment;
    let source = match source {
        AssignmentSource::Administrator => "by an administrator".to_owned(),
        AssignmentSource::Document => "by a document".to_owned(),
        AssignmentSource::Connection(connection) => format!("by the connection {}", names.of((*connection).into())),
        AssignmentSource::Server => "by the server".to_owned(),
    };
    let until = |until: Moment| format!(", until {until}");
    let until = validity.until().map(until).unwrap_or_default();
    let approver = approver.map(|approver| format!(", approved by {}", names.of(approver))).unwrap_or_default();
    let reason = reason.as_ref().map(|reason| format!(", reason: {reason}")).unwrap_or_default();
    format!("assignment {id}, {source}, since {}{until}{approver}{reason}", validity.from())
}

fn forbids(rule: &Rule) -> String {
    format!("the guardrail `{}` forbids it: {} (control {})", rule.id, rule.reason, rule.control)
}

fn unclear(rule: &Rule, missing: &[String]) -> String {
    let missing = if missing.is_empty() {
        "it failed".to_owned()
    } else {
        let quoted: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
        format!("missing: {}", quoted.join(", "))
    };
    format!("the guardrail `{}` cannot be judged, which denies; {missing} (control {})", rule.id, rule.control)
}

fn who_could(makers: &Makers, names: &Names) -> String {
    if makers.people.is_empty() {
        return format!("nobody has `{}`, which changing that takes", makers.permission);
    }
    let people: Vec<String> = makers.people.iter().map(|subject| names.of(subject.id())).collect();
    let more = if makers.more { " and others" } else { "" };
    format!("who has `{}` could change that: {}{more}", makers.permission, people.join(", "))
}

impl Names {
    fn of(&self, id: ResourceId) -> String {
        format!("`{}`", self.names.get(&id).cloned().unwrap_or_else(|| id.to_string()))
    }

    fn group(&self, id: GroupId) -> String {
        self.of(id.into())
    }
}
