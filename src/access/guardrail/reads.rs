//! What a guardrail reads: of the subject, of the resource, of the circumstances.

use std::collections::BTreeSet;

use cedar_policy::{Policy, PrincipalConstraint};
use serde_json::Value;

use crate::model::RoleName;

use super::vocabulary::{CLOCK, COMMIT_AUTHORS, COMPUTED, IS_AUTHOR};

/// The attributes a policy reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Reads {
    pub principal: BTreeSet<String>,
    pub resource: BTreeSet<String>,
    pub context: BTreeSet<String>,
    /// Compares the subject itself, or the resource or the context as a whole.
    pub identity: bool,
    /// Roles whose being held together it asks about.
    pub roles_apart: Vec<Vec<RoleName>>,
}

impl Reads {
    /// Reads the policy's JSON form, which has one shape an expression.
    pub fn of(policy: &Policy) -> Self {
        let by_type = matches!(policy.principal_constraint(), PrincipalConstraint::Any | PrincipalConstraint::Is(_));
        let mut reads = Self { identity: !by_type, ..Self::default() };
        match policy.to_json() {
            Ok(json) => {
                for condition in json.get("conditions").and_then(Value::as_array).into_iter().flatten() {
                    reads.visit(condition.get("body").unwrap_or(&Value::Null));
                }
            }
            // Not known what it reads: then everything is different for everybody.
            Err(_unwritable) => reads.identity = true,
        }
        if reads.principal.contains(IS_AUTHOR) {
            reads.context.insert(COMMIT_AUTHORS.to_owned());
        }
        reads
    }

    /// Adds what another policy reads.
    pub fn extend(&mut self, other: &Self) {
        self.principal.extend(other.principal.iter().cloned());
        self.resource.extend(other.resource.iter().cloned());
        self.context.extend(other.context.iter().cloned());
        self.identity |= other.identity;
    }

    /// Whether the clock alone may change what it says.
    pub fn clock(&self) -> bool {
        self.context.iter().any(|name| CLOCK.contains(&name.as_str()))
    }

    /// Whether it reads what only the caller knows.
    pub fn circumstances(&self) -> bool {
        self.context.iter().any(|name| !CLOCK.contains(&name.as_str()))
    }

    /// The attributes of people that are not worked out here.
    pub fn person_attributes(&self) -> impl Iterator<Item = &str> {
        self.principal.iter().map(String::as_str).filter(|name| !COMPUTED.contains(name))
    }

    fn visit(&mut self, expression: &Value) {
        match expression {
            Value::Object(members) => {
                for (operator, operands) in members {
                    self.operation(operator, operands);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.visit(element)),
            _ => {}
        }
    }

    fn operation(&mut self, operator: &str, operands: &Value) {
        let variable = operands.get("left").and_then(|left| left.get("Var")).and_then(Value::as_str);
        let attribute = operands.get("attr").and_then(Value::as_str);
        match (operator, variable, attribute) {
            // What a value says is no expression.
            ("Value", ..) => {}
            ("Var", ..) => self.identity |= operands.as_str() != Some("action"),
            ("." | "has", Some("principal"), Some(name)) => _ = self.principal.insert(name.to_owned()),
            ("." | "has", Some("resource"), Some(name)) => _ = self.resource.insert(name.to_owned()),
            ("." | "has", Some("context"), Some(name)) => _ = self.context.insert(name.to_owned()),
            ("is", Some("principal" | "resource"), _) if operands.get("in").is_none() => {}
            ("in" | "is", Some("resource"), _) => operands.get("right").into_iter().for_each(|right| self.visit(right)),
            _ => {
                if operator == "containsAll" {
                    self.note_roles_apart(operands);
                }
                self.visit(operands);
            }
        }
    }

    /// `principal.roles.containsAll(["a", "b"])`.
    fn note_roles_apart(&mut self, operands: &Value) {
        let of_roles = operands.pointer("/left/./attr").and_then(Value::as_str) == Some("roles")
            && operands.pointer("/left/./left/Var").and_then(Value::as_str) == Some("principal");
        let listed = operands.pointer("/right/Set").and_then(Value::as_array).filter(|_| of_roles);
        let names = listed.into_iter().flatten().filter_map(|element| element.get("Value")?.as_str()?.parse().ok());
        let roles: Vec<RoleName> = names.collect();
        if roles.len() > 1 {
            self.roles_apart.push(roles);
        }
    }
}
