//! Text to [`Filter`], in one pass and bounded in depth.

use super::{Filter, Literal, Operator, ValuePath};
use crate::model::limits;
use crate::scim::error::ScimError;
use crate::scim::path::{AttributePath, excerpt, is_name};

impl Filter {
    /// Reads a filter (RFC 7644 §3.4.2.2, figure 1).
    ///
    /// Beyond the grammar it takes what clients send: `emails[type eq "work"].value eq "x"` for
    /// `emails[type eq "work" and value eq "x"]`, values without quotes (`userName eq alice`), `not` followed by a space,
    /// and keywords and operators in any letter case.
    ///
    /// # Errors
    /// `invalidFilter` names the place and what was expected there; `tooMany` when it exceeds a limit of
    /// [`limits`] in bytes, nesting or comparisons.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let mut parser = Parser::new(text)?;
        let filter = parser.disjunction()?;
        parser.end()?;
        Ok(filter)
    }
}

impl ValuePath {
    /// Reads the path of a PATCH operation: `members`, `name.givenName`, `emails[type eq "work"]`,
    /// `emails[type eq "work"].value` (RFC 7644 §3.5.2, figure 7).
    ///
    /// # Errors
    /// `invalidPath` for the path, `invalidFilter` for the filter in brackets, `tooMany` as for [`Filter::parse`].
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let text = text.trim();
        let Some(bracket) = text.find('[') else {
            return Ok(Self {
                path: AttributePath::parse(text)?,
                filter: None,
                sub_attribute: None,
            });
        };
        let path = AttributePath::parse(text.get(..bracket).unwrap_or_default())?;
        let mut parser = Parser::new(text)?;
        parser.offset = bracket;
        let filter = parser.bracketed()?;
        let sub_attribute = parser.sub_attribute()?;
        parser.end()?;
        Ok(Self {
            path,
            filter: Some(filter),
            sub_attribute,
        })
    }
}

/// Recursion goes through [`Parser::nested`] alone, which counts it.
struct Parser<'t> {
    text: &'t str,
    /// Bytes read.
    offset: usize,
    depth: usize,
    terms: usize,
    within_brackets: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, ScimError> {
        if text.len() > limits::FILTER_BYTES {
            return Err(ScimError::too_many(format!(
                "the filter has {} bytes, more than the {} allowed; ask in several requests",
                text.len(),
                limits::FILTER_BYTES
            )));
        }
        Ok(Self {
            text,
            offset: 0,
            depth: 0,
            terms: 0,
            within_brackets: false,
        })
    }

    /// `a or b or …`
    fn disjunction(&mut self) -> Result<Filter, ScimError> {
        let first = self.conjunction()?;
        let mut terms = vec![first];
        while self.take_word("or") {
            terms.push(self.conjunction()?);
        }
        Ok(one_or(terms, Filter::Or))
    }

    /// `a and b and …`
    fn conjunction(&mut self) -> Result<Filter, ScimError> {
        let first = self.term()?;
        let mut terms = vec![first];
        while self.take_word("and") {
            terms.push(self.term()?);
        }
        Ok(one_or(terms, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, ScimError> {
        self.skip_spaces();
        if self.take('(') {
            return self.nested(')');
        }
        let start = self.offset;
        if self.take_word("not") {
            self.skip_spaces();
            if !self.take('(') {
                return Err(self.unexpected("`(` after `not`"));
            }
            return Ok(Filter::Not(Box::new(self.nested(')')?)));
        }
        let word = self.word();
        let Some(path) = AttributePath::read(word) else {
            self.offset = start;
            return Err(self.unexpected("an attribute name, `not` or `(`"));
        };
        if self.peek() != Some('[') {
            return self.expression(path);
        }
        if self.within_brackets {
            return Err(
                self.unexpected("a comparison, because brackets cannot stand within brackets")
            );
        }
        let filter = self.bracketed()?;
        let Some(sub_attribute) = self.sub_attribute()? else {
            return Ok(Filter::ValuePath {
                path,
                filter: Box::new(filter),
            });
        };
        let comparison = self.expression(AttributePath::of(sub_attribute))?;
        let mut terms = match filter {
            Filter::And(terms) => terms,
            other => vec![other],
        };
        terms.push(comparison);
        Ok(Filter::ValuePath {
            path,
            filter: Box::new(Filter::And(terms)),
        })
    }

    /// `[…]`
    fn bracketed(&mut self) -> Result<Filter, ScimError> {
        self.take('[');
        self.within_brackets = true;
        let filter = self.nested(']')?;
        self.within_brackets = false;
        Ok(filter)
    }

    /// `.value` after brackets.
    fn sub_attribute(&mut self) -> Result<Option<String>, ScimError> {
        if !self.take('.') {
            return Ok(None);
        }
        let start = self.offset;
        let word = self.word();
        if is_name(word) {
            return Ok(Some(word.to_owned()));
        }
        self.offset = start;
        Err(self.unexpected("a sub-attribute after `.`"))
    }

    /// A filter and the bracket that closes it.
    fn nested(&mut self, closing: char) -> Result<Filter, ScimError> {
        self.depth += 1;
        if self.depth > limits::FILTER_DEPTH {
            return Err(ScimError::too_many(format!(
                "the filter is nested deeper than the {} levels allowed; write it flatter",
                limits::FILTER_DEPTH
            )));
        }
        let filter = self.disjunction()?;
        self.skip_spaces();
        if !self.take(closing) {
            return Err(self.unexpected(&format!("`and`, `or` or `{closing}`")));
        }
        self.depth -= 1;
        Ok(filter)
    }

    /// What follows the attribute: `pr`, or an operator and a value.
    fn expression(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        self.terms += 1;
        if self.terms > limits::FILTER_TERMS {
            return Err(ScimError::too_many(format!(
                "the filter has more than the {} comparisons allowed; ask in several requests",
                limits::FILTER_TERMS
            )));
        }
        if self.take_word("pr") {
            return Ok(Filter::Present(path));
        }
        self.skip_spaces();
        let start = self.offset;
        let word = self.word();
        let Some(operator) = Operator::ALL
            .into_iter()
            .find(|operator| operator.as_str().eq_ignore_ascii_case(word))
        else {
            self.offset = start;
            return Err(self.unexpected(&format!(
                "after `{}` one of the operators eq, ne, co, sw, ew, gt, ge, lt, le, pr",
                excerpt(&path.to_string())
            )));
        };
        let literal = self.literal()?;
        Ok(Filter::Compare {
            path,
            operator,
            literal,
        })
    }

    fn literal(&mut self) -> Result<Literal, ScimError> {
        self.skip_spaces();
        let start = self.offset;
        let literal = if self.peek() == Some('"') {
            self.quoted()
        } else {
            self.unquoted()
        };
        match literal {
            // No value of a resource has it, and not every database can be asked for it.
            Some(Literal::String(text)) if text.contains('\0') => {
                self.offset = start;
                Err(self.unexpected("a value without the character U+0000"))
            }
            Some(literal) => Ok(literal),
            None => {
                self.offset = start;
                Err(self
                    .unexpected("a value: text in double quotes, a number, true, false or null"))
            }
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
    fn unquoted(&mut self) -> Option<Literal> {
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
            return Some(Literal::Number(if number.is_f64() {
                exact.unwrap_or(number)
            } else {
                number
            }));
        }
        Some(Literal::String(word.to_owned()))
    }

    fn end(&mut self) -> Result<(), ScimError> {
        self.skip_spaces();
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.unexpected("`and`, `or` or the end"))
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.offset += expected.len_utf8();
        }
        found
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.offset += rest.len() - rest.trim_ascii_start().len();
    }

    /// Everything up to a space, a quote or a bracket.
    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '(' | ')' | '[' | ']'))
            .unwrap_or(rest.len());
        self.offset += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Takes the next word if it is this one.
    fn take_word(&mut self, expected: &str) -> bool {
        self.skip_spaces();
        let start = self.offset;
        let found = self.word().eq_ignore_ascii_case(expected);
        if !found {
            self.offset = start;
        }
        found
    }

    /// The error for what stands at the offset.
    fn unexpected(&self, expected: &str) -> ScimError {
        let position = self
            .text
            .get(..self.offset)
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        let rest = self.rest().trim_ascii_end();
        let found = if rest.is_empty() {
            "the end".to_owned()
        } else {
            format!("`{}`", excerpt(rest))
        };
        ScimError::invalid_filter(format!(
            "the filter has {found} at character {position}; expected {expected}"
        ))
    }
}

fn one_or(mut terms: Vec<Filter>, several: fn(Vec<Filter>) -> Filter) -> Filter {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            several(terms)
        }
    }
}

fn is_any(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}
