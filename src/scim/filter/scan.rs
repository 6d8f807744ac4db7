//! The words, quotes and brackets of a filter, and where they stand.

use super::Literal;
use crate::scim::error::ScimError;
use crate::scim::path::excerpt;

/// Reads a text from its beginning to its end, each byte a constant number of times.
pub(super) struct Scanner<'t> {
    text: &'t str,
    /// Bytes read.
    offset: usize,
}

impl<'t> Scanner<'t> {
    /// From byte `offset` on.
    pub fn new(text: &'t str, offset: usize) -> Self {
        Self { text, offset }
    }

    /// Bytes read.
    pub fn offset(&self) -> usize {
        self.offset
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character if it is this one.
    pub fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.offset += expected.len_utf8();
        }
        found
    }

    /// Passes over spaces and line breaks.
    pub fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.offset += rest.len() - rest.trim_ascii_start().len();
    }

    /// Everything up to a space, a quote or a bracket.
    pub fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '(' | ')' | '[' | ']'))
            .unwrap_or(rest.len());
        self.offset += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Takes the next word if it is this one.
    pub fn take_word(&mut self, expected: &str) -> bool {
        self.skip_spaces();
        let start = self.offset;
        let found = self.word().eq_ignore_ascii_case(expected);
        if !found {
            self.offset = start;
        }
        found
    }

    /// The error for what comes next.
    pub fn unexpected(&self, expected: &str) -> ScimError {
        self.unexpected_at(self.offset, expected)
    }

    /// The error for what stands at byte `offset`.
    pub fn unexpected_at(&self, offset: usize, expected: &str) -> ScimError {
        let (before, rest) = self.text.split_at_checked(offset).unwrap_or((self.text, ""));
        let position = before.chars().count() + 1;
        let rest = rest.trim_ascii_end();
        let found = if rest.is_empty() { "the end".to_owned() } else { format!("`{}`", excerpt(rest)) };
        ScimError::invalid_filter(format!("the filter has {found} at character {position}; expected {expected}"))
    }

    /// Refuses what is left.
    pub fn end(&mut self) -> Result<(), ScimError> {
        self.skip_spaces();
        if self.rest().is_empty() { Ok(()) } else { Err(self.unexpected("`and`, `or` or the end")) }
    }

    /// A value to compare with; text may stand `unquoted` or not.
    pub fn literal(&mut self, unquoted: bool) -> Result<Literal, ScimError> {
        self.skip_spaces();
        let start = self.offset;
        let literal = if self.peek() == Some('"') { self.quoted() } else { self.unquoted(unquoted) };
        match literal {
            // No value of a resource has it, and not every database can be asked for it.
            Some(Literal::String(text)) if text.contains('\0') => {
                Err(self.unexpected_at(start, "a value without the character U+0000"))
            }
            Some(literal) => Ok(literal),
            None => Err(self.unexpected_at(start, "a value: text in double quotes, a number, true, false or null")),
        }
    }

    /// A JSON string.
    fn quoted(&mut self) -> Option<Literal> {
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find_map(|(index, c)| {
            if escaped {
                escaped = false;
                return None;
            }
            escaped = c == '\\';
            (c == '"').then_some(index + 1)
        })?;
        let text = serde_json::from_str(self.rest().get(..end)?).ok()?;
        self.offset += end;
        Some(Literal::String(text))
    }

    /// `true`, `false`, `null`, a number, or text without quotes, as some clients send it.
    fn unquoted(&mut self, text: bool) -> Option<Literal> {
        let word = self.word();
        if word.is_empty() || word.starts_with('\'') || is_any(word, &["and", "or", "not"]) {
            return None;
        }
        if word.eq_ignore_ascii_case("null") {
            return Some(Literal::Null);
        }
        if is_any(word, &["true", "false"]) {
            return Some(Literal::Boolean(word.eq_ignore_ascii_case("true")));
        }
        if word.starts_with(|first: char| first == '-' || first.is_ascii_digit())
            && let Ok(number) = serde_json::from_str::<serde_json::Number>(word)
        {
            // Rust reads fractions to the last digit, serde_json nearly.
            let exact = word.parse().ok().and_then(serde_json::Number::from_f64);
            return Some(Literal::Number(if number.is_f64() { exact.unwrap_or(number) } else { number }));
        }
        text.then(|| Literal::String(word.to_owned()))
    }
}

fn is_any(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}
