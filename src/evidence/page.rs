//! A leaver certificate as a page to be read and printed.

use askama::Template;

use super::bundle::{Statement, Verified};
use super::certificate::Certificate;

#[derive(Template)]
#[template(path = "leaver_certificate.html")]
struct Page<'a> {
    content: &'a Certificate,
    unconfirmed: &'a [String],
    name: Option<&'a str>,
    key: String,
    document: &'a str,
}

/// The page of a certificate that was verified; `document` is its text, `name` what its subject is called, which is not part
/// of what is signed.
///
/// # Errors
/// [`askama::Error`].
pub fn page(document: &str, verified: &Verified, name: Option<&str>) -> Result<String, askama::Error> {
    let Statement::LeaverCertificate(content) = &verified.statement;
    let page = Page { content, unconfirmed: &verified.unconfirmed, name, key: verified.key.to_string(), document };
    page.render()
}

#[cfg(test)]
mod tests {
    use super::super::bundle::tests::{certificate, key};
    use super::super::bundle::{sign, verify};
    use super::*;

    fn shown(acknowledged: Option<&str>, name: Option<&str>) -> String {
        let text = sign(certificate(acknowledged, &[]), &key(1)).unwrap();
        page(&text, &verify(&text, None).unwrap(), name).unwrap()
    }

    #[test]
    fn a_page_names_whoever_has_not_acknowledged() {
        assert!(shown(Some("then"), None).contains("Nothing is left"));
        let open = shown(None, None);
        assert!(!open.contains("Nothing is left"));
        assert!(open.contains("receiver `jenkins` has not acknowledged") && open.contains("not confirmed"), "{open}");
    }

    #[test]
    fn a_name_is_text_on_a_page_and_nothing_else() {
        let page = shown(Some("then"), Some("<script>alert(1)</script>"));
        assert!(!page.contains("<script>") && page.contains("alert(1)"), "{page}");
    }

    #[test]
    fn a_page_shows_the_document_it_speaks_of() {
        let page = shown(Some("then"), None);
        assert!(page.contains(&key(1).verifier().to_string()), "{page}");
        assert!(page.contains("leaver-certificate") && page.contains("2026-11-22T09:00:00"), "{page}");
    }
}
