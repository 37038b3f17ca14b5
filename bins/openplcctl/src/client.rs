//! HTTPS to one runtime, over one connection that is kept and made anew when it has ended.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, crypto};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::answer::Answer;
use crate::certificate::Fingerprints;
use crate::failure::Failure;
use crate::host::Host;
use crate::memory::Memory;
use crate::progress::Content;

/// Longest time to connect, and to shake hands.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Longest time for an answer; a slow machine needs most for a password.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Longest time for what is large, and its answer.
const UPLOAD_TIME: Duration = Duration::from_secs(300);

const HINT: &str =
    "Is the runtime running there, and is the port (8443 unless chosen otherwise) right and open?";

/// A runtime to talk to.
#[derive(Debug)]
pub struct Client {
    host: Host,
    memory: Memory,
    accept_certificate: bool,
    token: Option<String>,
    connection: Option<SendRequest<Content>>,
}

impl Client {
    /// Talks to `host` in the session that is remembered for it.
    ///
    /// # Errors
    /// When what is remembered cannot be read.
    pub fn new(host: Host, memory: Memory, accept_certificate: bool) -> Result<Self, Failure> {
        let token = memory.session(&host)?.map(|session| session.token);
        Ok(Self {
            host,
            memory,
            accept_certificate,
            token,
            connection: None,
        })
    }

    /// The runtime.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What is remembered.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Requests a document.
    ///
    /// # Errors
    /// When no answer comes, or the session has ended.
    pub async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.request(
            Method::GET,
            path,
            "application/json",
            Content::from(Bytes::new()),
            ANSWER_TIME,
        )
        .await
    }

    /// Sends a document.
    ///
    /// # Errors
    /// When no answer comes, or the session has ended.
    pub async fn post(&mut self, path: &str, document: &Value) -> Result<Answer, Failure> {
        let content = Content::from(Bytes::from(document.to_string()));
        self.request(Method::POST, path, "application/json", content, ANSWER_TIME)
            .await
    }

    /// Requests a document of any size.
    ///
    /// # Errors
    /// When no answer comes, or the session has ended.
    pub async fn get_large(&mut self, path: &str) -> Result<Answer, Failure> {
        let nothing = Content::from(Bytes::new());
        self.request(Method::GET, path, "application/json", nothing, UPLOAD_TIME)
            .await
    }

    /// Sends a document that replaces something.
    ///
    /// # Errors
    /// When no answer comes, or the session has ended.
    pub async fn put(&mut self, path: &str, document: &Value) -> Result<Answer, Failure> {
        let content = Content::from(Bytes::from(document.to_string()));
        self.request(Method::PUT, path, "application/json", content, ANSWER_TIME)
            .await
    }

    /// Removes something.
    ///
    /// # Errors
    /// When no answer comes, or the session has ended.
    pub async fn delete(&mut self, path: &str) -> Result<Answer, Failure> {
        let nothing = Content::from(Bytes::new());
        self.request(Method::DELETE, path, "application/json", nothing, ANSWER_TIME)
            .await
    }

    /// Sends a form with a file.
    ///
    /// # Errors
    /// When no answer comes, or the session has ended.
    pub async fn upload(&mut self, path: &str, form: &str, content: Content) -> Result<Answer, Failure> {
        self.request(Method::POST, path, form, content, UPLOAD_TIME).await
    }

    /// Goes on without a session.
    pub fn leave_session(&mut self) {
        self.token = None;
    }

    async fn request(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        content: Content,
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.host.to_string())
            .header(CONTENT_TYPE, content_type);
        if let Some(token) = &self.token {
            let value = HeaderValue::try_from(format!("Bearer {token}")).context("The session is damaged")?;
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(content).context("The request cannot be made")?;
        let mut connection = match self
            .connection
            .take()
            .filter(|connection| !connection.is_closed())
        {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let exchange = async {
            let response = connection.send_request(request).await?;
            let status = response.status();
            Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes()))
        };
        let (status, body) = match timeout(patience, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.unreachable(format!("the connection ended ({error})"), HINT)),
            Err(_) => {
                let reason = format!("no answer within {} s", patience.as_secs());
                return Err(self.unreachable(reason, "The runtime is overloaded or stuck: look at its log."));
            }
        };
        self.connection = Some(connection);
        Ok(Answer::new(self.host.clone(), status, body))
    }

    async fn connect(&self) -> Result<SendRequest<Content>, Failure> {
        let address = (self.host.name(), self.host.port());
        let stream = match timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.unreachable(error.to_string(), HINT)),
            Err(_) => return Err(self.unreachable("no connection within 10 s".into(), HINT)),
        };
        // Small requests must not wait for each other.
        stream.set_nodelay(true).context("Cannot set up the connection")?;
        let stream = self.encrypt(stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(error.to_string(), HINT))?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn encrypt(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        let remembered = self.memory.certificate(&self.host)?;
        let expected = remembered.clone().filter(|_| !self.accept_certificate);
        let provider = Arc::new(crypto::ring::default_provider());
        let fingerprints = Arc::new(Fingerprints::new(Arc::clone(&provider), expected));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&fingerprints) as _)
            .with_no_client_auth();
        // The name is for servers with several certificates; a name that TLS cannot express does not matter.
        let name =
            ServerName::try_from(self.host.name().to_owned()).or_else(|_| ServerName::try_from("openplc"));
        let name = name.context("TLS cannot be set up")?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let result = timeout(CONNECT_TIME, handshake).await;
        let shown = fingerprints.shown();
        match (result, shown) {
            (Ok(Ok(stream)), Some(shown)) => {
                if remembered.as_ref() != Some(&shown) {
                    self.memory.remember_certificate(&self.host, Some(&shown))?;
                    eprintln!("Remembered the certificate of {}: {shown}", self.host);
                }
                Ok(stream)
            }
            (Ok(Err(_)), Some(shown)) if remembered.as_ref().is_some_and(|known| *known != shown) => {
                let remembered = remembered.unwrap_or_default();
                Err(Failure::CertificateChanged {
                    host: self.host.clone(),
                    remembered,
                    shown,
                })
            }
            (Ok(Err(error)), _) => Err(self.unreachable(
                format!("no TLS connection ({error})"),
                "Another program seems to listen there: is the port right?",
            )),
            (Ok(Ok(_)), None) => Err(self.unreachable("it showed no certificate".into(), HINT)),
            (Err(_), _) => Err(self.unreachable(
                "no TLS connection within 10 s".into(),
                "Another program seems to listen there: is the port right?",
            )),
        }
    }

    fn unreachable(&self, reason: String, hint: &'static str) -> Failure {
        Failure::Unreachable {
            host: self.host.clone(),
            reason,
            hint,
        }
    }
}
