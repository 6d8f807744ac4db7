//! Filters as text, with no more parentheses than needed.

use std::fmt;

use super::{Filter, Literal, Operator, ValuePath};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(terms) => joined(f, terms, " and ", |term| matches!(term, Self::And(_) | Self::Or(_))),
            Self::Or(terms) => joined(f, terms, " or ", |term| matches!(term, Self::Or(_))),
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::Compare { path, operator, literal } => write!(f, "{path} {operator} {literal}"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::ValuePath { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, terms: &[Filter], separator: &str, grouped: fn(&Filter) -> bool) -> fmt::Result {
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        if grouped(term) {
            write!(f, "({term})")?;
        } else {
            write!(f, "{term}")?;
        }
    }
    Ok(())
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        if let Some(sub_attribute) = &self.sub_attribute {
            write!(f, ".{sub_attribute}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(truth) => write!(f, "{truth}"),
            Self::Null => f.write_str("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scim::Switches;
    use crate::scim::path::AttributePath;

    fn path() -> impl Strategy<Value = AttributePath> {
        let name = || {
            "[a-zA-Z$][a-zA-Z0-9_$-]{0,8}"
                .prop_filter("a word of the language", |name| !name.eq_ignore_ascii_case("not"))
        };
        let schema = prop_oneof![
            Just(None),
            Just(Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".to_owned()))
        ];
        (schema, name(), proptest::option::of(name())).prop_map(|(schema, attribute, sub_attribute)| AttributePath {
            schema,
            attribute,
            sub_attribute,
        })
    }

    fn literal() -> impl Strategy<Value = Literal> {
        prop_oneof![
            "[^\0]*".prop_map(Literal::String),
            any::<i64>().prop_map(|number| Literal::Number(number.into())),
            proptest::num::f64::NORMAL
                .prop_map(|number| Literal::Number(serde_json::Number::from_f64(number).unwrap())),
            any::<bool>().prop_map(Literal::Boolean),
            Just(Literal::Null),
        ]
    }

    fn term() -> impl Strategy<Value = Filter> {
        let operator = proptest::sample::select(Operator::ALL.to_vec());
        prop_oneof![
            path().prop_map(Filter::Present),
            (path(), operator, literal()).prop_map(|(path, operator, literal)| Filter::Compare {
                path,
                operator,
                literal
            }),
        ]
    }

    fn logic(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
                inner.prop_map(|filter| Filter::Not(Box::new(filter))),
            ]
        })
    }

    fn filter() -> impl Strategy<Value = Filter> {
        let value_path =
            (path(), logic(term())).prop_map(|(path, filter)| Filter::ValuePath { path, filter: Box::new(filter) });
        logic(prop_oneof![term(), value_path])
    }

    proptest! {
        #[test]
        fn a_printed_filter_reads_back_as_itself(filter in filter()) {
            prop_assert_eq!(Filter::parse(&filter.to_string(), &Switches::DEFAULT), Ok(filter));
        }
    }

    #[test]
    fn parentheses_are_printed_only_where_they_matter() {
        for (text, printed) in [
            ("((a pr) AND (b PR))", "a pr and b pr"),
            ("a pr and (b pr or c pr)", "a pr and (b pr or c pr)"),
            ("(a pr and b pr) or c pr", "a pr and b pr or c pr"),
            ("NOT((a eq 1))", "not (a eq 1)"),
            (r#"emails[type EQ "work"].value eq "x""#, r#"emails[type eq "work" and value eq "x"]"#),
        ] {
            assert_eq!(Filter::parse(text, &Switches::DEFAULT).unwrap().to_string(), printed);
        }
    }
}
