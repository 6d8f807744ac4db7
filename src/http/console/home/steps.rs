//! What is left before a new organization can prove that somebody who left is out.

use super::super::gates::GateLine;
use super::super::refusal::Refusal;
use super::super::visit::Visit;

/// A step, in the order they are taken.
pub(super) struct Step {
    pub(super) done: bool,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) path: &'static str,
    pub(super) action: &'static str,
}

/// The steps; none for those who cannot take them, and none once all are done.
pub(super) fn steps(visit: &Visit, people: i64, gates: &[GateLine]) -> Result<Vec<Step>, Refusal> {
    let member = visit.member()?;
    let may = member.rights.manage_connections() && member.rights.manage_access() && member.rights.read_evidence();
    if !may {
        return Ok(Vec::new());
    }
    let left = !visit.services.register(&member.caller, None, 1)?.departed.is_empty();
    let steps = vec![
        Step {
            done: people > 0,
            title: "Bring people in",
            text: "Connect Okta, Entra ID or any sender of SCIM, or practise what it will send; or invite people by e-mail.",
            path: "/connections",
            action: "Connect a provider",
        },
        Step {
            done: !gates.is_empty(),
            title: "Name an environment that is production",
            text: "From then on Muster counts, at every moment, who can deploy there and who can approve.",
            path: "/gates",
            action: "Make an environment",
        },
        Step {
            done: gates.iter().any(|gate| gate.people > 0),
            title: "Let a group deploy there",
            text: "You see by name who gains and who loses before anything changes.",
            path: "/mappings/new",
            action: "Assign a role",
        },
        Step {
            done: left,
            title: "Let somebody leave, and take the certificate",
            text: "Deactivate a test person, here or at the provider. The proof is on the person’s page and under Leavers.",
            path: "/leavers",
            action: "See leavers",
        },
    ];
    let is_over = steps.iter().all(|step| step.done);
    Ok(if is_over { Vec::new() } else { steps })
}
