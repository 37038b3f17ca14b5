//! An HTTPS client that does exactly what it is told, one connection for each request.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub type Tls = StreamOwned<ClientConnection, TcpStream>;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    pub token: Option<String>,
}

impl Client {
    /// Trusts the certificate in this file and no other.
    pub fn new(address: SocketAddr, certificate: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(certificate).unwrap())
            .unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            address,
            config: Arc::new(config),
            token: None,
        }
    }

    pub fn connect(&self) -> Tls {
        let tcp = TcpStream::connect(self.address).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let name = self.address.ip().into();
        StreamOwned::new(
            ClientConnection::new(Arc::clone(&self.config), name).unwrap(),
            tcp,
        )
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body)
    }

    pub fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.request(
            method,
            path,
            &["Content-Type: application/json"],
            body.to_string().as_bytes(),
        )
    }

    pub fn credentials(&self, path: &str, username: &str, password: &str) -> Answer {
        self.post(path, &json!({ "username": username, "password": password }))
    }

    pub fn log_in(&mut self, username: &str, password: &str) {
        let answer = self.credentials("/api/login", username, password);
        assert_eq!(answer.status, 200, "{answer:?}");
        self.token = Some(answer.json()["access_token"].as_str().unwrap().to_owned());
    }

    /// Uploads these bytes as `program.zip`.
    pub fn upload(&self, path: &str, zip: &[u8]) -> Answer {
        self.request("POST", path, &[MULTIPART], &multipart(zip))
    }

    pub fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let length = format!("Content-Length: {}", body.len());
        self.send_head(&mut stream, method, path, &[headers, &[&length]].concat());
        // A server that refuses a body may stop to read it.
        let _ = stream.write_all(body).and_then(|()| stream.flush());
        receive(&mut stream)
    }

    pub fn send_head(&self, stream: &mut Tls, method: &str, path: &str, headers: &[&str]) {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        for header in headers {
            head += &format!("{header}\r\n");
        }
        stream.write_all((head + "\r\n").as_bytes()).unwrap();
        stream.flush().unwrap();
    }
}

pub const MULTIPART: &str = "Content-Type: multipart/form-data; boundary=----WebKitFormBoundaryX";

/// The body that the Editor sends.
pub fn multipart(zip: &[u8]) -> Vec<u8> {
    let mut body = part("name=\"file\"; filename=\"program.zip\"", zip);
    body.extend(b"------WebKitFormBoundaryX--\r\n");
    body
}

pub fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("------WebKitFormBoundaryX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

/// Reads an answer to the end of the connection.
pub fn receive(stream: &mut Tls) -> Answer {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => panic!("{error} after {bytes:?}"),
        _ => {}
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}
