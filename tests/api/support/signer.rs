//! Somebody who signs tokens, rightly and wrongly.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key for RS256.
pub struct Signer {
    pair: RsaKeyPair,
    id: String,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    pub fn new(id: &str) -> Self {
        Self { pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), id: id.to_owned() }
    }

    /// A JSON Web Key Set with this key.
    pub fn keys(&self) -> Value {
        let public = self.pair.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        json!({ "keys": [{ "kty": "RSA", "kid": self.id, "use": "sig", "alg": "RS256",
            "n": encode(n.big_endian_without_leading_zero()), "e": encode(e.big_endian_without_leading_zero()) }] })
    }

    /// The usual header.
    pub fn header(&self) -> Value {
        json!({ "alg": "RS256", "typ": "JWT", "kid": self.id })
    }

    /// A token.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    /// A token with this header; the signature is always this key's RS256.
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", encode(signature))
    }

    /// A token whose secret is something everybody knows.
    pub fn sign_with_what_is_public(&self, claims: &Value) -> Vec<String> {
        let der = self.pair.public_key().as_der().unwrap();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            base64::engine::general_purpose::STANDARD.encode(der.as_ref())
        );
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": self.id });
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let secrets =
            [pem.as_bytes(), der.as_ref(), self.keys()["keys"][0].to_string().as_bytes(), b""].map(<[u8]>::to_vec);
        let tag = |secret: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        secrets.iter().map(|secret| format!("{signed}.{}", encode(tag(secret)))).collect()
    }

    /// What is not signed by this key, or not as it should be, of a header and claims that would be good.
    pub fn forgeries(&self, claims: &Value, sensor: &str) -> Vec<String> {
        let other = Self::new(&self.id);
        let good = self.sign(claims);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let body = encode(claims.to_string());
        let mut forged = self.sign_with_what_is_public(claims);
        for algorithm in ["none", "nOnE", "None", "", "RS512", "ES256", "PS256", "EdDSA", "rs256", "HS512"] {
            let header = json!({ "alg": algorithm, "typ": "JWT", "kid": self.id });
            forged.push(self.sign_as(&header, claims));
            forged.push(format!("{}.{body}.", encode(header.to_string())));
        }
        let with = |name: &str, value: Value| {
            let mut header = self.header();
            header[name] = value;
            header
        };
        let long = "k".repeat(5_000);
        for kid in ["", "../../../dev/null", "' OR 1=1 --", "other", "0", "\u{0}", long.as_str()] {
            forged.push(other.sign_as(&with("kid", json!(kid)), claims));
            forged.push(self.sign_as(&with("kid", json!(kid)), claims));
        }
        for header in [
            with("jku", json!(sensor)),
            with("x5u", json!(sensor)),
            with("jwk", other.keys()["keys"][0].clone()),
            with("x5c", json!(["MIIB"])),
        ] {
            // Whatever the header says of keys, another's signature is none.
            forged.push(other.sign_as(&header, claims));
        }
        for header in [
            with("crit", json!(["exp"])),
            with("crit", json!([])),
            with("b64", json!(false)),
            with("enc", json!("A256GCM")),
            with("typ", json!("secevent+jwt")),
            with("typ", json!("logout+jwt")),
            with("kid", json!(7)),
        ] {
            forged.push(self.sign_as(&header, claims));
        }
        forged.push(other.sign(claims));
        for (at, _) in signature.char_indices().step_by(40) {
            let mut tampered = signature.to_owned();
            let another = if tampered.as_bytes()[at] == b'A' { "B" } else { "A" };
            tampered.replace_range(at..=at, another);
            forged.push(format!("{signed}.{tampered}"));
        }
        let (header, _) = signed.split_once('.').unwrap();
        let mut more = claims.clone();
        more["admin"] = json!(true);
        forged.push(format!("{header}.{}.{signature}", encode(more.to_string())));
        forged.push(format!("{signed}."));
        forged.push(signed.to_owned());
        forged.push(format!("{good}."));
        forged.push(format!("{good}.{signature}"));
        forged.push(format!("{good}="));
        forged.push(format!("{good}A"));
        forged.push(good.strip_suffix(|_: char| true).unwrap().to_owned());
        forged.push(format!("{header}..{signature}"));
        forged.push(format!("{signed}.{}", encode([0; 256])));
        forged.push(format!("{signed}.{}", encode([0; 64])));
        forged.push(format!("{}.{body}.{signature}", encode("{\"alg\":\"none\",\"alg\":\"RS256\"}")));
        forged.push(format!("{}.{body}.{signature}", encode("[]")));
        forged.push(format!("{good}{}", "A".repeat(8_000)));
        forged.push(".".repeat(8_000));
        // One token wrapped in another.
        forged.push(other.sign(&json!({ "token": good })));
        forged
    }
}

/// Claims that are good but for one thing: each of these is to be refused however well it is signed.
pub fn spoilt(claims: &Value, now: i64) -> Vec<Value> {
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let audience = claims["aud"].as_str().unwrap().to_owned();
    let issuer = claims["iss"].as_str().unwrap().to_owned();
    let mut spoilt =
        vec![without("exp"), without("aud"), without("iss"), with("exp", json!(now - 1)), with("exp", json!(0))];
    for time in ["exp", "nbf", "iat"] {
        for wrong in
            [json!("9999999999"), json!(9_999_999_999.5), json!(null), json!([now]), json!(-1), json!(true), json!({})]
        {
            spoilt.push(with(time, wrong));
        }
    }
    spoilt.extend([with("nbf", json!(now + 3_600)), with("iat", json!(now + 3_600))]);
    for wrong in [
        json!(""),
        json!(format!("{audience}/")),
        json!(audience.strip_prefix(|_: char| true).unwrap()),
        json!(format!("{audience}.example")),
        json!(["https://other.example", audience]),
        json!([audience, "https://other.example"]),
        json!([]),
        json!(7),
        json!(null),
    ] {
        spoilt.push(with("aud", wrong));
    }
    for wrong in [json!(""), json!(format!("{issuer}/x")), json!([issuer]), json!(null), json!(issuer.to_uppercase())] {
        spoilt.push(with("iss", wrong));
    }
    spoilt
}
