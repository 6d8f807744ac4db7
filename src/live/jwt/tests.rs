//! Tokens as others would have them believed.

use serde_json::json;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair,
};

use super::super::signing::{self, SigningPair, generate};
use super::*;

const NOW: i64 = 1_800_000_000;

fn now() -> Moment {
    Moment::from_micros(NOW * 1_000_000)
}

fn pair(algorithm: signing::Algorithm) -> SigningPair {
    SigningPair::from_pkcs8(algorithm, &generate(algorithm).unwrap()).unwrap()
}

fn published(pairs: &[&SigningPair]) -> PublicKeys {
    let keys: Vec<Value> = pairs.iter().map(|pair| pair.public().clone()).collect();
    PublicKeys::parse(&json!({ "keys": keys }).to_string()).unwrap()
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn a_token_is_believed_under_the_key_that_signed_it_and_under_no_other() {
    for algorithm in signing::Algorithm::ALL {
        let (ours, other) = (pair(algorithm), pair(algorithm));
        let token = ours.sign("JWT", &json!({ "iss": "a" }).to_string()).unwrap();
        let presented = Presented::parse(&token).unwrap();
        assert_eq!((presented.claim("iss"), presented.key()), (Some("a"), Some(ours.id())));
        assert!(presented.is_signed_with(&published(&[&other, &ours])));
        assert!(!presented.is_signed_with(&published(&[&other])));
        let (head, signature) = token.rsplit_once('.').unwrap();
        for forged in [
            format!("{}.{signature}", head.replace('e', "f")),
            format!("{head}."),
            format!("{head}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
            format!("{head}.{}", signature.chars().rev().collect::<String>()),
        ] {
            assert!(Presented::parse(&forged).map_or(true, |it| !it.is_signed_with(&published(&[&ours]))), "{forged}");
        }
    }
}

#[test]
fn headers_that_mean_another_thing_than_a_signature_known_here_are_refused() {
    let claims = encode("{}");
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "nOnE" }),
        json!({ "alg": "" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "rs256" }),
        json!({ "alg": ["RS256"] }),
        json!({ "alg": null }),
        json!({}),
        json!({ "alg": "RS256", "crit": ["exp"] }),
        json!({ "alg": "RS256", "crit": [] }),
        json!({ "alg": "RS256", "b64": false }),
        json!({ "alg": "RSA-OAEP", "enc": "A256GCM" }),
        json!({ "alg": "RS256", "enc": "A256GCM" }),
        json!({ "alg": "RS256", "kid": 7 }),
        json!({ "alg": "RS256", "typ": {} }),
    ] {
        let token = format!("{}.{claims}.{}", encode(&header.to_string()), encode("x"));
        assert!(Presented::parse(&token).is_err(), "{header}");
    }
    let twice = format!("{}.{claims}.{}", encode("{\"alg\":\"none\",\"alg\":\"RS256\"}"), encode("x"));
    assert!(Presented::parse(&twice).is_err());
    let good = encode("{\"alg\":\"RS256\"}");
    for token in [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        &format!("{good}.{claims}"),
        &format!("{good}.{claims}.a="),
        &".".repeat(8_000),
    ] {
        assert!(Presented::parse(token).is_err(), "{token}");
    }
    assert!(Presented::parse(&"a".repeat(limits::TOKEN_CHARACTERS + 1)).is_err());
}

#[test]
fn what_is_too_long_is_refused_whatever_else_is_right() {
    let named = |length: usize| {
        let header = json!({ "alg": "RS256", "kid": "k".repeat(length) }).to_string();
        format!("{}.{}.{}", encode(&header), encode("{}"), encode("x"))
    };
    assert!(Presented::parse(&named(64)).is_ok());
    for token in [named(1 << 16), ".".repeat(1 << 20), "a".repeat(1 << 20)] {
        assert!(Presented::parse(&token).is_err());
    }
}

#[test]
fn a_token_is_good_between_its_times_and_times_are_whole_seconds() {
    let good = |claims: &str| {
        let token = format!("{}.{}.{}", encode("{\"alg\":\"RS256\"}"), encode(claims), encode("x"));
        Presented::parse(&token).is_ok_and(|presented| presented.check_times(now()).is_ok())
    };
    let later = NOW + 60;
    assert!(good(&format!("{{\"exp\":{later}}}")));
    assert!(good(&format!("{{\"exp\":{later},\"nbf\":{later},\"iat\":{later}}}")), "clocks may differ");
    for claims in [
        "{}".to_owned(),
        format!("{{\"exp\":{NOW}}}"),
        format!("{{\"exp\":{later},\"nbf\":{}}}", later + 1),
        format!("{{\"exp\":{later},\"iat\":{}}}", later + 1),
    ] {
        assert!(!good(&claims), "{claims}");
    }
    for wrong in ["\"1900000000\"", "1900000000.5", "1e400", "1e12", "null", "[1900000000]", "-1", "true", "{}"] {
        assert!(!good(&format!("{{\"exp\":{wrong}}}")), "{wrong}");
        for other in ["nbf", "iat"] {
            let claims = format!("{{\"exp\":{later},\"{other}\":{wrong}}}");
            assert!(!good(&claims), "{claims}");
        }
    }
}

#[test]
fn a_token_is_for_one_audience() {
    let is_for = |audience: Value| {
        let claims = json!({ "aud": audience }).to_string();
        let token = format!("{}.{}.{}", encode("{\"alg\":\"RS256\"}"), encode(&claims), encode("x"));
        Presented::parse(&token).unwrap().is_for("https://us")
    };
    assert!(is_for(json!("https://us")) && is_for(json!(["https://us"])));
    for other in [
        json!("https://us/"),
        json!("https://u"),
        json!("https://us.example"),
        json!(["https://them", "https://us"]),
        json!(["https://us", "https://us"]),
        json!([]),
        json!(null),
        json!({ "https://us": 1 }),
        json!(true),
    ] {
        assert!(!is_for(other.clone()), "{other}");
    }
}

#[test]
fn a_key_set_is_public_and_each_key_has_one_algorithm() {
    let rsa = pair(signing::Algorithm::Rs256);
    let changed = |name: &str, value: Value| {
        let mut key = rsa.public().clone();
        key[name] = value;
        PublicKeys::parse(&json!({ "keys": [key] }).to_string())
    };
    assert!(changed("kid", json!("a")).is_ok());
    assert_eq!(changed("d", json!("AQAB")), Err(KeySetError::Private));
    for (name, value) in [("alg", "ES256"), ("alg", "HS256"), ("use", "enc"), ("kty", "oct"), ("n", ""), ("n", "!")] {
        assert_eq!(changed(name, json!(value)), Err(KeySetError::Empty), "{name} {value}");
    }
    for text in ["", "[]", "{}", "{\"keys\":7}", "{\"keys\":[7]}"] {
        assert_eq!(PublicKeys::parse(text), Err(KeySetError::NotASet), "{text}");
    }
    assert_eq!(PublicKeys::parse("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"), Err(KeySetError::Private));
    // Two keys of one kind and a token that names neither: which is meant is not guessed.
    let (token, other) = (rsa.sign("JWT", "{}").unwrap(), pair(signing::Algorithm::Rs256));
    let mut nameless = Presented::parse(&token).unwrap();
    nameless.key = None;
    assert!(nameless.is_signed_with(&published(&[&rsa])));
    assert!(!nameless.is_signed_with(&published(&[&rsa, &other])));
}

/// Signs a text.
type Sign = Box<dyn Fn(&str) -> Vec<u8>>;

/// Somebody who signs in one way: the public key as it is published, and a way to sign.
fn signer(algorithm: Algorithm) -> (Value, Sign) {
    let random = SystemRandom::new();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let rsa = |padding: &'static dyn aws_lc_rs::signature::RsaEncoding| {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
        let key = json!({ "kty": "RSA", "n": encode(n.big_endian_without_leading_zero()), "e": encode(e.big_endian_without_leading_zero()) });
        let sign: Sign = Box::new(move |text: &str| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
            signature
        });
        (key, sign)
    };
    let curve = |signing| {
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let (curve, length) = algorithm.curve();
        let point = pair.public_key().as_ref()[1..].to_vec();
        let key = json!({ "kty": "EC", "crv": curve, "x": encode(&point[..length]), "y": encode(&point[length..]) });
        let random = random.clone();
        let sign: Sign = Box::new(move |text| pair.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec());
        (key, sign)
    };
    match algorithm {
        Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
        Algorithm::Rs384 => rsa(&RSA_PKCS1_SHA384),
        Algorithm::Rs512 => rsa(&RSA_PKCS1_SHA512),
        Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
        Algorithm::Ps384 => rsa(&RSA_PSS_SHA384),
        Algorithm::Ps512 => rsa(&RSA_PSS_SHA512),
        Algorithm::Es256 => curve(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => curve(&ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::Es512 => curve(&ECDSA_P521_SHA512_FIXED_SIGNING),
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) });
            (key, Box::new(move |text| pair.sign(text.as_bytes()).as_ref().to_vec()))
        }
    }
}

#[test]
fn each_way_of_signing_is_believed_of_a_key_that_is_for_it_and_of_no_other() {
    for algorithm in Algorithm::ALL {
        let (key, sign) = signer(algorithm);
        let keys = |name: Option<&str>| {
            let mut key = key.clone();
            key["kid"] = json!("k");
            if let Some(name) = name {
                key["alg"] = json!(name);
            }
            PublicKeys::parse(&json!({ "keys": [key] }).to_string())
        };
        let token = |name: &str| {
            let signed = format!("{}.{}", encode(&json!({ "alg": name, "kid": "k" }).to_string()), encode("{}"));
            let signature = URL_SAFE_NO_PAD.encode(sign(&signed));
            format!("{signed}.{signature}")
        };
        let believes = |keys: &PublicKeys, token: &str| {
            Presented::parse(token).is_ok_and(|presented| presented.is_signed_with(keys))
        };
        let named = keys(Some(algorithm.as_str())).unwrap();
        assert!(believes(&named, &token(algorithm.as_str())), "{algorithm:?}");
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            // The header says another way, or the key is for another.
            assert!(!believes(&named, &token(other.as_str())), "{algorithm:?} as {other:?}");
            let is_kept = keys(Some(other.as_str())).is_ok_and(|keys| believes(&keys, &token(algorithm.as_str())));
            assert!(!is_kept, "{algorithm:?} by a key for {other:?}");
        }
        // A key that does not say what it is for: RSA is for RS256, a curve for its own.
        let unnamed = keys(None).is_ok_and(|keys| believes(&keys, &token(algorithm.as_str())));
        assert_eq!(unnamed, !algorithm.is_rsa() || algorithm == Algorithm::Rs256, "{algorithm:?}");
        let tampered = token(algorithm.as_str()).replacen(&encode("{}"), &encode("{ }"), 1);
        assert!(!believes(&named, &tampered), "{algorithm:?}");
    }
    for refused in ["HS256", "none", "ES256K", "RS1", "Ed448", "eddsa", "RSA-OAEP"] {
        assert_eq!(Algorithm::from_name(refused), None, "{refused}");
    }
    assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
}

#[test]
fn the_hash_of_an_access_token_is_that_of_the_signature() {
    // OpenID Connect Core §3.1.3.6: half of SHA-256, SHA-384 or SHA-512, as the name of the algorithm says.
    for (algorithm, length) in
        [(Algorithm::Rs256, 16), (Algorithm::Es384, 24), (Algorithm::Ps512, 32), (Algorithm::EdDsa, 32)]
    {
        assert_eq!(algorithm.half_hash("token").len(), length, "{algorithm:?}");
    }
    // OpenID Connect Core Appendix A.3: the access token, and its at_hash under RS256.
    let example = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    assert_eq!(URL_SAFE_NO_PAD.encode(Algorithm::Rs256.half_hash(example)), "77QmUPtjPfzWtF2AnpK9RQ");
}
