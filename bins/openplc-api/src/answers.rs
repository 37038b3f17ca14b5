//! The form of every answer.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

/// Version of OpenPLC Runtime that this one is compatible with. The Editor uploads to 4.1.0 and later; from 4.3.0 on it
/// would send files that are not understood here.
pub const COMPATIBLE_VERSION: &str = "v4.2.3";

/// The Editor 4.1 connects to exactly this value only.
const GENERATION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-openplc-runtime-version"),
    HeaderValue::from_static("v4"),
);

const JSON: &str = "application/json";

/// What a route answers: a JSON document, as a rule.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    header: Option<(HeaderName, &'static str)>,
}

/// A JSON document.
pub fn json(status: StatusCode, document: &impl Serialize) -> Answer {
    match serde_json::to_vec(document) {
        Ok(body) => Answer {
            status,
            content_type: JSON,
            body: body.into(),
            header: None,
        },
        Err(error) => {
            tracing::error!("An answer cannot be encoded: {error}");
            let body = Bytes::from_static(br#"{"error":"The answer could not be encoded"}"#);
            Answer {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                content_type: JSON,
                body,
                header: None,
            }
        }
    }
}

/// 200 with a JSON document.
pub fn ok(document: &impl Serialize) -> Answer {
    json(StatusCode::OK, document)
}

/// 200 with a text of this type.
pub fn text(content_type: &'static str, text: String) -> Answer {
    Answer {
        status: StatusCode::OK,
        content_type,
        body: text.into(),
        header: None,
    }
}

/// `{"msg": …}`: how the account endpoints speak.
pub fn message(status: StatusCode, text: &str) -> Answer {
    json(status, &json!({ "msg": text }))
}

/// `{"error": …}`: how everything else speaks.
pub fn error(status: StatusCode, text: &str) -> Answer {
    json(status, &json!({ "error": text }))
}

/// 401, which makes the Editor log in again.
pub fn unauthenticated(text: &str) -> Answer {
    Answer {
        header: Some((WWW_AUTHENTICATE, "Bearer")),
        ..message(StatusCode::UNAUTHORIZED, text)
    }
}

/// 405, with the methods that there are, separated by commas.
pub fn method_not_allowed(allowed: &'static str) -> Answer {
    let text = format!("Only {allowed} is possible here");
    Answer {
        header: Some((ALLOW, allowed)),
        ..error(StatusCode::METHOD_NOT_ALLOWED, &text)
    }
}

impl Answer {
    /// Says that name and password are accepted beside a token.
    pub fn asking_for_password(self) -> Self {
        let schemes = "Bearer, Basic realm=\"OpenPLC Runtime\", charset=\"UTF-8\"";
        Self {
            header: Some((WWW_AUTHENTICATE, schemes)),
            ..self
        }
    }
}

impl From<Answer> for Response<Full<Bytes>> {
    fn from(answer: Answer) -> Self {
        let mut response = Response::new(Full::new(answer.body));
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        headers.insert(GENERATION.0, GENERATION.1);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some((name, value)) = answer.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
