//! Passwords do not come back: a database URL in the wrong place of a command line is repeated without its password.

/// Replaces what stands between `://` and `@` of a URL, and the secret of a token.
pub(super) fn without_passwords(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).map(word).collect()
}

fn word(word: &str) -> String {
    if let Some((before, rest)) = word.split_once("://")
        && let Some((_, after)) = rest.rsplit_once('@')
    {
        return format!("{before}://…@{after}");
    }
    if let Some((before, rest)) = word.split_once("muster_")
        && rest.contains('_')
    {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        return format!("{before}muster_…{after}");
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_urls_and_tokens_are_left_out() {
        for (given, shown) in [
            ("unexpected argument 'postgres://u:p@h/d' found\n", "unexpected argument 'postgres://…@h/d' found\n"),
            ("postgres://u:p@ss@h/d", "postgres://…@h/d"),
            ("'muster_scim_AbC-d_E' is no id", "'muster_…' is no id"),
            ("see https://example.com/a", "see https://example.com/a"),
            ("a muster.toml, muster_feed", "a muster.toml, muster_feed"),
        ] {
            assert_eq!(without_passwords(given), shown);
        }
    }
}
