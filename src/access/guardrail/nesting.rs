//! How deep a text nests, before anything is built from it: parsers and validators go as deep as it does.

use crate::model::limits::{GUARDRAIL_DEPTH, GUARDRAIL_OPERATORS};

/// Whether a text nests deeper, or chains more operators, than a guardrail may.
pub(super) fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let mut characters = text.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => {
                // A text ends at a quotation mark that no backslash stands before.
                while let Some((_, inner)) = characters.next() {
                    match inner {
                        '\\' => _ = characters.next(),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '/' if text.get(place..).is_some_and(|rest| rest.starts_with("//")) => {
                while characters.next_if(|(_, inner)| *inner != '\n').is_some() {}
            }
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '.' | '!' | '-' | '+' | '*' | '&' | '|' => {
                operators = operators.saturating_add(1);
                // `&&` and `||` are one.
                _ = characters.next_if(|(_, next)| *next == character && matches!(character, '&' | '|'));
            }
            'i' if text.get(place..).is_some_and(|rest| rest.starts_with("if")) => {
                operators = operators.saturating_add(1);
            }
            _ => {}
        }
        if depth > GUARDRAIL_DEPTH || operators > GUARDRAIL_OPERATORS {
            return true;
        }
    }
    false
}
