//! Tokens: what they say, how they are signed and read. Flask-JWT-Extended, which OpenPLC Runtime v4 uses, reads and
//! writes the same.

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hs256;
use crate::secrets::hex;

/// A clock that is put back by up to this many seconds, as by a time server, ends no session that has just begun.
const CLOCK_STEP: u64 = 60;

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It was valid once.
    #[error("Token has expired")]
    Expired,
    /// It was ended by a logout, a change of password or the deletion of its account.
    #[error("Token has been revoked")]
    Revoked,
    /// It is none of ours.
    #[error("Invalid token")]
    Invalid,
}

/// What a token of ours says.
#[derive(Serialize)]
struct Issued<'a> {
    fresh: bool,
    iat: u64,
    jti: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    sub: String,
    nbf: u64,
    exp: u64,
}

/// What is read of a token.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    jti: String,
    iat: u64,
    exp: u64,
    #[serde(rename = "type")]
    kind: String,
}

/// A token whose signature and times are right.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The account.
    pub user: i64,
    /// Identity of the token.
    pub jti: String,
    /// When it was issued, in seconds since 1970.
    pub issued: u64,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
}

/// Signs and reads tokens.
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

impl Tokens {
    /// Tokens that are signed with `key` and, from their issue, valid for `lifetime`.
    pub fn new(key: &str, lifetime: Duration) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.algorithms = vec![Algorithm::HS256];
        validation.leeway = 0; // Issued and checked by the same clock.
        validation.validate_exp = true;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        Self {
            signing: EncodingKey::from_secret(key.as_bytes()),
            verifying: DecodingKey::from_secret(key.as_bytes()),
            validation,
            lifetime,
        }
    }

    /// A token for the account `user`. `now` and `issued` are in seconds since 1970; `issued` is `now`, or later when
    /// everything up to a moment of this very second has been revoked.
    pub fn issue(&self, user: i64, now: u64, issued: u64) -> Result<String, TokenError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| TokenError::Invalid)?;
        let issued = Issued {
            fresh: false,
            iat: issued,
            jti: &hex(&random),
            kind: "access",
            sub: user.to_string(),
            nbf: now.saturating_sub(CLOCK_STEP),
            exp: now + self.lifetime.as_secs(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &issued, &self.signing)
            .map_err(|_| TokenError::Invalid)
    }

    /// Checks signature, algorithm, kind and times.
    pub fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                _ => TokenError::Invalid,
            })?
            .claims;
        let user = claims.sub.parse().map_err(|_| TokenError::Invalid)?;
        if claims.kind != "access" {
            return Err(TokenError::Invalid);
        }
        Ok(Verified {
            user,
            jti: claims.jti,
            issued: claims.iat,
            expires: claims.exp,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);
    const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn now() -> u64 {
        jsonwebtoken::get_current_timestamp()
    }

    /// A token as Flask-JWT-Extended writes it, with these changes.
    fn foreign(key: &str, changes: &[(&str, Value)]) -> String {
        hs256::install();
        let mut claims = json!({
            "fresh": false, "iat": now(), "jti": "8f4f2b0e-4a0c-4c43-9b4e-6c5d2f1a7b11", "type": "access",
            "sub": "7", "nbf": now(), "csrf": "0d6b1b52-6f5b-4b8e-9d0e-2a6f1f5f7c33", "exp": now() + 900,
        });
        for (name, value) in changes {
            claims[*name] = value.clone();
        }
        jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            &claims,
            &EncodingKey::from_secret(key.as_bytes()),
        )
        .unwrap()
    }

    #[test]
    fn tokens_of_openplc_runtime_v4_are_accepted() {
        let verified = Tokens::new(KEY, LIFETIME).verify(&foreign(KEY, &[])).unwrap();
        assert_eq!((verified.user, verified.jti.len()), (7, 36));
    }

    #[test]
    fn an_own_token_reads_back() {
        let tokens = Tokens::new(KEY, LIFETIME);
        let verified = tokens.verify(&tokens.issue(3, now(), now()).unwrap()).unwrap();
        assert_eq!(
            (verified.user, verified.expires - verified.issued),
            (3, LIFETIME.as_secs())
        );
    }

    #[test]
    fn an_ended_token_is_expired_to_the_second() {
        let tokens = Tokens::new(KEY, LIFETIME);
        assert_eq!(
            tokens
                .verify(&foreign(KEY, &[("exp", json!(now() - 1))]))
                .unwrap_err(),
            TokenError::Expired
        );
    }

    #[test]
    fn tokens_that_are_not_ours_are_invalid() {
        let tokens = Tokens::new(KEY, LIFETIME);
        let own = foreign(KEY, &[]);
        let (head, signature) = own.rsplit_once('.').unwrap();
        let payload = head.split_once('.').unwrap().1;
        // Base64 of {"alg":"none","typ":"JWT"}, {"alg":"HS512","typ":"JWT"} and {"alg":"RS256","typ":"JWT"}.
        let headers = [
            "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0",
            "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9",
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9",
        ];
        let mut bad: Vec<String> = headers
            .iter()
            .flat_map(|header| {
                [
                    format!("{header}.{payload}."),
                    format!("{header}.{payload}.{signature}"),
                ]
            })
            .collect();
        bad.extend([
            String::new(),
            "..".into(),
            "a.b.c".into(),
            head.into(),
            format!("{own}x"),
            format!("{head}."),
        ]);
        bad.push(foreign(&KEY.replace('0', "1"), &[]));
        bad.push(foreign(KEY, &[("type", json!("refresh"))]));
        bad.push(foreign(KEY, &[("sub", json!("admin"))]));
        bad.push(foreign(KEY, &[("sub", Value::Null)]));
        bad.push(foreign(KEY, &[("exp", Value::Null)]));
        bad.push(foreign(KEY, &[("nbf", json!(now() + 100))]));
        for token in bad {
            assert_eq!(tokens.verify(&token).unwrap_err(), TokenError::Invalid, "{token}");
        }
    }

    #[test]
    fn a_clock_that_is_put_back_a_little_ends_no_session() {
        let tokens = Tokens::new(KEY, Duration::from_secs(600));
        let issued_at = |time: u64| tokens.issue(7, time, time).unwrap();
        assert!(tokens.verify(&issued_at(now() + CLOCK_STEP - 10)).is_ok());
        assert_eq!(
            tokens.verify(&issued_at(now() + 3600)).unwrap_err(),
            TokenError::Invalid
        );
    }
}
