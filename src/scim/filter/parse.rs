//! Text to [`Filter`], in one pass and bounded in depth.

use super::scan::Scanner;
use super::{Filter, Operator, ValuePath};
use crate::model::limits;
use crate::scim::Switches;
use crate::scim::error::ScimError;
use crate::scim::path::{AttributePath, excerpt, is_name};

impl Filter {
    /// Reads a filter (RFC 7644 §3.4.2.2, figure 1).
    ///
    /// Beyond the grammar it takes what clients send, as far as the profile does: `emails[type eq "work"].value eq "x"` for
    /// `emails[type eq "work" and value eq "x"]`, values without quotes (`userName eq alice`), `not` followed by a space,
    /// and keywords and operators in any letter case.
    ///
    /// # Errors
    /// `invalidFilter` names the place and what was expected there; `tooMany` when it exceeds a limit of
    /// [`limits`] in bytes, nesting or comparisons.
    pub fn parse(text: &str, switches: &Switches) -> Result<Self, ScimError> {
        let mut parser = Parser::new(text, 0, switches)?;
        let filter = parser.disjunction()?;
        parser.scanner.end()?;
        Ok(filter)
    }
}

impl ValuePath {
    /// Reads the path of a PATCH operation: `members`, `name.givenName`, `emails[type eq "work"]`,
    /// `emails[type eq "work"].value` (RFC 7644 §3.5.2, figure 7).
    ///
    /// # Errors
    /// `invalidPath` for the path, `invalidFilter` for the filter in brackets, `tooMany` as for [`Filter::parse`].
    pub fn parse(text: &str, switches: &Switches) -> Result<Self, ScimError> {
        let text = text.trim();
        let Some(bracket) = text.find('[') else {
            return Ok(Self { path: AttributePath::parse(text)?, filter: None, sub_attribute: None });
        };
        let path = AttributePath::parse(text.get(..bracket).unwrap_or_default())?;
        let mut parser = Parser::new(text, bracket, switches)?;
        let filter = parser.bracketed()?;
        let sub_attribute = parser.sub_attribute()?;
        parser.scanner.end()?;
        Ok(Self { path, filter: Some(filter), sub_attribute })
    }
}

/// Recursion goes through [`Parser::nested`] alone, which counts it.
struct Parser<'t> {
    switches: &'t Switches,
    scanner: Scanner<'t>,
    depth: usize,
    terms: usize,
    within_brackets: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, offset: usize, switches: &'t Switches) -> Result<Self, ScimError> {
        if text.len() > limits::FILTER_BYTES {
            return Err(ScimError::too_many(format!(
                "the filter has {} bytes, more than the {} allowed; ask in several requests",
                text.len(),
                limits::FILTER_BYTES
            )));
        }
        Ok(Self { switches, scanner: Scanner::new(text, offset), depth: 0, terms: 0, within_brackets: false })
    }

    /// `a or b or …`
    fn disjunction(&mut self) -> Result<Filter, ScimError> {
        let first = self.conjunction()?;
        let mut terms = vec![first];
        while self.scanner.take_word("or") {
            terms.push(self.conjunction()?);
        }
        Ok(one_or(terms, Filter::Or))
    }

    /// `a and b and …`
    fn conjunction(&mut self) -> Result<Filter, ScimError> {
        let first = self.term()?;
        let mut terms = vec![first];
        while self.scanner.take_word("and") {
            terms.push(self.term()?);
        }
        Ok(one_or(terms, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, ScimError> {
        self.scanner.skip_spaces();
        if self.scanner.take('(') {
            return self.nested(')');
        }
        let start = self.scanner.offset();
        if self.scanner.take_word("not") {
            self.scanner.skip_spaces();
            if !self.scanner.take('(') {
                return Err(self.scanner.unexpected("`(` after `not`"));
            }
            return Ok(Filter::Not(Box::new(self.nested(')')?)));
        }
        let word = self.scanner.word();
        let Some(path) = AttributePath::read(word) else {
            return Err(self.scanner.unexpected_at(start, "an attribute name, `not` or `(`"));
        };
        if self.scanner.peek() != Some('[') {
            return self.expression(path);
        }
        if self.within_brackets {
            return Err(self.scanner.unexpected("a comparison, because brackets cannot stand within brackets"));
        }
        let filter = self.bracketed()?;
        if !self.switches.comparisons_behind_value_filters && self.scanner.peek() == Some('.') {
            return Err(self.scanner.unexpected("`and`, `or` or the end, with the comparison inside the brackets"));
        }
        let Some(sub_attribute) = self.sub_attribute()? else {
            return Ok(Filter::ValuePath { path, filter: Box::new(filter) });
        };
        let comparison = self.expression(AttributePath::of(sub_attribute))?;
        let mut terms = match filter {
            Filter::And(terms) => terms,
            other => vec![other],
        };
        terms.push(comparison);
        Ok(Filter::ValuePath { path, filter: Box::new(Filter::And(terms)) })
    }

    /// `[…]`
    fn bracketed(&mut self) -> Result<Filter, ScimError> {
        self.scanner.take('[');
        self.within_brackets = true;
        let filter = self.nested(']')?;
        self.within_brackets = false;
        Ok(filter)
    }

    /// `.value` after brackets.
    fn sub_attribute(&mut self) -> Result<Option<String>, ScimError> {
        if !self.scanner.take('.') {
            return Ok(None);
        }
        let start = self.scanner.offset();
        let word = self.scanner.word();
        if is_name(word) {
            return Ok(Some(word.to_owned()));
        }
        Err(self.scanner.unexpected_at(start, "a sub-attribute after `.`"))
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
        self.scanner.skip_spaces();
        if !self.scanner.take(closing) {
            return Err(self.scanner.unexpected(&format!("`and`, `or` or `{closing}`")));
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
        if self.scanner.take_word("pr") {
            return Ok(Filter::Present(path));
        }
        self.scanner.skip_spaces();
        let start = self.scanner.offset();
        let word = self.scanner.word();
        let Some(operator) = Operator::ALL.into_iter().find(|operator| operator.as_str().eq_ignore_ascii_case(word))
        else {
            return Err(self.scanner.unexpected_at(
                start,
                &format!(
                    "after `{}` one of the operators eq, ne, co, sw, ew, gt, ge, lt, le, pr",
                    excerpt(&path.to_string())
                ),
            ));
        };
        let literal = self.scanner.literal(self.switches.unquoted_filter_values)?;
        Ok(Filter::Compare { path, operator, literal })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scim::error::ScimType;
    use crate::scim::filter::Literal;

    fn printed(text: &str) -> String {
        Filter::parse(text, &Switches::DEFAULT).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    fn refusal(text: &str) -> (ScimType, String) {
        match Filter::parse(text, &Switches::DEFAULT) {
            Err(ScimError::BadRequest(kind, detail)) => (kind, detail),
            other => panic!("{text}: {other:?}"),
        }
    }

    // Requirement 32
    #[test]
    fn every_example_of_the_rfc_is_read() {
        for text in [
            r#"userName Eq "john""#,
            r#"Username eq "john""#,
            r#"userName eq "bjensen""#,
            r#"name.familyName co "O'Malley""#,
            r#"userName sw "J""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            "title pr",
            r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
            r#"meta.lastModified ge "2011-05-13T04:42:34Z""#,
            r#"meta.lastModified lt "2011-05-13T04:42:34Z""#,
            r#"meta.lastModified le "2011-05-13T04:42:34Z""#,
            r#"title pr and userType eq "Employee""#,
            r#"title pr or userType eq "Intern""#,
            "\n schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"",
            "userType eq \"Employee\" and (emails co \"example.com\" or\n  emails.value co \"example.org\")",
            "userType ne \"Employee\" and not (emails co \"example.com\" or\n  emails.value co \"example.org\")",
            r#"userType eq "Employee" and (emails.type eq "work")"#,
            "userType eq \"Employee\" and emails[type eq \"work\" and\n  value co \"@example.com\"]",
            "emails[type eq \"work\" and value co \"@example.com\"] or\n  ims[type eq \"xmpp\" and value co \"@foo.com\"]",
            "(meta.resourceType eq User) or (meta.resourceType eq Group)",
        ] {
            printed(text);
        }
    }

    // Requirement 32
    #[test]
    fn grouping_binds_before_not_before_and_before_or() {
        for (text, grouped) in [
            ("a pr or b pr and c pr", "a pr or (b pr and c pr)"),
            ("a pr and b pr or c pr", "(a pr and b pr) or c pr"),
            ("not (a pr) and b pr", "(not (a pr)) and b pr"),
            ("not(a pr) or b pr and c pr", "(not (a pr)) or (b pr and c pr)"),
            ("A PR AND NOT(B PR)", "A pr and not (B pr)"),
        ] {
            assert_eq!(
                Filter::parse(text, &Switches::DEFAULT).unwrap(),
                Filter::parse(grouped, &Switches::DEFAULT).unwrap(),
                "{text}"
            );
        }
        assert_ne!(
            Filter::parse("(a pr or b pr) and c pr", &Switches::DEFAULT).unwrap(),
            Filter::parse("a pr or b pr and c pr", &Switches::DEFAULT).unwrap()
        );
    }

    // Requirement 32
    #[test]
    fn literals_are_those_of_json_and_words_in_any_letter_case() {
        for (text, expected) in [
            (r#""O\"Malley \\ \u00e9 \ud83d\ude00""#, Literal::String("O\"Malley \\ é 😀".into())),
            (r#""]) or (""#, Literal::String("]) or (".into())),
            ("-12", Literal::Number((-12).into())),
            ("1.5e1", Literal::Number(serde_json::Number::from_f64(15.0).unwrap())),
            ("TRUE", Literal::Boolean(true)),
            ("False", Literal::Boolean(false)),
            ("Null", Literal::Null),
            ("alice", Literal::String("alice".into())),
            ("alice@example.com", Literal::String("alice@example.com".into())),
            ("007", Literal::String("007".into())),
            ("2011-05-13T04:42:34Z", Literal::String("2011-05-13T04:42:34Z".into())),
        ] {
            let Filter::Compare { literal, .. } = Filter::parse(&format!("a eq {text}"), &Switches::DEFAULT).unwrap()
            else {
                panic!("{text}");
            };
            assert_eq!(literal, expected, "{text}");
        }
    }

    // Requirement 39
    #[test]
    fn a_comparison_after_brackets_is_one_within_them() {
        for (text, meant) in [
            (r#"emails[type eq "work"].value eq "x""#, r#"emails[type eq "work" and value eq "x"]"#),
            (r#"emails[type eq "a" or type eq "b"].value pr"#, r#"emails[(type eq "a" or type eq "b") and value pr]"#),
            (
                r#"emails[type eq "work" and primary eq true].value sw "x" and active eq true"#,
                r#"emails[type eq "work" and primary eq true and value sw "x"] and active eq true"#,
            ),
        ] {
            assert_eq!(
                Filter::parse(text, &Switches::DEFAULT).unwrap(),
                Filter::parse(meant, &Switches::DEFAULT).unwrap(),
                "{text}"
            );
        }
    }

    // Requirement 37
    #[test]
    fn what_is_no_filter_is_refused_with_the_place_and_what_was_expected() {
        for (text, position, expected) in [
            ("", 1, "an attribute name"),
            ("   ", 4, "an attribute name"),
            ("userName", 9, "one of the operators"),
            ("userName regex \"x\"", 10, "one of the operators"),
            ("userName eq", 12, "a value"),
            ("userName eq \"x", 13, "a value"),
            ("userName eq \"\\q\"", 13, "a value"),
            ("userName eq \"\\ud800\"", 13, "a value"),
            ("userName eq \"\\u0000\"", 13, "U+0000"),
            ("userName eq 'x'", 13, "a value"),
            ("userName eq and title pr", 13, "a value"),
            ("é eq 1", 1, "an attribute name"),
            ("title pr title pr", 10, "`and`, `or` or the end"),
            ("title pr and", 13, "an attribute name"),
            ("and title pr", 5, "one of the operators"),
            ("(title pr", 10, "`)`"),
            ("title pr)", 9, "`and`, `or` or the end"),
            ("not title pr", 5, "`(` after `not`"),
            ("()", 2, "an attribute name"),
            ("emails[type eq \"work\"", 22, "`]`"),
            ("emails[]", 8, "an attribute name"),
            ("emails[type eq \"work\"].", 24, "a sub-attribute"),
            ("emails[type eq \"work\"].value", 29, "one of the operators"),
            ("emails[a[b pr]]", 9, "brackets cannot stand within brackets"),
            ("a.b.c pr", 1, "an attribute name"),
            ("\"a\" eq 1", 1, "an attribute name"),
        ] {
            let (kind, detail) = refusal(text);
            assert_eq!(kind, ScimType::InvalidFilter, "{text}");
            assert!(detail.contains(&format!("at character {position};")), "{text}: {detail}");
            assert!(detail.contains(expected), "{text}: {detail}");
        }
    }

    #[test]
    fn an_error_repeats_only_the_beginning_of_what_was_sent() {
        let (_, detail) = refusal(&format!("userName {}", "x".repeat(10_000)));
        assert!(detail.len() < 300, "{detail}");
    }

    // Requirement 43
    #[test]
    fn filters_beyond_the_limits_are_refused() {
        let around =
            |open: &str, count: usize, close: &str| format!("{}title pr{}", open.repeat(count), close.repeat(count));
        for text in [
            around("(", 10_000, ")"),
            around("(", 1_000, ")"),
            around("(", limits::FILTER_DEPTH + 1, ")"),
            around("not (", 3_000, ")"),
            "(".repeat(10_000),
            "title pr or ".repeat(10_000) + "title pr",
            "title pr or ".repeat(limits::FILTER_TERMS) + "title pr",
            format!("title eq \"{}\"", "x".repeat(1 << 20)),
            " ".repeat(1 << 20),
        ] {
            assert_eq!(refusal(&text).0, ScimType::TooMany, "{}", excerpt(&text));
        }
        assert_eq!(refusal(&"not ".repeat(4_000)).0, ScimType::InvalidFilter);
        assert_eq!(refusal(&"a[".repeat(4_000)).0, ScimType::InvalidFilter);
        assert_eq!(refusal(&"[".repeat(10_000)).0, ScimType::InvalidFilter);
        printed(&around("(", limits::FILTER_DEPTH, ")"));
        printed(&("title pr or ".repeat(limits::FILTER_TERMS - 1) + "title pr"));
    }

    // Requirement 43
    #[test]
    fn the_deepest_filter_allowed_needs_little_stack() {
        let text = format!("{}title pr{}", "not (".repeat(limits::FILTER_DEPTH), ")".repeat(limits::FILTER_DEPTH));
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        let read = thread
            .spawn(move || Filter::parse(&text, &Switches::DEFAULT).map(|filter| filter.to_string().len()))
            .unwrap();
        assert!(read.join().unwrap().is_ok());
    }

    #[test]
    fn paths_of_patch_operations_are_read() {
        for text in [
            "members",
            "name.givenName",
            r#"emails[type eq "work"]"#,
            r#"emails[type eq "work" and not (primary eq true)].value"#,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            r#"members[value eq "2819c223"].$ref"#,
        ] {
            assert_eq!(ValuePath::parse(text, &Switches::DEFAULT).unwrap().to_string(), text);
        }
        let path = ValuePath::parse(r#"roles[primary eq "True"].value"#, &Switches::DEFAULT).unwrap();
        assert_eq!(path.path, AttributePath::of("roles"));
        assert_eq!(path.sub_attribute.as_deref(), Some("value"));
    }

    #[test]
    fn what_is_no_path_of_a_patch_operation_is_refused() {
        for (text, kind) in [
            ("", ScimType::InvalidPath),
            ("a b", ScimType::InvalidPath),
            ("[type eq 1]", ScimType::InvalidPath),
            ("emails[", ScimType::InvalidFilter),
            ("emails[type]", ScimType::InvalidFilter),
            ("emails[type pr].", ScimType::InvalidFilter),
            ("emails[type pr].a.b", ScimType::InvalidFilter),
            ("emails[type pr] or a pr", ScimType::InvalidFilter),
            ("emails[type pr][type pr]", ScimType::InvalidFilter),
        ] {
            match ValuePath::parse(text, &Switches::DEFAULT) {
                Err(ScimError::BadRequest(found, _)) => assert_eq!(found, kind, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = (Filter::parse(&text, &Switches::DEFAULT), ValuePath::parse(&text, &Switches::DEFAULT));
        }

        #[test]
        fn no_heap_of_words_makes_the_parser_panic(
            words in proptest::collection::vec(
                proptest::sample::select(vec![
                    "a", "a.b", "urn:x:y:a", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", ".", "\"x\"", "\"", "\\", "1", "null", " ", "é",
                ]),
                0..40,
            )
        ) {
            let text = words.concat();
            let spaced = words.join(" ");
            for text in [&text, &spaced] {
                if let Ok(filter) = Filter::parse(text, &Switches::DEFAULT) {
                    prop_assert_eq!(Filter::parse(&filter.to_string(), &Switches::DEFAULT), Ok(filter));
                }
                let _ = ValuePath::parse(text, &Switches::DEFAULT);
            }
        }
    }
}
