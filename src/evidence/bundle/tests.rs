//! Bundles, signed and tampered with.

use serde_json::json;

use super::super::certificate::{Arrival, Denial, Killed, Search, Told};
use super::super::key::SEED_BYTES;
use super::*;

pub(in crate::evidence) fn key(number: u8) -> SigningKey {
    SigningKey::from_seed("muster.example/acme", &[number; SEED_BYTES]).unwrap()
}

pub(in crate::evidence) fn certificate(acknowledged: Option<&str>, allowed: &[&str]) -> Statement {
    let at = || "2026-11-22T09:00:00.000000Z".to_owned();
    Statement::LeaverCertificate(Certificate {
        organization: "o".to_owned(),
        slug: "acme".to_owned(),
        user: "u".to_owned(),
        issued_at: at(),
        arrival: Arrival {
            at: at(),
            action: "user.deactivated".to_owned(),
            event: "e".to_owned(),
            request: "r".to_owned(),
            digest: String::new(),
            actor: "connection okta".to_owned(),
            revision: 7,
        },
        denials: vec![Denial { server: "s".to_owned(), at: at(), how: "applied".to_owned() }],
        answers_valid_until: None,
        killed: vec![Killed { kind: "assignment".to_owned(), id: "a".to_owned(), at: at() }],
        told: vec![Told {
            receiver: "jenkins".to_owned(),
            signal: "j".to_owned(),
            event_type: "session-revoked".to_owned(),
            first_attempt: Some(at()),
            acknowledged: acknowledged.map(str::to_owned),
        }],
        downstream: Vec::new(),
        search: Search { revision: 7, asked: 40, allowed: allowed.iter().map(|text| (*text).to_owned()).collect() },
    })
}

#[test]
fn what_was_signed_verifies_with_its_key() {
    let text = sign(certificate(Some("then"), &[]), &key(1)).unwrap();
    let verified = verify(&text, Some(key(1).verifier())).unwrap();
    assert_eq!((verified.pinned, verified.unconfirmed.len()), (true, 0));
    assert_eq!(verified.statement, certificate(Some("then"), &[]));
    assert!(!verify(&format!("{text}\n"), None).unwrap().pinned, "without a key nobody knows whose it is");
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let text = sign(certificate(Some("then"), &[]), &key(1)).unwrap();
    for position in 0..text.len() {
        for bit in 0..8 {
            let mut flipped = text.clone().into_bytes();
            flipped[position] ^= 1 << bit;
            // What is no text is no bundle.
            let Ok(flipped) = String::from_utf8(flipped) else { continue };
            assert!(verify(&flipped, None).is_err(), "byte {position}, bit {bit}: {flipped}");
        }
    }
}

#[test]
fn another_key_another_writing_and_additions_are_refused() {
    let text = sign(certificate(Some("then"), &[]), &key(1)).unwrap();
    assert!(matches!(verify(&text, Some(key(2).verifier())), Err(Refusal::OtherKey { .. })));
    for changed in [format!(" {text}"), format!("{text} "), format!("{text}\n\n"), text.replacen(':', ": ", 1)] {
        assert_eq!(verify(&changed, None), Err(Refusal::NotCanonical), "{changed}");
    }
    let twice = text.replacen("\"format\":1", "\"format\":2,\"format\":1", 1);
    assert_eq!(verify(&twice, None), Err(Refusal::NotCanonical));
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["statement"]["content"]["remark"] = json!("trust me");
    assert!(matches!(verify(&canonical(&value).unwrap(), None), Err(Refusal::Form(_))), "unknown members are refused");
    for text in ["", "{}", "null", "[1]"] {
        assert!(matches!(verify(text, None), Err(Refusal::Form(_))), "{text}");
    }
}

#[test]
fn signing_anew_after_a_change_needs_the_pinned_key() {
    let forged = sign(certificate(Some("then"), &[]), &key(2)).unwrap();
    assert!(verify(&forged, None).is_ok_and(|verified| !verified.pinned));
    assert!(verify(&forged, Some(key(1).verifier())).is_err());
}

#[test]
fn a_search_made_before_the_leaver_was_gone_proves_nothing() {
    let Statement::LeaverCertificate(mut certificate) = certificate(Some("then"), &[]);
    certificate.search.revision = 6;
    let text = sign(Statement::LeaverCertificate(certificate), &key(1)).unwrap();
    assert!(matches!(verify(&text, None), Err(Refusal::Content(_))));
}

#[test]
fn who_has_not_answered_is_named_and_a_contradiction_refused() {
    let text = sign(certificate(None, &[]), &key(1)).unwrap();
    let verified = verify(&text, None).unwrap();
    assert_eq!(verified.unconfirmed, ["receiver `jenkins` has not acknowledged `session-revoked`"]);
    let text = sign(certificate(Some("then"), &["deploy:run at /billing"]), &key(1)).unwrap();
    assert!(matches!(verify(&text, None), Err(Refusal::Content(_))));
}
